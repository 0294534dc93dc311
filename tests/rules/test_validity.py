"""When a certificate is good, by the catalogue: its dates in order, no longer than its issuer allows, not after it was made void."""

from pathlib import Path
from typing import Any

import pytest

from support.messages import figures, says_day
from support.profiles import with_profiles
from support.stories import Event, arrival, confirmation, event, export, invalidation, issue, judge, outcomes, sent_back, withdrawal

ORDER, TOO_LONG, VOID = "dates-out-of-order", "validity-too-long", "certificate-invalidated"


# Dates in order


@pytest.mark.parametrize(("expires_on", "wrong"), [("2024-03-03", True), ("2024-03-04", False), ("2024-03-05", False)])
def test_a_certificate_does_not_expire_before_it_is_issued(expires_on: str, wrong: bool) -> None:
    found = judge(issue(expires_on=expires_on))
    assert (ORDER in found.rules) is wrong
    if wrong:
        alert = found.one(ORDER)
        assert (alert["severity"], alert["subject"], alert["participants"]) == ("HOLD", "", ["BW"])
        assert says_day(alert["message"], "2024-03-03")
        assert says_day(alert["message"], "2024-03-04")
        assert [each["field"] for each in alert["evidence"]] == ["expires_on"]


@pytest.mark.parametrize(
    ("reported", "wrong"),
    [
        ("2024-03-03T23:59:59Z", True),
        ("2024-03-04T00:00:00Z", False),
        ("2024-03-11T09:00:00Z", False),
        ("2024-03-04T05:00:00-08:00", False),
        ("2024-03-03T23:00:00-08:00", True),  # the 4th in UTC, the 3rd at the office
        ("2024-03-04T01:00:00+05:00", False),  # the 3rd in UTC, the 4th at the office
    ],
)
def test_a_certificate_is_not_issued_after_the_day_of_its_report(reported: str, wrong: bool) -> None:
    found = judge(issue(at=reported))
    assert (ORDER in found.rules) is wrong, found.rows
    if wrong:
        assert says_day(found.one(ORDER)["message"], "2024-03-04")
        assert says_day(found.one(ORDER)["message"], "2024-03-03")


@pytest.mark.parametrize(
    ("exported", "wrong"),
    [
        ("2024-03-03T23:59:59Z", True),
        ("2024-03-04T00:00:00Z", False),
        ("2024-03-03T20:00:00-08:00", True),
        ("2024-03-04T01:00:00+05:00", False),
        ("2024-03-04T08:00:00Z", False),  # before the report of the issue, but a date is compared with a date
    ],
)
def test_goods_are_not_exported_before_the_date_of_issue(exported: str, wrong: bool) -> None:
    found = judge(issue(), export(exported))
    assert (ORDER in found.rules) is wrong, found.rows
    if wrong:
        assert says_day(found.one(ORDER)["message"], "2024-03-03")
        assert says_day(found.one(ORDER)["message"], "2024-03-04")


def test_every_export_is_judged() -> None:
    """Of two exports the one later in time may have the earlier date."""
    earlier = export("2024-03-04T01:00:00+05:00")  # 20:00 UTC on the 3rd
    later = export("2024-03-03T20:00:00-08:00")  # 04:00 UTC on the 4th
    (fact,) = judge(issue(), earlier, later).one(ORDER)["evidence"]
    assert fact["event_id"] == later["event_id"]


@pytest.mark.parametrize(
    ("arrived", "wrong"),
    [
        ("2024-03-05T11:59:59Z", True),
        ("2024-03-05T12:00:00Z", False),  # at the same instant is not before
        ("2024-03-05T14:00:00+03:00", True),  # an hour before, whatever the clocks show
        ("2024-03-05T05:00:00-08:00", False),
    ],
)
def test_goods_do_not_arrive_before_they_are_exported_by_instants(arrived: str, wrong: bool) -> None:
    found = judge(issue(), export(), arrival(arrived))
    assert (ORDER in found.rules) is wrong, found.rows
    if wrong:
        alert = found.one(ORDER)
        assert says_day(alert["message"], arrived[:10])
        assert arrived[11:16] in alert["message"], "the time of day tells them apart"
        assert "12:00" in alert["message"]
        assert set(alert["participants"]) == {"BW", "EU"}


def test_of_exports_and_arrivals_the_earliest_are_compared() -> None:
    first, second = export("2024-03-05T12:00:00Z"), export("2024-03-09T12:00:00Z")
    assert ORDER not in judge(issue(), first, second, arrival("2024-03-07T12:00:00Z")).rules
    assert ORDER in judge(issue(), first, arrival("2024-03-07T12:00:00Z"), arrival("2024-03-05T11:00:00Z")).rules


@pytest.mark.parametrize(("confirmed", "wrong"), [("2024-03-07T11:59:59.999Z", True), ("2024-03-07T12:00:00Z", False)])
def test_an_import_is_not_confirmed_before_the_goods_arrive(confirmed: str, wrong: bool) -> None:
    assert (ORDER in judge(issue(), export(), arrival(), confirmation(confirmed)).rules) is wrong


def test_of_confirmations_the_latest_counts_and_of_arrivals_the_earliest() -> None:
    early, late = confirmation("2024-03-06T12:00:00Z"), confirmation("2024-03-08T12:00:00Z")
    assert ORDER not in judge(issue(), arrival(), early, late).rules
    assert ORDER not in judge(issue(), arrival(), arrival("2024-03-20T12:00:00Z"), late).rules


def test_all_that_is_out_of_order_is_one_alert() -> None:
    story = issue(expires_on="2024-03-01"), export("2024-03-03T12:00:00Z"), arrival("2024-03-02T12:00:00Z")
    alert = judge(*story).one(ORDER)
    assert [each["field"] for each in alert["evidence"]] == ["expires_on", "export date", "occurred_at"]
    for day in ("2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04"):
        assert says_day(alert["message"], day)


def test_what_is_in_order_without_an_expiry_date_is_undetermined() -> None:
    assert outcomes(issue(expires_on=None), export())[ORDER] == "undetermined"
    assert ORDER in judge(issue(expires_on=None), export("2024-03-03T12:00:00Z")).rules


def test_without_a_certificate_what_moved_is_compared_still() -> None:
    assert outcomes(export(), arrival())[ORDER] == "undetermined"
    assert ORDER in judge(export(), arrival("2024-03-05T11:00:00Z")).rules
    assert ORDER not in outcomes(event("ShipmentReleased", "2024-03-08T12:00:00Z", "EU", shipment_id="SH-1"))


def test_the_order_of_messages_is_not_the_order_of_dates() -> None:
    assert judge(confirmation(), arrival(), export(), issue()).rows == []


def test_a_corrected_date_resolves_it() -> None:
    wrong = export("2023-03-05T12:00:00Z")
    found = judge(issue(), wrong, withdrawal(wrong), export(), options=("--all",))
    assert found.one(ORDER)["status"] == "RESOLVED"


# Length of validity


def certificate(number: str, authority: str, issued_on: str, expires_on: str | None) -> Event:
    """A certificate for the United States."""
    return issue(number, authority, issued_on, expires_on=expires_on, destination="US", origins=["BW"])


@pytest.mark.parametrize(
    ("issued_on", "latest", "after"),
    [
        ("2024-03-04", "2024-05-04", "2024-05-05"),
        ("2023-12-31", "2024-02-29", "2024-03-01"),  # a day that the month lacks is its last
        ("2022-12-31", "2023-02-28", "2023-03-01"),
        ("2024-06-30", "2024-08-30", "2024-08-31"),
        ("2023-11-15", "2024-01-15", "2024-01-16"),
        ("2023-12-01", "2024-02-01", "2024-02-02"),
    ],
)
def test_the_european_union_s_certificates_run_for_two_calendar_months(issued_on: str, latest: str, after: str) -> None:
    assert TOO_LONG not in judge(certificate("EU12345678", "EU", issued_on, latest)).rules
    alert = judge(certificate("EU12345678", "EU", issued_on, after)).one(TOO_LONG)
    assert (alert["severity"], alert["subject"], alert["participants"]) == ("REVIEW", "", ["EU"])
    for day in (issued_on, latest, after):
        assert says_day(alert["message"], day)
    assert "2 months" in alert["message"]
    assert [(each["field"], each["value"]) for each in alert["evidence"]] == [("expires_on", after)]


@pytest.mark.parametrize(
    ("issued_on", "expires_on", "too_long"),
    [("2024-03-04", "2024-05-03", False), ("2024-03-04", "2024-05-04", True), ("2023-03-04", "2023-05-03", False)],
)
def test_canada_s_run_for_sixty_days(issued_on: str, expires_on: str, too_long: bool) -> None:
    found = judge(certificate("CA000001", "CA", issued_on, expires_on))
    assert (TOO_LONG in found.rules) is too_long
    if too_long:
        assert 60 in figures(found.one(TOO_LONG)["message"])


@pytest.mark.parametrize(
    ("authority", "number", "issued_on", "too_long"),
    [
        ("BE", "EU12345678", "2024-03-04", True),  # members issue the Union's certificates by its rules
        ("GB", "EU12345678", "2020-12-31", True),
        ("GB", "GB000001", "2021-01-01", False),
        ("BW", "BW000001", "2024-03-04", False),  # no period is known, so none is judged
    ],
)
def test_the_period_is_that_of_the_issuer_s_participant_on_the_date_of_issue(
    authority: str, number: str, issued_on: str, too_long: bool
) -> None:
    assert (TOO_LONG in judge(certificate(number, authority, issued_on, "2030-01-01")).rules) is too_long


def test_periods_come_from_the_profiles(tmp_path: Path) -> None:
    options = with_profiles(tmp_path, "validity = { months = 1 }\n[BW]\nvalidity = { days = 10 }\n")

    def judged(authority: str, expires_on: str) -> bool:
        return TOO_LONG in judge(certificate(f"{authority}000001", authority, "2024-03-04", expires_on), options=options).rules

    assert [judged("BW", on) for on in ("2024-03-14", "2024-03-15")] == [False, True]
    assert [judged("ZA", on) for on in ("2024-04-04", "2024-04-05")] == [False, True], "what a profile lacks comes from the default"


def test_without_an_expiry_date_it_is_undetermined_where_a_period_is_known() -> None:
    assert outcomes(certificate("EU12345678", "EU", "2024-03-04", None))[TOO_LONG] == "undetermined"
    assert TOO_LONG not in outcomes(certificate("BW000001", "BW", "2024-03-04", None))


def test_without_a_certificate_nothing_runs() -> None:
    assert TOO_LONG not in outcomes(export(number="EU12345678"))


def test_a_corrected_expiry_date_resolves_it() -> None:
    wrong = certificate("EU12345678", "EU", "2024-03-04", "2025-05-04")
    right = certificate("EU12345678", "EU", "2024-03-04", "2024-05-04")
    assert judge(wrong, withdrawal(wrong), right, options=("--all",)).one(TOO_LONG)["status"] == "RESOLVED"


# After it was made void


@pytest.mark.parametrize(
    ("voided", "late"),
    [
        ("2024-03-05T11:59:59Z", True),
        ("2024-03-05T12:00:00Z", False),  # at the same instant is not after
        ("2024-03-05T12:00:01Z", False),
        ("2024-03-05T13:30:00+02:00", True),  # instants, not clocks
        ("2024-03-05T05:00:00-08:00", False),
    ],
)
def test_goods_are_not_exported_after_their_certificate_was_made_void(voided: str, late: bool) -> None:
    found = judge(issue(), export(), invalidation(voided))
    assert (VOID in found.rules) is late, found.rows
    if late:
        alert = found.one(VOID)
        assert (alert["severity"], alert["subject"], alert["shipment_id"]) == ("BLOCK", "", "SH-1")
        assert says_day(alert["message"], "2024-03-05")
        assert "12:00" in alert["message"]
        assert "voided" in alert["message"]
        assert [each["field"] for each in alert["evidence"]] == ["exported at", "invalidated at"]


def test_goods_on_their_way_when_it_was_made_void_are_stopped_on_arrival() -> None:
    found = judge(issue(), export(), invalidation("2024-03-06T12:00:00Z", reason="REVOKED"), arrival())
    alert = found.one(VOID)
    assert [each["field"] for each in alert["evidence"]] == ["arrived at", "invalidated at"]
    assert set(alert["participants"]) == {"BW", "EU"}
    assert says_day(alert["message"], "2024-03-06")
    assert says_day(alert["message"], "2024-03-07")


def test_what_was_done_before_is_lawful() -> None:
    assert VOID not in judge(issue(), export(), arrival(), invalidation()).rules


def test_every_export_and_arrival_after_it_is_in_one_alert() -> None:
    story = issue(), invalidation("2024-03-04T12:00:00Z"), export(), arrival(), arrival("2024-03-09T12:00:00Z")
    assert len(judge(*story).one(VOID)["evidence"]) == 4


def test_the_earliest_invalidation_counts() -> None:
    story = issue(), export(), invalidation("2024-03-20T12:00:00Z"), invalidation("2024-03-05T11:00:00Z", reason="REPLACED")
    assert "replaced" in judge(*story).one(VOID)["message"]


@pytest.mark.parametrize("reason", ["REPLACED", "VOIDED", "RETURNED_UNUSED", "REVOKED"])
def test_for_whatever_reason(reason: str) -> None:
    message = judge(issue(), export(), invalidation("2024-03-05T11:00:00Z", reason=reason)).one(VOID)["message"]
    assert reason.lower().replace("_", " ") in message


@pytest.mark.parametrize(
    ("number", "issuer", "invalidator", "counts"),
    [
        ("EU12345678", "BE", "EU", True),
        ("EU12345678", "EU", "FR", True),
        ("CN000001", "HK", "CN", True),
        ("CN000001", "HK", "MO", True),
        ("BW000001", "ZA", "BW", False),  # the prefix is Botswana's, the certificate South Africa's
    ],
)
def test_only_the_issuer_s_own_participant_makes_it_void(number: str, issuer: str, invalidator: str, counts: bool) -> None:
    story = issue(number, issuer, origins=["BW"]), export(number=number, authority=issuer)
    voided = invalidation("2024-03-05T11:00:00Z", invalidator, number)
    assert (VOID in judge(*story, voided).rules) is counts


def test_without_an_issue_event_the_prefix_says_who_the_issuer_is() -> None:
    assert VOID in judge(invalidation("2024-03-05T11:00:00Z"), export()).rules
    eu = invalidation("2024-03-05T11:00:00Z", "BE", "EC12345678")
    assert VOID in judge(eu, export(number="EC12345678", authority="EU")).rules
    nobody_s = invalidation("2024-03-05T11:00:00Z", "BW", "QQ000001")
    assert VOID not in judge(nobody_s, export(number="QQ000001")).rules


def test_a_certificate_that_comes_later_says_whose_invalidation_counts() -> None:
    story = invalidation("2024-03-05T11:00:00Z"), export(authority="ZA"), issue(authority="ZA", origins=["ZA"])
    assert judge(*story, options=("--all",)).one(VOID)["status"] == "RESOLVED"


def test_an_invalidation_of_what_never_moved_is_lawful() -> None:
    assert judge(issue(), invalidation()).rows == []
    assert VOID not in outcomes(issue(), invalidation())


def test_a_return_does_not_make_a_void_certificate_good() -> None:
    story = issue(), export(), arrival(), sent_back(), invalidation("2024-03-09T12:00:00Z"), arrival("2024-03-10T12:00:00Z", "BW")
    assert VOID in judge(*story).rules


def test_a_withdrawn_invalidation_resolves_it() -> None:
    wrong = invalidation("2024-03-05T11:00:00Z")
    found = judge(issue(), export(), wrong, withdrawal(wrong), options=("--all",))
    assert found.one(VOID)["status"] == "RESOLVED"


@pytest.mark.parametrize("fields", [{"replacement_number": "BW000002"}, {"office": "Gaborone"}])
def test_what_else_it_states_changes_nothing(fields: dict[str, Any]) -> None:
    assert VOID in judge(issue(), export(), invalidation("2024-03-05T11:00:00Z", **fields)).rules
