"""Who replayed or dropped which dead letter, when and why: the audit topic's records, and what they come to."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from kimberley.model.case import Origin
from kimberley.model.events import instant_text
from kimberley.wire.dead_letters import DeadLetter, parse_place, place_text

State = Literal["waiting", "replayed", "dropped", "unclear"]
STATES: tuple[State, ...] = ("waiting", "replayed", "dropped", "unclear")
"""Unclear: on a broker without transactions a replay was begun and its end was not recorded; it may have been sent."""
_STATE_AFTER: dict[str, State] = {"replay-begun": "unclear", "replay": "replayed", "drop": "dropped"}


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done to a dead letter. Instants are RFC 3339.

    `letter`: where the dead record lay, `record_timestamp` its own; `dead_letter`: where its dead letter lies, which `attempts` counts
    too. `replayed_to`: where it lies now. `source`: whether its bytes came from where it lay, or from its dead letter.
    """

    action: Literal["replay-begun", "replay", "drop"]
    at: str
    by: str
    reason: str | None
    letter: str
    record_timestamp: str
    dead_letter: str
    stage: str
    attempts: int
    replayed_to: str | None = None
    source: Literal["topic", "letter"] | None = None

    @property
    def destination(self) -> Origin | None:
        """Where the record lies now."""
        return parse_place(self.replayed_to or "")


class Ledger:
    """What was done to each dead letter: the audit records in their order."""

    def __init__(self, records: Iterable[AuditRecord] = ()) -> None:
        self._last: dict[tuple[str, str], AuditRecord] = {}
        for record in records:
            self.note(record)

    def note(self, record: AuditRecord) -> None:
        """Take in the next record."""
        self._last[record.letter, record.record_timestamp] = record

    def last(self, letter: DeadLetter) -> AuditRecord | None:
        """What was done to a dead letter last. A topic that was made anew has other records at old places: they are not confused."""
        return self._last.get((place_text(letter.origin), instant_text(letter.timestamp)))

    def state(self, letter: DeadLetter) -> State:
        """How a dead letter stands."""
        last = self.last(letter)
        return "waiting" if last is None else _STATE_AFTER[last.action]


_decoder = msgspec.json.Decoder(AuditRecord)


def audit_value(record: AuditRecord) -> bytes:
    """The record's value: JSON, for auditors read it with whatever they have."""
    return msgspec.json.encode(record)


def readable_audit(records: Iterable[Any]) -> Iterable[AuditRecord]:
    """The audit records among a topic's records."""
    for record in records:
        try:
            yield _decoder.decode(record.value or b"")
        except msgspec.MsgspecError:
            continue
