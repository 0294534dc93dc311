"""Confirmations, by the catalogue: the four things that the scheme asks for, and what was certified."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.messages import figures, says_day
from support.profiles import with_profiles
from support.stories import arrival, confirmation, export, issue, judge, outcomes, sent_back, withdrawal

INCOMPLETE = "confirmation-incomplete"


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({"parcel_count": None}, "parcel_count"),
        ({"carats": None}, "carats"),
        ({"exporter": None}, "exporter"),
        ({"exporter": {}}, "exporter"),
        ({"exporter": {"name": "  "}}, "exporter"),
        ({"importer": None}, "importer"),
        ({"importer": {"name": None, "address": "somewhere"}}, "importer"),
    ],
)
def test_a_confirmation_that_lacks_one_of_the_four_is_incomplete(fields: dict[str, Any], lacking: str) -> None:
    alert = judge(issue(), arrival(), confirmation(**fields)).one(INCOMPLETE)
    assert (alert["severity"], alert["subject"], alert["basis"]) == ("REVIEW", "", "CORE III(b)")
    (fact,) = alert["evidence"]
    assert (fact["field"], fact["value"]) == (lacking, "not stated")
    assert lacking.replace("_", " ") in alert["message"]
    assert says_day(alert["message"], "2024-03-08")
    assert alert["participants"] == ["BW", "EU"]


def test_a_complete_confirmation_is_in_order() -> None:
    assert judge(issue(), arrival(), confirmation()).rows == []
    assert judge(issue(), arrival(), confirmation(confirms_to=None, exporter={"name": "E"})).rows == []


@pytest.mark.parametrize(("certified", "confirmed", "differs"), [(3, 3, False), (3, 2, True), (3, 4, True), (3, 0, True)])
def test_parcels_are_counted_exactly(certified: int, confirmed: int, differs: bool) -> None:
    found = judge(issue(parcel_count=certified, parcels=[]), confirmation(parcel_count=confirmed))
    assert (INCOMPLETE in found.rules) is differs
    if differs:
        assert {Decimal(certified), Decimal(confirmed)} <= figures(found.one(INCOMPLETE)["message"])


@pytest.mark.parametrize(
    ("certified", "confirmed", "differs"),
    [
        ("100.00", "100.10", False),
        ("100.00", "100.101", True),
        ("100.00", "99.90", False),
        ("100.00", "99.899", True),
        ("10.00", "10.05", False),
        ("10.00", "10.051", True),
    ],
)
def test_carats_may_differ_by_the_tolerance(certified: str, confirmed: str, differs: bool) -> None:
    found = judge(issue(carats=certified, parcels=[]), confirmation(carats=confirmed))
    assert (INCOMPLETE in found.rules) is differs
    if differs:
        assert {Decimal(certified), Decimal(confirmed)} <= figures(found.one(INCOMPLETE)["message"])


@pytest.mark.parametrize(
    ("owner", "arrivals", "within"),
    [
        ("EU", [arrival()], True),
        ("IN", [arrival(authority="IN")], True),  # the importer is who took them in
        ("EU", [arrival(authority="IN")], False),
        ("IN", [arrival(authority="IN"), arrival("2024-03-09T12:00:00Z", "EU")], True),
        ("EU", [], True),  # the destination, before an arrival is reported
        ("BW", [arrival()], False),
        ("US", [arrival()], False),  # any authority may confirm: it is the importer's tolerance still
    ],
)
def test_the_tolerance_is_the_importer_s(owner: str, arrivals: list[Any], within: bool, tmp_path: Path) -> None:
    options = with_profiles(tmp_path, f'[{owner}]\ncarats_tolerance = {{ relative = "0.05", absolute = "0" }}\n')
    found = judge(issue(), *arrivals, confirmation(authority="US", carats="105.00"), options=options)
    assert (INCOMPLETE not in found.rules) is within
    assert INCOMPLETE in judge(issue(), *arrivals, confirmation(authority="US", carats="105.001"), options=options).rules


def test_the_certificate_is_the_yardstick_not_what_arrived() -> None:
    assert INCOMPLETE in judge(issue(), arrival(carats="98", parcel_count=2), confirmation(carats="98", parcel_count=2)).rules
    assert INCOMPLETE not in judge(issue(), arrival(carats="98", parcel_count=2), confirmation()).rules


def test_all_that_lacks_or_differs_is_one_alert() -> None:
    alert = judge(issue(), confirmation(parcel_count=2, carats=None, exporter=None)).one(INCOMPLETE)
    assert [each["field"] for each in alert["evidence"]] == ["carats", "exporter", "parcel_count"]
    assert Decimal(2) in figures(alert["message"])


@pytest.mark.parametrize("whole_last", [True, False])
def test_of_several_confirmations_the_latest_counts(whole_last: bool) -> None:
    days = ["2024-03-08T12:00:00Z", "2024-03-09T12:00:00Z"]
    partial, whole = days if whole_last else reversed(days)
    story = issue(), arrival(), confirmation(partial, importer=None), confirmation(whole)
    assert (INCOMPLETE not in judge(*story).rules) is whole_last
    assert (INCOMPLETE not in judge(*reversed(story)).rules) is whole_last, "whatever came first"


def test_of_two_at_one_instant_the_greatest_id_counts() -> None:
    a, b = {**confirmation(carats=None), "event_id": "a"}, {**confirmation(), "event_id": "b"}
    assert INCOMPLETE not in judge(issue(), a, b).rules
    assert INCOMPLETE in judge(issue(), {**a, "event_id": "c"}, b).rules


def test_any_authority_may_confirm() -> None:
    assert judge(issue(), arrival(), confirmation(authority="CH")).rows == []


@pytest.mark.parametrize("absent", ["parcel_count", "carats"])
def test_what_the_certificate_does_not_say_is_undetermined(absent: str) -> None:
    assert outcomes(issue(parcels=[], **{absent: None}), confirmation())[INCOMPLETE] == "undetermined"


def test_without_a_certificate_only_what_is_lacking_can_be_said() -> None:
    assert outcomes(confirmation())[INCOMPLETE] == "undetermined"
    assert INCOMPLETE in judge(confirmation(carats=None)).rules


def test_without_a_confirmation_it_does_not_apply() -> None:
    assert INCOMPLETE not in outcomes(issue(), export(), arrival())
    assert INCOMPLETE not in outcomes(issue(), export(), arrival(), sent_back())


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_correction_resolves_it_with_or_without_a_withdrawal(taken_back: bool) -> None:
    wrong = confirmation(carats="98")
    story = [issue(), arrival(), wrong, *([withdrawal(wrong)] if taken_back else []), confirmation("2024-03-09T12:00:00Z")]
    assert judge(*story, options=("--all",)).one(INCOMPLETE)["status"] == "RESOLVED"


def test_names_stay_behind() -> None:
    found = judge(issue(), confirmation(carats=None, exporter={"name": "Quartzite Holdings"}))
    assert "Quartzite" not in str(found.rows)
