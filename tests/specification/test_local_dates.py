"""An event stands for its date at the border: an evening in Vancouver is not tomorrow, a morning in Delhi not yesterday."""

from typing import Any

import pytest

from support.specified import lawful, opened, quiet
from support.stories import Event, arrival, confirmation, export, issue, transit

VANCOUVER, DELHI = "-08:00", "+05:30"


def _canadian(expires_on: str = "2024-03-05") -> Event:
    return issue("CA000001", "CA", "2024-03-02", expires_on=expires_on, at="2024-03-02T09:00:00-08:00")


@pytest.mark.parametrize("hour", ["08:00", "00:00", "03:00", "05:29", "23:59"])
def test_issued_on_2_march_and_reported_that_day_in_delhi_is_in_order(hour: str) -> None:
    lawful([issue("IN000001", "IN", "2024-03-02", at=f"2024-03-02T{hour}:00{DELHI}")])


def test_issued_on_2_march_and_reported_on_1_march_in_vancouver_is_not() -> None:
    story = [issue("CA000001", "CA", "2024-03-02", at=f"2024-03-01T20:00:00{VANCOUVER}", expires_on="2024-04-01")]
    opened("dates-out-of-order", story, days=["2024-03-02", "2024-03-01"])


@pytest.mark.parametrize("hour", ["20:00:00", "16:00:00", "23:59:59", "00:00:00"])
def test_exported_at_night_in_vancouver_on_the_expiry_day_is_in_time(hour: str) -> None:
    lawful([_canadian(), export(f"2024-03-05T{hour}{VANCOUVER}", "CA", "CA000001")])


def test_exported_in_the_first_minutes_of_the_day_after_is_not() -> None:
    opened("certificate-expired", [_canadian(), export(f"2024-03-06T00:00:00{VANCOUVER}", "CA", "CA000001")], days=["2024-03-06"])
    story = [issue("IN000001", "IN", "2024-03-02", expires_on="2024-03-05"), export(f"2024-03-06T00:30:00{DELHI}", "IN", "IN000001")]
    opened("certificate-expired", story, days=["2024-03-06"])


def test_exported_in_the_evening_before_the_issue_is_out_of_order() -> None:
    issued = issue("CA000001", "CA", "2024-03-02", at=f"2024-03-02T07:00:00{VANCOUVER}", expires_on="2024-04-01")
    opened("dates-out-of-order", [issued, export(f"2024-03-01T20:00:00{VANCOUVER}", "CA", "CA000001")], days=["2024-03-01"])
    quiet("dates-out-of-order", [issued, export(f"2024-03-02T00:00:00{VANCOUVER}", "CA", "CA000001")])


def test_two_events_compare_as_instants_whatever_their_dates_say() -> None:
    left = export("2024-03-06T22:00:00-08:00", "CA", "CA000001")  # 06:00 UTC on the 7th
    after, before = "2024-03-07T16:00:01+10:00", "2024-03-07T15:59:59+10:00"
    issued = _canadian("2024-04-01")
    quiet("dates-out-of-order", [issued, left, arrival(after, "EU", "CA000001")])
    opened("dates-out-of-order", [issued, left, arrival(before, "EU", "CA000001")])


@pytest.mark.parametrize(
    ("rule", "story"),
    [
        ("certificate-expired", [_canadian("2024-03-04"), export("2024-03-05T00:10:00+05:30", "CA", "CA000001")]),
        ("import-banned", [issue("AE000001", "AE", "2023-12-20", origins=["RU"]), arrival("2024-01-01T00:10:00+03:00", "EU", "AE000001")]),
        ("transit-banned", [issue(on="2023-12-20"), transit("2024-01-01T00:10:00+03:00", "RU")]),
        ("importer-not-participant", [arrival("2004-07-09T00:10:00+01:00", "CG")]),
        ("trade-suspended", [issue("CF000001", "CF", "2013-05-20"), export("2013-05-23T00:10:00+01:00", "CF", "CF000001")]),
    ],
    ids=lambda told: told if isinstance(told, str) else "",
)
def test_the_first_minutes_of_a_day_belong_to_it(rule: str, story: list[Event]) -> None:
    alerts = {"transit-banned": "eu-russia-transit", "import-banned": "eu-russia-origin"}
    opened(rule, story, subject=alerts.get(rule, ""))
    late = story[-1]
    earlier: dict[str, Any] = {**late, "occurred_at": late["occurred_at"][:19] + "Z"}
    assert earlier["occurred_at"].endswith("00:10:00Z")
    opened(rule, [*story[:-1], earlier], subject=alerts.get(rule, ""))


def test_an_instant_without_an_offset_or_in_zulu_stands_for_the_utc_date() -> None:
    lawful([_canadian("2024-03-05"), export("2024-03-05T23:59:59.999Z", "CA", "CA000001")])
    opened("certificate-expired", [_canadian("2024-03-05"), export("2024-03-06T04:00:00Z", "CA", "CA000001")], days=["2024-03-06"])


def test_a_deadline_runs_from_the_local_date_and_ends_by_utc() -> None:
    landed = arrival(f"2024-03-07T20:00:00{VANCOUVER}", "CA", "BW000001")
    story = [issue(destination="CA"), export(destination="CA"), landed]
    quiet("confirmation-overdue", story, clock="2024-03-14T23:59:59Z")
    opened("confirmation-overdue", story, clock="2024-03-15T00:00:00Z", days=["2024-03-14"])
    lawful([*story, confirmation(f"2024-03-14T12:00:00{VANCOUVER}", "CA")])


@pytest.mark.parametrize("offset", ["+14:00", "-12:00", "+05:45", "+00:00", "Z"])
def test_any_offset_is_taken(offset: str) -> None:
    lawful([issue(at=f"2024-03-04T12:00:00{offset}"), export(f"2024-03-05T12:00:00{offset}"), arrival(f"2024-03-07T12:00:00{offset}")])
