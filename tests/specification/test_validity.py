"""How long a certificate serves, numbers on notice, numbers that nobody issued, and event ids with two contents."""

from pathlib import Path
from typing import Any

import pytest

from support.specified import complete, corrected, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, confirmation, event, export, issue, judge, notice, sent_back, transit, withdrawal

# validity-too-long


@pytest.mark.parametrize(
    ("number", "issuer", "on", "last", "next_day"),
    [
        ("EU12345678", "EU", "2024-01-15", "2024-03-15", "2024-03-16"),
        ("EU12345678", "EU", "2024-01-31", "2024-03-31", "2024-04-01"),
        ("EU12345678", "EU", "2023-12-31", "2024-02-29", "2024-03-01"),
        ("EU12345678", "EU", "2022-12-31", "2023-02-28", "2023-03-01"),
        ("EU12345678", "BE", "2024-01-15", "2024-03-15", "2024-03-16"),
        ("EU12345678", "GB", "2020-12-15", "2021-02-15", "2021-02-16"),
        ("CA000001", "CA", "2024-03-01", "2024-04-30", "2024-05-01"),
        ("CA000001", "CA", "2023-12-31", "2024-02-29", "2024-03-01"),
    ],
)
def test_expiry_is_no_later_than_the_issuers_profile_allows(number: str, issuer: str, on: str, last: str, next_day: str) -> None:
    def issued(expires_on: str) -> Event:
        return issue(number, issuer, on, destination="AE", expires_on=expires_on)

    quiet("validity-too-long", [issued(last)])
    opened("validity-too-long", [issued(next_day)], days=[next_day, last])


def test_an_issuer_without_a_limit_has_none_and_no_expiry_is_undetermined() -> None:
    quiet("validity-too-long", [issue(expires_on="2099-12-31")])
    quiet("validity-too-long", [issue("GB000001", "GB", "2021-01-01", destination="AE", expires_on="2025-01-01")])
    undetermined("validity-too-long", [issue("CA000001", "CA", expires_on=None)])
    quiet("validity-too-long", [export()])


def test_a_corrected_expiry_resolves() -> None:
    def issued(expires_on: str) -> Event:
        return issue("CA000001", "CA", expires_on=expires_on)

    resolved("validity-too-long", corrected(issued("2025-04-04"), issued("2024-04-04")))


# certificate-expired


@pytest.mark.parametrize(
    ("story", "late"),
    [
        ([issue(expires_on="2024-03-05"), export()], False),
        ([issue(expires_on="2024-03-04"), export()], True),
        ([issue(expires_on="2024-03-05"), export(), arrival()], False),  # it left in time
        ([issue(expires_on="2024-03-07"), arrival()], False),
        ([issue(expires_on="2024-03-06"), arrival()], True),
        ([issue(expires_on="2024-03-05"), export("2024-03-09T12:00:00Z"), export()], False),  # the earliest export
        ([issue(expires_on="2024-03-05"), export("2024-03-05T20:00:00-08:00")], False),
        ([issue(expires_on="2024-03-04"), export("2024-03-05T00:30:00+05:30")], True),  # still the 4th in UTC
        ([issue(expires_on="2024-03-06"), arrival("2024-03-06T20:00:00-08:00")], False),
        ([issue(expires_on="2024-03-04")], False),
        ([export()], False),
    ],
)
def test_goods_leave_no_later_than_the_expiry_date(story: list[Event], late: bool) -> None:
    if late:
        opened("certificate-expired", story, days=[story[0]["expires_on"]])
    else:
        quiet("certificate-expired", story)


def test_an_expiry_not_stated_is_undetermined_once_goods_move() -> None:
    undetermined("certificate-expired", [issue(expires_on=None), export()])
    undetermined("certificate-expired", [issue(expires_on=None), arrival()])
    quiet("certificate-expired", [issue(expires_on=None)])


def test_an_export_that_comes_late_and_a_corrected_expiry_resolve() -> None:
    resolved("certificate-expired", [issue(expires_on="2024-03-06"), arrival(), export()])
    resolved("certificate-expired", [export(), *corrected(issue(expires_on="2024-03-04"), issue())])
    story = [issue(expires_on="2024-03-04"), export()]
    resolved("certificate-expired", [*story, *corrected(story[1], export("2024-03-04T12:00:00Z"))[1:]])


# number-on-notice


@pytest.mark.parametrize(
    ("number", "first", "last", "held"),
    [
        ("BW000001", "BW000001", None, True),
        ("BW000001", "BW000001", "BW000010", True),
        ("BW000005", "BW000001", "BW000010", True),
        ("BW000010", "BW000001", "BW000010", True),
        ("BW000011", "BW000001", "BW000010", False),
        ("BW000000", "BW000001", "BW000010", False),
        ("BW00005", "BW000001", "BW000010", False),  # shorter
        ("BW0000051", "BW000001", "BW000010", False),  # longer
        ("BW000002", "BW000001", None, False),
        ("ZA000005", "BW000001", "BW000010", False),
        ("BW000005", "bw-000 001", "bw/000010", True),
    ],
)
def test_a_number_within_a_notices_range_is_blocked(number: str, first: str, last: str | None, held: bool) -> None:
    story = [issue(number, number[:2]), notice("n-7", first, last)]
    if held:
        assert "STOLEN" in str(opened("number-on-notice", story, subject="n-7")).upper()
    else:
        quiet("number-on-notice", story)


@pytest.mark.parametrize(
    ("story", "valid_from", "held"),
    [
        ([issue()], "2024-03-04", True),
        ([issue()], "2024-03-05", False),
        ([issue(), export()], "2024-03-05", True),
        ([issue(), export()], "2024-03-06", False),
        ([issue(), export(), arrival()], "2024-03-07", True),
        ([issue(), export(), arrival()], "2024-03-08", False),
        ([export()], "2024-03-05", True),
        ([arrival()], "2024-03-07", True),
        ([arrival()], "2024-03-08", False),
        ([arrival("2024-03-07T20:00:00-08:00")], "2024-03-08", False),
        ([arrival("2024-03-08T01:00:00+05:30")], "2024-03-08", True),
        ([issue(), export(), arrival(), arrival("2024-03-10T12:00:00Z", "BE")], "2024-03-10", True),
        ([issue(), transit()], "2024-03-05", False),
        ([transit()], None, False),
        (complete(), None, True),
    ],
)
def test_the_use_counts_from_the_notices_own_date(story: list[Event], valid_from: str | None, held: bool) -> None:
    stated = {} if valid_from is None else {"valid_from": valid_from}
    told = [*story, notice(**stated)]
    if held:
        opened("number-on-notice", told, subject="n-1")
    else:
        quiet("number-on-notice", told)


@pytest.mark.parametrize("kind", ["LOST", "STOLEN", "VOID", "COUNTERFEIT"])
def test_every_kind_of_notice_counts(kind: str) -> None:
    opened("number-on-notice", [issue(), notice(kind=kind)], subject="n-1")


def test_two_notices_are_two_alerts_and_a_later_one_replaces_its_own_id() -> None:
    story = complete()
    opened("number-on-notice", [*story, notice("n-1"), notice("n-2", kind="LOST")], subject="n-1")
    opened("number-on-notice", [*story, notice("n-1"), notice("n-2", kind="LOST")], subject="n-2")
    lawful([*story, notice("n-1"), notice("n-1", "BW999999")])
    resolved("number-on-notice", [story[0], notice("n-1"), story[1], notice("n-1", "BW999999")])


def test_a_notice_that_arrives_late_opens_an_alert_on_an_old_case_but_not_before_it_is_known() -> None:
    story = [*complete(), notice(event_id="notice-1", occurred_at="2024-06-01T09:00:00Z", published_on="2024-06-01")]
    lawful(story, clock="2024-05-31T12:00:00Z")
    opened("number-on-notice", story, subject="n-1", clock="2024-06-01T09:00:00Z")


# certificate-unknown

SHIPMENT_EVENTS = [
    export("2024-03-07T12:00:00Z"),
    transit("2024-03-07T12:00:00Z"),
    arrival("2024-03-07T12:00:00Z"),
    sent_back("2024-03-07T12:00:00Z"),
    confirmation("2024-03-07T12:00:00Z"),
]


@pytest.mark.parametrize("moved", SHIPMENT_EVENTS, ids=lambda moved: moved["type"])
def test_a_shipment_without_a_certificate_is_held_three_days_later_and_not_before(moved: Event) -> None:
    quiet("certificate-unknown", [moved], clock="2024-03-10T12:00:00Z")
    alert = opened("certificate-unknown", [moved], clock="2024-03-10T12:00:01Z")
    assert alert["event_id"] is None, "a deadline set it off"


@pytest.mark.parametrize("kind", ["ShipmentDetained", "ShipmentReleased"])
def test_a_detention_feeds_no_rule(kind: str) -> None:
    stopped = event(kind, "2024-03-07T12:00:00Z", "EU", shipment_id="SH-1", **({"reason": "x"} if kind.endswith("ed") else {}))
    quiet("certificate-unknown", [stopped], clock="2024-06-01T00:00:00Z")


def test_the_first_shipment_event_counts_by_instant_and_the_day_by_the_clock() -> None:
    early, late = export("2024-03-07T20:00:00-08:00"), arrival("2024-03-09T12:00:00Z")
    for order in ([early, late], [late, early]):
        quiet("certificate-unknown", order, clock="2024-03-11T04:00:00Z")
        opened("certificate-unknown", order, clock="2024-03-11T04:00:01Z")


def test_an_issue_that_comes_late_resolves_and_one_that_was_withdrawn_does_not_count() -> None:
    moved = export("2024-03-07T12:00:00Z")
    late = issue(at="2024-03-20T09:00:00Z")
    resolved("certificate-unknown", [moved, late])
    opened("certificate-unknown", [moved, late, withdrawal(late, at="2024-03-21T09:00:00Z")])
    quiet("certificate-unknown", [issue()], clock="2024-06-01T00:00:00Z")


# event-conflict


def _with(first: Event, **changed: Any) -> Event:
    return {**first, **changed}


ARRIVED = arrival()


@pytest.mark.parametrize(
    "changed",
    [
        {"carats": "100.001"},
        {"authority": "BE"},
        {"occurred_at": "2024-03-07T14:00:00+02:00"},  # the same instant, another content
        {"seal_numbers": []},  # looked and none, instead of not looked at
        {"office": "Antwerp"},
        {"exporter": {"name": "Exporter Four"}},
    ],
    ids=str,
)
def test_one_event_id_with_two_contents_is_held_and_the_first_stands(changed: dict[str, Any]) -> None:
    story = [issue(), export(), ARRIVED, _with(ARRIVED, **changed)]
    alert = opened("event-conflict", story, subject=ARRIVED["event_id"])
    assert "Exporter Four" not in str(alert)
    assert judge(*story, options=("--decisions",)).rows[-1]["outcome"] == "CONFLICT"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"carats": 100},
        {"carats": "100"},
        {"occurred_at": "2024-03-07T12:00:00.000Z"},
        {"occurred_at": "2024-03-07T12:00:00+00:00"},
        {"authority": "eu"},
        {"certificate_number": "bw-000001"},
        {"seal_numbers": None},
        {"office": None},
    ],
    ids=str,
)
def test_the_same_content_written_otherwise_is_a_duplicate(changed: dict[str, Any]) -> None:
    story = [issue(), export(), ARRIVED, _with(ARRIVED, **changed)]
    lawful(story)
    assert judge(*story, options=("--decisions",)).rows[-1]["outcome"] == "DUPLICATE"


def test_of_two_contents_the_first_in_the_log_is_judged() -> None:
    light = _with(ARRIVED, carats="50.000")
    opened("import-mismatch", [issue(), export(), light, ARRIVED], subject="SH-1")
    quiet("import-mismatch", [issue(), export(), ARRIVED, light])


def test_an_event_id_is_compared_within_its_certificate_number() -> None:
    first, second = issue("BW000001"), issue("BW000002", carats="100.00")
    lawful([first, {**second, "event_id": first["event_id"]}])


def test_a_third_content_is_still_one_conflict_and_withdrawing_the_id_ends_it() -> None:
    story = [issue(), export(), ARRIVED, _with(ARRIVED, carats="90.000"), _with(ARRIVED, carats="80.000")]
    opened("event-conflict", story, subject=ARRIVED["event_id"])
    resolved("event-conflict", [*story, withdrawal(ARRIVED), arrival()])


def test_a_withdrawal_whose_own_withdrawal_is_taken_back_brings_the_conflict_back() -> None:
    story = [issue(), export(), ARRIVED, _with(ARRIVED, carats="90.000")]
    undone = withdrawal(ARRIVED, at="2024-03-09T12:00:00Z")
    opened("event-conflict", [*story, undone, withdrawal(undone, at="2024-03-10T12:00:00Z")], subject=ARRIVED["event_id"])


def test_the_days_until_a_certificate_is_unknown_are_the_defaults_whatever_a_profile_says(tmp_path: Path) -> None:
    profiles = """
[default]
number = "^[A-Z]{2}[0-9A-Z]{1,18}$"
confirmation_days = 15
arrival_days = 30
unknown_certificate_days = 2
value_tolerance = { relative = "0.05", absolute = "0" }
carats_tolerance = { relative = "0.001", absolute = "0.05" }

[BW]
unknown_certificate_days = 20

[EU]
unknown_certificate_days = 20
"""
    (tmp_path / "issuer-profiles.toml").write_text(profiles, encoding="utf-8")
    options = ("--reference", str(tmp_path))
    quiet("certificate-unknown", [export("2024-03-07T12:00:00Z")], clock="2024-03-09T12:00:00Z", options=options)
    opened("certificate-unknown", [export("2024-03-07T12:00:00Z")], clock="2024-03-09T12:00:01Z", options=options)
