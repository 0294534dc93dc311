"""Whether every input record was answered, and once: a byte a record."""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kimberley.errors import UnreadableRecordError
from kimberley.model.case import Origin
from kimberley.repair.answers import DEAD, read_answer
from kimberley.wire.avro import Codec
from kimberley.wire.envelope import parse_origin
from kimberley.wire.topics import EVENT_TOPICS

_PRESENT, _DECIDED, _DECIDED_AGAIN, _DEAD, _DEAD_AGAIN, _PENDING, _EXPIRED = (1 << bit for bit in range(7))
_PRESENCE = bytes(mark & _PRESENT for mark in range(256))
_WELL = bytes([0, _PRESENT | _DECIDED, _PRESENT | _DEAD])
_REMARKABLE = re.compile(b"[^" + re.escape(_WELL) + b"]", re.DOTALL)
DEAD_LETTER_DAYS = 90
"""So long dead letters are kept."""


class Remark(NamedTuple):
    """What is wrong with the answers to one record: `lost`, `twice`, `dead and decided`, or `gone` (it has a decision and is not there)."""

    origin: Origin
    kind: str


class Ledger:
    """Takes in decisions and dead letters, re-routed records, and the event topics, each event topic's partition after the answers of the
    same number.

    `committed`: by topic and partition number, where the group stood; only records before that are judged. Where it stands nowhere
    (absent), `reached` has to tell before `remarks`. `is_atomic`: exactly once
    was delivered, so that none may be answered twice. `now`: milliseconds since the epoch.
    """

    def __init__(self, committed: Mapping[tuple[str, int], int], codec: Codec, rerouted: str, *, is_atomic: bool, now: int) -> None:
        self.repeats = 0
        self.expired = 0
        self.under_way: set[str] = set()
        self._committed = dict(committed)
        self._codec = codec
        self._rerouted = rerouted
        self._is_atomic = is_atomic
        self._expired_before = now - DEAD_LETTER_DAYS * 86_400_000
        self._marks: dict[tuple[str, int], bytearray] = {}

    def add(self, record: Any) -> None:
        """Take a record in; others than those above are passed over."""
        if record.topic in EVENT_TOPICS:
            self._add_event(record)
        elif record.topic == self._rerouted:
            self._add_forwarded(record)
        elif answer := read_answer(record, self._codec):
            self._add_answer(record, *answer[:2])

    def reached(self, topic: str, number: int, offset: int) -> None:
        """How far a partition is judged where the group does not tell."""
        self._committed.setdefault((topic, number), offset)

    @property
    def records(self) -> int:
        """How many records are judged."""
        judged = (marks[: self._committed.get(place, 0)] for place, marks in self._marks.items())
        return sum(marks.translate(_PRESENCE).count(1) for marks in judged)

    def remarks(self) -> Iterator[Remark]:
        """Everything that is wrong, by place."""
        for (topic, number), marks in sorted(self._marks.items()):
            committed = self._committed.get((topic, number), 0)
            for found in _REMARKABLE.finditer(marks, 0, committed):
                kind = self._kind(found[0][0])
                if kind:
                    yield Remark(Origin(topic, number, found.start()), kind)

    def _kind(self, mark: int) -> str:
        if not mark & _PRESENT:
            return "gone" if mark & _DECIDED else ""
        if not mark & (_DECIDED | _DEAD):
            return "" if mark & (_PENDING | _EXPIRED) else "lost"
        if mark & _DECIDED and mark & _DEAD:
            return "dead and decided"
        return "twice" if self._is_atomic and mark & (_DECIDED_AGAIN | _DEAD_AGAIN) else ""

    def _mark(self, origin: Origin, bit: int) -> int:
        """Set a bit; what was set before."""
        marks = self._marks.setdefault((origin.topic, origin.partition), bytearray())
        if origin.offset >= len(marks):
            marks.extend(bytes(max(origin.offset + 1 - len(marks), len(marks) // 8)))
        before = marks[origin.offset]
        marks[origin.offset] = before | bit
        return before

    def _add_answer(self, record: Any, origin: Origin, outcome: str) -> None:
        if origin.topic not in EVENT_TOPICS:
            return  # lineage and control records may die, too
        bit, again = (_DEAD, _DEAD_AGAIN) if outcome == DEAD else (_DECIDED, _DECIDED_AGAIN)
        if self._mark(origin, bit) & bit:
            self.repeats += 1
            self._mark(origin, again)
        if record.key and origin.offset >= self._committed.get((origin.topic, origin.partition), sys.maxsize):
            self.under_way.add(record.key.decode(errors="replace"))

    def _add_forwarded(self, record: Any) -> None:
        try:
            origin, _ = parse_origin(record.headers)
        except UnreadableRecordError:
            return
        if record.offset >= self._committed.get((record.topic, record.partition), sys.maxsize):
            self._mark(origin, _PENDING)

    def _add_event(self, record: Any) -> None:
        if record.offset >= self._committed.get((record.topic, record.partition), sys.maxsize):
            return
        origin = Origin(record.topic, record.partition, record.offset)
        before = self._mark(origin, _PRESENT)
        if not before & (_DECIDED | _DEAD) and record.timestamp < self._expired_before and self._is_unreadable(record):
            self.expired += 1
            self._mark(origin, _EXPIRED)

    def _is_unreadable(self, record: Any) -> bool:
        try:
            self._codec.decode(record.topic, record.value)
        except UnreadableRecordError:
            return True
        return False
