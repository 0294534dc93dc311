"""Transit bans: through where goods may not pass on their way, by the days of the transit and by the stated route."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, event, export, issue, judge, missing, outcomes, withdrawal

TRANSIT = "transit-banned"


def certified(destination: str | None = "EU", on: str = "2023-12-01") -> Event:
    """Botswana's stones for somewhere."""
    return issue(on=on, destination=destination)


def passing(country: str | None = "RU", at: str = "2024-01-10T12:00:00Z", left: str | None = None, **fields: Any) -> Event:
    """The goods pass through a country; who reports it is no matter."""
    return event("ShipmentTransited", at, "AM", shipment_id="SH-1", country=country, left_at=left, **fields)


def routed(*route: str, on: str = "2024-01-10", **fields: Any) -> Event:
    """An export by a stated route."""
    return export(f"{on}T12:00:00Z", route=list(route), **fields)


@pytest.mark.parametrize(
    ("at", "left", "banned"),
    [
        ("2023-12-31T12:00:00Z", None, False),
        ("2024-01-01T00:00:00Z", None, True),
        ("2023-12-31T23:30:00-05:00", None, False),  # already January in UTC
        ("2024-01-01T00:30:00+03:00", None, True),  # still December in UTC
        ("2023-12-28T12:00:00Z", "2023-12-31T23:59:59Z", False),
        ("2023-12-28T12:00:00Z", "2024-01-01T00:00:00Z", True),  # still there on the first day
        ("2023-12-28T12:00:00Z", "2024-01-01T02:00:00+03:00", True),  # by the calendar of the place that they left
        ("2023-12-28T12:00:00Z", "2023-12-31T23:00:00-03:00", False),
        ("2023-12-28T12:00:00Z", "2024-02-01T00:00:00Z", True),
        ("2024-01-10T12:00:00Z", "2024-01-09T12:00:00Z", True),  # left before it came: its own day stands
    ],
)
def test_a_transit_is_barred_on_any_of_its_local_days(at: str, left: str | None, banned: bool) -> None:
    found = judge(certified(), passing(at=at, left=left))
    assert (TRANSIT in found.rules) is banned, found.rows


@pytest.mark.parametrize(
    ("at", "banned"), [("2024-05-01T12:00:00Z", True), ("2024-05-31T23:59:00Z", True), ("2024-06-01T00:00:00Z", False)]
)
def test_a_ban_ends_before_its_last_day(at: str, banned: bool) -> None:
    assert (TRANSIT in judge(ban(valid_to="2024-06-01"), certified(), passing("LS", at)).rules) is banned


def ban(**fields: Any) -> Event:
    """A transit ban of the EU on what passes through Lesotho, known from the start."""
    stated = {
        "kind": "TRANSIT_BAN",
        "imposed_by": "EU",
        "territory": "LS",
        "valid_from": "2024-01-01",
        "basis": "an act",
        "confidence": "high",
    }
    return {"type": "MeasureListed", "measure_id": "test-ban", **stated, **fields}


@pytest.mark.parametrize(
    ("destination", "banned"), [("EU", True), ("BE", True), ("GL", True), ("AE", False), ("IN", False), ("US", False), ("GB", False)]
)
def test_the_ban_is_the_destination_s(destination: str, banned: bool) -> None:
    assert (TRANSIT in judge(certified(destination), passing()).rules) is banned


def test_any_origin_is_barred() -> None:
    assert TRANSIT in judge(certified(), passing()).rules, "stones of Botswana"


def test_another_country_on_the_way_is_none_of_the_ban_s() -> None:
    assert TRANSIT not in judge(certified(), passing("AM"), passing("AE", "2024-01-12T12:00:00Z")).rules


def test_the_alert_says_where_when_and_by_which_act() -> None:
    transit = passing(at="2023-12-30T12:00:00+03:00", left="2024-01-02T09:00:00+03:00")
    alert = judge(certified(), transit).one(TRANSIT)
    assert (alert["severity"], alert["subject"], alert["confidence"], alert["shipment_id"]) == (
        "BLOCK",
        "eu-russia-transit",
        "high",
        "SH-1",
    )
    assert alert["participants"] == ["BW", "EU", "RU"]
    for day in ("2023-12-30", "2024-01-02", "2024-01-01"):
        assert says_day(alert["message"], day), day
    for word in ("BW000001", "(RU)", "European Union (EU)", "833/2014"):
        assert word in alert["message"]
    assert alert["evidence"][0]["event_id"] == transit["event_id"]
    assert "2023-12-30" in alert["evidence"][0]["value"]


# The route stated at export


@pytest.mark.parametrize(("exported", "banned"), [("2023-12-31", False), ("2024-01-01", True)])
def test_a_stated_route_is_judged_on_the_export_date(exported: str, banned: bool) -> None:
    found = judge(certified(), routed("AE", "RU", "AM", on=exported))
    assert (TRANSIT in found.rules) is banned
    if banned:
        alert = found.one(TRANSIT)
        assert "route" in alert["message"]
        assert says_day(alert["message"], exported)
        assert alert["evidence"][0]["value"] == "AE, RU, AM"


def test_a_route_elsewhere_and_no_route_are_lawful() -> None:
    assert judge(certified(), routed("AE", "TR")).rows == []
    assert judge(certified(), export("2024-01-10T12:00:00Z")).rows == []


def test_route_and_transit_are_one_alert_with_both_in_evidence() -> None:
    exported, transit = routed("RU", "RU"), passing()
    alert = judge(certified(), exported, transit).one(TRANSIT)
    assert [each["event_id"] for each in alert["evidence"]][:2] == [transit["event_id"], exported["event_id"]]


def test_without_a_certificate_the_export_s_destination_counts() -> None:
    assert TRANSIT in judge(routed("RU", destination="BE")).rules
    assert TRANSIT not in judge(routed("RU", destination="IN")).rules


def test_two_bans_are_two_alerts() -> None:
    found = judge(ban(territory="RU"), certified(), passing())
    assert {alert["subject"] for alert in found.of(TRANSIT)} == {"eu-russia-transit", "test-ban"}


def test_a_ban_that_is_only_approximate_makes_it_a_hold() -> None:
    alert = judge(ban(confidence="low"), certified(), passing("LS")).one(TRANSIT)
    assert (alert["severity"], alert["confidence"]) == ("HOLD", "low")


def test_a_member_s_territory_is_its_participant_s() -> None:
    assert TRANSIT in judge(ban(territory="CN"), certified(), passing("HK")).rules


@pytest.mark.parametrize(("at", "banned"), [("2020-12-31T12:00:00Z", True), ("2021-01-01T12:00:00Z", False)])
def test_the_united_kingdom_was_bound_by_the_union_s_bans_while_it_belonged(at: str, banned: bool) -> None:
    assert (TRANSIT in judge(ban(valid_from="2020-01-01"), certified("GB", "2020-12-01"), passing("LS", at)).rules) is banned


# What can't be told


def test_a_transit_without_a_country_or_goods_without_a_destination_are_undetermined() -> None:
    assert missing(TRANSIT, certified(), passing(None)) == ["ShipmentTransited.country"]
    assert missing(TRANSIT, certified(None), passing()) == ["destination"]
    assert TRANSIT not in outcomes(certified("IN"), passing(None)), "which bars no way"
    assert TRANSIT not in outcomes(certified(None), passing("AE"))


def test_what_binds_everyone_binds_whoever_the_destination_is() -> None:
    assert TRANSIT in judge(ban(imposed_by="UN"), certified(None), passing("LS")).rules


def test_without_transit_and_route_it_is_not_applicable() -> None:
    assert TRANSIT not in outcomes(certified(), export("2024-01-10T12:00:00Z"))


def test_a_withdrawn_transit_resolves_the_alert() -> None:
    transit = passing()
    found = judge(certified(), transit, withdrawal(transit, "2024-01-12T12:00:00Z"), options=("--all",))
    assert found.one(TRANSIT)["status"] == "RESOLVED"


def test_a_lawful_certificate_s_destination_put_right_brings_the_alert_and_takes_it_back() -> None:
    wrong, right = certified("EU"), {**certified("IN"), "occurred_at": "2024-01-11T09:00:00Z"}
    found = judge(wrong, passing(), withdrawal(wrong, "2024-01-11T08:00:00Z"), right, options=("--all",))
    assert found.one(TRANSIT)["status"] == "RESOLVED"
