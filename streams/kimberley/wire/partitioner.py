"""Which partition a text falls in: murmur2 as Java's and kafka-python's default partitioners have it."""

from functools import lru_cache

from kafka.partitioner.default import murmur2


@lru_cache(maxsize=100_000)
def partition_of(text: str, partitions: int) -> int:
    """The partition number of a key's text."""
    return int((murmur2(text.encode()) & 0x7FFFFFFF) % partitions)
