"""Movement, by the catalogue: what arrives is what was certified, within the importer's tolerance."""

from decimal import Decimal
from typing import Any

import pytest

from support.messages import figures, says_day
from support.stories import arrival, event, export, issue, judge, outcomes, withdrawal

MISMATCH = "import-mismatch"


@pytest.mark.parametrize(
    ("certified", "arrived", "differs"),
    [
        # the relative part, a thousandth of what is certified, is the larger one above 50 ct
        ("100.000", "100.000", False),
        ("100.000", "100.100", False),
        ("100.000", "100.101", True),
        ("100.000", "99.900", False),
        ("100.000", "99.899", True),
        ("1000.000", "1001.000", False),
        ("1000.000", "1001.001", True),
        ("1000.000", "999.000", False),
        ("1000.000", "998.999", True),
        # the absolute part, 0.05 ct, below
        ("10.000", "10.050", False),
        ("10.000", "10.051", True),
        ("10.000", "9.950", False),
        ("10.000", "9.949", True),
        ("0.010", "0.060", False),
        ("0.010", "0.061", True),
        # where both are equal, and just beside
        ("50.000", "50.050", False),
        ("50.000", "50.051", True),
        ("51.000", "51.051", False),
        ("51.000", "51.052", True),
        # relative to the certificate's figure, not to what arrived
        ("1001.000", "1002.001", False),
        ("1001.000", "1002.002", True),
    ],
)
def test_carats_may_differ_by_the_larger_of_a_thousandth_and_five_points(certified: str, arrived: str, differs: bool) -> None:
    certificate = issue(carats=certified, parcels=[])
    found = judge(certificate, arrival(carats=arrived))
    assert (MISMATCH in found.rules) is differs, found.rows
    if differs:
        alert = found.one(MISMATCH)
        assert (alert["severity"], alert["subject"], alert["shipment_id"]) == ("HOLD", "SH-1", "SH-1")
        assert {Decimal(certified), Decimal(arrived)} <= figures(alert["message"])
        assert [each["field"] for each in alert["evidence"]] == ["carats"]


@pytest.mark.parametrize(
    ("arrived", "differs"),
    [("20000.00", False), ("21000.00", False), ("21000.01", True), ("19000.00", False), ("18999.99", True), ("0.00", True), (None, False)],
)
def test_a_stated_value_may_differ_by_a_twentieth_of_the_certified_one(arrived: str | None, differs: bool) -> None:
    found = judge(issue(), arrival(value_usd=arrived))
    assert (MISMATCH in found.rules) is differs, found.rows
    if differs:
        alert = found.one(MISMATCH)
        assert {Decimal(20000), Decimal(str(arrived))} <= figures(alert["message"])
        assert [each["field"] for each in alert["evidence"]] == ["value_usd"]


def test_a_value_has_no_absolute_tolerance() -> None:
    tiny = issue(value_usd="0.10", parcels=[])
    assert MISMATCH in judge(tiny, arrival(value_usd="0.11")).rules
    assert MISMATCH not in judge(tiny, arrival(value_usd="0.10")).rules


@pytest.mark.parametrize(
    ("certified", "arrived", "differs"), [(3, 3, False), (3, 2, True), (3, 4, True), (1000, 1001, True), (0, 0, False)]
)
def test_parcels_are_counted_exactly(certified: int, arrived: int, differs: bool) -> None:
    found = judge(issue(parcel_count=certified, parcels=[]), arrival(parcel_count=arrived))
    assert (MISMATCH in found.rules) is differs
    if differs:
        assert {Decimal(certified), Decimal(arrived)} <= figures(found.one(MISMATCH)["message"])


def test_the_sentence_names_the_shipment_the_day_and_where_and_all_that_differs() -> None:
    alert = judge(issue(), arrival("2024-03-07T23:00:00-05:00", "US", parcel_count=2, carats="98.5", value_usd="1500")).one(MISMATCH)
    assert says_day(alert["message"], "2024-03-07"), "the day on the arrival's own calendar"
    assert "SH-1" in alert["message"]
    assert "US" in alert["message"]
    assert {Decimal(2), Decimal(1), Decimal("98.5"), Decimal(100), Decimal(1500), Decimal(20000)} <= figures(alert["message"])
    assert {each["field"] for each in alert["evidence"]} == {"parcel_count", "carats", "value_usd"}
    assert {"BW", "US"} <= set(alert["participants"])
    assert alert["basis"] == "CORE III(b)"


def test_each_shipment_has_its_own_alert() -> None:
    found = judge(issue(), arrival(carats="98"), arrival("2024-03-08T12:00:00Z", shipment="SH-2", parcel_count=2))
    assert {alert["subject"] for alert in found.of(MISMATCH)} == {"SH-1", "SH-2"}
    assert len({alert["alert_id"] for alert in found.of(MISMATCH)}) == 2
    assert {alert["shipment_id"] for alert in found.of(MISMATCH)} == {"SH-1", "SH-2"}


def test_a_shipment_that_matches_is_not_drawn_into_another_s_alert() -> None:
    found = judge(issue(), arrival(), arrival("2024-03-08T12:00:00Z", shipment="SH-2", carats="98"))
    assert found.one(MISMATCH)["subject"] == "SH-2"


@pytest.mark.parametrize("wrong_first", [True, False])
def test_every_arrival_of_a_shipment_is_judged_and_makes_one_alert(wrong_first: bool) -> None:
    wrong, right = arrival("2024-03-07T12:00:00Z", carats="98"), arrival("2024-03-08T12:00:00Z")
    if not wrong_first:
        wrong["occurred_at"], right["occurred_at"] = right["occurred_at"], wrong["occurred_at"]
    alert = judge(issue(), wrong, right).one(MISMATCH)
    assert {each["event_id"] for each in alert["evidence"]} == {wrong["event_id"]}
    both = judge(issue(), wrong, arrival("2024-03-09T12:00:00Z", carats="97")).one(MISMATCH)
    assert len(both["evidence"]) == 2, "the alert holds what every arrival said"


def test_the_sentence_gives_every_arrival_its_own_day_and_place() -> None:
    first, second = arrival("2024-03-07T12:00:00Z", carats="98"), arrival("2024-03-19T12:00:00Z", "US", carats="97")
    message = judge(issue(), first, second).one(MISMATCH)["message"]
    assert {Decimal(98), Decimal(97)} <= figures(message)
    assert says_day(message, "2024-03-07")
    assert says_day(message, "2024-03-19"), "the second was not there on the first one's day"
    assert "EU" in message
    assert "US" in message


def test_the_certificate_is_the_yardstick_not_the_export() -> None:
    assert MISMATCH not in judge(issue(), export(carats="90.00", parcel_count=7), arrival()).rules
    assert MISMATCH in judge(issue(), export(carats="90.00"), arrival(carats="90.00")).rules


@pytest.mark.parametrize("absent", ["carats", "parcel_count"])
def test_what_the_arrival_does_not_say_is_undetermined(absent: str) -> None:
    assert outcomes(issue(), arrival(**{absent: None}))[MISMATCH] == "undetermined"


@pytest.mark.parametrize("absent", ["carats", "parcel_count"])
def test_what_the_certificate_does_not_say_is_undetermined(absent: str) -> None:
    assert outcomes(issue(parcels=[], **{absent: None}), arrival())[MISMATCH] == "undetermined"


def test_a_stated_value_without_a_certified_one_is_undetermined() -> None:
    assert outcomes(issue(value_usd=None, parcels=[]), arrival(value_usd="20000"))[MISMATCH] == "undetermined"
    assert MISMATCH not in outcomes(issue(value_usd=None, parcels=[]), arrival())


def test_what_differs_differs_whatever_else_is_missing() -> None:
    assert MISMATCH in judge(issue(), arrival(carats=None, parcel_count=2)).rules
    assert MISMATCH in judge(issue(), arrival(carats="98", parcel_count=None)).rules


def test_one_silent_arrival_does_not_hide_another_s_mismatch() -> None:
    story = issue(), arrival(carats=None), arrival("2024-03-08T12:00:00Z", shipment="SH-2", carats="98")
    assert judge(*story).one(MISMATCH)["subject"] == "SH-2"


def test_without_a_certificate_there_is_nothing_to_compare() -> None:
    assert MISMATCH not in judge(arrival(carats="98")).rules
    assert MISMATCH not in judge(export(), arrival(carats="98")).rules


def test_without_an_arrival_nothing_arrived_wrong() -> None:
    assert MISMATCH not in outcomes(issue(), export(carats="1"))


@pytest.mark.parametrize("fields", [{"carats": "98"}, {"parcel_count": 4}])
def test_a_confirmation_is_no_arrival(fields: dict[str, Any]) -> None:
    confirmed = event("ImportConfirmed", "2024-03-08T12:00:00Z", "EU", **fields)
    assert MISMATCH not in judge(issue(), arrival(), confirmed).rules


def test_a_correction_resolves_the_alert() -> None:
    wrong = arrival(carats="98")
    found = judge(issue(), wrong, withdrawal(wrong, "2024-03-08T12:00:00Z"), arrival("2024-03-08T12:05:00Z"), options=("--all",))
    alert = found.one(MISMATCH)
    assert (alert["status"], alert["revision"]) == ("RESOLVED", 2)


def test_the_certificate_may_come_after_the_arrival() -> None:
    assert MISMATCH in judge(arrival(carats="98"), issue()).rules


def test_a_withdrawn_certificate_takes_its_yardstick_away() -> None:
    first, second = issue(carats="98.00", parcels=[]), issue(at="2024-03-05T09:00:00Z")
    assert MISMATCH in judge(first, second, arrival()).rules
    assert MISMATCH not in judge(first, second, arrival(), withdrawal(first)).rules
