"""The certificate itself, by the catalogue: its number, one issue to a number, its totals, the last day on which it covers an export."""

from decimal import Decimal
from typing import Any

import pytest

from support.messages import figures, says_day
from support.stories import Event, arrival, event, export, issue, judge, outcomes, withdrawal

MALFORMED, REUSED, TOTALS, EXPIRED = "number-malformed", "number-reused", "totals-mismatch", "certificate-expired"


# The number


@pytest.mark.parametrize(
    ("number", "issuer", "malformed"),
    [
        ("BW1", "BW", False),
        ("BW", "BW", True),  # a prefix alone
        ("BW" + "1" * 18, "BW", False),
        ("BW" + "1" * 19, "BW", True),
        ("BWX0Y1", "BW", False),
        ("BW12.34", "BW", True),
        ("BW12_34", "BW", True),
        ("BWÄ00001", "BW", True),
        ("BW٣٤٥", "BW", True),  # digits, but not those of the profile
        ("ZA000001", "BW", True),  # another's prefix
        ("000001", "BW", True),
        ("000001BW", "BW", True),
        ("EU000001", "BW", True),
    ],
)
def test_a_number_has_its_issuer_s_prefix_and_the_default_form(number: str, issuer: str, malformed: bool) -> None:
    found = judge(issue(number, issuer))
    assert (MALFORMED in found.rules) is malformed, found.rows
    if malformed:
        alert = found.one(MALFORMED)
        assert (alert["severity"], alert["subject"], alert["status"]) == ("HOLD", "", "OPENED")
        assert number in alert["message"], "the officer reads which number"
        assert issuer in alert["message"], "and whose it should be"
        assert alert["evidence"]


@pytest.mark.parametrize(
    ("number", "issuer", "malformed"),
    [
        ("EU12345678", "EU", False),
        ("EC12345678", "EU", False),
        ("EU1234567", "EU", True),
        ("EU123456789", "EU", True),
        ("EU1234567A", "EU", True),
        ("EC1234567", "EU", True),
        ("EE12345678", "EU", True),
        ("BE12345678", "EU", True),
        ("EU12345678", "BE", False),  # members issue the Union's certificates
        ("EC12345678", "DE", False),
        ("BE12345678", "BE", True),
        ("BE000001", "BE", True),
        ("EU1234567", "BE", True),  # the Union's profile holds for members
        ("EU12345678", "CH", True),
        ("EC12345678", "BW", True),
    ],
)
def test_certificates_of_the_european_union_start_with_eu_or_ec_and_have_eight_digits(number: str, issuer: str, malformed: bool) -> None:
    assert (MALFORMED in judge(issue(number, issuer, origins=["BW"])).rules) is malformed


@pytest.mark.parametrize(
    ("number", "issuer", "on", "malformed"),
    [
        ("EU12345678", "GB", "2020-12-31", False),
        ("GB000001", "GB", "2020-12-31", True),
        ("EU12345678", "GB", "2021-01-01", True),
        ("EC12345678", "GB", "2021-01-01", True),
        ("GB000001", "GB", "2021-01-01", False),
        ("GB1", "GB", "2021-01-01", False),  # and its own form from then on
        ("GL000001", "GL", "2015-01-31", False),  # before it belongs to one, a territory stands for itself
        ("EU12345678", "GL", "2015-01-31", True),
        ("GL000001", "GL", "2015-02-01", True),
        ("EU12345678", "GL", "2015-02-01", False),
        ("HR000001", "HR", "2013-06-30", False),
        ("HR000001", "HR", "2013-07-01", True),
        ("EU12345678", "HR", "2013-07-01", False),
    ],
)
def test_who_joins_or_leaves_changes_its_prefix_that_day(number: str, issuer: str, on: str, malformed: bool) -> None:
    found = judge(issue(number, issuer, on, origins=["BW"]))
    assert (MALFORMED in found.rules) is malformed, found.rows


def test_the_day_that_counts_for_a_prefix_is_the_date_of_issue_not_of_the_report() -> None:
    late = issue("EU12345678", "GB", "2020-12-31", at="2021-01-04T10:00:00Z", origins=["BW"])
    assert MALFORMED not in judge(late).rules


@pytest.mark.parametrize(
    ("number", "issuer", "malformed"),
    [
        ("HK000001", "HK", False),
        ("CN000001", "HK", False),
        ("MO000001", "MO", False),
        ("CN000001", "MO", False),
        ("CN000001", "CN", False),
        ("HK000001", "MO", True),
        ("MO000001", "HK", True),
        ("HK000001", "CN", True),  # each may use its own or China's; China has only its own
        ("EU12345678", "HK", True),
    ],
)
def test_hong_kong_and_macao_use_their_own_prefix_or_china_s(number: str, issuer: str, malformed: bool) -> None:
    assert (MALFORMED in judge(issue(number, issuer, origins=["ZA"])).rules) is malformed


@pytest.mark.parametrize(
    ("number", "malformed"),
    [("SL000123", False), ("SL00123", True), ("SL0001234", True), ("SL00012A", True), ("SL", True)],
)
def test_sierra_leone_s_numbers_have_six_digits(number: str, malformed: bool) -> None:
    assert (MALFORMED in judge(issue(number, "SL")).rules) is malformed


@pytest.mark.parametrize("written", ["bw000001", "BW 000 001", "BW-000-001", "BW/000/001", " b w-00/00 01 ", "bw\t000001"])
def test_blanks_hyphens_slashes_and_case_are_forgiven(written: str) -> None:
    assert judge(issue(written)).rows == []
    found = judge(issue(written, "ZA"))
    assert found.one(MALFORMED)["certificate_number"] == "BW000001"


def test_without_an_issue_nothing_says_whose_number_it_is() -> None:
    assert MALFORMED not in judge(export(number="123")).rules


def test_only_the_certificate_is_read_not_a_later_issue() -> None:
    """The certificate is the issue event with the earliest occurred_at."""
    first, second = issue("BW000001", "BW"), issue("BW000001", "ZA", at="2024-03-05T09:00:00Z")
    assert MALFORMED not in judge(second, first).rules
    assert MALFORMED in judge(second).rules


# One issue to a number


@pytest.mark.parametrize(
    "other",
    [
        {"carats": "100.001"},
        {"value_usd": "20000.01"},
        {"parcel_count": 2},
        {"destination": "IN"},
        {"issued_on": "2024-03-03"},
        {"expires_on": "2027-01-02"},
        {"origins": ["BW", "ZA"]},
        {"mixed_origin": True},
        {"exporter": {"name": "Exporter Three Ltd"}},
        {"importer": {"name": "Importer Two NV", "id": "7"}},
        {"parcels": []},
        {"parcels": [{"hs_code": "7102.21", "carats": "100.00", "value_usd": "20000.00"}]},
        {"provenance": "ZA"},
        {"seal_numbers": ["S-9"]},
        {"source_certificates": ["ZA000009"]},
        {"replaces": "BW000000"},
        {"remarks": "second sheet"},
        {"extraction": {"zone": "Orapa"}},
        {"declarations": [{"kind": "GRANDFATHERED", "reference": "G 1"}]},
        {"max_stone_carats": "2.5"},
        {"destination": None},
    ],
    ids=lambda other: "-".join(other),
)
def test_two_different_issues_under_one_number_are_a_second_certificate(other: dict[str, Any]) -> None:
    found = judge(issue(), issue(at="2024-03-06T09:00:00Z", **other))
    alert = found.one(REUSED)
    assert (alert["severity"], alert["subject"], alert["certificate_number"]) == ("BLOCK", "", "BW000001")
    assert "BW000001" in alert["message"]
    assert any(next(iter(other)) in each["field"] for each in alert["evidence"]), "what differs is in evidence"


def test_the_second_certificate_s_days_stand_in_the_sentence() -> None:
    message = judge(issue(), issue(on="2024-03-11"), issue(on="2024-03-19")).one(REUSED)["message"]
    assert says_day(message, "2024-03-04")
    assert says_day(message, "2024-03-11")


def test_the_same_issue_told_twice_is_one_certificate() -> None:
    """Two issues that differ only in event_id, occurred_at and office are no second certificate."""
    told_again = issue(at="2024-03-09T09:00:00+02:00", office="Gaborone")
    assert REUSED not in judge(issue(office="Francistown"), told_again).rules


@pytest.mark.parametrize(
    "same",
    [
        {"carats": 100, "value_usd": 20000},
        {"parcels": [{"hs_code": "7102 31", "carats": "100", "value_usd": "20000.0"}]},
        {"origins": ["bw"]},
        {"destination": " eu "},
        {"source_certificates": [], "approvals": [], "declarations": None, "remarks": None},
    ],
    ids=lambda same: "-".join(same),
)
def test_another_spelling_is_no_second_certificate(same: dict[str, Any]) -> None:
    assert REUSED not in judge(issue(), issue(at="2024-03-09T09:00:00Z", **same)).rules


def test_a_second_authority_s_issue_under_the_number_is_a_second_certificate() -> None:
    mine = issue("BW000001", "BW")
    assert REUSED in judge(mine, {**mine, "event_id": "other", "authority": "ZA"}).rules


@pytest.mark.parametrize("taken_back", [0, 1])
def test_a_withdrawal_of_either_issue_leaves_one_certificate(taken_back: int) -> None:
    issues = [issue(), issue(carats="90.00", at="2024-03-06T09:00:00Z")]
    found = judge(*issues, withdrawal(issues[taken_back]), options=("--all",))
    assert found.one(REUSED)["status"] == "RESOLVED"


def test_of_three_issues_two_different_must_go() -> None:
    issues = [issue(expires_on=f"2027-01-0{day}") for day in (1, 2, 3)]
    assert REUSED in judge(*issues, withdrawal(issues[1])).rules
    assert REUSED not in judge(*issues, withdrawal(issues[1]), withdrawal(issues[2])).rules


def test_two_numbers_are_two_certificates() -> None:
    assert judge(issue("BW000001"), issue("BW000002", carats="100.00", expires_on="2026-01-01")).rows == []


# Totals


def parcel(carats: str | None = "50.00", value: str | None = "10000.00") -> dict[str, Any]:
    """One itemised parcel."""
    return {"hs_code": "7102.31", "carats": carats, "value_usd": value}


def itemised(*parcels: dict[str, Any], **totals: Any) -> Event:
    """A certificate with these parcels and the totals of two of them."""
    return issue(parcels=list(parcels), **{"parcel_count": 2, "carats": "100.00", "value_usd": "20000.00", **totals})


@pytest.mark.parametrize(
    ("parcels", "mismatched"),
    [
        ([parcel(), parcel()], None),
        ([parcel("33.333", "6666.67"), parcel("66.667", "13333.33")], None),
        ([parcel("0.1", "0.1"), parcel("99.9", "19999.9")], None),  # exactly, not in binary fractions
        ([parcel("50.001"), parcel()], "carats"),
        ([parcel("49.999"), parcel()], "carats"),
        ([parcel(value="10000.01"), parcel()], "value_usd"),
        ([parcel(value="9999.99"), parcel()], "value_usd"),
        ([parcel("100.00", "20000.00")], "parcel_count"),
        ([parcel(), parcel("25", "5000"), parcel("25", "5000")], "parcel_count"),
    ],
)
def test_parcels_add_up_to_count_carats_and_value_exactly(parcels: list[dict[str, Any]], mismatched: str | None) -> None:
    found = judge(itemised(*parcels))
    assert (TOTALS in found.rules) is (mismatched is not None), found.rows
    if mismatched:
        alert = found.one(TOTALS)
        assert (alert["severity"], alert["subject"]) == ("HOLD", "")
        assert [each["field"] for each in alert["evidence"]] == [mismatched]


def test_the_sentence_says_what_the_parcels_sum_to_and_what_is_certified() -> None:
    said = figures(judge(itemised(parcel("50.25"), parcel(value="12500.00"))).one(TOTALS)["message"])
    assert {Decimal("100.25"), Decimal(100), Decimal(22500), Decimal(20000)} <= said


def test_all_totals_that_differ_are_one_alert() -> None:
    found = judge(itemised(parcel("1", "1")))
    assert {each["field"] for each in found.one(TOTALS)["evidence"]} == {"parcel_count", "carats", "value_usd"}


@pytest.mark.parametrize("total", ["parcel_count", "carats", "value_usd"])
def test_a_missing_total_is_undetermined(total: str) -> None:
    assert outcomes(itemised(parcel(), parcel(), **{total: None}))[TOTALS] == "undetermined"


@pytest.mark.parametrize("unweighed", [parcel(carats=None), parcel(value=None)])
def test_a_parcel_s_missing_amount_is_undetermined(unweighed: dict[str, Any]) -> None:
    assert outcomes(itemised(parcel(), unweighed))[TOTALS] == "undetermined"


def test_a_total_that_is_wrong_is_wrong_whatever_else_is_missing() -> None:
    assert TOTALS in judge(itemised(parcel("51"), parcel(), value_usd=None)).rules


@pytest.mark.parametrize("parcels", [[], None])
def test_without_itemised_parcels_there_is_nothing_to_add(parcels: list[Any] | None) -> None:
    assert TOTALS not in outcomes(issue(parcels=parcels))


# Expiry


@pytest.mark.parametrize(
    ("exported", "expired"),
    [
        ("2024-05-03T23:59:59Z", False),
        ("2024-05-04T00:00:00Z", False),
        ("2024-05-04T23:59:59Z", False),  # its last day
        ("2024-05-05T00:00:00Z", True),
        ("2024-05-04T20:00:00-08:00", False),  # the evening of the last day, though the 5th in UTC
        ("2024-05-05T01:00:00+05:00", True),  # the morning after, though the 4th in UTC
    ],
)
def test_the_last_day_for_an_export_is_expires_on_by_the_exporter_s_calendar(exported: str, expired: bool) -> None:
    found = judge(issue(expires_on="2024-05-04"), export(exported))
    assert (EXPIRED in found.rules) is expired, found.rows
    if expired:
        alert = found.one(EXPIRED)
        assert (alert["severity"], alert["subject"]) == ("HOLD", "")
        assert says_day(alert["message"], "2024-05-04")
        assert says_day(alert["message"], exported[:10])


def test_an_arrival_after_expiry_is_lawful_when_the_export_was_in_time() -> None:
    story = issue(expires_on="2024-05-04"), export("2024-05-04T12:00:00Z"), arrival("2024-05-09T12:00:00Z")
    assert judge(*story).rows == []


@pytest.mark.parametrize(
    ("arrived", "expired"),
    [("2024-05-04T12:00:00Z", False), ("2024-05-05T12:00:00Z", True), ("2024-05-05T00:30:00+02:00", True)],
)
def test_with_no_export_reported_the_arrival_date_counts(arrived: str, expired: bool) -> None:
    found = judge(issue(expires_on="2024-05-04"), arrival(arrived))
    assert (EXPIRED in found.rules) is expired
    if expired:
        assert says_day(found.one(EXPIRED)["message"], "2024-05-05")
        assert "exported" not in found.one(EXPIRED)["message"], "nobody said when it was"


def test_an_export_that_comes_late_clears_an_arrival_after_expiry() -> None:
    story = issue(expires_on="2024-05-04"), arrival("2024-05-05T12:00:00Z"), export("2024-05-04T12:00:00Z")
    assert judge(*story, options=("--all",)).one(EXPIRED)["status"] == "RESOLVED"


def test_with_neither_it_does_not_apply_however_old_the_certificate_is() -> None:
    later = event("ShipmentReleased", "2025-03-01T12:00:00Z", "EU", shipment_id="SH-1")
    assert EXPIRED not in outcomes(issue(expires_on="2024-05-04"), later)


def test_the_earliest_export_and_the_earliest_arrival_count() -> None:
    certificate = issue(expires_on="2024-05-04")
    assert EXPIRED not in judge(certificate, export("2024-05-05T12:00:00Z"), export("2024-05-04T12:00:00Z")).rules
    assert EXPIRED not in judge(certificate, arrival("2024-05-05T12:00:00Z"), arrival("2024-05-04T12:00:00Z")).rules


def test_the_earliest_export_is_the_earliest_instant_and_has_its_own_date() -> None:
    evening = export("2024-05-04T23:30:00-08:00")  # 07:30 UTC on the 5th
    morning = export("2024-05-05T05:00:00Z")  # earlier, yet dated a day later
    assert EXPIRED in judge(issue(expires_on="2024-05-04"), evening, morning).rules


def test_a_certificate_without_expiry_leaves_it_undetermined() -> None:
    assert outcomes(issue(expires_on=None), export())[EXPIRED] == "undetermined"


def test_without_a_certificate_nothing_expires() -> None:
    assert EXPIRED not in judge(export(), arrival()).rules
