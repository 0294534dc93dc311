"""The seam between the client and Kafka: kafka-python's producer and consumer, or anything that behaves like the part named here.

`kimberley.testing` puts an in-memory broker in this place, so that the same publisher and subscriber run on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from kimberley.errors import KimberleyError
from kimberley.settings import Settings
from kimberley.wire.security import client_options, kafka_problem


class Sending(Protocol):
    """A record on its way."""

    def get(self, timeout: float | None = None) -> Any:
        """Where it lies: an object with `topic`, `partition`, `offset`. Raises KafkaError where it could not be delivered in time."""


class Producer(Protocol):
    """Sends records in order, each once, acknowledged by all replicas in sync."""

    def send(self, topic: str, *, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Sending:
        """Queue a record, on the partition of its key."""

    def flush(self, timeout: float | None = None) -> Any:
        """Wait until nothing is queued."""

    def close(self, timeout: float | None = None) -> Any:
        """Give up what is still queued after so many seconds, and close."""


class Consumer(Protocol):
    """Reads committed records; offsets are committed only by `commit`. Instants are milliseconds."""

    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    def assign(self, partitions: Sequence[TopicPartition]) -> Any: ...
    def subscribe(self, topics: Sequence[str]) -> Any: ...
    def assignment(self) -> set[TopicPartition]: ...
    def poll(self, timeout_ms: int, max_records: int | None = None) -> Mapping[TopicPartition, list[Any]]: ...
    def pause(self, *partitions: TopicPartition) -> Any: ...
    def resume(self, *partitions: TopicPartition) -> Any: ...
    def position(self, partition: TopicPartition) -> int: ...
    def seek(self, partition: TopicPartition, offset: int) -> Any: ...
    def seek_to_beginning(self, *partitions: TopicPartition) -> Any: ...
    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def end_offsets(self, partitions: Sequence[TopicPartition], timeout_ms: int | None = None) -> Mapping[TopicPartition, int]: ...
    def offsets_for_times(self, timestamps: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Any]: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def committed(self, partition: TopicPartition) -> int | None: ...
    def commit(self, offsets: Mapping[TopicPartition, Any]) -> Any: ...
    def close(self) -> Any: ...


class Transport(Protocol):
    """Makes producers and consumers, and tells their errors in our words."""

    settings: Settings

    def producer(self, name: str) -> Producer:
        """A producer; `name` is what it calls itself. Raises KafkaError where no broker answers."""

    def consumer(self, name: str, group: str | None = None, **options: Any) -> Consumer:
        """A consumer of committed records. Raises KafkaError where no broker answers."""

    def problem(self, problem: KafkaError) -> KimberleyError:
        """What an error means to whoever uses the client."""


class KafkaTransport:
    """The Kafka of the settings."""

    _BOOTSTRAP_MS = 15_000
    _DELIVERY_MS = 60_000

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def producer(self, name: str) -> Producer:
        """An idempotent producer that awaits all replicas in sync, and gives a record up after a minute."""
        producer: Producer = KafkaProducer(
            client_id=f"{self.settings.prefix}-{name}",
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            delivery_timeout_ms=self._DELIVERY_MS,
            request_timeout_ms=self._DELIVERY_MS // 2,
            max_block_ms=self._BOOTSTRAP_MS,
            bootstrap_timeout_ms=self._BOOTSTRAP_MS,
            **client_options(self.settings),
        )
        return producer

    def consumer(self, name: str, group: str | None = None, **options: Any) -> Consumer:
        """A consumer of committed records that commits nothing by itself and creates no topics."""
        consumer: Consumer = KafkaConsumer(
            **{
                "client_id": f"{self.settings.prefix}-{name}",
                "group_id": group,
                "enable_auto_commit": False,
                "auto_offset_reset": "earliest",
                "isolation_level": "read_committed",
                "allow_auto_create_topics": False,
                "bootstrap_timeout_ms": self._BOOTSTRAP_MS,
                "session_timeout_ms": int(self.settings.session_timeout * 1000),
                "heartbeat_interval_ms": int(self.settings.session_timeout * 200),
                **client_options(self.settings),
                **options,
            }
        )
        return consumer

    def problem(self, problem: KafkaError) -> KimberleyError:
        """As `wire.security` has it."""
        return kafka_problem(self.settings, problem)


@contextmanager
def in_our_words(transport: Transport) -> Iterator[None]:
    """A client's error leaves as ours."""
    try:
        yield
    except KafkaError as problem:
        raise transport.problem(problem) from problem
