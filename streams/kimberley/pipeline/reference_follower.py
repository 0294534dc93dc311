"""Follow the reference topics and hand on complete revisions only, in their order."""

import asyncio
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.pipeline.background import Background
from kimberley.pipeline.reading import close, read_to_end
from kimberley.pipeline.schema_ids import know_schemas
from kimberley.reference.reference import Reference
from kimberley.wire.avro import Codec
from kimberley.wire.reference_revisions import RevisionBuilder
from kimberley.wire.topics import REFERENCE_TOPICS

log = structlog.get_logger(__name__)


class ReferenceFollower:
    """Reads the reference topics from their beginning and goes on following them. `on_failure` hears of what ended the following."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        codec: Codec,
        on_revision: Callable[[Reference], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._consumer = consumer
        self._codec = codec
        self._builder = RevisionBuilder(codec, log.error)
        self._on_revision = on_revision
        self._background = Background("reference-follower", self._follow, on_failure)
        self._has_revision = False

    async def start(self) -> None:
        """Read what is there.

        Raises ConfigurationError that says what to run where no complete revision is, ServiceUnavailableError where the registry is away.
        """
        await self._consumer.start()
        places = [TopicPartition(topic, 0) for topic in REFERENCE_TOPICS]
        async for record in read_to_end(self._consumer, places):
            if missing := self._codec.missing_ids([record.value]):
                await asyncio.to_thread(self._codec.ensure, missing)
            self._builder.add(record.topic, record.offset, record.key, record.value)
        await self._look()
        if not self._has_revision:
            raise ConfigurationError(
                f"the topics {', '.join(REFERENCE_TOPICS)} hold no complete reference data: run `kimberley reference load`"
            )
        self._background.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._background.stop()
        await close(self._consumer)

    async def _follow(self) -> None:
        try:
            while True:
                await self._read_on()
        except KafkaError as problem:
            raise ServiceUnavailableError(f"{', '.join(REFERENCE_TOPICS)} can't be read on: {problem!r}") from problem

    async def _read_on(self) -> None:
        for place, records in (await self._consumer.getmany(timeout_ms=500)).items():
            await know_schemas(self._codec, [record.value for record in records], topic=place.topic)
            for record in records:
                self._builder.add(place.topic, record.offset, record.key, record.value)
        await self._look()

    async def _look(self) -> None:
        """Hand on the revisions that are complete now, those of long ago as well: which is older matters."""
        for topic in REFERENCE_TOPICS:
            self._builder.reached(topic, await self._consumer.position(TopicPartition(topic, 0)))
        for reference in self._builder.completed():
            self._has_revision = True
            self._on_revision(reference)
