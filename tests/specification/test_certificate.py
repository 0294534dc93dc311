"""What a certificate must state, by Annex I: number, fields, origins, HS codes, totals and the order of its dates."""

from typing import Any

import pytest

from support.specified import complete, corrected, goods, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, confirmation, export, invalidation, issue, judge

# number-malformed


@pytest.mark.parametrize(
    ("number", "issuer", "on"),
    [
        ("BW", "BW", "2024-03-04"),
        ("BW" + "1" * 19, "BW", "2024-03-04"),
        ("ZA000001", "BW", "2024-03-04"),
        ("EU1234567", "EU", "2024-03-04"),
        ("EU123456789", "EU", "2024-03-04"),
        ("EU1234567A", "EU", "2024-03-04"),
        ("BE12345678", "BE", "2024-03-04"),
        ("GB000001", "GB", "2020-12-31"),
        ("EU12345678", "GB", "2021-01-01"),
        ("SL12345", "SL", "2024-03-04"),
        ("SL1234567", "SL", "2024-03-04"),
        ("CN000001", "MO", "2019-09-30"),
        ("HK000001", "MO", "2024-03-04"),
        ("GL12345678", "GL", "2016-03-04"),
        ("GL12345678", "EU", "2016-03-04"),
    ],
)
def test_a_number_that_is_not_one_of_its_issuers_is_held(number: str, issuer: str, on: str) -> None:
    alert = opened("number-malformed", [issue(number, issuer, on, destination="AE")])
    assert number in alert["message"]


@pytest.mark.parametrize(
    ("number", "issuer", "on"),
    [
        ("BW1", "BW", "2024-03-04"),
        ("BW" + "1" * 18, "BW", "2024-03-04"),
        ("BW00A01", "BW", "2024-03-04"),
        ("bw-00/00 01", "BW", "2024-03-04"),
        ("EU12345678", "EU", "2024-03-04"),
        ("EC12345678", "EU", "2024-03-04"),
        ("EU12345678", "BE", "2024-03-04"),
        ("EU12345678", "GB", "2020-12-31"),
        ("GB000001", "GB", "2021-01-01"),
        ("SL123456", "SL", "2024-03-04"),
        ("HK000001", "HK", "2024-03-04"),
        ("CN000001", "HK", "2024-03-04"),
        ("MO000001", "MO", "2019-10-01"),
        ("CN000001", "MO", "2019-10-01"),
        ("MO000001", "MO", "2019-09-30"),
        ("CN000001", "CN", "2024-03-04"),
        ("EU12345678", "GL", "2015-02-01"),
        ("GL000001", "GL", "2015-01-31"),
    ],
)
def test_a_number_of_its_issuer_is_not(number: str, issuer: str, on: str) -> None:
    quiet("number-malformed", [issue(number, issuer, on, destination="AE")])


def test_a_number_without_a_certificate_is_not_applicable() -> None:
    quiet("number-malformed", [export(number="BW")])


def test_a_withdrawn_malformed_certificate_resolves() -> None:
    wrong = issue("SL12345", "SL")
    resolved("number-malformed", corrected(wrong, export(number="SL12345", authority="SL")))


# number-reused


@pytest.mark.parametrize(
    "changed",
    [
        {"carats": "100.001"},
        {"expires_on": "2026-12-31"},
        {"on": "2024-03-05"},
        {"destination": "AE"},
        {"importer": {"name": "Importer Three NV"}},
        {"exporter": {"name": "Exporter One Ltd", "id": "EX-1"}},
        {"mixed_origin": True, "origins": ["BW", "ZA"]},
        {"seal_numbers": ["S-1"]},
        {"source_certificates": ["ZA000001"]},
        {"remarks": "a second paper"},
        {"parcels": []},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_two_certificates_under_one_number_are_blocked(changed: dict[str, Any]) -> None:
    alert = opened("number-reused", [issue(at="2024-03-04T09:00:00Z"), issue(at="2024-03-06T10:00:00Z", **changed)])
    assert "Three" not in str(alert)
    assert "EX-1" not in str(alert)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"at": "2024-03-05T10:00:00Z"},
        {"office": "Francistown"},
        {"carats": 100},
        {"value_usd": "20000"},
        {"parcels": [{"hs_code": "710231", "carats": "100", "value_usd": "20000.0"}]},
        {"source_certificates": []},
        {"approvals": None},
    ],
    ids=lambda changed: next(iter(changed), "same"),
)
def test_the_same_certificate_reported_twice_is_not(changed: dict[str, Any]) -> None:
    lawful([issue(), issue(**changed)])


def test_withdrawing_either_certificate_resolves_and_the_other_stands() -> None:
    first, second = issue(), issue(at="2024-03-05T09:00:00Z", destination="AE")
    resolved("number-reused", [first, *corrected(second, export())])
    resolved("number-reused", [second, *corrected(first, export(destination="AE"))])
    lawful([second, *corrected(first, export(destination="AE"))])


def test_a_single_certificate_or_none_is_no_reuse() -> None:
    quiet("number-reused", complete())
    quiet("number-reused", [export()])


def test_the_earliest_issue_is_the_certificate_whatever_came_first() -> None:
    first, second = issue(at="2024-03-04T09:00:00Z"), issue(at="2024-03-04T10:00:00Z", destination="AE")
    for order in ([first, second], [second, first]):
        opened("number-reused", [*order, export(), arrival()])
        quiet("wrong-destination", [*order, export(), arrival()])
    twin = {**issue(destination="AE"), "event_id": "event-0"}
    for order in ([first, twin], [twin, first]):  # at one instant the smaller event id decides
        opened("wrong-destination", [*order, export(), arrival()], subject="SH-1")


# required-field-missing


@pytest.mark.parametrize(
    "fields",
    [
        {"exporter": None},
        {"exporter": {"name": ""}},
        {"exporter": {"name": "  "}},
        {"importer": None},
        {"importer": {"name": ""}},
        {"carats": None},
        {"carats": "0"},
        {"carats": "-1.000"},
        {"value_usd": None},
        {"value_usd": "0.00"},
        {"value_usd": "-20000"},
        {"parcel_count": None},
        {"parcel_count": 0},
        {"parcel_count": -1},
    ],
    ids=str,
)
def test_a_certificate_that_lacks_what_it_must_state_is_held(fields: dict[str, Any]) -> None:
    alert = opened("required-field-missing", [issue(parcels=[], **fields)])
    (name,) = fields
    assert any(name.split("_")[0] in each["field"] for each in alert["evidence"]), alert["evidence"]


@pytest.mark.parametrize("fields", [goods("0.001", "0.01"), {"parcels": []}, {"expires_on": None}, {"seal_numbers": None}], ids=str)
def test_the_least_that_is_enough_is_not(fields: dict[str, Any]) -> None:
    quiet("required-field-missing", [issue(**fields)])


def test_a_full_certificate_in_place_of_the_poor_one_resolves() -> None:
    resolved("required-field-missing", corrected(issue(exporter=None), issue()))
    quiet("required-field-missing", [export()])


# origin-missing


@pytest.mark.parametrize(
    ("mixed", "origins", "of_parcel", "expected"),
    [
        (False, [], [], "violation"),
        (False, ["BW"], [], "quiet"),
        (False, ["BW", "BW"], [], "quiet"),
        (False, ["BW", "ZA"], [], "violation"),
        (False, [], ["BW"], "quiet"),
        (False, ["BW"], ["BW"], "quiet"),
        (False, ["BW"], ["ZA"], "violation"),
        (True, [], [], "quiet"),
        (True, ["BW"], [], "violation"),
        (True, [], ["BW"], "violation"),
        (True, ["BW"], ["ZA"], "quiet"),
        (True, ["BW", "ZA"], [], "quiet"),
        (None, [], [], "undetermined"),
        (None, ["BW"], [], "undetermined"),
        (None, ["BW", "ZA"], [], "undetermined"),
    ],
)
def test_goods_state_their_origin_as_they_must(mixed: bool | None, origins: list[str], of_parcel: list[str], expected: str) -> None:
    story = [issue(mixed_origin=mixed, origins=origins, **goods("100.00", "20000.00", origins=of_parcel))]
    if expected == "violation":
        opened("origin-missing", story)
    else:
        {"quiet": quiet, "undetermined": undetermined}[expected]("origin-missing", story)


def test_an_origin_that_comes_with_the_correction_resolves() -> None:
    resolved("origin-missing", corrected(issue(origins=[]), issue()))
    quiet("origin-missing", [export()])


# hs-code-out-of-scope


@pytest.mark.parametrize("code", ["7102.10", "7102.21", "7102.31", "710231", " 7102 31 "])
def test_the_three_codes_of_rough_diamonds_are_in_scope(code: str) -> None:
    lawful([issue(parcels=[{"hs_code": code, "carats": "100.00", "value_usd": "20000.00"}])])


@pytest.mark.parametrize("code", ["7102.39", "7102.29", "7104.20", "7102", "7102.31.00", "7105.10"])
def test_any_other_code_is_held(code: str) -> None:
    good = {"hs_code": "7102.31", "carats": "60.00", "value_usd": "12000.00"}
    odd = {"hs_code": code, "carats": "40.00", "value_usd": "8000.00"}
    opened("hs-code-out-of-scope", [issue(parcels=[good, odd], parcel_count=2)])


def test_a_parcel_without_a_code_is_undetermined_and_no_parcels_are_nothing_to_judge() -> None:
    undetermined("hs-code-out-of-scope", [issue(parcels=[{"carats": "100.00", "value_usd": "20000.00"}])])
    quiet("hs-code-out-of-scope", [issue(parcels=[])])
    resolved("hs-code-out-of-scope", corrected(issue(parcels=[{**issue()["parcels"][0], "hs_code": "7102.39"}]), issue()))


# totals-mismatch

PAIR = [
    {"hs_code": "7102.31", "carats": "60.001", "value_usd": "12000.01"},
    {"hs_code": "7102.21", "carats": "40.002", "value_usd": "8000.02"},
]
SUMS: dict[str, Any] = {"parcels": PAIR, "parcel_count": 2, "carats": "100.003", "value_usd": "20000.03"}


@pytest.mark.parametrize(
    ("changed", "amounts"),
    [
        ({"carats": "100.002"}, ["100.002", "100.003"]),
        ({"carats": "100.004"}, ["100.004", "100.003"]),
        ({"value_usd": "20000.02"}, ["20000.02", "20000.03"]),
        ({"value_usd": "20000.04"}, ["20000.04", "20000.03"]),
        ({"parcel_count": 1}, ["1", "2"]),
        ({"parcel_count": 3}, ["3", "2"]),
    ],
)
def test_totals_that_are_off_by_the_least_step_are_held(changed: dict[str, Any], amounts: list[str]) -> None:
    opened("totals-mismatch", [issue(**{**SUMS, **changed})], amounts=amounts)


def test_totals_that_add_up_exactly_are_not() -> None:
    lawful([issue(**SUMS)])
    quiet("totals-mismatch", [issue(parcels=[])])
    resolved("totals-mismatch", corrected(issue(**{**SUMS, "carats": "1000.03"}), issue(**SUMS)))


@pytest.mark.parametrize("field", ["carats", "value_usd", "parcel_count"])
def test_a_missing_total_is_undetermined(field: str) -> None:
    undetermined("totals-mismatch", [issue(**{**SUMS, field: None})])


@pytest.mark.parametrize("field", ["carats", "value_usd"])
def test_a_missing_amount_of_a_parcel_is_undetermined(field: str) -> None:
    undetermined("totals-mismatch", [issue(**{**SUMS, "parcels": [{**PAIR[0], field: None}, PAIR[1]]})])


def test_what_is_missing_does_not_hide_what_is_wrong() -> None:
    opened("totals-mismatch", [issue(**{**SUMS, "value_usd": None, "carats": "99.000"})], amounts=["99", "100.003"])


# dates-out-of-order


@pytest.mark.parametrize(
    ("story", "days"),
    [
        ([issue(expires_on="2024-03-03")], ["2024-03-03", "2024-03-04"]),
        ([issue(on="2024-03-05", at="2024-03-04T23:59:00Z")], ["2024-03-05", "2024-03-04"]),
        ([issue(), export("2024-03-03T23:59:59Z")], ["2024-03-03", "2024-03-04"]),
        ([issue(), export("2024-03-07T12:00:01Z"), arrival("2024-03-07T12:00:00Z")], ["2024-03-07"]),
        ([issue(), export(), arrival("2024-03-08T12:00:01Z"), confirmation("2024-03-08T12:00:00Z")], ["2024-03-08"]),
        ([export("2024-03-07T12:00:01Z"), arrival("2024-03-07T12:00:00Z")], []),
        ([issue(), export("2024-03-06T12:00:00+02:00"), arrival("2024-03-06T11:30:00+02:00")], []),
    ],
    ids=["expiry", "report", "export", "arrival", "confirmation", "no-certificate", "offset"],
)
def test_dates_in_an_impossible_order_are_held(story: list[Event], days: list[str]) -> None:
    opened("dates-out-of-order", story, days=days)


@pytest.mark.parametrize(
    "story",
    [
        [issue(expires_on="2024-03-04")],
        [issue(at="2024-03-04T00:00:00Z")],
        [issue(), export("2024-03-04T00:00:00Z")],
        [issue(), export("2024-03-07T12:00:00Z"), arrival("2024-03-07T12:00:00Z")],
        [issue(), export(), arrival("2024-03-08T12:00:00Z"), confirmation("2024-03-08T12:00:00Z")],
        [issue(), export("2024-03-06T12:00:00+02:00"), arrival("2024-03-06T11:30:00+01:00")],  # earlier by the clock on the wall only
        [issue(), export("2024-03-06T12:00:00Z"), export("2024-03-08T12:00:00Z"), arrival("2024-03-07T12:00:00Z")],
        [issue(), export(), arrival("2024-03-07T12:00:00Z"), confirmation("2024-03-06T12:00:00Z"), confirmation("2024-03-08T12:00:00Z")],
    ],
    ids=["expiry", "report", "export", "arrival", "confirmation", "offsets", "a-later-export", "the-latest-confirmation"],
)
def test_the_same_day_and_the_same_instant_are_in_order(story: list[Event]) -> None:
    quiet("dates-out-of-order", story)


def test_an_expiry_that_is_not_stated_hides_no_other_disorder() -> None:
    undetermined("dates-out-of-order", [issue(expires_on=None)])
    opened("dates-out-of-order", [issue(expires_on=None), export("2024-03-03T12:00:00Z")], days=["2024-03-03"])


def test_every_export_is_compared_with_the_issue_and_only_the_earliest_arrival_counts() -> None:
    opened("dates-out-of-order", [issue(), export("2024-03-05T12:00:00Z"), export("2024-03-01T12:00:00Z")], days=["2024-03-01"])
    quiet("dates-out-of-order", [issue(), export(), arrival("2024-03-07T12:00:00Z"), arrival("2024-03-09T12:00:00Z"), confirmation()])


def test_a_corrected_date_resolves() -> None:
    resolved("dates-out-of-order", corrected(issue(expires_on="2023-03-04"), issue()))
    resolved("dates-out-of-order", [issue(), export(), *corrected(arrival("2024-03-01T12:00:00Z"), arrival())])


# certificate-invalidated


@pytest.mark.parametrize(
    "story",
    [
        [issue(), invalidation("2024-03-05T11:59:59Z"), export()],
        [issue(), export(), invalidation("2024-03-07T11:59:59Z"), arrival()],  # on its way
        [invalidation("2024-03-05T11:59:59Z"), export()],
        [invalidation("2024-03-07T11:59:59Z"), arrival()],
        [
            issue("EU12345678", "BE", destination="AE", expires_on="2024-04-01"),
            invalidation("2024-03-05T11:00:00Z", "EU", "EU12345678"),
            export(authority="NL", number="EU12345678", destination="AE"),
        ],
        [invalidation("2024-03-05T11:00:00Z", "BE", "EC12345678"), export(authority="EU", number="EC12345678", destination="AE")],
        [issue("BW000001"), invalidation("2024-03-05T13:00:00+02:00", reason="RETURNED_UNUSED"), export("2024-03-05T11:30:00Z")],
    ],
    ids=["export", "arrival", "export-alone", "arrival-alone", "one-participant", "prefix-ec", "by-instant"],
)
def test_what_moves_after_the_issuer_made_it_void_is_blocked(story: list[Event]) -> None:
    opened("certificate-invalidated", story)


@pytest.mark.parametrize(
    "story",
    [
        [issue(), invalidation("2024-03-05T12:00:00Z"), export()],
        [issue(), export(), invalidation("2024-03-07T12:00:00Z"), arrival()],
        [issue(), invalidation()],
        complete(),
        [issue("BW000001", "ZA"), export(authority="ZA")],
    ],
    ids=["at-that-instant", "at-arrival", "unused", "never", "no-invalidation"],
)
def test_what_moved_before_is_not(story: list[Event]) -> None:
    quiet("certificate-invalidated", story)


def test_anothers_invalidation_is_refused_and_has_no_effect() -> None:
    story = [issue(), invalidation("2024-03-04T12:00:00Z", "ZA"), export()]
    judged = judge(*story, options=("--decisions",))
    assert [row["outcome"] for row in judged.rows] == ["ACCEPTED", "REFUSED", "ACCEPTED"]
    quiet("certificate-invalidated", story)


def test_a_withdrawn_invalidation_resolves() -> None:
    void = invalidation("2024-03-05T10:00:00Z")
    resolved("certificate-invalidated", [issue(), export(), *corrected(void, arrival())])
    lawful([issue(), export(), *corrected(void, arrival(), at="2024-03-06T12:00:00Z")])
