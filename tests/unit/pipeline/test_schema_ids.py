"""Ids of schemas are settled before records are decoded: each asked for once, waited for while the registry is away."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from kimberley.errors import ConfigurationError
from kimberley.pipeline.partition import PartitionTask
from kimberley.pipeline.progress import Progress
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import Codec
from support.http_registry import Answer, AnsweringRegistry, framed, having


def settle(codec: Codec, *schema_ids: int) -> None:
    """As a partition's task does with a batch; fails after a few seconds."""
    task = object.__new__(PartitionTask)
    task._codec, task.number, task._progress = codec, 3, Progress()
    records = [MemoryRecord("shipments", 3, offset, 0, None, framed(each), []) for offset, each in enumerate(schema_ids)]
    asyncio.run(asyncio.wait_for(task._know_schemas(records), 10))


@pytest.fixture
def taking(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, Answer], Callable[[int], Answer]]:
    """An answer that takes so many seconds each time, without the waiting."""
    now = 0.0
    monkeypatch.setattr("kimberley.wire.registry.time", SimpleNamespace(monotonic=lambda: now))

    def make(seconds: float, answer: Answer) -> Callable[[int], Answer]:
        def respond(schema_id: int) -> Answer:
            nonlocal now
            now += seconds
            return answer

        return respond

    return make


def test_each_of_many_unknown_ids_is_asked_for_once_however_long_that_takes(
    taking: Callable[[float, Answer], Callable[[int], Answer]],
) -> None:
    ids = range(1, 501)
    registry = AnsweringRegistry(taking(1.0, (404, {})))
    settle(registry.codec, *ids, *ids)
    assert registry.asked == dict.fromkeys(ids, 1)


def test_while_the_registry_is_away_its_answers_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimberley.pipeline.schema_ids._LEAST_PAUSE", 0.01)
    away = [(503, {}), (500, "busy")]
    registry = AnsweringRegistry(lambda _: away.pop() if away else having("shipments", "ShipmentArrived"))
    settle(registry.codec, 7, 8)
    assert registry.asked.total() == 4
    assert registry.codec.missing_ids([framed(7), framed(8)]) == set()


def test_a_registry_that_refuses_us_is_not_waited_for() -> None:
    registry = AnsweringRegistry(lambda _: (401, {}))
    with pytest.raises(ConfigurationError, match="KIMBERLEY_REGISTRY_USERNAME"):
        settle(registry.codec, 7)
