"""Publishing to a real broker and reading its topics to their end, as the tests' own eyes: plain clients, no code of the pipeline."""

import asyncio
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as Place

from kimberley.reference.files import shipped_reference
from kimberley.settings import Settings, load_settings
from kimberley.wire.admin import apply_topics
from kimberley.wire.avro import Codec
from kimberley.wire.control import Control, control_value
from kimberley.wire.event_records import EventRecord, event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.reference_loader import load_reference
from kimberley.wire.topics import InternalNames


def prepared(bootstrap_servers: str, **chosen: Any) -> Settings:
    """Settings for a broker on which topics and reference data are ready. Four partitions unless chosen otherwise.

    The stream's clock stands still: the events are of the past, and `tell` sets it where a test wants it.
    """
    still = {"partitions": 4, "session_timeout": 6.0, "tick_seconds": 0.0}
    settings = load_settings(**{"bootstrap_servers": bootstrap_servers, **still, **chosen})
    apply_topics(settings)
    load_reference(settings, shipped_reference())
    return settings


def wait_until(condition: Callable[[], Any], seconds: float, what: str, detail: Callable[[], str] = str) -> Any:
    """The condition's first true value. Fails in words after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{detail()}")
        time.sleep(0.1)
    return found


def event_records(codec: Codec, events: Iterable[dict[str, Any]]) -> list[EventRecord]:
    """The records of events in their JSON form, as a border system would send them."""
    return [event_record(codec, *record_from_json(event)) for event in events]


def publish(bootstrap_servers: str, records: Iterable[EventRecord], *, partition: int | None = None) -> list[tuple[str, int, int]]:
    """Send records in order, each acknowledged; where each came to lie: topic, partition, offset."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", linger_ms=5, batch_size=200_000)
    try:
        futures = [
            producer.send(record.topic, key=record.key, value=record.value, headers=record.headers, partition=partition)
            for record in records
        ]
        producer.flush(60)
        return [(sent.topic, sent.partition, sent.offset) for sent in (future.get(60) for future in futures)]
    finally:
        producer.close()


def tell(settings: Settings, time: int, revision: str = "") -> list[tuple[str, int, int]]:
    """Set the stream's clock: a control record to every partition; where each came to lie."""
    topic = InternalNames(settings.prefix).control
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all")
    try:
        value = control_value(Control(time, revision))
        sent = [producer.send(topic, value=value, partition=number).get(30) for number in range(settings.partitions)]
        return [(each.topic, each.partition, each.offset) for each in sent]
    finally:
        producer.close()


def read_topic(bootstrap_servers: str, topic: str, *, committed: bool = True) -> list[Any]:
    """All records of a topic, partition by partition, as far as they reach now."""
    return asyncio.run(_read(bootstrap_servers, topic, "read_committed" if committed else "read_uncommitted"))


def count_records(bootstrap_servers: str, *topics: str) -> int:
    """How many records a reader of committed data sees on some topics now."""
    return sum(len(read_topic(bootstrap_servers, topic)) for topic in topics)


def reach(settings: Settings, topic: str) -> int:
    """How far a topic's partitions reach, all together, whether committed or not; quick, whatever they hold."""
    consumer = KafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    try:
        places = [Place(topic, number) for number in range(settings.partitions)]
        return sum(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def unread(settings: Settings) -> Generator[Any]:
    """The records of the group's inputs that are readable now and that it has not committed, lineage and control among them."""
    names = InternalNames(settings.prefix)
    places = [Place(topic, number) for topic in names.inputs for number in range(settings.partitions)]
    group = KafkaConsumer(bootstrap_servers=settings.bootstrap_servers, group_id=names.group, enable_auto_commit=False)
    try:
        committed = {place: group.committed(place) or 0 for place in places}
    finally:
        group.close()
    # offsets first, then what lies behind them: a batch that comes true in between adds to the latter only
    reader = KafkaConsumer(bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed", enable_auto_commit=False)
    try:
        reader.assign(places)
        ends = reader.end_offsets(places)
        for place, offset in committed.items():
            reader.seek(place, offset)
        # a log may end in a transaction's marker, which is no record
        while any(reader.position(place) < ends[place] for place in places):
            for records in reader.poll(timeout_ms=500).values():
                yield from records
    finally:
        reader.close()


def rests(settings: Settings) -> bool:
    """Whether nothing is under way: the group has committed every record of its inputs that is readable now."""
    with closing(unread(settings)) as records:
        return next(records, None) is None


def decoded(codec: Codec, records: Iterable[Any]) -> list[dict[str, Any]]:
    """The contents of records."""
    return [codec.decode(record.topic, record.value)[1] for record in records]


def standing(records: Iterable[Any]) -> dict[bytes, Any]:
    """The last record of each key of a compacted topic, without deleted ones."""
    last = {record.key: record for record in records}
    return {key: record for key, record in last.items() if record.value is not None}


async def _read(bootstrap_servers: str, topic: str, isolation: str) -> list[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, isolation_level=isolation, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        found: dict[int, list[Any]] = {place.partition: [] for place in places}
        for place in places:
            while await consumer.position(place) < ends[place]:
                found[place.partition] += (await consumer.getmany(place, timeout_ms=200)).get(place, ())
                ends[place] = max(ends[place], consumer.last_stable_offset(place) or 0)  # the embedded broker says too little at first
        return [record for number in sorted(found) for record in found[number]]
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    consumer._client.add_topic(topic)
    deadline = time.monotonic() + 20
    while not (numbers := consumer.partitions_for_topic(topic)) and time.monotonic() < deadline:
        await consumer._client.force_metadata_update()  # a topic is asked for by name only after it was
        await asyncio.sleep(0.05)
    return set(numbers or ())
