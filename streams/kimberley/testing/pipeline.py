"""Broker and stream in one object, in memory: what border systems and alert consumers test against."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from kafka import TopicPartition
from kafka.errors import KafkaError

from kimberley.cases.judge import Policy
from kimberley.client.publisher import Publisher
from kimberley.client.subscriber import AlertSubscriber
from kimberley.errors import KimberleyError
from kimberley.model.decisions import Decision
from kimberley.model.findings import Alert
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import Bundle, shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import Reference
from kimberley.rules.rulebook import Rulebook, shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryBroker, MemoryConsumer, MemoryProducer, MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.control import Control, control_value, latest
from kimberley.wire.outputs import alert_of, decision_of
from kimberley.wire.security import kafka_problem
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS, EVENT_TOPICS, FLAGGED_SHIPMENTS, InternalNames, topic_specs


class MemoryTransport:
    """The seam by which `Publisher(transport=…)` and `AlertSubscriber(transport=…)` reach the broker in memory."""

    def __init__(self, settings: Settings, broker: MemoryBroker) -> None:
        self.settings = settings
        self._broker = broker

    def producer(self, name: str) -> MemoryProducer:
        """A producer."""
        return MemoryProducer(self._broker)

    def consumer(self, name: str, group: str | None = None, **options: Any) -> MemoryConsumer:
        """A consumer; what kafka-python's options tune has no meaning here."""
        return MemoryConsumer(self._broker, group)

    def problem(self, problem: KafkaError) -> KimberleyError:
        """As with Kafka."""
        return kafka_problem(self.settings, problem)


class MemoryPipeline:
    """The stream without Kafka: what is published is judged at once, by the same code, the same rules and reference data.

        with MemoryPipeline() as pipeline:
            with pipeline.publisher() as publisher:
                receipt = publisher.publish(event)
                assert publisher.wait_for_decision(receipt).outcome == "ACCEPTED"
            assert [alert.rule_id for alert in pipeline.open_alerts()] == ["import-mismatch"]

    Encoding, keys, partitions, headers, decisions, alerts, open alerts and dead letters are the stream's own. What differs: records are
    judged one by one as they are sent, nothing survives the object, and events of the future are told by `clock`.

    reference, bundle, rulebook: those that ship unless given. partitions: of each topic. clock: the wall clock in seconds since the
    epoch, for records' timestamps, `raised_at` and `decided_at`.
    """

    def __init__(
        self,
        *,
        reference: Reference | None = None,
        bundle: Bundle | None = None,
        rulebook: Rulebook | None = None,
        partitions: int = 4,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # not of the environment: a test must not depend on it
        self.settings = Settings.model_construct(bootstrap_servers="memory", partitions=partitions)
        self._names = InternalNames(self.settings.prefix)
        self._clock = clock
        self._policy = Policy(reference or shipped_reference(), bundle or shipped_bundle(), rulebook or shipped_rulebook())
        self._codec = make_codec(self.settings)
        topics = {spec.name: spec.partitions for spec in topic_specs(self.settings)}
        self._broker = MemoryBroker(topics, clock, self._read)
        self.transport = MemoryTransport(self.settings, self._broker)
        skew = self.settings.clock_skew_minutes
        self._processors = [
            Processor(number, partitions, {}, self._codec, self._names, skew_minutes=skew, wall_clock=clock) for number in range(partitions)
        ]

    def publisher(self) -> Publisher:
        """A publisher to this pipeline."""
        return Publisher(transport=self.transport, clock=self._clock)

    def subscriber(self, **options: Any) -> AlertSubscriber:
        """A subscriber to this pipeline's alerts, with the options of `AlertSubscriber`."""
        return AlertSubscriber(transport=self.transport, **options)

    def decisions(self) -> list[Decision]:
        """Every decision so far, partition by partition."""
        return [decision_of(self._codec.decode(DECISIONS, record.value)[1]) for record in self.records(DECISIONS)]

    def alerts(self) -> list[Alert]:
        """Every revision of every alert so far, partition by partition."""
        return [alert_of(self._codec.decode(FLAGGED_SHIPMENTS, record.value)[1]) for record in self.records(FLAGGED_SHIPMENTS)]

    def open_alerts(self) -> list[Alert]:
        """The alerts that are open now."""
        with self.subscriber() as subscriber:
            return subscriber.current()

    def advance(self, to: int) -> None:
        """Set the stream's clock, which never goes back: milliseconds since the epoch, UTC. Deadlines that lie before it pass.

        The clock does not run by itself here; `datetime(2024, 4, 1, tzinfo=UTC).timestamp() * 1000` is such an instant.
        """
        for number in range(self._broker.partitions(self._names.control)):
            # stamped with that time: a control record can't be ahead of its own timestamp
            self._broker.append(self._names.control, number, None, control_value(Control(int(to))), [], int(to))

    def dead_letters(self) -> list[MemoryRecord]:
        """Every record that could not be read, with why in its headers."""
        return self.records(DEAD_LETTERS)

    def records(self, topic: str) -> list[MemoryRecord]:
        """What a topic holds, partition by partition."""
        return [record for number in range(self._broker.partitions(topic)) for record in self._broker.log(TopicPartition(topic, number))]

    def put(
        self, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int = 0, headers: dict[str, bytes] | None = None
    ) -> MemoryRecord:
        """Write a record as it is, as a sender does who does not use the publisher."""
        return self._broker.append(topic, partition, key, value, list((headers or {}).items()))

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The broker is out of order: what is sent is not delivered (ServiceUnavailableError), nothing is read."""
        self._broker.is_out = True
        try:
            yield
        finally:
            with self._broker.changed:
                self._broker.is_out = False
                self._broker.changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is left behind."""

    def _read(self, record: MemoryRecord) -> None:
        """What a worker does with a record, as a batch of one."""
        if record.topic == self._names.control:
            processor = self._processors[record.partition]
            batch = processor.begin()
            processor.apply(latest(processor.read_controls([record], batch)), batch)
            processor.reevaluate(self._policy, batch, len(processor.cases))
            processor.finish(batch)
        elif record.topic in (*EVENT_TOPICS, self._names.rerouted, self._names.lineage):
            processor = self._processors[record.partition]
            batch = processor.process([record], self._policy)
        else:
            return
        processor.cases.update(batch.cases)
        for output in batch.outputs:
            self._broker.append(output.topic, output.partition, output.key, output.value, output.headers, output.timestamp)
