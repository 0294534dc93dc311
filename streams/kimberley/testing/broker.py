"""A broker in memory, as far as the client asks one: topics, partitions, offsets, consumer groups, and being out of order."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.errors import CommitFailedError, IllegalStateError, KafkaTimeoutError

from kimberley.wire.envelope import Headers
from kimberley.wire.partitioner import partition_of


@dataclass(slots=True)
class MemoryRecord:
    """A record as a consumer is handed it. `timestamp`: milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class MemoryBroker:
    """Holds every record. `on_append` is called with each one, before its sender knows that it is there."""

    def __init__(self, topics: Mapping[str, int], clock: Callable[[], float], on_append: Callable[[MemoryRecord], None]) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.is_out = False
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self.groups: dict[str, list[MemoryConsumer]] = {}
        self._clock = clock
        self._on_append = on_append
        self._logs = {topic: [list[MemoryRecord]() for _ in range(count)] for topic, count in topics.items()}

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers, timestamp: int | None = None
    ) -> MemoryRecord:
        """Write a record and have it read."""
        with self.changed:
            log = self._logs[topic][partition]
            record = MemoryRecord(
                topic, partition, len(log), int(self._clock() * 1000) if timestamp is None else timestamp, key, value, headers
            )
            log.append(record)
            self._on_append(record)
            self.changed.notify_all()
            return record

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0: there is no such topic."""
        return len(self._logs.get(topic, ()))

    def log(self, place: TopicPartition) -> list[MemoryRecord]:
        """The records of a partition."""
        return self._logs[place.topic][place.partition]

    def require(self) -> None:
        """Raises KafkaTimeoutError while the broker is out of order."""
        if self.is_out:
            raise KafkaTimeoutError("the broker in memory is out of order")

    def share(self, group: str) -> None:
        """Give a group's partitions out anew, in ranges."""
        members = self.groups.get(group, [])
        for member in members:
            member.owned = []
        for topic in sorted({topic for member in members for topic in member.topics}):
            readers = [member for member in members if topic in member.topics]
            count = self.partitions(topic)
            for number in range(count):
                readers[number * len(readers) // count].owned.append(TopicPartition(topic, number))


class MemorySending:
    """A record that has arrived, or did not."""

    def __init__(self, record: MemoryRecord | None, problem: Exception | None = None) -> None:
        self._record = record
        self._problem = problem

    def get(self, timeout: float | None = None) -> MemoryRecord:
        """Where it lies."""
        if self._record is None:
            raise self._problem or KafkaTimeoutError("not delivered")
        return self._record


class MemoryProducer:
    """Sends at once; the record is judged before `send` returns."""

    def __init__(self, broker: MemoryBroker) -> None:
        broker.require()
        self._broker = broker
        self._is_closed = False

    def send(self, topic: str, *, key: bytes, value: bytes, headers: Headers) -> MemorySending:
        """Write to the partition of the key. Raises IllegalStateError once closed."""
        if self._is_closed:
            raise IllegalStateError("the producer is closed")
        try:
            self._broker.require()
        except KafkaTimeoutError as problem:
            return MemorySending(None, problem)
        number = partition_of(key.decode(), self._broker.partitions(topic))
        return MemorySending(self._broker.append(topic, number, key, value, list(headers)))

    def flush(self, timeout: float | None = None) -> None:
        """Nothing is ever queued."""

    def close(self, timeout: float | None = None) -> None:
        """Take nothing more."""
        self._is_closed = True


class MemoryConsumer:
    """What `kimberley.client.transport.Consumer` names, as kafka-python has it."""

    def __init__(self, broker: MemoryBroker, group: str | None) -> None:
        broker.require()
        self.topics: list[str] = []
        self.owned: list[TopicPartition] = []
        self._broker = broker
        self._group = group
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()

    def partitions_for_topic(self, topic: str) -> set[int]:
        """The numbers of a topic's partitions; none: there is no such topic."""
        self._broker.require()
        return set(range(self._broker.partitions(topic)))

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read these from their beginning."""
        self._positions = dict.fromkeys(partitions, 0)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Read what the group gives of these."""
        with self._broker.changed:
            self.topics = list(topics)
            if self._group is not None:
                self._broker.groups.setdefault(self._group, []).append(self)
                self._broker.share(self._group)

    def assignment(self) -> set[TopicPartition]:
        """What is read now."""
        return set(self._positions)

    def poll(self, timeout_ms: int, max_records: int | None = None) -> dict[TopicPartition, list[MemoryRecord]]:
        """What is there, waited for as long as this; nothing while the broker is out of order."""
        broker = self._broker
        with broker.changed:
            self._rejoin()
            broker.changed.wait_for(self._has_more, timeout_ms / 1000)
            found: dict[TopicPartition, list[MemoryRecord]] = {}
            left = max_records or 500
            for place, position in self._positions.items():
                records = [] if broker.is_out or place in self._paused else broker.log(place)[position : position + left]
                if records:
                    found[place] = records
                    left -= len(records)
                    self._positions[place] += len(records)
            return found

    def pause(self, *partitions: TopicPartition) -> None:
        """Leave these out."""
        self._paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """Read these again."""
        self._paused.difference_update(partitions)

    def position(self, partition: TopicPartition) -> int:
        """The offset that is read next."""
        return self._positions[partition]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from here."""
        self._positions[partition] = offset

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Read on from the beginning."""
        self._positions |= dict.fromkeys(partitions, 0)

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """0: nothing is ever deleted."""
        self._broker.require()
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions: Sequence[TopicPartition], timeout_ms: int | None = None) -> dict[TopicPartition, int]:
        """The offset after each partition's last record."""
        self._broker.require()
        return {place: len(self._broker.log(place)) for place in partitions}

    def offsets_for_times(self, timestamps: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        """The first record that is not older than a time."""
        self._broker.require()
        return {
            place: next((record for record in self._broker.log(place) if record.timestamp >= instant), None)
            for place, instant in timestamps.items()
        }

    def highwater(self, partition: TopicPartition) -> int:
        """The offset after a partition's last record."""
        return len(self._broker.log(partition))

    def committed(self, partition: TopicPartition) -> int | None:
        """Where the group stands."""
        self._broker.require()
        return self._broker.committed.get((self._group or "", partition))

    def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        """Let the group stand here. Raises CommitFailedError where it has moved on."""
        with self._broker.changed:
            self._broker.require()
            if any(place not in self.owned for place in offsets):
                raise CommitFailedError("the group has given these partitions to another member")
            for place, each in offsets.items():
                self._broker.committed[self._group or "", place] = each.offset

    def close(self) -> None:
        """Leave the group."""
        with self._broker.changed:
            members = self._broker.groups.get(self._group or "", [])
            if self in members:
                members.remove(self)
                self._broker.share(self._group or "")
            self._positions.clear()

    def _rejoin(self) -> None:
        if self._group is None or not self.topics or set(self.owned) == set(self._positions):
            return
        kept = {place: position for place, position in self._positions.items() if place in self.owned}
        self._positions = {place: kept.get(place, self._broker.committed.get((self._group, place), 0)) for place in self.owned}

    def _has_more(self) -> bool:
        return not self._broker.is_out and any(
            position < len(self._broker.log(place)) for place, position in self._positions.items() if place not in self._paused
        )
