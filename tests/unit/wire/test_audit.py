"""What audit records come to, and the headers by which a replayed record is known."""

from typing import Any

import pytest
from msgspec.structs import replace

from kimberley.model.case import Origin
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.audit import AuditRecord, Ledger, audit_value, readable_audit
from kimberley.wire.dead_letters import DeadLetter, dead_letter, parse_place, place_text
from kimberley.wire.envelope import dead_letter_headers, origin_headers, replay_headers

DIED_AT = 1_727_740_800_000
DROP = AuditRecord(
    action="drop",
    at="2024-11-01T00:00:00Z",
    by="ada",
    reason="a test",
    letter="shipments-3@42",
    record_timestamp="2024-10-01T00:00:00Z",
    dead_letter="dead-letters-3@7",
    stage="frame",
    attempts=1,
)
BEGUN, REPLAY = replace(DROP, action="replay-begun"), replace(DROP, action="replay", replayed_to="shipments-3@50")


def letter(headers: list[tuple[str, bytes]] | None = None, *, offset: int = 42, timestamp: int = DIED_AT, attempts: int = 1) -> DeadLetter:
    why = dead_letter_headers("shipments", 3, offset, "frame", ValueError("broken"), "", attempts)
    return dead_letter(MemoryRecord("dead-letters", 3, 7, timestamp, b"k", b"v", [*(headers or []), *why]))


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([], "waiting"),
        ([DROP], "dropped"),
        ([REPLAY], "replayed"),
        ([BEGUN], "unclear"),
        ([BEGUN, REPLAY], "replayed"),
        ([DROP, BEGUN], "unclear"),
    ],
)
def test_what_was_done_last_says_how_a_letter_stands(records: list[AuditRecord], state: str) -> None:
    ledger = Ledger(records)
    assert ledger.state(letter()) == state
    assert ledger.last(letter()) == (records[-1] if records else None)


def test_a_topic_made_anew_has_other_records_at_old_places() -> None:
    ledger = Ledger([REPLAY])
    assert ledger.state(letter(offset=43)) == "waiting"
    assert ledger.state(letter(timestamp=DIED_AT + 1)) == "waiting"


def test_audit_records_are_read_back_and_anything_else_is_passed_over() -> None:
    values: list[Any] = [audit_value(REPLAY), b"a1b2", None, b"{}", b'{"action": "laugh"}', audit_value(DROP)]
    records = [MemoryRecord("kimberley-audit", 0, index, 0, None, value, []) for index, value in enumerate(values)]
    assert list(readable_audit(records)) == [REPLAY, DROP]


def test_a_replayed_record_has_its_senders_headers_a_link_back_and_its_attempts() -> None:
    sent: list[tuple[str, Any]] = [("a", b"1"), ("null", None), ("a", b"2")]
    own = replay_headers(sent, Origin("shipments", 1, 2), Origin("dead-letters", 3, 4), 1)
    again = replay_headers(
        [*own, *origin_headers(Origin("shipments", 5, 6), 7)], Origin("shipments", 3, 42), Origin("dead-letters", 3, 7), 2
    )
    assert again == [
        *sent,
        ("__kimberley.replay.of", b"shipments/3/42"),
        ("__kimberley.replay.letter", b"dead-letters/3/7"),
        ("__kimberley.errors.attempts", b"2"),
    ]


def test_a_letter_of_a_replayed_record_knows_of_which() -> None:
    died = letter(
        [("a", b"1"), ("__kimberley.replay.of", b"shipments/3/40"), ("__kimberley.replay.letter", b"dead-letters/3/6")], attempts=2
    )
    assert (died.replay_of, died.attempts, died.headers) == (Origin("shipments", 3, 40), 2, [("a", b"1")])
    assert letter().replay_of is None


@pytest.mark.parametrize("text", ["shipments-3@42", "shipments/3/42", " shipments-3@42 "])
def test_a_place_is_read_as_it_is_written_and_as_a_decisions_id(text: str) -> None:
    place = parse_place(text)
    assert place == Origin("shipments", 3, 42)
    assert place_text(place) == "shipments-3@42"
