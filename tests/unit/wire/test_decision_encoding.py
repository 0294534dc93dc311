"""A decision written the quick way is what the codec writes, to the last byte."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.model.decisions import Decision, Party, Refusal
from kimberley.model.findings import RuleOutcome
from kimberley.settings import load_settings
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.decision_encoding import decision_encoder
from kimberley.wire.outputs import decision_record

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
_SHORT = st.text(max_size=3).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
_DECISIONS = st.builds(
    Decision,
    decision_id=_TEXT,
    event_id=_TEXT,
    event_type=_SHORT,
    certificate_number=_TEXT,
    authority=_SHORT,
    outcome=st.sampled_from(["ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED"]),
    errors=st.lists(st.builds(Refusal, _SHORT, _TEXT, _TEXT), max_size=3).map(tuple),
    participants=st.lists(st.builds(Party, _SHORT, _SHORT, _SHORT, _SHORT, st.dates() | st.none()), max_size=70).map(tuple),
    rules=st.lists(
        st.builds(RuleOutcome, _SHORT, st.integers(-(1 << 31), (1 << 31) - 1), st.sampled_from(["violation", "undetermined", "error"])),
        max_size=3,
    ).map(tuple),
    alert_ids=st.lists(_TEXT, max_size=3).map(tuple),
    rulebook=_SHORT,
    reference_revision=_SHORT,
    decided_at=st.integers(-(1 << 63), (1 << 63) - 1),
)
CODEC = make_codec(load_settings())
QUICK = decision_encoder(CODEC)


def test_the_quick_way_is_taken() -> None:
    assert "general" not in QUICK.__qualname__


@settings(max_examples=300, deadline=None)
@given(_DECISIONS, st.sampled_from(["certificates", "shipments"]), st.integers(0, 10_000), st.integers(0, (1 << 63) - 1))
def test_it_gives_the_codec_s_bytes(decision: Decision, topic: str, partition: int, offset: int) -> None:
    by_codec = CODEC.encode("decisions", "Decision", decision_record(decision, topic, partition, offset))
    assert QUICK(decision, topic, partition, offset) == by_codec


def test_where_the_schema_has_moved_on_the_codec_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def other(self: Codec, topic: str, record_name: str, record: dict[str, object]) -> bytes:
        return b"\x00\x00\x00\x00\x07" + repr(record["decision_id"]).encode()

    monkeypatch.setattr(Codec, "encode", other)
    party = Party("issuer", "BW", "BW", "participant", date(2024, 3, 4))
    decision = Decision(
        decision_id="d",
        event_id="e",
        event_type="t",
        certificate_number="n",
        authority="BW",
        outcome="ACCEPTED",
        errors=(),
        participants=(party,),
        rules=(),
        alert_ids=(),
        rulebook="r",
        reference_revision="r",
        decided_at=0,
    )
    assert decision_encoder(CODEC)(decision, "certificates", 0, 0) == b"\x00\x00\x00\x00\x07'd'"
