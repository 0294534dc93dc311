"""Numbers on notice, by the catalogue: lost, stolen, void and counterfeit certificates, by number and by date."""

import pytest

from support.messages import says_day
from support.stories import Event, arrival, confirmation, event, export, invalidation, issue, judge, notice, outcomes, transit, withdrawal

NOTICE = "number-on-notice"


@pytest.mark.parametrize("kind", ["LOST", "STOLEN", "VOID", "COUNTERFEIT"])
def test_a_number_on_notice_is_stopped(kind: str) -> None:
    alert = judge(notice(kind=kind), issue()).one(NOTICE)
    assert (alert["severity"], alert["subject"], alert["confidence"]) == ("BLOCK", "n-1", "high")
    assert kind.lower() in alert["message"]
    for said in ("BW000001", "Botswana (BW)", "n-1"):
        assert said in alert["message"]
    assert says_day(alert["message"], "2024-03-04")
    assert says_day(alert["message"], "2024-04-01"), "when it was published"
    assert [(each["field"], each["value"]) for each in alert["evidence"]] == [("issued_on", "2024-03-04")]


@pytest.mark.parametrize(
    ("first", "last", "listed"),
    [
        ("BW000001", None, True),
        ("BW000002", None, False),
        ("BW000000", "BW000099", True),
        ("BW000001", "BW000002", True),  # its bounds are in it
        ("BW000000", "BW000001", True),
        ("BW000002", "BW000099", False),
        ("ZA000000", "ZA000099", False),
        ("BW00000", "BW00009", False),  # a shorter number is another
        ("BW0000000", "BW0000019", False),
        ("BW00", "BW999999", False),
        ("bw-000/000", "bw 000 005", True),  # numbers are compared normalised
    ],
)
def test_a_range_holds_numbers_as_long_as_its_bounds_and_between_them(first: str, last: str | None, listed: bool) -> None:
    assert (NOTICE in judge(notice(first=first, last=last), issue()).rules) is listed


def test_the_sentence_names_the_range() -> None:
    message = judge(notice(first="BW000001", last="BW000099"), issue()).one(NOTICE)["message"]
    assert "BW000001 to BW000099" in message


@pytest.mark.parametrize(
    ("story", "last_use"),
    [
        ([issue()], "2024-03-04"),
        ([export("2024-03-05T12:00:00Z")], "2024-03-05"),
        ([arrival("2024-03-07T12:00:00Z")], "2024-03-07"),
        ([issue(), export(), arrival()], "2024-03-07"),
        ([issue(), export("2024-03-09T12:00:00Z"), arrival("2024-03-07T12:00:00Z")], "2024-03-09"),
        ([export("2024-03-05T20:00:00-08:00")], "2024-03-05"),  # the day on the exporter's calendar
        ([arrival("2024-03-07T01:00:00+05:00")], "2024-03-07"),
        ([issue(), issue(on="2024-03-11")], "2024-03-11"),  # issued twice
    ],
)
def test_a_use_on_or_after_its_date_is_stopped(story: list[Event], last_use: str) -> None:
    def listed(day: int) -> bool:
        return NOTICE in judge(notice(valid_from=f"{last_use[:8]}{int(last_use[8:]) + day:02d}"), *story).rules

    assert [listed(day) for day in (-1, 0, 1)] == [True, True, False]


def test_only_uses_from_its_date_on_are_evidence() -> None:
    alert = judge(notice(valid_from="2024-03-05"), issue(), export(), arrival()).one(NOTICE)
    assert [(each["field"], each["expected"]) for each in alert["evidence"]] == [
        ("export date", "before 2024-03-05"),
        ("arrival date", "before 2024-03-05"),
    ]
    assert says_day(alert["message"], "2024-03-05")
    assert says_day(alert["message"], "2024-03-07")
    assert not says_day(alert["message"], "2024-03-04")
    assert set(alert["participants"]) == {"BW", "EU"}
    assert alert["shipment_id"] == "SH-1"


def test_without_a_date_it_holds_whatever_the_certificate_s_dates() -> None:
    assert NOTICE in judge(notice(valid_from=None), issue(on="2003-01-02")).rules


def test_the_date_of_issue_counts_not_the_day_of_its_report() -> None:
    assert NOTICE not in judge(notice(valid_from="2024-03-05"), issue(at="2024-03-20T09:00:00Z")).rules


@pytest.mark.parametrize("other", [transit(), confirmation(), invalidation(), event("ShipmentReturned", "2024-03-08T12:00:00Z", "EU")])
def test_a_number_that_was_not_issued_exported_or_presented_is_none(other: Event) -> None:
    assert NOTICE not in judge(notice(), other).rules


def test_each_notice_has_its_own_alert() -> None:
    found = judge(notice("n-1"), notice("n-2", kind="VOID", participant="ZA"), notice("n-3", first="BW000009"), issue())
    assert {alert["subject"] for alert in found.of(NOTICE)} == {"n-1", "n-2"}
    assert len({alert["alert_id"] for alert in found.of(NOTICE)}) == 2


def test_a_notice_that_comes_late_opens_alerts_on_old_cases_and_a_narrower_one_resolves_them() -> None:
    late = {**notice(), "event_id": "a", "occurred_at": "2024-03-04T09:00:00Z", "authority": "BW"}
    narrower = {**late, "event_id": "b", "first_number": "BW000002"}
    assert judge(issue(), late).one(NOTICE)["status"] == "OPENED"
    assert judge(issue(), late, export(), narrower, options=("--all",)).one(NOTICE)["status"] == "RESOLVED"


def test_a_withdrawn_use_resolves_it() -> None:
    wrong = issue()
    found = judge(notice(), wrong, withdrawal(wrong), options=("--all",))
    assert found.one(NOTICE)["status"] == "RESOLVED"


def test_a_corrected_date_leaves_what_is_still_listed() -> None:
    wrong = issue(on="2024-04-02", at="2024-04-02T09:00:00Z")
    right = issue(on="2024-03-04")
    story = notice(valid_from="2024-04-01"), wrong, withdrawal(wrong, "2024-04-03T09:00:00Z")
    assert NOTICE not in judge(*story, right).rules
    assert NOTICE in judge(*story, right, export("2024-04-04T12:00:00Z")).rules


def test_a_number_on_no_notice_passes_and_is_never_undetermined() -> None:
    assert NOTICE not in outcomes(issue(expires_on=None, carats=None))
