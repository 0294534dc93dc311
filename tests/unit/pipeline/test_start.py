"""What a worker finds when it starts: a broker with transactions or without, a changelog of its own format or not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import errors

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.model.case import Case, pack_case
from kimberley.model.partition_state import STATE_KEY, PartitionState
from kimberley.pipeline import case_store, delivery, partition
from kimberley.pipeline.batch_transport import Fetched
from kimberley.pipeline.partition import PartitionTask
from kimberley.pipeline.policies import Policies
from kimberley.pipeline.processor import Processor
from kimberley.pipeline.progress import Progress
from kimberley.pipeline.worker import Worker
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.topics import SHIPMENTS, InternalNames
from support.waiting import until

NAMES = InternalNames("kimberley")


def probe(monkeypatch: pytest.MonkeyPatch, problem: Exception | None) -> bool:
    """Whether a broker has transactions whose answer to the probe is this."""

    class Producer:
        def __init__(self, **options: Any) -> None:
            assert options["transactional_id"] == "kimberley-probe"

        async def start(self) -> None:
            if problem:
                raise problem

        async def stop(self) -> None:
            """Nothing."""

    monkeypatch.setattr(delivery, "AIOKafkaProducer", Producer)
    return asyncio.run(delivery.has_transactions({}, NAMES))


def test_a_broker_has_transactions_when_a_producer_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, None)


@pytest.mark.parametrize("problem", [errors.UnsupportedVersionError(), errors.IncompatibleBrokerVersion(), errors.UnknownError()])
def test_it_has_none_when_it_does_not_know_them(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    assert not probe(monkeypatch, problem)


@pytest.mark.parametrize("problem", [errors.CoordinatorNotAvailableError(), errors.KafkaConnectionError("gone"), TimeoutError()])
def test_a_broker_that_is_not_ready_is_not_taken_for_one_without(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    with pytest.raises(ServiceUnavailableError, match="did not say whether it has transactions"):
        probe(monkeypatch, problem)


def test_nor_is_one_that_does_not_let_us(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"transactional id kimberley-probe.*allow it for kimberley-\*"):
        probe(monkeypatch, errors.TransactionalIdAuthorizationFailed())


def test_a_changelog_of_another_format_is_refused_at_the_start_and_not_case_by_case(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(consumer: Any, places: Any) -> AsyncIterator[MemoryRecord]:
        yield MemoryRecord(NAMES.cases, 3, 7, 0, b"BW000001", pack_case(Case("BW000001")), [])
        yield MemoryRecord(NAMES.cases, 3, 8, 0, b"BW000002", b"\x7f" + pack_case(Case("BW000002"))[1:], [])

    monkeypatch.setattr(case_store, "read_to_end", read)
    with pytest.raises(
        ConfigurationError, match=r"kimberley-cases-3, offset 8: a stored case of format b'\\x7f'.*`kimberley rebuild --yes`"
    ):
        asyncio.run(case_store.recover_cases(None, NAMES.cases, 3, lambda records: None))


def test_cases_of_another_format_that_were_replaced_or_removed_since_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a rebuild leaves them, until the topic is compacted."""
    sound = pack_case(Case("BW000001"))

    async def read(consumer: Any, places: Any) -> AsyncIterator[MemoryRecord]:
        for offset, (key, value) in enumerate(
            [(b"BW000001", b"\x7f"), (b"BW000002", b"\x7f"), (b"BW000001", sound), (b"BW000002", None), (STATE_KEY, None)]
        ):
            yield MemoryRecord(NAMES.cases, 3, offset, 0, key, value, [])

    monkeypatch.setattr(case_store, "read_to_end", read)
    assert asyncio.run(case_store.recover_cases(None, NAMES.cases, 3, lambda records: None)) == ({"BW000001": sound}, PartitionState())


@dataclass
class Lookup:
    """A consumer to which the group has committed so much of each event topic.

    Every topic has `holds` records, and says that it has a hundred; the first answer is empty, as it is where a broker is busy.
    """

    offsets: dict[str, int]
    holds: int = 100

    def __post_init__(self) -> None:
        self._position = self._asked = 0

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    def assign(self, places: Any) -> None:
        """Nothing."""

    async def committed(self, place: Any) -> int | None:
        return self.offsets.get(place.topic)

    def seek(self, place: Any, offset: int) -> None:
        self._position, self._asked = offset, 0

    async def getmany(self, *places: Any, timeout_ms: int) -> dict[Any, Any]:
        self._asked += 1
        if self._asked == 1:
            return {}
        if self._position >= self.holds:  # out of range
            self._position = 0
        return {place: [MemoryRecord(place.topic, 3, self._position, 0, None, b"", [])] for place in places}

    async def position(self, place: Any) -> int:
        return self._position

    async def end_offsets(self, places: Any) -> dict[Any, int]:
        return dict.fromkeys(places, 100)


def failure_of_a_start(monkeypatch: pytest.MonkeyPatch, state: PartitionState, committed: dict[str, int], holds: int = 100) -> str:
    """What partition 3's task fails with where the changelog has this state and the group stands there; empty: it starts.

    `holds`: records in every topic, of which the broker says that it has a hundred.
    """

    async def recover(consumer: Any, topic: str, number: int, on_read: Any) -> tuple[dict[str, bytes], PartitionState]:
        return {}, state

    monkeypatch.setattr(partition, "recover_cases", recover)
    failures: list[BaseException] = []

    class Carrier:
        async def start(self) -> None:
            """Nothing."""

        async def stop(self) -> None:
            """Nothing."""

        async def deliver(self, batch: Any) -> None:
            """Nothing."""

    async def story() -> None:
        codec, policies, progress = make_codec(Settings.model_construct()), Policies(shipped_rulebook()), Progress()
        policies.add(shipped_reference())
        task = PartitionTask(
            3,
            NAMES,
            delivery=Carrier(),
            codec=codec,
            policies=policies,
            progress=progress,
            make_consumer=lambda group: Lookup(committed, holds),  # type: ignore[arg-type, return-value]
            processor=lambda cases, state: Processor(3, 12, cases, codec, NAMES, state, skew_minutes=10),
            batch_records=10,
            adopts_alerts=False,
            recovery=progress.recovering(3),
            on_batch=lambda batch: None,
            on_failure=failures.append,
        )
        await until(lambda: failures or progress.is_recovered(3))
        await task.stop()

    asyncio.run(story())
    assert all(isinstance(each, ConfigurationError) for each in failures), failures
    return " ".join(map(str, failures))


def test_a_partition_whose_cases_are_lost_is_refused_and_not_taken_for_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    said = failure_of_a_start(monkeypatch, PartitionState(), {SHIPMENTS: 7})
    assert "shipments-3: the group kimberley has judged its records up to offset 7" in said
    assert "kimberley-cases hold them up to 0 only" in said
    assert "`kimberley rebuild`" in said
    assert "hold them up to 5 only" in failure_of_a_start(monkeypatch, PartitionState(applied={SHIPMENTS: 5}), {SHIPMENTS: 7})


def test_one_that_is_new_or_whole_or_ahead_of_the_group_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ahead: the group's offsets have expired, or there are no transactions and it died before it committed them."""
    assert failure_of_a_start(monkeypatch, PartitionState(), {}) == ""
    assert failure_of_a_start(monkeypatch, PartitionState(applied={SHIPMENTS: 7}), {SHIPMENTS: 7}) == ""
    assert failure_of_a_start(monkeypatch, PartitionState(applied={SHIPMENTS: 7}), {SHIPMENTS: 5}) == ""
    assert failure_of_a_start(monkeypatch, PartitionState(applied={SHIPMENTS: 7}), {}) == ""


def test_one_whose_rebuild_was_interrupted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    said = failure_of_a_start(monkeypatch, PartitionState(is_whole=False), {})
    assert said == "kimberley-cases-3: a rebuild of its cases was interrupted: run `kimberley rebuild` again"


def test_one_that_holds_more_than_its_topic_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said = failure_of_a_start(monkeypatch, PartitionState(applied={SHIPMENTS: 700}), {SHIPMENTS: 5})
    assert "shipments-3 ends at offset 100, but 700 of its records are in kimberley-cases" in said
    assert "`kimberley rebuild --yes`" in said


def test_one_whose_topic_has_its_records_starts_whatever_a_broker_says_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for the end, the embedded broker names the last batch's first record."""
    state = PartitionState(applied={SHIPMENTS: 103})
    assert failure_of_a_start(monkeypatch, state, {SHIPMENTS: 5}, holds=103) == ""
    assert "was the topic made anew?" in failure_of_a_start(monkeypatch, state, {SHIPMENTS: 5}, holds=102)


def test_fetching_pauses_for_a_partition_number_by_records_and_by_bytes() -> None:
    async def story() -> None:
        worker = Worker(Settings.model_construct())
        place = (SHIPMENTS, 5)

        class Event:
            @staticmethod
            def ack() -> None:
                """Nothing."""

        def chunk(records: int, size: int) -> Fetched:
            return Fetched([MemoryRecord(SHIPMENTS, 5, index, 0, None, b"x" * size, []) for index in range(records)], None)

        class Place(tuple):  # type: ignore[type-arg]
            topic, partition = place

        for full in (chunk(10_000, 10), chunk(17, 1 << 20)):
            assert worker._has_room(5)
            worker._on_fetched(Place(place), full)
            assert not worker._has_room(5)
            assert worker._has_room(6), "another one is not concerned"
            worker._done(Event, Place(place), full)()
        assert worker._has_room(5)

    asyncio.run(story())


def test_what_a_broker_did_to_a_partition_is_told_as_what_it_did_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words and with status 3, for a supervisor to try again: it is no fault of the program."""
    worker = Worker(Settings.model_construct(monitor_port=-1, bootstrap_servers="kafka:9092"))

    async def run() -> None:
        worker._fail(errors.KafkaConnectionError("gone"))

    monkeypatch.setattr(worker, "_run", run)
    with pytest.raises(ServiceUnavailableError, match=r"Kafka at kafka:9092: .*gone"):
        asyncio.run(worker.run())
