"""Reading a partition's cases back from their changelog."""

import time

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from kimberley.errors import ServiceUnavailableError

log = structlog.get_logger(__name__)
_STALLED_SECONDS = 60.0


async def recover_cases(consumer: AIOKafkaConsumer, topic: str, number: int) -> dict[str, bytes]:
    """All cases of one partition number, packed, by certificate number. `consumer` reads committed, has no group and belongs to us.

    Raises ServiceUnavailableError when the changelog can't be read on for a minute.
    """
    tp = TopicPartition(topic, number)
    consumer.assign([tp])
    end = (await consumer.end_offsets([tp]))[tp]
    await consumer.seek_to_beginning(tp)
    cases: dict[str, bytes] = {}
    started = moved_at = time.monotonic()
    records = 0
    # position, not the last record's offset: the log ends in a transaction's marker, which no consumer is handed
    while (position := await consumer.position(tp)) < end:
        fetched = await consumer.getmany(tp, timeout_ms=500, max_records=20_000)
        for record in fetched.get(tp, ()):
            records += 1
            key = record.key.decode()
            if record.value is None:
                cases.pop(key, None)
            else:
                cases[key] = record.value
        if fetched or await consumer.position(tp) > position:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > _STALLED_SECONDS:
            raise ServiceUnavailableError(f"{topic}-{number} can't be read beyond offset {position} of {end}: is a broker down?")
    log.info("cases_recovered", partition=number, cases=len(cases), records=records, seconds=round(time.monotonic() - started, 3))
    return cases
