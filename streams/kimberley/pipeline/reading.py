"""Reading partitions from their beginning to what is their end now."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from kimberley.errors import ServiceUnavailableError

_STALLED_SECONDS = 60.0
_LOOK_MS = 100
"""So long the end is waited for where a transaction's marker, which is no record, is all that comes before it."""


async def close(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer of ours.

    Where a fetch is about to be tried again, for a broker is away, aiokafka's own cancellation of it comes out of `stop`: to whoever
    waits there it would look like being cancelled itself.
    """
    await asyncio.gather(consumer.stop(), return_exceptions=True)


async def read_to_end(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], starts: Mapping[TopicPartition, int] | None = None
) -> AsyncIterator[Any]:
    """Every record of some partitions, in order within each; from `starts` on where they are given. `consumer` has no group and belongs
    to the caller.

    Raises ServiceUnavailableError when nothing moves for a minute before the end is reached.
    """
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    if starts is None:
        await consumer.seek_to_beginning(*places)
    else:
        for place in places:
            consumer.seek(place, starts[place])
    moved_at = time.monotonic()
    # position, not the last record's offset: a log may end in a transaction's marker, which no consumer is handed
    # the embedded broker may name as end where we go on from, though more has come
    looks = starts is not None
    while behind := [place for place in places if looks or await consumer.position(place) < ends[place]]:
        looks = False
        before = [await consumer.position(place) for place in behind]
        for records in (await consumer.getmany(*behind, timeout_ms=_LOOK_MS, max_records=20_000)).values():
            for record in records:
                yield record
        for place in behind:
            # asked for the end, the embedded broker names the last batch's first record; what it serves tells more
            ends[place] = max(ends[place], consumer.last_stable_offset(place) or 0)
        if [await consumer.position(place) for place in behind] != before:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > _STALLED_SECONDS:
            where = ", ".join(f"{place.topic}-{place.partition}" for place in behind)
            raise ServiceUnavailableError(f"{where} can't be read to the end: is a broker down?")


async def holds(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> bool:
    """Whether a partition has a record at an offset, by what is served from there on: asked for the end, the embedded broker names the
    last batch's first record. `consumer` goes back to the beginning where an offset is out of range.

    Raises ServiceUnavailableError when nothing is served for a minute.
    """
    consumer.seek(place, offset)
    began = time.monotonic()
    while time.monotonic() - began < _STALLED_SECONDS:
        records = (await consumer.getmany(place, timeout_ms=500)).get(place)
        if records:
            return bool(records[0].offset >= offset)
        if await consumer.position(place) < offset:
            return False
    raise ServiceUnavailableError(f"{place.topic}-{place.partition} can't be read from offset {offset} on: is a broker down?")
