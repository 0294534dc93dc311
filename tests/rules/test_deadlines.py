"""Deadlines, by the catalogue: what is missing now, from the instant on at which its time had passed; what comes too late resolves it."""

from datetime import datetime
from typing import Any

import pytest

from support.messages import figures, says_day
from support.stories import Judged, arrival, event, export, issue, judge, outcomes, withdrawal

UNKNOWN, ARRIVAL, CONFIRMATION = "certificate-unknown", "arrival-overdue", "confirmation-overdue"


def at(as_of: str, *events: dict[str, Any], everything: bool = False) -> Judged:
    """The open alerts (or all ever raised) when the clock shows this."""
    return judge(*events, options=("--as-of", as_of, *(("--all",) if everything else ())))


def confirmation(when: str = "2024-03-10T12:00:00Z", authority: str = "EU", **fields: Any) -> dict[str, Any]:
    return event("ImportConfirmed", when, authority, **{"carats": "100.00", "parcel_count": 1, **fields})


def returned(when: str = "2024-03-10T12:00:00Z", authority: str = "EU") -> dict[str, Any]:
    return event("ShipmentReturned", when, authority, shipment_id="SH-1")


def instant(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["effective_at"])


# certificate-unknown: a number of days, each of 24 hours, after the first shipment event; later than that instant


@pytest.mark.parametrize(("as_of", "is_open"), [("2024-03-08T12:00:00Z", False), ("2024-03-08T12:00:00.001Z", True)])
def test_a_certificate_is_unknown_once_three_times_24_hours_have_gone_by_since_the_first_shipment_event(as_of: str, is_open: bool) -> None:
    found = at(as_of, arrival(), export())
    assert (UNKNOWN in found.rules) is is_open
    if is_open:
        alert = found.one(UNKNOWN)
        assert (alert["severity"], alert["subject"], alert["event_id"]) == ("HOLD", "", None)
        assert instant(alert) == datetime.fromisoformat("2024-03-08T12:00:00.001Z")
        assert says_day(alert["message"], "2024-03-05")
        assert 3 in figures(alert["message"])
        assert set(alert["participants"]) == {"BW", "EU"}


@pytest.mark.parametrize(
    "first",
    [arrival(), confirmation(), returned(), event("ShipmentTransited", "2024-03-05T12:00:00Z", "AE", shipment_id="S", country="AE")],
)
def test_any_shipment_event_that_feeds_a_rule_calls_for_a_certificate(first: dict[str, Any]) -> None:
    assert UNKNOWN in at("2024-04-01T00:00:00Z", first).rules


@pytest.mark.parametrize("kind", ["ShipmentDetained", "ShipmentReleased"])
def test_a_detention_feeds_no_rule(kind: str) -> None:
    fields = {"reason": "X"} if kind == "ShipmentDetained" else {}
    assert at("2024-04-01T00:00:00Z", event(kind, "2024-03-05T12:00:00Z", "EU", shipment_id="S", **fields)).rules == set()


def test_a_certificate_that_is_reported_too_late_resolves_it_even_with_an_earlier_date() -> None:
    late = issue(at="2024-03-04T09:00:00Z")
    found = at("2024-04-01T00:00:00Z", export(), arrival(), confirmation("2024-03-20T12:00:00Z"), late, everything=True)
    assert found.one(UNKNOWN)["status"] == "RESOLVED"
    assert found.one(UNKNOWN)["revision"] == 2


def test_a_certificate_that_is_withdrawn_is_unknown_again_from_the_withdrawal_on() -> None:
    certificate = issue()
    back = withdrawal(certificate, "2024-03-20T12:00:00Z")
    alert = at("2024-04-01T00:00:00Z", certificate, export(), arrival(), confirmation(), back).one(UNKNOWN)
    assert alert["event_id"] == back["event_id"]
    assert instant(alert) == datetime.fromisoformat("2024-03-20T12:00:00Z")


# arrival-overdue: days of the destination's profile after the export's local date


@pytest.mark.parametrize(("as_of", "is_open"), [("2024-04-04T23:59:59.999Z", False), ("2024-04-05T00:00:00Z", True)])
def test_arrival_is_overdue_from_midnight_after_the_thirtieth_day(as_of: str, is_open: bool) -> None:
    found = at(as_of, issue(), export())
    assert (ARRIVAL in found.rules) is is_open
    if is_open:
        alert = found.one(ARRIVAL)
        assert (alert["severity"], alert["subject"], alert["shipment_id"], alert["event_id"]) == ("REVIEW", "", "SH-1", None)
        assert instant(alert) == datetime.fromisoformat("2024-04-05T00:00:00Z")
        assert says_day(alert["message"], "2024-03-05")
        assert says_day(alert["message"], "2024-04-04")
        assert set(alert["participants"]) == {"BW", "EU"}


def test_the_days_count_from_the_export_s_local_date() -> None:
    """Ten in the evening of 5 March in Vancouver is 6 March in UTC, and counts as the 5th."""
    certificate, sent = issue("CA000001", "CA"), export("2024-03-05T22:00:00-08:00", "CA", "CA000001")
    assert ARRIVAL in at("2024-04-05T00:00:00Z", certificate, sent).rules


@pytest.mark.parametrize("end", [arrival("2024-03-09T12:00:00Z", "AE"), returned()])
def test_an_arrival_anywhere_or_a_return_ends_the_wait(end: dict[str, Any]) -> None:
    assert ARRIVAL not in at("2024-06-01T00:00:00Z", issue(), export(), end).rules


def test_an_arrival_that_is_reported_too_late_resolves_it() -> None:
    alert = at(
        "2024-06-01T00:00:00Z",
        issue(),
        export(),
        event("ShipmentDetained", "2024-05-01T00:00:00Z", "EU", shipment_id="SH-1", reason="X"),
        arrival(),
        everything=True,
    ).one(ARRIVAL)
    assert (alert["status"], alert["revision"]) == ("RESOLVED", 2)


def test_without_a_destination_arrival_can_t_be_overdue_yet() -> None:
    sent = export(destination=None)
    assert outcomes(sent)[ARRIVAL] == "undetermined"
    assert ARRIVAL not in at("2024-06-01T00:00:00Z", sent).rules


def test_nothing_exported_is_nothing_overdue() -> None:
    assert at("2024-06-01T00:00:00Z", issue()).rules == set()


# confirmation-overdue: the importer's days after the earliest arrival's local date


@pytest.mark.parametrize(
    ("importer", "arrived", "last_day"),
    [
        # 31 CFR 592.301(a)(3): 15 calendar days
        ("US", "2024-03-07T12:00:00-05:00", "2024-03-22"),
        # an evening in New York is the next day in UTC, and counts as its own
        ("US", "2024-03-07T22:00:00-05:00", "2024-03-22"),
        # Article 5(1): 10 working days; 7 March 2024 is a Thursday
        ("EU", "2024-03-07T12:00:00+01:00", "2024-03-21"),
        ("BE", "2024-03-07T12:00:00+01:00", "2024-03-21"),
        # from a Saturday the first working day is the Monday
        ("EU", "2024-03-09T12:00:00+01:00", "2024-03-22"),
        # sections 7-8: 7 days
        ("CA", "2024-03-07T12:00:00-05:00", "2024-03-14"),
        # no rule of its own: the default
        ("AE", "2024-03-07T12:00:00+04:00", "2024-03-22"),
    ],
)
def test_confirmation_is_overdue_from_midnight_after_the_importer_s_last_day(importer: str, arrived: str, last_day: str) -> None:
    story = (issue(destination=importer), export(destination=importer), arrival(arrived, importer))
    assert CONFIRMATION not in at(f"{last_day}T23:59:59.999Z", *story).rules
    day_after = f"{last_day[:-2]}{int(last_day[-2:]) + 1:02d}"
    alert = at(f"{day_after}T00:00:00Z", *story).one(CONFIRMATION)
    assert (alert["severity"], alert["subject"], alert["event_id"], alert["participants"]) == ("REVIEW", "", None, [importer])
    assert instant(alert) == datetime.fromisoformat(f"{day_after}T00:00:00Z")
    assert says_day(alert["message"], arrived[:10])
    assert says_day(alert["message"], last_day)


def test_the_earliest_arrival_counts() -> None:
    story = (issue(), export(), arrival("2024-03-15T12:00:00Z"), arrival("2024-03-07T12:00:00Z"))
    assert CONFIRMATION in at("2024-03-22T00:00:00Z", *story).rules


@pytest.mark.parametrize("who", ["EU", "AE", "BW"])
def test_any_authority_may_confirm_and_even_long_after(who: str) -> None:
    story = (issue(), export(), arrival())
    assert CONFIRMATION not in at("2024-06-01T00:00:00Z", *story, confirmation(authority=who)).rules
    late = at("2024-06-01T00:00:00Z", *story, confirmation("2024-05-01T00:00:00Z", who), everything=True).one(CONFIRMATION)
    assert (late["status"], late["revision"]) == ("RESOLVED", 2)
    assert instant(late) == datetime.fromisoformat("2024-05-01T00:00:00Z")


def test_after_a_return_no_confirmation_is_due() -> None:
    assert CONFIRMATION not in at("2024-06-01T00:00:00Z", issue(), export(), arrival(), returned()).rules


def test_a_confirmation_that_is_withdrawn_is_due_again() -> None:
    sent = confirmation()
    back = withdrawal(sent, "2024-05-01T12:00:00Z")
    alert = at("2024-06-01T00:00:00Z", issue(), export(), arrival(), sent, back).one(CONFIRMATION)
    assert alert["event_id"] == back["event_id"]


def test_a_withdrawal_before_the_deadline_leaves_the_deadline_s_own_time() -> None:
    sent = confirmation()
    alert = at("2024-06-01T00:00:00Z", issue(), export(), arrival(), sent, withdrawal(sent, "2024-03-12T12:00:00Z")).one(CONFIRMATION)
    assert alert["event_id"] is None
    assert instant(alert) == datetime.fromisoformat("2024-03-22T00:00:00Z")


def test_the_clock_is_event_time_and_never_the_computer_s() -> None:
    """By default it is the latest event's: a lawful shipment of long ago is not overdue because today is later."""
    assert judge(issue(), export(), arrival()).rules == set()
