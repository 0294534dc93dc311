"""Whole partitions, read from their beginning to what is their end now, for commands that look at all of a stream."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.pipeline.reading import read_to_end
from kimberley.settings import Settings
from kimberley.wire.avro import Codec
from kimberley.wire.security import client_options
from kimberley.wire.topics import InternalNames

_FETCH_BYTES = 8 << 20
_LOOK_MS = 250
_DRAIN_SECONDS = 5.0


OnRead = Callable[[int, int | None], None]
"""Hears now and then how many records were read, and of how many, about; None: not known."""


class Standing(NamedTuple):
    """Where a group stands in a partition (None: nowhere), and where the partition ends."""

    committed: int | None
    end: int


class WholeTopics:
    """Reads committed data, by no group. Raises ServiceUnavailableError."""

    def __init__(self, settings: Settings, codec: Codec, on_read: OnRead) -> None:
        self._settings = settings
        self._codec = codec
        self._names = InternalNames(settings.prefix)
        self._on_read = on_read
        self._read = 0
        self._expected: int | None = None
        self._consumer = self._make_consumer(None)

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except KafkaError as problem:
            await self._consumer.stop()
            raise ServiceUnavailableError(f"Kafka at {self._settings.bootstrap_servers}: {problem!r}") from problem
        return self

    async def __aexit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        await self._consumer.stop()
        if isinstance(problem, KafkaError):
            raise ServiceUnavailableError(f"Kafka at {self._settings.bootstrap_servers}: {problem!r}") from problem

    async def read(self, topics: Iterable[str], numbers: Iterable[int]) -> AsyncIterator[Any]:
        """Every record of these partitions, in order within each. Schemas that are new here are asked for."""
        numbers = list(numbers)
        async for record in self._read_all([TopicPartition(topic, number) for topic in topics for number in numbers], None):
            yield record

    async def read_on(self, starts: Mapping[TopicPartition, int]) -> AsyncIterator[Any]:
        """The same from these offsets on."""
        async for record in self._read_all(list(starts), starts):
            yield record

    async def ends(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """Where every partition of some topics ends."""
        places = [TopicPartition(topic, number) for topic in topics for number in range(self._settings.partitions)]
        self._consumer.assign(places)
        for place, end in (await self._consumer.end_offsets(places)).items():
            self._consumer.seek(place, end)
        # asked for the end, the embedded broker names the last batch's first record: what is served from there on comes before the end
        deadline = time.monotonic() + _DRAIN_SECONDS
        while await self._consumer.getmany(timeout_ms=_LOOK_MS) and time.monotonic() < deadline:
            pass
        return {place: await self._consumer.position(place) for place in places}

    async def _read_all(self, places: list[TopicPartition], starts: Mapping[TopicPartition, int] | None) -> AsyncIterator[Any]:
        async for record in read_to_end(self._consumer, places, starts):
            self._read += 1
            if self._read % 1000 == 0:
                self._on_read(self._read, self._expected)
            if missing := self._codec.missing_ids([record.value]):
                self._codec.ensure(missing)
            yield record

    async def expect(self, topics: Iterable[str]) -> None:
        """Have `on_read` hear of how many records it will be: all of some topics."""
        ends = await self.ends(topics)
        first = await self._consumer.beginning_offsets(list(ends))
        self._expected = sum(end - first[place] for place, end in ends.items())

    async def standings(self) -> dict[tuple[str, int], Standing]:
        """Where the workers' group stands in each of its input partitions."""
        lookup = self._make_consumer(self._names.group)
        try:
            await lookup.start()
            places = [TopicPartition(topic, number) for topic in self._names.inputs for number in range(self._settings.partitions)]
            lookup.assign(places)
            # offsets first: what comes true in between lies behind them
            committed = {place: await lookup.committed(place) for place in places}
            ends = await lookup.end_offsets(places)
            return {(place.topic, place.partition): Standing(committed[place], ends[place]) for place in places}
        finally:
            await lookup.stop()

    async def require_no_workers(self) -> None:
        """Raises ConfigurationError where the group has members."""
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        try:
            await admin.start()
            members = [group[5] for answer in await admin.describe_consumer_groups([self._names.group]) for group in answer.groups]
        finally:
            await admin.close()
        count = sum(map(len, members))
        if count:
            raise ConfigurationError(
                f"{count} {'worker runs' if count == 1 else 'workers run'} in the group {self._names.group}: stop all of them first; one "
                f"that was killed counts until its session ends ({self._settings.session_timeout:.0f} s, KIMBERLEY_SESSION_TIMEOUT)"
            )

    def _make_consumer(self, group: str | None) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
            **client_options(self._settings),
        )
