"""Decisions as Avro without Avro's machinery: one is written for every event read, and most of it was written before.

The bytes are fastavro's, to the last one: tried on a probe when the encoder is made, held by a property test, and where a schema has
moved on, fastavro does the work. What repeats (a party's standing, a rule's outcome, names) is kept as bytes.
"""

from collections.abc import Callable
from datetime import date

from kimberley.model.days import day_of
from kimberley.model.decisions import Decision, Party, Refusal
from kimberley.model.findings import RuleOutcome
from kimberley.model.kept import Kept
from kimberley.wire.avro import Codec
from kimberley.wire.outputs import decision_record
from kimberley.wire.topics import DECISIONS

EncodeDecision = Callable[[Decision, str, int, int], bytes]
"""A decision and the topic, partition and offset of the record that it answers, to a framed record."""

_RECORD = "Decision"
_NONE = b"\x00"


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
        rule_outcomes = {symbol: _long(index) for index, symbol in enumerate(symbols["Outcome"])}
        self._names = Kept(_text)
        self._numbers = Kept(_long, 100)
        self._parties = Kept(_party)
        self._rules: Kept[RuleOutcome, bytes] = Kept(
            lambda rule: _text(rule.rule_id) + _long(rule.version) + rule_outcomes[rule.outcome],
        )

    def encode(self, decision: Decision, topic: str, partition: int, offset: int) -> bytes:
        """A framed record."""
        names, parties, rules = self._names, self._parties, self._rules
        return b"".join(
            (
                self._head,
                _text(decision.decision_id),
                _text(decision.event_id),
                names[decision.event_type],
                _text(decision.certificate_number),
                names[decision.authority],
                self._outcomes[decision.outcome],
                _array([_refusal(each) for each in decision.errors]) if decision.errors else _NONE,
                _array([parties[each] for each in decision.participants]),
                _array([rules[each] for each in decision.rules]) if decision.rules else _NONE,
                _array([_text(each) for each in decision.alert_ids]) if decision.alert_ids else _NONE,
                names[decision.rulebook],
                names[decision.reference_revision],
                self._numbers[decision.decided_at],  # the same for a whole batch
                names[topic],
                self._numbers[partition],
                _long(offset),
            )
        )


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
    return (_LONGS[length] if length < len(_LONGS) else _long(length)) + raw


def _array(items: list[bytes]) -> bytes:
    """One block of items, and the end."""
    if not items:
        return _NONE
    count = len(items)
    return b"".join((_LONGS[count] if count < len(_LONGS) else _long(count), *items, _NONE))


def _refusal(refusal: Refusal) -> bytes:
    return _text(refusal.code) + _text(refusal.field) + _text(refusal.message)


def _party(party: Party) -> bytes:
    as_of = _NONE if party.as_of is None else b"\x02" + _long(day_of(party.as_of))
    return _text(party.role) + _text(party.code) + _text(party.participant) + _text(party.status) + as_of


_BYTES = [bytes((number,)) for number in range(0x80)]
_LONGS = [_long(length) for length in range(500)]
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
