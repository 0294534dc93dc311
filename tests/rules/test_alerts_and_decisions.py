"""What an alert's life and a decision look like from outside."""

import json
import uuid

import pytest

from support.decided import decided
from support.stories import Event, arrival, event, export, issue, judge, withdrawal

MISMATCH, REUSED, TOTALS, MALFORMED = "import-mismatch", "number-reused", "totals-mismatch", "number-malformed"
NAMESPACE = uuid.UUID("8c1f2a52-6f0e-5d8e-9c55-2f4c7a1b9d10")


# Alerts


def expected_id(number: str, rule_id: str, subject: str = "") -> str:
    """An alert's id, by the contract."""
    return str(uuid.uuid5(NAMESPACE, f"{number}|{rule_id}|{subject}"))


@pytest.mark.parametrize("written", ["BW000001", "bw-000/001"])
def test_an_alert_s_id_is_a_function_of_number_rule_and_subject(written: str) -> None:
    rows = judge(issue(written), issue(written, carats="99", parcels=[]), arrival(number=written, carats="98", shipment="SH 7/a")).rows
    assert {row["alert_id"] for row in rows} == {expected_id("BW000001", REUSED), expected_id("BW000001", MISMATCH, "SH 7/a")}


def test_ids_with_measures_and_empty_subjects() -> None:
    rows = judge(issue("ZA000001", "RU", destination="EU")).rows
    assert {row["alert_id"] for row in rows} == {
        expected_id("ZA000001", "import-banned", "eu-russia-origin"),
        expected_id("ZA000001", MALFORMED),
    }


def life(*events: Event) -> tuple[str, int, str, str]:
    """Where the story's mismatch stands after some events."""
    row = judge(issue(), *events, options=("--all",)).one(MISMATCH)
    return row["status"], row["revision"], row["event_id"], row["effective_at"]


def test_an_alert_opens_is_updated_resolves_and_opens_again_under_one_id() -> None:
    first, second = arrival("2024-03-07T12:00:00Z", carats="98"), arrival("2024-03-08T12:00:00Z", carats="97")
    back_first, back_second = withdrawal(first, "2024-03-09T12:00:00Z"), withdrawal(second, "2024-03-10T12:00:00Z")
    third = arrival("2024-03-11T12:00:00Z", carats="96")
    story = [first, second, back_first, back_second, third]
    steps = [life(*story[:length]) for length in range(1, 6)]
    assert [step[:2] for step in steps] == [("OPENED", 1), ("UPDATED", 2), ("UPDATED", 3), ("RESOLVED", 4), ("OPENED", 5)]
    assert [step[2] for step in steps] == [each["event_id"] for each in story], "what set each revision off"
    assert [step[3][:10] for step in steps] == ["2024-03-07", "2024-03-08", "2024-03-09", "2024-03-10", "2024-03-11"]
    assert len({judge(issue(), *story[:length], options=("--all",)).one(MISMATCH)["alert_id"] for length in range(1, 6)}) == 1


def test_what_does_not_change_the_evidence_makes_no_revision() -> None:
    wrong = arrival(carats="98")
    released = event("ShipmentReleased", "2024-03-09T12:00:00Z", "EU", shipment_id="SH-1")
    assert life(wrong, released, arrival("2024-03-10T12:00:00Z")) == life(wrong)


def test_what_opens_and_resolves_shows_only_among_all() -> None:
    wrong = arrival(carats="98")
    assert judge(issue(), wrong, withdrawal(wrong)).rows == []
    (row,) = judge(issue(), wrong, withdrawal(wrong), options=("--all",)).rows
    assert (row["status"], row["revision"]) == ("RESOLVED", 2)


def test_a_resolved_alert_stays_resolved_while_others_open() -> None:
    wrong = arrival(carats="98")
    rows = judge(issue(), wrong, withdrawal(wrong), arrival("2024-03-22T12:00:00Z", shipment="SH-2", carats="97"), options=("--all",)).rows
    assert {(row["subject"], row["status"]) for row in rows} == {("SH-1", "RESOLVED"), ("SH-2", "OPENED")}


# Decisions


def test_every_event_has_one_decision_in_order() -> None:
    story = [issue(), export(), arrival(carats="98"), arrival(authority="XX")]
    rows = decided(*story, story[0]).rows
    assert [row["event_id"] for row in rows] == [each["event_id"] for each in [*story, story[0]]]
    assert [row["outcome"] for row in rows] == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "REFUSED", "DUPLICATE"]
    assert len({row["decision_id"] for row in rows}) == len(rows)
    for row in rows:
        assert {"errors", "participants", "rules", "alert_ids", "rulebook", "reference_revision", "decided_at"} <= row.keys()
        assert bool(row["errors"]) is (row["outcome"] == "REFUSED")


def test_a_decision_lists_what_the_rules_said_but_neither_passes_nor_what_does_not_apply() -> None:
    lawful, wrong = decided(issue(), arrival()), decided(issue(expires_on=None), arrival(carats="98"))
    assert lawful.rows[-1]["rules"] == []
    outcomes = {each["rule_id"]: each["outcome"] for each in wrong.rows[-1]["rules"]}
    assert outcomes == {MISMATCH: "violation", "certificate-expired": "undetermined", "dates-out-of-order": "undetermined"}
    assert all(each["version"] for each in wrong.rows[-1]["rules"])
    assert wrong.rows[-1]["alert_ids"] == [expected_id("BW000001", MISMATCH, "SH-1")]


def test_a_decision_is_about_what_is_known_when_the_event_comes() -> None:
    rows = decided(issue(), arrival(carats="98")).rows
    assert (rows[0]["rules"], rows[0]["alert_ids"]) == ([], [])


def test_a_refused_event_judges_nothing() -> None:
    row = decided(issue(destination="KE"), arrival(authority="XX")).rows[-1]
    assert (row["outcome"], row["alert_ids"]) == ("REFUSED", [])


def test_the_parties_carry_their_participant_s_status_of_the_day() -> None:
    parties = decided(issue(destination="BE"), export(destination="BE"), arrival(authority="BE")).rows[-1]["participants"]
    found = {(each["role"], each["code"], each["participant"], each["as_of"]) for each in parties}
    assert {
        ("issuer", "BW", "BW", "2024-03-04"),
        ("destination", "BE", "EU", "2024-03-05"),
        ("importer", "BE", "EU", "2024-03-07"),
    } <= found


# Names


def test_names_of_exporters_and_importers_never_leave_the_events() -> None:
    named = {
        "exporter": {"name": "Quartzite Holdings", "id": "TAX-4711", "address": "7 Feldspar Road"},
        "importer": {"name": "Gneiss Brothers", "id": "TAX-0815", "address": "9 Basalt Lane"},
    }
    others = {"exporter": {"name": "Obsidian Partners"}, "importer": {"name": "Pumice Sisters"}}
    first = issue(on="2024-11-14", destination="UZ", carats="90", **named)
    story = [
        first,
        issue(on="2024-11-14", **others),
        arrival("2024-11-20T12:00:00Z", carats="98", **others),
        {**first, **others},
        {**first, "authority": "XX"},
        {**first, "event_id": "bad", "carats": "1.0001"},
        event("ImportConfirmed", "2024-11-21T12:00:00Z", "EU", **others),
    ]
    alerts, decisions = judge(*story, options=("--all",)), decided(*story)
    assert {REUSED, MISMATCH, TOTALS} <= alerts.rules
    assert {"CONFLICT", "REFUSED"} <= {row["outcome"] for row in decisions.rows}
    printed = json.dumps([alerts.rows, decisions.rows]) + alerts.errors + decisions.errors
    for secret in ("Quartzite", "Gneiss", "Obsidian", "Pumice", "TAX-", "Feldspar", "Basalt"):
        assert secret not in printed
    differing = " ".join(each["field"] for each in alerts.one(REUSED)["evidence"])
    assert "exporter" in differing, "that they differ is said"
    assert "importer" in differing
