"""Decisions as Avro without Avro's machinery: one is written for every event read, and most of it was written before.

The bytes are fastavro's, to the last one: tried on a probe when the encoder is made, held by a property test, and where a schema has
moved on, fastavro does the work. What repeats (a party's standing, a rule's outcome, names) is kept as bytes.
"""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from kimberley.model.days import day_of
from kimberley.model.decisions import Decision, Party, Refusal
from kimberley.model.findings import RuleOutcome
from kimberley.wire.avro import Codec
from kimberley.wire.outputs import decision_record
from kimberley.wire.topics import DECISIONS

EncodeDecision = Callable[[Decision, str, int, int], bytes]
"""A decision and the topic, partition and offset of the record that it answers, to a framed record."""

_RECORD = "Decision"
_MOST_KEPT = 50_000
_NONE = b"\x00"
T = TypeVar("T")


def decision_encoder(codec: Codec) -> EncodeDecision:
    """The quick way to write decisions where it gives the codec's bytes, else the codec's own."""

    def general(decision: Decision, topic: str, partition: int, offset: int) -> bytes:
        return codec.encode(DECISIONS, _RECORD, decision_record(decision, topic, partition, offset))

    by_codec = general(_PROBE, "t", 3, 70_000)
    try:
        quick = _Encoder(by_codec[:5], codec.symbols(DECISIONS, _RECORD))
        return quick.encode if quick.encode(_PROBE, "t", 3, 70_000) == by_codec else general
    except (KeyError, ValueError):
        return general


class _Encoder:
    """Writes the fields in the schema's order."""

    def __init__(self, head: bytes, symbols: dict[str, list[str]]) -> None:
        self._head = head
        self._outcomes = {symbol: _long(index) for index, symbol in enumerate(symbols["DecisionOutcome"])}
        self._rule_outcomes = {symbol: _long(index) for index, symbol in enumerate(symbols["Outcome"])}
        self._names: dict[str, bytes] = {}
        self._parties: dict[Party, bytes] = {}
        self._rules: dict[RuleOutcome, bytes] = {}
        self._decided_at = (0, _long(0))

    def encode(self, decision: Decision, topic: str, partition: int, offset: int) -> bytes:
        """A framed record."""
        if decision.decided_at != self._decided_at[0]:  # the same for a whole batch
            self._decided_at = (decision.decided_at, _long(decision.decided_at))
        name = self._name
        return b"".join(
            (
                self._head,
                _text(decision.decision_id),
                _text(decision.event_id),
                name(decision.event_type),
                _text(decision.certificate_number),
                name(decision.authority),
                self._outcomes[decision.outcome],
                _array([_refusal(each) for each in decision.errors]) if decision.errors else _NONE,
                _array([self._party(each) for each in decision.participants]),
                _array([self._rule(each) for each in decision.rules]) if decision.rules else _NONE,
                _array([_text(each) for each in decision.alert_ids]) if decision.alert_ids else _NONE,
                name(decision.rulebook),
                name(decision.reference_revision),
                self._decided_at[1],
                name(topic),
                _long(partition),
                _long(offset),
            )
        )

    def _name(self, text: str) -> bytes:
        return self._names.get(text) or _keep(self._names, text, _text(text))

    def _party(self, party: Party) -> bytes:
        return self._parties.get(party) or _keep(self._parties, party, _party(party))

    def _rule(self, rule: RuleOutcome) -> bytes:
        return self._rules.get(rule) or _keep(
            self._rules, rule, _text(rule.rule_id) + _long(rule.version) + self._rule_outcomes[rule.outcome]
        )


def _keep(kept: dict[T, bytes], key: T, written: bytes) -> bytes:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = written
    return written


def _long(number: int) -> bytes:
    """Avro's int and long: zigzag, seven bits a byte, least first."""
    rest = (number << 1) ^ (number >> 63)
    if rest < 0x80:
        return _BYTES[rest]
    written = bytearray()
    while rest > 0x7F:
        written.append((rest & 0x7F) | 0x80)
        rest >>= 7
    written.append(rest)
    return bytes(written)


def _text(text: str) -> bytes:
    raw = text.encode()
    length = len(raw)
    return (_LENGTHS[length] if length < len(_LENGTHS) else _long(length)) + raw


def _array(items: list[bytes]) -> bytes:
    """One block of items, and the end."""
    return b"".join((_long(len(items)), *items, _NONE)) if items else _NONE


def _refusal(refusal: Refusal) -> bytes:
    return _text(refusal.code) + _text(refusal.field) + _text(refusal.message)


def _party(party: Party) -> bytes:
    as_of = _NONE if party.as_of is None else b"\x02" + _long(day_of(party.as_of))
    return _text(party.role) + _text(party.code) + _text(party.participant) + _text(party.status) + as_of


_BYTES = [bytes((number,)) for number in range(0x80)]
_LENGTHS = [_long(length) for length in range(500)]
_PROBE = Decision(
    decision_id="certificates/3/70000",
    event_id="é" * 100,
    event_type="CertificateIssued",
    certificate_number="BW1",
    authority="BW",
    outcome="REFUSED",
    errors=(Refusal("missing", "carats", "say how many"), Refusal("range", "", "")),
    participants=(Party("issuer", "BE", "EU", "participant", date(2024, 3, 4)), Party("reporter", "BW", "BW", "unknown", None)),
    rules=(RuleOutcome("a", 1, "violation"), RuleOutcome("b", 300, "undetermined", ("carats",)), RuleOutcome("c", 2, "error")),
    alert_ids=("x", "y"),
    rulebook="2026-11",
    reference_revision="0123456789ab",
    decided_at=1_764_000_000_123,
)
