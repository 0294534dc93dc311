"""Two contents under one event id, by the catalogue: the first stands, and somebody has to say which is true."""

import json
from itertools import permutations
from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, arrival, event, export, invalidation, issue, judge, transit, withdrawal

CONFLICT, MISMATCH = "event-conflict", "import-mismatch"


def other(of: Event, **fields: Any) -> Event:
    """Another content under an event's id."""
    return {**of, **fields}


def test_two_contents_under_one_id_are_held() -> None:
    first = arrival()
    alert = judge(issue(), first, other(first, carats="98.00")).one(CONFLICT)
    assert (alert["severity"], alert["subject"], alert["shipment_id"]) == ("HOLD", first["event_id"], "SH-1")
    assert first["event_id"] in alert["message"]
    assert says_day(alert["message"], "2024-03-07")
    assert "the European Union (EU)" in alert["message"]
    assert "carats" in alert["message"]
    (fact,) = alert["evidence"]
    assert (fact["field"], fact["value"], fact["expected"], fact["event_id"]) == ("carats", "98", "100", first["event_id"])
    assert alert["participants"] == ["EU"]


def test_the_first_stands_for_all_other_rules() -> None:
    right = arrival()
    wrong = other(right, carats="98.00")
    assert judge(issue(), right, wrong).rules == {CONFLICT}
    assert judge(issue(), wrong, right).rules == {CONFLICT, MISMATCH}


def test_the_same_content_twice_is_no_conflict_however_it_is_spelt() -> None:
    first = arrival()
    assert judge(issue(), first, first, other(first, carats="100", authority="eu", certificate_number="bw-000001")).rows == []


def test_one_id_under_two_numbers_is_no_conflict() -> None:
    first, second = issue("BW000001"), issue("BW000002")
    second["event_id"] = first["event_id"]
    assert judge(first, second).rows == []


@pytest.mark.parametrize(
    ("fields", "differs"),
    [
        ({"occurred_at": "2024-03-07T14:00:00+02:00"}, {"utc_offset_minutes"}),  # the same instant at another offset
        ({"occurred_at": "2024-03-07T12:00:01Z"}, {"occurred_at"}),
        ({"seal_numbers": []}, {"seal_numbers"}),  # looked, and there were none; not: not looked at
        ({"office": "Antwerp"}, {"office"}),
        ({"carats": "99.999", "parcel_count": 2}, {"carats", "parcel_count"}),
        ({"authority": "BE"}, {"authority"}),
    ],
)
def test_what_differs_is_in_evidence(fields: dict[str, Any], differs: set[str]) -> None:
    first = arrival()
    alert = judge(issue(), first, other(first, **fields)).one(CONFLICT)
    assert {each["field"] for each in alert["evidence"]} == differs
    assert all(each["value"] != each["expected"] for each in alert["evidence"])


def test_two_types_under_one_id_differ_in_type() -> None:
    first = issue()
    (fact,) = judge(first, {**arrival(), "event_id": first["event_id"]}).one(CONFLICT)["evidence"]
    assert (fact["field"], fact["value"], fact["expected"]) == ("type", "ShipmentArrived", "CertificateIssued")


def test_names_stay_behind() -> None:
    first = issue(exporter={"name": "Quartzite Holdings"}, remarks="ask Feldspar")
    found = judge(first, other(first, exporter={"name": "Obsidian Partners"}, remarks="ask Basalt"))
    assert {each["field"] for each in found.one(CONFLICT)["evidence"]} == {"exporter", "remarks"}
    printed = json.dumps(found.rows)
    assert not [name for name in ("Quartzite", "Feldspar", "Obsidian", "Basalt") if name in printed]


def test_each_id_has_its_own_alert() -> None:
    one, two = export(), arrival()
    found = judge(issue(), one, two, other(one, office="a"), other(two, office="b"))
    assert {alert["subject"] for alert in found.of(CONFLICT)} == {one["event_id"], two["event_id"]}


def test_several_contents_are_one_alert_whatever_the_order_of_those_that_do_not_stand() -> None:
    first = arrival()
    others = [other(first, carats="98"), other(first, carats="97"), other(first, office="Antwerp"), {**transit(), **_id_of(first)}]
    said = [judge(issue(), first, *order).one(CONFLICT) for order in permutations(others)]
    assert len({json.dumps([each["message"], each["evidence"], each["participants"], each["alert_id"]]) for each in said}) == 1
    assert "5 different contents" in said[0]["message"]


def _id_of(of: Event) -> Event:
    return {"event_id": of["event_id"]}


def test_a_conflict_that_comes_again_changes_nothing() -> None:
    first = arrival()
    wrong = other(first, carats="98")
    once, twice = judge(issue(), first, wrong).one(CONFLICT), judge(issue(), first, wrong, first, wrong).one(CONFLICT)
    assert (once["revision"], once["evidence"]) == (twice["revision"], twice["evidence"]) == (1, once["evidence"])


def test_withdrawing_the_id_ends_its_conflict() -> None:
    first = arrival()
    wrong, back = other(first, carats="98"), withdrawal(first)
    found = judge(issue(), first, wrong, back, arrival("2024-03-08T12:00:00Z"), options=("--all",))
    assert found.one(CONFLICT)["status"] == "RESOLVED"
    for order in permutations((first, wrong, back)):
        assert CONFLICT not in judge(issue(), *order).rules


def test_a_withdrawal_that_does_not_count_ends_nothing() -> None:
    first = arrival()
    wrong, back = other(first, carats="98"), withdrawal(first)
    assert CONFLICT in judge(issue(), withdrawal(first, authority="ZA"), first, wrong).rules, "a stranger's"
    assert CONFLICT in judge(issue(), first, wrong, back, withdrawal(back)).rules, "one that was itself withdrawn"


def test_whose_the_id_is_its_first_content_says() -> None:
    """The second content's sender is no party to what stands."""
    first = arrival()
    wrong = other(first, authority="ZA")
    assert CONFLICT in judge(issue(), withdrawal(first, authority="ZA"), first, wrong).rules
    assert CONFLICT not in judge(issue(), withdrawal(first, authority="EU"), first, wrong).rules


def test_two_contents_of_a_withdrawal_are_a_conflict_and_the_first_works() -> None:
    wrong = arrival(carats="98")
    back = withdrawal(wrong)
    found = judge(issue(), wrong, back, other(back, withdrawn_event_id="another"))
    assert found.rules == {CONFLICT}
    assert found.one(CONFLICT)["subject"] == back["event_id"]


def test_what_is_refused_makes_no_conflict_though_its_id_is_taken() -> None:
    first = arrival()
    stranger_s = {**invalidation(authority="ZA"), **_id_of(first)}
    for story in ((first, stranger_s), (stranger_s, first)):
        found = judge(issue(), *story, options=("--decisions",))
        assert sorted(row["outcome"] for row in found.rows) == ["ACCEPTED", "ACCEPTED", "REFUSED"]
        assert judge(issue(), *story).rows == []


def test_events_of_any_type_can_conflict() -> None:
    detained = event("ShipmentDetained", "2024-03-08T12:00:00Z", "EU", shipment_id="SH-1", reason="seal")
    assert judge(issue(), detained, other(detained, reason="weight")).rules == {CONFLICT}
