"""What a worker finds when it starts: a broker with transactions or without, a changelog of its own format or not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import errors

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.model.case import Case, pack_case
from kimberley.pipeline import case_store, delivery
from kimberley.pipeline.batch_transport import Fetched
from kimberley.pipeline.worker import Worker
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.topics import SHIPMENTS, InternalNames

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
    with pytest.raises(ConfigurationError, match=r"kimberley-cases-3, offset 8: a stored case of format b'\\x7f'.*run the version"):
        asyncio.run(case_store.recover_cases(None, NAMES.cases, 3, lambda records: None))


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
