"""Reading partitions from their beginning to what is their end now, with kafka-python: for commands and clients, not for the stream."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.settings import Settings
from kimberley.wire.header_names import read_any_names
from kimberley.wire.security import client_options, kafka_problem

_STALLED_SECONDS = 30.0
_DRAIN_SECONDS = 5.0
_BEYOND_END_SECONDS = 1.0


@contextmanager
def log_consumer(settings: Settings, **options: Any) -> Iterator[KafkaConsumer]:
    """A consumer without a group that reads committed data. Raises in our words where no broker answers, or one refuses us."""
    consumer = None
    try:
        consumer = KafkaConsumer(
            **{
                "enable_auto_commit": False,
                "auto_offset_reset": "earliest",
                "isolation_level": "read_committed",
                "bootstrap_timeout_ms": 15_000,
                **client_options(settings),
                **options,
            }
        )
        read_any_names(consumer)
        yield consumer
    except KafkaError as problem:
        raise kafka_problem(settings, problem) from None
    finally:
        if consumer is not None:
            consumer.close()


def places_of(consumer: Any, topic: str) -> list[TopicPartition]:
    """Every partition of a topic, as many as the brokers say. Raises ConfigurationError where the topic is not there."""
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise ConfigurationError(f"{topic} is missing, or hidden from this user: run `kimberley topics apply`")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def read_to_end(
    consumer: Any,
    places: Sequence[TopicPartition],
    ends: dict[TopicPartition, int] | None = None,
    starts: Mapping[TopicPartition, int] | None = None,
) -> Iterator[Any]:
    """Every record of some partitions, in order within each, from the beginning or from given offsets. `ends` is filled with the offset
    after each one's last record.

    Raises ServiceUnavailableError when nothing moves for half a minute before the end is reached.
    """
    ends = {} if ends is None else ends
    consumer.assign(places)
    ends.update(consumer.end_offsets(places))
    consumer.seek_to_beginning(*places)
    for place, offset in (starts or {}).items():
        consumer.seek(place, offset)
    moved_at = time.monotonic()
    told: set[TopicPartition] = set()
    # position, not the last record's offset: a log may end in a transaction's marker, which no consumer is handed
    while behind := [place for place in places if consumer.position(place) < ends[place]]:
        before = _positions(consumer, behind)
        for records in consumer.poll(timeout_ms=500, max_records=5_000).values():
            yield from records
        for place in behind:
            # asked for the end, the embedded broker names the last batch's first record; what it serves tells more. Once only:
            # a log that grows while it is read has an end all the same
            if place not in told and (highwater := consumer.highwater(place)):
                ends[place] = max(ends[place], highwater)
                told.add(place)
        if _positions(consumer, behind) != before:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > _STALLED_SECONDS:
            where = ", ".join(f"{place.topic}-{place.partition}" for place in behind)
            raise ServiceUnavailableError(f"{where} can't be read to the end within {_STALLED_SECONDS:.0f} s: is a broker down?")


def record_at(consumer: Any, place: TopicPartition, offset: int) -> Any | None:
    """The record of an offset; None where none is there (any more). Leaves `consumer` assigned to the partition.

    Raises ServiceUnavailableError where one must be there and does not come within half a minute.
    """
    if consumer.assignment() != {place}:
        consumer.assign([place])
    # asked for the end, the embedded broker names the last batch's first record: beyond it a look is due, but a short one
    is_before_end = offset < consumer.end_offsets([place])[place]
    deadline = time.monotonic() + (_STALLED_SECONDS if is_before_end else _BEYOND_END_SECONDS)
    if consumer.position(place) != offset:
        consumer.seek(place, offset)
    while time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500, max_records=1).values():
            return records[0] if records[0].offset == offset else None
        if consumer.position(place) > offset:
            return None
    if is_before_end:
        raise ServiceUnavailableError(
            f"{place.topic}-{place.partition}@{offset} can't be read within {_STALLED_SECONDS:.0f} s: is a broker down?"
        )
    return None


def ends_now(consumer: Any, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset after each partition's last committed record. `consumer` reads committed data, has no group, and is left anywhere."""
    consumer.assign(places)
    for place, end in consumer.end_offsets(places).items():
        consumer.seek(place, end)
    # asked for the end, the embedded broker names the last batch's first record: what is served from there on comes before the end
    deadline = time.monotonic() + _DRAIN_SECONDS
    while consumer.poll(timeout_ms=250, max_records=5_000) and time.monotonic() < deadline:
        pass
    return {place: consumer.position(place) for place in places}


def offsets_since(consumer: Any, ends: Mapping[TopicPartition, int], instant: int) -> dict[TopicPartition, int]:
    """The offset of each partition's first record from an instant on (milliseconds since the epoch), or its end. As for `ends_now`."""
    found = {
        place: ends[place] if at is None else at.offset for place, at in consumer.offsets_for_times(dict.fromkeys(ends, instant)).items()
    }
    sought = {place for place in ends if found.setdefault(place, ends[place]) < ends[place]}
    if sought:
        consumer.assign(sorted(sought))
    for place in sought:
        consumer.seek(place, found[place])
    # the embedded broker names the first record of all, so it is looked at too; elsewhere the first one read is the one
    moved_at = time.monotonic()
    while sought and time.monotonic() - moved_at < _DRAIN_SECONDS:
        for place, records in consumer.poll(timeout_ms=250, max_records=5_000).items():
            moved_at = time.monotonic()
            if place not in sought:
                continue
            first = next((record.offset for record in records if record.timestamp >= instant), None)
            found[place] = records[-1].offset + 1 if first is None else first
            if first is not None or found[place] >= ends[place]:
                sought.discard(place)
                consumer.pause(place)
    return found


def _positions(consumer: Any, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    return {place: consumer.position(place) for place in places}
