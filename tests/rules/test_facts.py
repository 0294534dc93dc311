"""How a case is judged: what counts as a fact of a certificate, and what takes it back."""

from itertools import permutations
from typing import Any

import pytest

from support.decided import again, decided, said
from support.stories import Event, arrival, export, issue, judge, withdrawal

MISMATCH, REUSED, TOTALS, MALFORMED = "import-mismatch", "number-reused", "totals-mismatch", "number-malformed"


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
