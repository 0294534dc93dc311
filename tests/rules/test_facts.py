"""How a case is judged: what counts as a fact of a certificate, what is refused, and what an alert's life looks like from outside."""

import json
import uuid
from itertools import permutations
from typing import Any

import pytest

from support.stories import Event, Judged, arrival, event, export, issue, judge, withdrawal

MISMATCH, REUSED, TOTALS, MALFORMED = "import-mismatch", "number-reused", "totals-mismatch", "number-malformed"
NAMESPACE = uuid.UUID("8c1f2a52-6f0e-5d8e-9c55-2f4c7a1b9d10")


def decided(*events: Event, options: tuple[str, ...] = ()) -> Judged:
    """The decisions on some events."""
    return judge(*events, options=("--decisions", *options))


def said(*events: Event) -> list[str]:
    """The decisions' outcomes."""
    return [row["outcome"] for row in decided(*events).rows]


def again(of: Event, **fields: Any) -> Event:
    """The same event id, with other fields. None: without the field."""
    stated = {**of, **fields}
    return {name: value for name, value in stated.items() if value is not None or name not in fields}


def invalidation(number: str, authority: str, at: str = "2024-03-20T12:00:00Z", **fields: Any) -> Event:
    """An authority says that a certificate is void."""
    return event("CertificateInvalidated", at, authority, number, **{"reason": "VOIDED", **fields})


# Repeats and order


def test_the_order_in_which_facts_come_changes_nothing() -> None:
    wrong = arrival(carats="98")
    story = [issue(), wrong, arrival("2024-03-08T12:00:00Z", parcel_count=2, shipment="SH-2"), withdrawal(wrong), export()]

    def alerts(events: tuple[Event, ...]) -> Any:
        return [(row["alert_id"], row["subject"], row["severity"], row["message"], row["evidence"]) for row in judge(*events).rows]

    expected = alerts(tuple(story))
    assert len(expected) == 1
    for order in permutations(story):
        assert alerts(order) == expected


def test_a_repeat_is_a_duplicate_and_changes_nothing() -> None:
    story = [issue(), arrival(carats="98")]
    assert said(*story, *story) == ["ACCEPTED", "ACCEPTED", "DUPLICATE", "DUPLICATE"]
    once, twice = judge(*story).one(MISMATCH), judge(*story, *story).one(MISMATCH)
    assert (twice["alert_id"], twice["revision"], twice["evidence"]) == (once["alert_id"], 1, once["evidence"])


def test_a_duplicate_withdrawal_is_a_duplicate() -> None:
    wrong = arrival(carats="98")
    taken_back = withdrawal(wrong)
    assert said(issue(), wrong, taken_back, taken_back)[-1] == "DUPLICATE"
    assert judge(issue(), wrong, taken_back, taken_back).rows == []


def test_of_two_contents_under_one_id_the_first_stands() -> None:
    right = arrival()
    wrong = again(right, carats="98.00")
    assert said(issue(), right, wrong) == ["ACCEPTED", "ACCEPTED", "CONFLICT"]
    assert MISMATCH not in judge(issue(), right, wrong).rules
    assert said(issue(), wrong, right) == ["ACCEPTED", "ACCEPTED", "CONFLICT"]
    assert MISMATCH in judge(issue(), wrong, right).rules


def test_what_comes_again_is_compared_with_what_stands() -> None:
    right = arrival()
    wrong = again(right, carats="98.00")
    assert said(issue(), right, wrong, right, wrong)[2:] == ["CONFLICT", "DUPLICATE", "CONFLICT"]


def test_two_types_under_one_id_are_a_conflict() -> None:
    first = issue()
    assert said(first, {**arrival(), "event_id": first["event_id"]}) == ["ACCEPTED", "CONFLICT"]


def test_an_event_id_is_compared_within_its_certificate_number() -> None:
    first, second = issue("BW000001"), issue("BW000002")
    second["event_id"] = first["event_id"]
    assert said(first, second) == ["ACCEPTED", "ACCEPTED"]


@pytest.mark.parametrize(
    "other",
    [
        {"certificate_number": "bw-000 001"},
        {"authority": "bw"},
        {"authority": " BW "},
        {"destination": "eu"},
        {"carats": "100"},
        {"carats": "100.000"},
        {"carats": 100},
        {"value_usd": 20000.0},
        {"parcels": [{"hs_code": "710231", "carats": "100.0", "value_usd": "20000"}]},
        {"parcels": [{"hs_code": "7102 31", "carats": "100.0", "value_usd": "20000", "origins": []}]},
        {"origins": ["bw"]},
        {"source_certificates": []},
        {"approvals": [], "declarations": []},
        {"occurred_at": "2024-03-04T09:00:00+00:00"},
        {"occurred_at": "2024-03-04T09:00:00.000Z"},
    ],
    ids=str,
)
def test_another_spelling_of_the_same_content_is_a_duplicate(other: dict[str, Any]) -> None:
    first = issue()
    assert said(first, again(first, **other)) == ["ACCEPTED", "DUPLICATE"]


def test_absent_and_null_and_an_empty_list_are_equal_but_not_for_seals() -> None:
    first = issue()
    for name in ("source_certificates", "approvals", "declarations"):
        assert said({**first, name: None}, first, {**first, name: []}) == ["ACCEPTED", "DUPLICATE", "DUPLICATE"], name
    assert said({**first, "origins": []}, again(first, origins=None), {**first, "origins": None})[1:] == ["DUPLICATE", "DUPLICATE"]
    assert said({**first, "parcels": []}, again(first, parcels=None), {**first, "parcels": None})[1:] == ["DUPLICATE", "DUPLICATE"]
    landed = arrival()  # null: not looked at; []: looked, and there were none
    assert said(issue(), landed, {**landed, "seal_numbers": None})[1:] == ["ACCEPTED", "DUPLICATE"]
    assert said(issue(), landed, {**landed, "seal_numbers": []})[1:] == ["ACCEPTED", "CONFLICT"]
    assert said(issue(), {**landed, "seal_numbers": []}, {**landed, "seal_numbers": None})[1:] == ["ACCEPTED", "CONFLICT"]
    assert said(first, {**first, "seal_numbers": []}) == ["ACCEPTED", "CONFLICT"]


def test_a_default_and_nothing_are_equal() -> None:
    landed = arrival()
    assert said(issue(), landed, {**landed, "original_presented": True})[1:] == ["ACCEPTED", "DUPLICATE"]
    assert said(issue(), landed, {**landed, "original_presented": False})[1:] == ["ACCEPTED", "CONFLICT"]


@pytest.mark.parametrize(
    "other",
    [
        {"occurred_at": "2024-03-04T11:00:00+02:00"},  # the same instant at another offset
        {"occurred_at": "2024-03-04T09:00:00.001Z"},
        {"office": "Gaborone"},
        {"authority": "ZA"},
        {"carats": "100.001"},
        {"exporter": {"name": "Exporter Three Ltd"}},
        {"origins": ["ZA"]},
        {"mixed_origin": True},
        {"expires_on": None},
        {"remarks": "a word"},
    ],
    ids=str,
)
def test_other_content_under_one_id_is_a_conflict(other: dict[str, Any]) -> None:
    first = issue()
    assert said(first, again(first, **other)) == ["ACCEPTED", "CONFLICT"]


@pytest.mark.parametrize("later_first", [True, False])
def test_the_certificate_is_the_earliest_issue_whatever_came_first(later_first: bool) -> None:
    early = issue(carats="50.00", parcels=[], at="2024-03-04T10:00:00+02:00")  # 08:00 UTC
    late = issue(at="2024-03-04T09:00:00+00:00")
    issues = [late, early] if later_first else [early, late]
    assert MISMATCH in judge(*issues, arrival(carats="100.00")).rules
    assert MISMATCH not in judge(*issues, arrival(carats="50.00")).rules


def test_of_two_issues_at_one_instant_the_smaller_event_id_is_the_certificate() -> None:
    a, b = {**issue(carats="50.00", parcels=[]), "event_id": "a"}, {**issue(), "event_id": "b"}
    for issues in ((a, b), (b, a)):
        assert MISMATCH not in judge(*issues, arrival(carats="50.00")).rules
        assert MISMATCH in judge(*issues, arrival(carats="100.00")).rules


# Withdrawals


def test_a_withdrawn_event_counts_for_nothing() -> None:
    wrong = arrival(carats="98")
    assert MISMATCH in judge(issue(), wrong).rules
    assert judge(issue(), wrong, withdrawal(wrong)).rows == []


def test_a_withdrawal_may_come_before_its_target() -> None:
    wrong = arrival(carats="98")
    assert judge(issue(), withdrawal(wrong), wrong).rows == []
    assert judge(issue(), withdrawal(wrong, "2024-03-01T12:00:00Z"), wrong).rows == [], "in event time too"
    assert said(issue(), withdrawal(wrong), wrong) == ["ACCEPTED"] * 3


def test_a_withdrawn_withdrawal_lets_its_target_stand_again() -> None:
    wrong = arrival(carats="98")
    first = withdrawal(wrong)
    second = withdrawal(first, "2024-03-21T12:00:00Z")
    third = withdrawal(second, "2024-03-22T12:00:00Z")
    for order in permutations((wrong, first, second)):
        assert MISMATCH in judge(issue(), *order).rules
    for order in permutations((wrong, first, second, third)):
        assert MISMATCH not in judge(issue(), *order).rules


def test_two_withdrawals_of_one_event_both_need_to_go() -> None:
    wrong = arrival(carats="98")
    first, second = withdrawal(wrong), withdrawal(wrong, "2024-03-21T12:00:00Z")
    assert MISMATCH not in judge(issue(), wrong, first, second, withdrawal(first)).rules
    assert MISMATCH in judge(issue(), wrong, first, second, withdrawal(first), withdrawal(second)).rules


def test_withdrawals_in_a_circle_have_no_effect() -> None:
    wrong = arrival(carats="98")
    one = withdrawal(wrong)
    two = {**withdrawal(one), "event_id": "two"}
    one_back = {**one, "withdrawn_event_id": "two"}
    itself = {**withdrawal(wrong), "event_id": "itself", "withdrawn_event_id": "itself"}
    found = judge(issue(), wrong, one_back, two, itself)
    assert found.rules == {MISMATCH}
    assert found.exit_status == 0


def test_a_withdrawal_under_another_number_has_no_effect() -> None:
    wrong = arrival(carats="98")
    assert MISMATCH in judge(issue(), issue("BW000002"), wrong, {**withdrawal(wrong), "certificate_number": "BW000002"}).rules


def test_withdrawing_an_id_withdraws_both_its_contents() -> None:
    first = arrival(carats="98")
    second = again(first, carats="97")
    assert judge(issue(), first, second, withdrawal(first)).rows == []


@pytest.mark.parametrize(
    ("sender", "sent", "withdrawer", "withdrawn", "counts"),
    [
        ("EU", "2024-03-07", "EU", "2024-03-20", True),
        ("EU", "2024-03-07", "BE", "2024-03-20", True),  # through member_of
        ("BE", "2024-03-07", "EU", "2024-03-20", True),
        ("BE", "2024-03-07", "FR", "2024-03-20", True),
        ("EU", "2024-03-07", "GL", "2024-03-20", True),
        ("CN", "2024-03-07", "HK", "2024-03-20", True),
        ("HK", "2024-03-07", "MO", "2024-03-20", True),
        ("EU", "2024-03-07", "GB", "2024-03-20", False),
        ("EU", "2024-03-07", "BW", "2024-03-20", False),
        ("EU", "2024-03-07", "CH", "2024-03-20", False),
        ("GB", "2020-12-30", "GB", "2021-01-05", True),  # equal codes, whatever their Participants
        ("GB", "2020-12-30", "EU", "2021-01-05", True),  # each on the date of its own event
        ("BE", "2020-12-30", "GB", "2020-12-31", True),
        ("BE", "2020-12-30", "GB", "2021-01-01", False),
        ("GB", "2021-01-02", "EU", "2021-01-05", False),
        ("EU", "2015-01-20", "GL", "2015-01-31", False),
        ("EU", "2015-01-20", "GL", "2015-02-01", True),
    ],
)
def test_only_the_sender_s_participant_withdraws_an_event(sender: str, sent: str, withdrawer: str, withdrawn: str, counts: bool) -> None:
    certificate = issue(on="2015-01-05" if sent < "2016" else "2020-12-01" if sent < "2022" else "2024-03-04")
    wrong = arrival(f"{sent}T12:00:00Z", sender, carats="98")
    taken_back = withdrawal(wrong, f"{withdrawn}T12:00:00Z", authority=withdrawer)
    assert (MISMATCH not in judge(certificate, wrong, taken_back).rules) is counts
    assert (MISMATCH not in judge(certificate, taken_back, wrong).rules) is counts, "the order changes nothing"
    assert said(certificate, wrong, taken_back)[-1] == ("ACCEPTED" if counts else "REFUSED")


def test_a_stranger_s_withdrawal_is_refused_once_its_target_is_known_and_waits_until_then() -> None:
    wrong = arrival(carats="98")
    stranger = withdrawal(wrong, authority="ZA")
    assert said(issue(), wrong, stranger) == ["ACCEPTED", "ACCEPTED", "REFUSED"]
    assert said(issue(), stranger, wrong) == ["ACCEPTED"] * 3
    refused = decided(issue(), wrong, stranger)
    assert refused.exit_status == 1
    (error,) = refused.rows[-1]["errors"]
    assert error["code"]
    assert error["message"]
    assert "line 3" in refused.errors.lower() or ":3" in refused.errors


def test_a_stranger_s_withdrawal_of_a_withdrawal_has_no_effect() -> None:
    wrong = arrival(carats="98")
    first = withdrawal(wrong)
    assert MISMATCH not in judge(issue(), wrong, first, withdrawal(first, authority="ZA")).rules


# Refusals


CODE_FIELDS: list[tuple[str, Event]] = [
    ("authority", issue(authority="XX", origins=["BW"])),
    ("destination", issue(destination="XX")),
    ("origins", issue(origins=["BW", "XX"])),
    ("provenance", issue(provenance="XX")),
    ("parcels", issue(parcels=[{"hs_code": "7102.31", "carats": "100", "value_usd": "20000", "origins": ["XX"]}])),
    ("destination", export(destination="XX")),
    ("route", export(route=["ZA", "XX"])),
    ("country", event("ShipmentTransited", "2024-03-06T12:00:00Z", "ZA", shipment_id="SH-1", country="XX")),
    ("authority", event("ShipmentTransited", "2024-03-06T12:00:00Z", "XX", shipment_id="SH-1", country="ZA")),
    ("authority", arrival(authority="XX")),
    ("confirms_to", event("ImportConfirmed", "2024-03-08T12:00:00Z", "EU", confirms_to="XX")),
    ("authority", invalidation("BW000001", "XX")),
    ("authority", withdrawal(arrival(), authority="XX")),
    ("authority", event("ShipmentDetained", "2024-03-08T12:00:00Z", "XX", shipment_id="SH-1", reason="seal")),
    ("authority", event("ShipmentReturned", "2024-03-08T12:00:00Z", "XX", shipment_id="SH-1")),
]


@pytest.mark.parametrize(("field", "refused"), CODE_FIELDS, ids=[f"{each['type']}-{field}" for field, each in CODE_FIELDS])
def test_an_unknown_code_in_any_field_is_refused(field: str, refused: Event) -> None:
    found = decided(issue("BW000009"), refused)
    assert [row["outcome"] for row in found.rows] == ["ACCEPTED", "REFUSED"]
    (error,) = found.rows[-1]["errors"]
    assert field in error["field"]
    assert "XX" in error["message"]
    assert (error["code"] or "") != ""
    assert found.exit_status == 1
    assert "XX" in found.errors
    assert field in found.errors
    assert judge(issue("BW000009"), refused).rows == [], "and counts for nothing"


@pytest.mark.parametrize("code", ["UK", "EC0", "E", "XK", "ZZ", "SU", "YU", "AN", "QO", "EL", "BWA", "**"])
def test_what_is_not_in_iso_3166_is_no_code(code: str) -> None:
    assert said(issue(destination=code)) == ["REFUSED"]


@pytest.mark.parametrize("code", ["EU", "eu", " Bw", "EC", "SS", "TW", "PS", "AQ", "GG", "CW"])
def test_all_of_iso_3166_and_eu_are_codes_and_case_and_blanks_are_forgiven(code: str) -> None:
    assert said(issue(destination=code)) == ["ACCEPTED"]


@pytest.mark.parametrize("how", ["absent", "null"])
@pytest.mark.parametrize("field", ["event_id", "occurred_at", "authority", "certificate_number", "issued_on"])
def test_an_event_without_what_identifies_it_is_refused(field: str, how: str) -> None:
    certificate = issue(mixed_origin=False, parcels=[])
    broken = {**certificate, field: None} if how == "null" else {name: value for name, value in certificate.items() if name != field}
    found = decided(issue("BW000009"), broken)
    assert found.exit_status == 1
    assert [row["outcome"] for row in found.rows if row["outcome"] != "REFUSED"] == ["ACCEPTED"]
    assert field in found.errors
    assert judge(issue("BW000009"), {**broken, "carats": "1", "destination": "KE"}).rows == []


@pytest.mark.parametrize("number", ["", "   ", " - / "])
def test_a_number_of_blanks_is_none(number: str) -> None:
    found = judge(issue(number))
    assert (found.exit_status, found.rows) == (1, [])
    assert "certificate_number" in found.errors


@pytest.mark.parametrize(
    "field",
    [
        *("destination", "expires_on", "exporter", "importer", "mixed_origin", "origins"),
        *("parcels", "parcel_count", "carats", "value_usd"),
    ],
)
def test_any_other_absent_field_is_the_rules_matter(field: str) -> None:
    certificate = issue()
    without = {name: value for name, value in certificate.items() if name != field}
    assert said(without) == said({**certificate, field: None}) == ["ACCEPTED"]


@pytest.mark.parametrize("field", ["shipment_id", "destination", "carats", "value_usd", "parcel_count"])
def test_an_export_may_lack_anything_but_what_identifies_it(field: str) -> None:
    assert said(issue(), {name: value for name, value in export().items() if name != field}) == ["ACCEPTED", "ACCEPTED"]


@pytest.mark.parametrize(
    ("number", "authority", "on", "refused"),
    [
        ("BW000001", "BW", "2024-03-20", False),
        ("BW000001", "ZA", "2024-03-20", True),
        ("EU12345678", "EU", "2024-03-20", False),
        ("EU12345678", "BE", "2024-03-20", False),
        ("EC12345678", "EU", "2024-03-20", False),
        ("EC12345678", "FR", "2024-03-20", False),
        ("EC12345678", "EC", "2024-03-20", True),  # a prefix of the EU's, not Ecuador
        ("EU12345678", "BW", "2024-03-20", True),
        ("EU12345678", "GB", "2020-12-31", False),
        ("EU12345678", "GB", "2021-01-01", True),
        ("GB000001", "GB", "2024-03-20", False),
        ("GB000001", "EU", "2024-03-20", True),
        ("HK000001", "HK", "2024-03-20", False),
        ("CN000001", "HK", "2024-03-20", False),
        ("HK000001", "CN", "2024-03-20", False),
        ("HK000001", "EU", "2024-03-20", True),
    ],
)
def test_an_invalidation_by_another_than_the_prefix_names_is_refused(number: str, authority: str, on: str, refused: bool) -> None:
    found = decided(invalidation(number, authority, f"{on}T12:00:00Z"))
    assert [row["outcome"] for row in found.rows] == ["REFUSED" if refused else "ACCEPTED"]
    assert found.exit_status == (1 if refused else 0)


def test_an_unknown_word_where_one_of_a_list_is_due_is_refused() -> None:
    found = judge(invalidation("BW000001", "BW", reason="LOST_IN_POST"))
    assert found.exit_status == 1
    assert "reason" in found.errors


def test_a_refused_event_s_id_is_free_for_its_correction() -> None:
    """A refused event counts for nothing, so its id has no content yet."""
    wrong = arrival(authority="XX", carats="98")
    assert said(issue(), wrong, {**wrong, "authority": "EU"}) == ["ACCEPTED", "REFUSED", "ACCEPTED"]


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
