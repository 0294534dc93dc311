"""What is read, and what a batch of it comes to: outputs, changed cases, counts. Nothing is sent here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kimberley.model.events import instant_text
from kimberley.model.partition_state import PartitionState
from kimberley.model.value import Value
from kimberley.wire.envelope import Headers


class Record(Protocol):
    """What is read of a consumed record (aiokafka's and kafka-python's both fit). `timestamp`: milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Output(Value, frozen=True):
    """A record to be sent."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int | None = None


@dataclass(slots=True)
class Counts:
    """What a batch came to: events by topic and by their record's timestamp, decisions by outcome, alerts by rule, severity and status,
    dead letters by stage, records forwarded, errors by rule, and what was left out because a case is full: event, lineage or alert.
    """

    events: Counter[str] = field(default_factory=Counter)
    timestamps: Counter[int] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    alerts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    rerouted: int = 0
    rule_errors: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Batch:
    """All that must become true at once: outputs, changed cases (number to packed case), the partition number's state where it changed,
    next offsets of (topic, partition). `size`: about the bytes of its outputs, but for decisions, which are small.
    """

    outputs: list[Output] = field(default_factory=list)
    cases: dict[str, bytes] = field(default_factory=dict)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    state: PartitionState | None = None
    decided_at: int = 0
    stamp: bytes = b""
    size: int = 0

    def __post_init__(self) -> None:
        self.decide_at(self.decided_at)

    def decide_at(self, instant: int) -> None:
        """What is judged from here on is decided at this instant, milliseconds since the epoch: a batch may stay open for a while."""
        self.decided_at = instant
        self.stamp = instant_text(instant).encode()
