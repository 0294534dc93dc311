"""Those who follow topics beside the stream: they outlast a registry that is away, and what ends them ends the worker."""

import asyncio
import threading
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.pipeline.end_follower import EndFollower
from kimberley.pipeline.progress import Progress
from kimberley.pipeline.reference_follower import ReferenceFollower
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import Reference
from kimberley.settings import load_settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.reference_records import MANIFEST, manifest_fields, reference_fields
from kimberley.wire.topics import PARTICIPANTS, REFERENCE_TOPICS
from support.http_registry import FILES, Answer, AnsweringRegistry, framed, having
from support.waiting import until

CODEC = make_codec(load_settings())
REFERENCE = shipped_reference()
EMPTY = Reference([], [], [])
# as a registry numbers them, and as the files do
REGISTERED, SHIPPED = 77, FILES.newest(PARTICIPANTS, "ParticipantListed").schema_id


class Topics:
    """The reference topics, and a consumer that is handed what is put there."""

    def __init__(self) -> None:
        self.logs: dict[str, list[MemoryRecord]] = {topic: [] for topic in REFERENCE_TOPICS}
        self.problem: Exception | None = None
        self._read = dict.fromkeys(REFERENCE_TOPICS, 0)
        self.asked = 0

    def load(self, reference: Reference, schema_id: int = SHIPPED) -> None:
        """A revision, and its manifest; its participants are of the schema with this id."""
        for record in [*reference.participants.by_code.values(), *reference.measures.by_id.values(), *reference.notices.values()]:
            topic, key, name, fields = reference_fields(record, 1)
            value = CODEC.encode(topic, name, fields)
            self._put(topic, key, framed(schema_id, value[5:]) if topic == PARTICIPANTS else value)
        ends = {topic: len(log) for topic, log in self.logs.items()}
        self._put(PARTICIPANTS, "_manifest", CODEC.encode(PARTICIPANTS, MANIFEST, manifest_fields(reference, ends, 1)))

    def _put(self, topic: str, key: str, value: bytes) -> None:
        self.logs[topic].append(MemoryRecord(topic, 0, len(self.logs[topic]), 0, key.encode(), value, []))

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, places: Any) -> None: ...

    async def seek_to_beginning(self, *places: Any) -> None: ...

    async def position(self, place: TopicPartition) -> int:
        return self._read[place.topic]

    async def end_offsets(self, places: Any) -> dict[TopicPartition, int]:
        return {place: len(self.logs.get(place.topic, ())) for place in places}

    def last_stable_offset(self, place: TopicPartition) -> int:
        return len(self.logs[place.topic])

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[MemoryRecord]]:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.problem:
            raise self.problem
        found = {TopicPartition(topic, 0): log[self._read[topic] :] for topic, log in self.logs.items()}
        self._read = {topic: len(log) for topic, log in self.logs.items()}
        return found


class Following:
    """A follower of the topics, and what it told."""

    def __init__(self, topics: Topics, codec: Codec) -> None:
        self.revisions: list[str] = []
        self.failures: list[BaseException] = []
        self.follower = ReferenceFollower(topics, codec, lambda found: self.revisions.append(found.revision), self.failures.append)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimberley.pipeline.schema_ids._LEAST_PAUSE", 0.01)


def test_a_reference_record_waits_for_a_registry_that_is_away_and_the_event_loop_does_not() -> None:
    async def follow() -> None:
        asked_by = set()

        def answer(_: int) -> Answer:
            asked_by.add(threading.current_thread())
            return 503, {}

        registry, topics = AnsweringRegistry(answer), Topics()
        topics.load(EMPTY)
        following = Following(topics, registry.codec)
        await following.follower.start()
        topics.load(REFERENCE, schema_id=REGISTERED)
        await until(lambda: registry.asked[REGISTERED] >= 2)
        assert threading.current_thread() not in asked_by
        registry.answer = lambda _: having(PARTICIPANTS, "ParticipantListed")
        await until(lambda: len(following.revisions) == 2)
        assert following.revisions == [EMPTY.revision, REFERENCE.revision]
        assert not following.failures
        await following.follower.stop()

    asyncio.run(follow())


def test_a_registry_that_is_away_at_the_start_is_said() -> None:
    async def start() -> None:
        topics = Topics()
        topics.load(REFERENCE, schema_id=REGISTERED)
        following = Following(topics, AnsweringRegistry(lambda _: (503, {})).codec)
        with pytest.raises(ServiceUnavailableError):
            await following.follower.start()

    asyncio.run(start())


@pytest.mark.parametrize(
    ("problem", "told"),
    [(TopicAuthorizationFailedError(), ServiceUnavailableError), (LookupError("a fault of ours"), LookupError)],
    ids=["kafka", "ours"],
)
def test_what_ends_the_reference_follower_is_told(problem: Exception, told: type[Exception]) -> None:
    async def follow() -> None:
        topics = Topics()
        topics.load(REFERENCE)
        following = Following(topics, CODEC)
        await following.follower.start()
        topics.problem = problem
        await until(lambda: following.failures)
        assert [type(failure) for failure in following.failures] == [told]
        await following.follower.stop()

    asyncio.run(follow())


def test_a_registry_that_refuses_us_is_told() -> None:
    async def follow() -> None:
        topics = Topics()
        topics.load(EMPTY)
        following = Following(topics, AnsweringRegistry(lambda _: (401, {})).codec)
        await following.follower.start()
        topics.load(REFERENCE, schema_id=REGISTERED)
        await until(lambda: following.failures)
        assert isinstance(following.failures[0], ConfigurationError)
        await following.follower.stop()

    asyncio.run(follow())


def test_a_stop_is_no_failure() -> None:
    async def follow() -> None:
        topics, failures = Topics(), list[BaseException]()
        topics.load(REFERENCE)
        following = Following(topics, CODEC)
        ends = EndFollower(topics, Progress(), failures.append)
        for follower in (following.follower, ends):
            await follower.start()
        await until(lambda: topics.asked > 3)
        for follower in (following.follower, ends):
            await follower.stop()
        assert not failures
        assert not following.failures

    asyncio.run(follow())


def test_what_ends_the_end_follower_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def follow() -> None:
        failures: list[BaseException] = []
        progress = Progress()
        monkeypatch.setattr(progress, "look", lambda: 1 / 0)
        ends = EndFollower(Topics(), progress, failures.append)
        await ends.start()
        await until(lambda: failures)
        assert isinstance(failures[0], ZeroDivisionError)
        await ends.stop()

    asyncio.run(follow())


def test_a_stop_while_the_broker_is_away_goes_on_to_its_end() -> None:
    """aiokafka's consumer lets its own cancellation of a waiting fetch out, which must not look like ours."""

    class Away(Topics):
        async def stop(self) -> None:
            raise asyncio.CancelledError

    def failed(problem: BaseException) -> None:
        raise AssertionError(problem)

    async def stop_all() -> str:
        consumer: Any = Away()
        await ReferenceFollower(consumer, CODEC, lambda _: None, failed).stop()
        await EndFollower(consumer, Progress(), failed).stop()
        return "stopped"

    assert asyncio.run(stop_all()) == "stopped"
