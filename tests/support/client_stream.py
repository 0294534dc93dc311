"""The streams on which the client's tests run: the twin in memory, and workers on real brokers. One test-suite, or they drift apart."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kafka import KafkaProducer

from kimberley.client import AlertSubscriber, Decision, Publisher, Receipt
from kimberley.client.transport import KafkaTransport, Transport
from kimberley.testing import MemoryPipeline
from support.stream import prepared
from support.worker import WorkerProcess

PATIENCE = 60.0
"""Seconds that a decision or an alert may take on a busy machine."""


class Put(Protocol):
    """Writes a record as it is."""

    def __call__(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> Any: ...


@dataclass
class Stream:
    """A stream with everything that a client's test needs."""

    name: str
    transport: Transport
    put: Put

    def publisher(self) -> Publisher:
        """A publisher to it."""
        return Publisher(transport=self.transport)

    def subscriber(self, **options: Any) -> AlertSubscriber:
        """A subscriber to its alerts."""
        return AlertSubscriber(transport=self.transport, **options)


@contextmanager
def twin() -> Iterator[Stream]:
    """Broker and pipeline in memory."""
    with MemoryPipeline() as pipeline:

        def put(topic: str, partition: int, key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> Any:
            return pipeline.put(topic, value, key=key, partition=partition, headers=headers)

        yield Stream("twin", pipeline.transport, put)


@contextmanager
def real(name: str, bootstrap_servers: str, folder: Path) -> Iterator[Stream]:
    """A worker's process on a broker."""
    settings = prepared(bootstrap_servers)
    # the embedded broker lets nobody into a group before half a session has passed; a real one would put a slow machine's members out
    transport = KafkaTransport(settings.model_copy(update={"session_timeout": 2.0 if name == "embedded" else 10.0}))
    with WorkerProcess(settings, folder, name=f"worker-{name}") as worker:

        def put(topic: str, partition: int, key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> Any:
            producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
            try:
                return producer.send(topic, partition=partition, key=key, value=value, headers=list(headers.items())).get(30)
            finally:
                producer.close()

        yield Stream(name, transport, put)
        assert worker.terminate(10) == 0, worker.text()


def decided(publisher: Publisher, events: list[dict[str, Any]]) -> list[Decision]:
    """Publish events one after the other, each once the one before has its decision, so that every stream sees them in this order."""
    return [publisher.wait_for_decision(publisher.publish(event), PATIENCE) for event in events]


def decided_in_stages(publisher: Publisher, stages: list[list[dict[str, Any]]]) -> list[tuple[Receipt, Decision]]:
    """The same for many certificates at a time: a stage is published once all before it is decided."""
    found = []
    for stage in stages:
        receipts = {receipt.decision_id: receipt for receipt in publisher.publish_many(stage)}
        found += [(receipts[each.decision_id], each) for each in publisher.wait_for_decisions(receipts.values(), PATIENCE)]
    return found


def alerts_until(subscriber: AlertSubscriber, count: int) -> list[Any]:
    """The next alerts, as many as these; fails in words when they do not come."""
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count:
        alert = subscriber.next_alert(max(0.0, deadline - time.monotonic()))
        assert alert is not None, f"{len(found)} of {count} alerts came"
        found.append(alert)
    return found
