"""What is missing when its days are over: arrivals and confirmations, to the second in which the last day ends."""

from pathlib import Path

import pytest

from support.specified import corrected, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, confirmation, export, invalidation, issue, judge, sent_back, transit, withdrawal

PROFILES = """
[default]
number = "^[A-Z]{2}[0-9A-Z]{1,18}$"
confirmation_days = 15
arrival_days = 30
unknown_certificate_days = 3
value_tolerance = { relative = "0.05", absolute = "0" }
carats_tolerance = { relative = "0.001", absolute = "0.05" }

[AE]
arrival_days = 5

[EU]
number = "^(EU|EC)[0-9]{8}$"
confirmation_working_days = 3
holidays = [2024-03-11]
"""

# arrival-overdue


@pytest.mark.parametrize(
    ("at", "last_day", "due"),
    [
        ("2024-03-05T12:00:00Z", "2024-04-04", "2024-04-05T00:00:00Z"),
        ("2024-03-05T00:00:00Z", "2024-04-04", "2024-04-05T00:00:00Z"),
        ("2024-03-05T20:00:00-08:00", "2024-04-04", "2024-04-05T00:00:00Z"),  # already the 6th in UTC
        ("2024-03-05T00:30:00+05:30", "2024-04-04", "2024-04-05T00:00:00Z"),  # still the 4th in UTC
        ("2024-01-31T12:00:00Z", "2024-03-01", "2024-03-02T00:00:00Z"),
    ],
)
def test_goods_that_have_not_arrived_when_the_last_day_is_over_are_reviewed(at: str, last_day: str, due: str) -> None:
    story = [issue(on="2024-01-20"), export(at)]
    quiet("arrival-overdue", story, clock=f"{last_day}T23:59:59Z")
    alert = opened("arrival-overdue", story, clock=due, days=[last_day])
    assert alert["event_id"] is None
    assert alert["effective_at"].startswith(due[:19])


def test_the_days_are_the_destinations(tmp_path: Path) -> None:
    (tmp_path / "issuer-profiles.toml").write_text(PROFILES, encoding="utf-8")
    options = ("--reference", str(tmp_path))
    story = [issue(destination="AE"), export(destination="AE")]
    quiet("arrival-overdue", story, clock="2024-03-10T23:59:59Z", options=options)
    opened("arrival-overdue", story, clock="2024-03-11T00:00:00Z", options=options, days=["2024-03-10"])
    quiet("arrival-overdue", [issue(), export()], clock="2024-04-04T23:59:59Z", options=options)
    opened("arrival-overdue", [issue(), export()], clock="2024-04-05T00:00:00Z", options=options)


@pytest.mark.parametrize(
    "end",
    [arrival(), arrival(authority="AE"), arrival(shipment="SH-9"), sent_back(), sent_back(authority="AE", shipment="SH-9")],
    ids=["arrived", "elsewhere", "under-another-shipment", "returned", "returned-anywhere"],
)
def test_goods_that_arrived_or_went_back_anywhere_are_not(end: Event) -> None:
    quiet("arrival-overdue", [issue(), export(), end], clock="2024-06-01T00:00:00Z")


def test_what_comes_too_late_still_resolves_and_its_withdrawal_opens_again() -> None:
    late = arrival("2024-05-02T12:00:00Z")
    story = [issue(), export(), late]
    resolved("arrival-overdue", story)
    resolved("arrival-overdue", [issue(), export(), sent_back("2024-05-02T12:00:00Z")])
    opened("arrival-overdue", [*story, withdrawal(late, at="2024-05-03T12:00:00Z")])


def test_nothing_exported_is_not_applicable_and_a_transit_is_no_arrival() -> None:
    quiet("arrival-overdue", [issue()], clock="2026-01-01T00:00:00Z")
    opened("arrival-overdue", [issue(), export(), transit()], clock="2024-04-05T00:00:00Z")


def test_an_export_that_nobody_certified_is_overdue_too() -> None:
    opened("arrival-overdue", [export()], clock="2024-04-05T00:00:00Z")


# confirmation-overdue


@pytest.mark.parametrize(
    ("importer", "at", "last_day", "due"),
    [
        ("AE", "2024-03-07T12:00:00Z", "2024-03-22", "2024-03-23T00:00:00Z"),
        ("US", "2024-03-07T12:00:00Z", "2024-03-22", "2024-03-23T00:00:00Z"),
        ("CA", "2024-03-07T12:00:00Z", "2024-03-14", "2024-03-15T00:00:00Z"),
        ("CA", "2024-03-07T20:00:00-08:00", "2024-03-14", "2024-03-15T00:00:00Z"),
        ("EU", "2024-03-07T12:00:00Z", "2024-03-21", "2024-03-22T00:00:00Z"),  # a Thursday
        ("EU", "2024-03-08T12:00:00Z", "2024-03-22", "2024-03-23T00:00:00Z"),
        ("EU", "2024-03-09T12:00:00Z", "2024-03-22", "2024-03-23T00:00:00Z"),  # a Saturday
        ("EU", "2024-03-10T12:00:00Z", "2024-03-22", "2024-03-23T00:00:00Z"),
        ("BE", "2024-03-11T12:00:00Z", "2024-03-25", "2024-03-26T00:00:00Z"),
    ],
)
def test_an_import_not_confirmed_when_the_days_are_over_is_reviewed(importer: str, at: str, last_day: str, due: str) -> None:
    destination = "EU" if importer == "BE" else importer
    story = [issue(destination=destination), export(destination=destination), arrival(at, importer)]
    quiet("confirmation-overdue", story, clock=f"{last_day}T23:59:59Z")
    alert = opened("confirmation-overdue", story, clock=due, days=[last_day])
    assert alert["event_id"] is None
    lawful([*story, confirmation(f"{last_day}T12:00:00Z", importer)], clock=due)


def test_working_days_leave_out_the_profiles_holidays_and_replace_the_calendar_days(tmp_path: Path) -> None:
    (tmp_path / "issuer-profiles.toml").write_text(PROFILES, encoding="utf-8")
    options = ("--reference", str(tmp_path))
    story = [issue(), export(), arrival()]  # 7 March, then 8, 12, 13: the 11th is a holiday
    quiet("confirmation-overdue", story, clock="2024-03-13T23:59:59Z", options=options)
    opened("confirmation-overdue", story, clock="2024-03-14T00:00:00Z", options=options, days=["2024-03-13"])


def test_a_late_confirmation_by_any_authority_resolves() -> None:
    story = [issue(), export(), arrival()]
    for authority in ("EU", "BE", "BW", "AE"):
        resolved("confirmation-overdue", [*story, confirmation("2024-05-01T12:00:00Z", authority)])
        lawful([*story, confirmation("2024-05-01T12:00:00Z", authority)])


def test_goods_sent_back_need_no_confirmation_and_goods_that_never_arrived_neither() -> None:
    quiet("confirmation-overdue", [issue(), export(), arrival(), sent_back()], clock="2024-06-01T00:00:00Z")
    resolved("confirmation-overdue", [issue(), export(), arrival(), sent_back("2024-05-01T12:00:00Z")])
    quiet("confirmation-overdue", [issue(), export()], clock="2024-06-01T00:00:00Z")


def test_a_withdrawn_confirmation_is_missing_again() -> None:
    confirmed = confirmation()
    story = [issue(), export(), arrival(), confirmed, withdrawal(confirmed, at="2024-03-25T12:00:00Z")]
    opened("confirmation-overdue", story)
    quiet("confirmation-overdue", story, clock="2024-03-21T23:59:59Z")


def test_a_corrected_arrival_moves_the_deadline() -> None:
    story = [issue(), export(), *corrected(arrival("2024-03-06T12:00:00Z"), arrival("2024-03-12T12:00:00Z"), at="2024-03-22T12:00:00Z")]
    resolved("confirmation-overdue", story)
    opened("confirmation-overdue", story, clock="2024-03-27T00:00:00Z", days=["2024-03-26"])


# The clock


def test_a_deadline_that_passed_between_two_events_of_the_file_opens_and_resolves() -> None:
    story = [issue(), export(), arrival("2024-04-10T12:00:00Z"), confirmation("2024-04-12T12:00:00Z")]
    rows = judge(*story, options=("--all",)).of("arrival-overdue")
    assert [(row["status"], row["revision"]) for row in rows] == [("RESOLVED", 2)]
    lawful(story)


def test_another_certificates_events_move_the_clock_for_all() -> None:
    story = [issue(), export(), issue("BW000002", at="2024-04-05T00:00:00Z")]
    opened("arrival-overdue", story)
    quiet("arrival-overdue", [*story[:2], issue("BW000002", at="2024-04-04T23:59:59Z")])


def test_events_after_the_clock_are_left_out_and_counted() -> None:
    story = [issue(), export(), arrival("2024-05-02T12:00:00Z"), confirmation("2024-05-03T12:00:00Z")]
    judged = judge(*story, options=("--as-of", "2024-05-01T00:00:00Z"))
    assert judged.exit_status == 0
    assert "2" in judged.errors
    assert judged.rules == {"arrival-overdue"}


@pytest.mark.parametrize(("clock", "expected"), [("2024-03-04T23:59:59Z", set()), ("2024-04-05T00:00:00Z", {"arrival-overdue"})])
def test_the_clock_alone_decides_and_never_the_computers(clock: str, expected: set[str]) -> None:
    story = [issue(), export(), invalidation("2024-06-20T12:00:00Z")]
    assert judge(*story, options=("--as-of", clock)).rules == expected


def test_an_arrival_without_a_certificate_still_awaits_its_confirmation() -> None:
    opened("confirmation-overdue", [arrival()], clock="2024-03-22T00:00:00Z")
    undetermined("import-mismatch", [arrival()])
