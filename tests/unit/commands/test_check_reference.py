"""`kimberley check`: reference events among the others."""

from pathlib import Path
from typing import Any

import pytest

from support.checked import checked, complaint, rows, rules
from support.stories import Event, arrival, issue

WRONG = "import-mismatch"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write events to."""
    return tmp_path / "border.jsonl"


# Reference events in the file


def suspension(at: str | None = "2024-03-01T00:00:00Z", **fields: Any) -> Event:
    """A suspension of Botswana."""
    stated = {"kind": "SUSPENSION", "imposed_by": "KP", "territory": "BW", "valid_from": "2024-01-01", "basis": "a decision"}
    sent = {"event_id": "m1", "occurred_at": at, "authority": "KP"} if at else {}
    return {"type": "MeasureListed", "id": "test-suspension", **sent, **stated, **fields}


def notice(at: str = "2024-03-01T00:00:00Z", **fields: Any) -> Event:
    """A notice of a lost certificate."""
    stated = {"notice_id": "N-1", "kind": "LOST", "participant": "BW", "first_number": "BW000001", "published_on": "2024-03-01"}
    return {"type": "NoticePublished", "event_id": "n1", "occurred_at": at, "authority": "BW", **stated, **fields}


def membership(code: str = "KE", **fields: Any) -> Event:
    """Kenya takes part."""
    period = {"kind": "participant", "status": "participant", "valid_from": "2024-01-01", **fields}
    return {"type": "ParticipantListed", "code": code, "name": "Kenya", "kind": "participant", "periods": [period]}


def test_a_notice_a_measure_and_a_participant_are_taken_too(file: Path) -> None:
    listed = {**membership(), "event_id": "p1", "occurred_at": "2024-03-01T00:00:00Z", "authority": "KP"}
    result = checked(
        file, notice(), suspension(), listed, issue(), issue("KE000001", "KE", origins=["ZA"], source_certificates=["ZA000009"])
    )
    assert (result.exit_code, result.stderr) == (0, "")
    found = {(row["rule_id"], row["certificate_number"]) for row in rows(result)}
    assert found == {("trade-suspended", "BW000001"), ("number-on-notice", "BW000001")}


def test_a_notice_over_a_range_is_taken(file: Path) -> None:
    result = checked(file, notice(last_number="BW000099", valid_from="2024-02-01", details="from a stolen van", kind="STOLEN"), issue())
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_reference_event_after_as_of_was_not_known_then_and_is_counted(file: Path) -> None:
    story = issue(), suspension("2024-03-10T00:00:00Z"), arrival("2024-03-12T12:00:00Z")
    assert rules(checked(file, *story)) == {"trade-suspended"}
    result = checked(file, *story, options=("--as-of", "2024-03-09T00:00:00Z"))
    assert rules(result) == set()
    assert result.exit_code == 0
    assert "2" in result.stderr, "the arrival and the measure"


def test_a_reference_event_does_not_move_the_clock(file: Path) -> None:
    """So one that is later than every event of a certificate is later than the clock."""
    result = checked(file, issue(), suspension("2024-03-10T00:00:00Z"))
    assert (result.exit_code, rules(result)) == (0, set())
    assert "1" in result.stderr
    assert rules(checked(file, issue(), suspension("2024-03-04T09:00:00Z"))) == {"trade-suspended"}


def test_a_reference_event_that_says_no_instant_was_always_known(file: Path) -> None:
    assert rules(checked(file, issue(), suspension(None))) == {"trade-suspended"}


def test_a_later_reference_event_with_the_same_id_replaces_the_earlier(file: Path) -> None:
    lifted = suspension("2024-03-02T00:00:00Z", event_id="m2", valid_from="2023-01-01", valid_to="2024-01-01")
    assert rules(checked(file, suspension(), lifted, issue())) == set()
    assert rules(checked(file, suspension(), {**lifted, "id": "another"}, issue())) == {"trade-suspended"}


def test_a_reference_event_replaces_what_ships_under_its_id(file: Path) -> None:
    goods = issue("RU000001", "RU", "2024-03-04")
    assert rules(checked(file, goods)) == {"import-banned"}
    ended = suspension(id="eu-russia-origin", kind="IMPORT_BAN", imposed_by="EU", territory="RU", valid_from="2024-01-01")
    assert rules(checked(file, {**ended, "valid_to": "2024-02-01"}, goods)) == set()


def test_a_reference_event_stands_anywhere_in_the_file(file: Path) -> None:
    assert rules(checked(file, issue(), suspension())) == {"trade-suspended"}


BROKEN: list[tuple[Event, str]] = [
    (suspension(valid_from="spring"), "valid_from"),
    (suspension(kind="FORBIDDEN"), "kind"),
    (suspension(territory="XX"), "territory"),
    (suspension(imposed_by="XX"), "imposed_by"),
    (suspension(min_stone_carats="heavy"), "min_stone_carats"),
    (suspension(occurred_at="soon"), "occurred_at"),
    (suspension(id=None), "id"),
    (suspension(territory=None), "territory"),
    (suspension(valid_from=None), "valid_from"),
    (notice(kind="MISLAID"), "kind"),
    (notice(published_on="spring"), "published_on"),
    (notice(participant="XX"), "participant"),
    (notice(notice_id=None), "notice_id"),
    (notice(first_number=None), "first_number"),
    (membership(code="XX"), "code"),
    (membership(member_of="XX"), "member_of"),
    (membership(status="visitor"), "status"),
    (membership(valid_from="spring"), "valid_from"),
    (suspension(route="SIDEWAYS"), "route"),
]


@pytest.mark.parametrize(
    ("broken", "field"), BROKEN, ids=[f"{each['type']}-{field}-{number}" for number, (each, field) in enumerate(BROKEN)]
)
def test_a_reference_event_that_can_t_be_read_is_refused_and_its_field_named(file: Path, broken: Event, field: str) -> None:
    result = checked(file, broken, issue(), arrival(carats="98"))
    assert (result.exit_code, rules(result)) == (1, {WRONG}), result.output
    assert file.name in result.stderr
    assert field in complaint(result, file)
