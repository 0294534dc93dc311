"""Follow the reference topics and hand on complete revisions only."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from kimberley.errors import ConfigurationError, UnreadableRecordError
from kimberley.pipeline.reading import read_to_end
from kimberley.reference.reference import Reference, ReferenceRecord
from kimberley.wire.avro import Codec
from kimberley.wire.reference_records import MANIFEST, reference_record
from kimberley.wire.topics import REFERENCE_TOPICS

log = structlog.get_logger(__name__)


class RevisionBuilder:
    """Builds revisions of what is read; a revision is complete once its manifest and all that it names have been read.

    Records are kept with their offsets, so that a manifest's revision is what stood at its offsets, even if more came since.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._records: dict[str, dict[str, list[tuple[int, ReferenceRecord | None]]]] = {topic: {} for topic in REFERENCE_TOPICS}
        self._positions: dict[str, int] = dict.fromkeys(REFERENCE_TOPICS, 0)
        self._waiting: list[dict[str, Any]] = []

    def add(self, topic: str, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record of a reference topic. One that can't be read is logged and passed over: its revision never completes."""
        self._positions[topic] = offset + 1
        name = (key or b"").decode(errors="replace")
        if value is None:
            self._records[topic].setdefault(name, []).append((offset, None))
            return
        try:
            type_name, fields = self._codec.decode(topic, value)
            if type_name == MANIFEST:
                self._waiting.append(fields)
            else:
                self._records[topic].setdefault(name, []).append((offset, reference_record(type_name, fields)))
        except (UnreadableRecordError, ConfigurationError) as problem:
            log.error("reference_record_unreadable", topic=topic, offset=offset, key=name, problem=str(problem))

    def reached(self, topic: str, position: int) -> None:
        """Everything before `position` has been read, if only transaction markers."""
        self._positions[topic] = max(self._positions[topic], position)

    def newest(self) -> Reference | None:
        """The newest revision that has become complete since the last call, or None."""
        found: Reference | None = None
        while self._waiting and self._is_read(self._waiting[0]):
            manifest = self._waiting.pop(0)
            reference = self._at(manifest)
            if reference.revision == manifest["revision"]:
                found = reference
            else:
                log.error(
                    "reference_incomplete", revision=manifest["revision"], found=reference.revision, remedy="kimberley reference load"
                )
        return found

    def _is_read(self, manifest: Mapping[str, Any]) -> bool:
        return all(self._positions[each["topic"]] >= each["end_offset"] for each in manifest["topics"])

    def _at(self, manifest: Mapping[str, Any]) -> Reference:
        ends = {each["topic"]: each["end_offset"] for each in manifest["topics"]}
        standing: dict[str, list[Any]] = {}
        for topic, by_key in self._records.items():
            last = [next((record for offset, record in reversed(versions) if offset < ends[topic]), None) for versions in by_key.values()]
            standing[topic] = [record for record in last if record is not None]
        return Reference(*(standing[topic] for topic in REFERENCE_TOPICS))


class ReferenceFollower:
    """Reads the reference topics from their beginning and goes on following them."""

    def __init__(self, consumer: AIOKafkaConsumer, codec: Codec, on_revision: Callable[[Reference], None]) -> None:
        self._consumer = consumer
        self._builder = RevisionBuilder(codec)
        self._on_revision = on_revision
        self._task: asyncio.Task[None] | None = None
        self._has_revision = False

    async def start(self) -> None:
        """Read what is there. Raises ConfigurationError that says what to run where no complete revision is."""
        await self._consumer.start()
        places = [TopicPartition(topic, 0) for topic in REFERENCE_TOPICS]
        async for record in read_to_end(self._consumer, places):
            self._builder.add(record.topic, record.offset, record.key, record.value)
        await self._look()
        if not self._has_revision:
            raise ConfigurationError(
                f"the topics {', '.join(REFERENCE_TOPICS)} hold no complete reference data: run `kimberley reference load`"
            )
        self._task = asyncio.create_task(self._follow(), name="reference-follower")

    async def stop(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def _follow(self) -> None:
        while True:
            await self._read_on()

    async def _read_on(self) -> None:
        for place, records in (await self._consumer.getmany(timeout_ms=500)).items():
            for record in records:
                self._builder.add(place.topic, record.offset, record.key, record.value)
        await self._look()

    async def _look(self) -> None:
        """Hand on a revision that is complete now."""
        for topic in REFERENCE_TOPICS:
            self._builder.reached(topic, await self._consumer.position(TopicPartition(topic, 0)))
        if reference := self._builder.newest():
            self._has_revision = True
            self._on_revision(reference)
