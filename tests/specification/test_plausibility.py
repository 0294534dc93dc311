"""Origins that mine no diamonds and prices that such stones do not have; the misprints of published statistics put on certificates."""

from decimal import Decimal
from typing import Any

import pytest

from support.specified import corrected, goods, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, confirmation, export, issue, judge

# origin-without-production


@pytest.mark.parametrize(("origin", "on"), [("AU", "2021-01-01"), ("BE", "2024-03-04"), ("FJ", "2024-03-04"), ("AE", "2005-03-04")])
def test_an_origin_that_mined_nothing_on_the_day_of_issue_is_reviewed(origin: str, on: str) -> None:
    opened("origin-without-production", [issue("AE000001", "AE", on, origins=[origin])], subject=origin, days=[on])


@pytest.mark.parametrize(("origin", "on"), [("AU", "2020-12-31"), ("BW", "2024-03-04"), ("NA", "2024-03-04"), ("US", "2024-03-04")])
def test_a_producer_of_that_day_is_not(origin: str, on: str) -> None:
    quiet("origin-without-production", [issue("AE000001", "AE", on, origins=[origin])])


def test_each_origin_is_a_subject_and_a_parcels_origin_counts() -> None:
    mixed: dict[str, Any] = {"mixed_origin": True, "origins": ["BE", "BW"], **goods("100.00", "20000.00", origins=["FJ"])}
    story = [issue("AE000001", "AE", **mixed)]
    opened("origin-without-production", story, subject="BE")
    opened("origin-without-production", story, subject="FJ")
    assert len(judge(*story).of("origin-without-production")) == 2


def test_no_stated_origin_is_nothing_to_judge_and_a_corrected_one_resolves() -> None:
    quiet("origin-without-production", [issue(mixed_origin=True, origins=[])])
    quiet("origin-without-production", [export()])
    resolved("origin-without-production", corrected(issue(origins=["BE"]), issue()))


# price-out-of-band


def _priced(origin: str, carats: str, value: str, **fields: Any) -> list[Event]:
    return [issue("AE000001", "AE", origins=[origin], **goods(carats, value), **fields)]


@pytest.mark.parametrize(
    ("origin", "lowest", "highest"),
    [("RU", "13.34", "800"), ("BW", "16.67", "1625"), ("NA", "63.34", "4800"), ("CD", "1.34", "110"), ("LS", "58.34", "14500")],
)
def test_prices_lie_between_a_third_of_the_low_and_five_times_the_high(origin: str, lowest: str, highest: str) -> None:
    above_lowest, at_highest = Decimal(lowest) * 100, Decimal(highest) * 100
    quiet("price-out-of-band", _priced(origin, "100.00", str(above_lowest)))
    opened("price-out-of-band", _priced(origin, "100.00", str(above_lowest - 1)))
    quiet("price-out-of-band", _priced(origin, "100.00", str(at_highest)))
    opened("price-out-of-band", _priced(origin, "100.00", str(at_highest + Decimal("0.01"))))


def test_exactly_a_third_of_the_low_is_within() -> None:
    quiet("price-out-of-band", _priced("ZA", "100.00", "2500.00"))  # 75 / 3
    opened("price-out-of-band", _priced("ZA", "100.00", "2499.99"))


@pytest.mark.parametrize(("carats", "judged"), [("10.00", True), ("10", True), ("9.999", False), ("1.00", False)])
def test_light_goods_are_left_alone(carats: str, judged: bool) -> None:
    story = _priced("BW", carats, "1000000.00")
    if judged:
        opened("price-out-of-band", story)
    else:
        quiet("price-out-of-band", story)


def test_one_stated_origin_is_judged_and_neither_none_nor_two() -> None:
    quiet("price-out-of-band", [issue(mixed_origin=True, origins=["BW", "ZA"], **goods("100.00", "10.00"))])
    quiet("price-out-of-band", [issue(mixed_origin=True, origins=[], **goods("100.00", "10.00"))])
    quiet("price-out-of-band", [issue(**goods("100.00", "0.00"))])  # another rule's matter
    quiet("price-out-of-band", [export()])


@pytest.mark.parametrize(
    ("origin", "low", "high"), [("CF", "2666.66", "250000.01"), ("GH", "1333.33", "300000.01"), ("IN", "1333.33", "300000.01")]
)
def test_a_low_band_and_the_default_for_others_judge_with_low_confidence(origin: str, low: str, high: str) -> None:
    for value in (low, high):
        opened("price-out-of-band", _priced(origin, "100.00", value), low=True)
    quiet("price-out-of-band", _priced(origin, "100.00", str(Decimal(low) + 1)))
    quiet("price-out-of-band", _priced(origin, "100.00", str(Decimal(high) - 1)))


@pytest.mark.parametrize("field", ["carats", "value_usd"])
def test_a_missing_weight_or_value_is_undetermined(field: str) -> None:
    absent: dict[str, Any] = {field: None}
    undetermined("price-out-of-band", [issue(parcels=[], **absent)])


def test_a_corrected_value_resolves() -> None:
    resolved("price-out-of-band", corrected(issue(**goods("100.00", "2000000.00")), issue()))


# The misprints that statistics met on their way into print, put on certificates


def test_a_decimal_shift_of_the_weight_is_caught_three_ways() -> None:
    """Namibia 2023: 2.385 m ct printed as 23.85, at 450 US$/ct."""
    itemised = {"hs_code": "7102.31", "carats": "2385.00", "value_usd": "1073250.00"}
    shifted: dict[str, Any] = {"parcels": [itemised], "parcel_count": 1, "carats": "23850.00", "value_usd": "1073250.00"}
    story = [issue("NA000001", "NA", **shifted)]
    opened("totals-mismatch", story, amounts=["23850", "2385"])
    opened("price-out-of-band", story)
    figures: dict[str, Any] = {"number": "NA000001", "carats": "2385.00"}
    opened(
        "export-mismatch", [*story, export(authority="NA", value_usd="1073250.00", **figures)], subject="SH-1", amounts=["23850", "2385"]
    )
    opened("import-mismatch", [*story, arrival(**figures)], subject="SH-1", amounts=["23850", "2385"])


def test_a_decimal_shift_in_parcels_and_totals_alike_is_caught_by_the_price() -> None:
    opened("price-out-of-band", [issue("NA000001", "NA", **goods("23850.00", "1073250.00"))])
    lawful([issue("NA000001", "NA", **goods("2385.00", "1073250.00"))])


@pytest.mark.parametrize(
    ("printed", "true"),
    [
        ("34303.500", "38303.500"),  # Russia 2014: one digit
        ("23187.000", "24670.000"),  # Botswana 2014: last year's figure
        ("28680.000", "23687.000"),  # Botswana 2019: text against table
        ("727.737", "1276.000"),  # Lesotho 2022: first release
        ("169200.000", "168200.000"),  # the world in 2007: two papers
        ("13700.000", "8200.000"),  # South Africa 2010
    ],
)
def test_a_digit_slip_in_the_total_weight_is_caught_by_the_parcels_the_export_and_the_arrival(printed: str, true: str) -> None:
    value = str((Decimal(true) * 100).quantize(Decimal("0.01")))
    slipped = {**goods(true, value), "carats": printed}
    story = [issue(**slipped)]
    opened("totals-mismatch", story, amounts=[printed, true])
    left, found = export(carats=true, value_usd=value), arrival(carats=true)
    opened("export-mismatch", [*story, left], subject="SH-1", amounts=[printed, true])
    opened("import-mismatch", [*story, left, found], subject="SH-1", amounts=[printed, true])
    opened("confirmation-incomplete", [*story, left, found, confirmation(carats=true)], amounts=[printed, true])
    lawful([issue(**goods(true, value)), left, found, confirmation(carats=true)])
    right = corrected(story[0], issue(**goods(true, value)), at="2024-03-10T12:00:00Z")
    for rule in ("totals-mismatch", "export-mismatch", "import-mismatch"):
        resolved(rule, [story[0], left, found, confirmation(carats=true), *right[1:]])


def test_a_line_printed_twice_is_caught_by_the_totals_and_a_message_sent_twice_is_none() -> None:
    """Congo 2023: 3,427,254.36 ct given both to the Emirates and to Belgium."""
    line = {"hs_code": "7102.21", "carats": "3427254.36", "value_usd": "34272543.60"}
    once: dict[str, Any] = {"parcels": [line], "parcel_count": 1, "carats": "3427254.36", "value_usd": "34272543.60"}
    opened("totals-mismatch", [issue("CD000001", "CD", **{**once, "parcels": [line, line]})], amounts=["3427254.36", "6854508.72"])
    certificate = issue("CD000001", "CD", **once)
    lawful([certificate, certificate])
    again = {**issue("CD000001", "CD", **once, destination="AE")}
    opened("number-reused", [certificate, again])


def test_a_price_that_only_the_year_before_would_contradict_passes_the_band() -> None:
    """South Africa 2017: 319 US$/ct, against 150 and 124 in the years beside it; the band is wide on purpose."""
    quiet("price-out-of-band", [issue("ZA000001", "ZA", **goods("100.00", "31900.00"))])


@pytest.mark.parametrize(
    ("field", "wrong"), [("value_usd", "2000.00"), ("value_usd", "200000.00"), ("carats", "10.00"), ("carats", "1000.00")]
)
def test_a_point_moved_by_one_place_in_a_total_never_passes(field: str, wrong: str) -> None:
    opened("totals-mismatch", [issue(**{field: wrong})])
    opened("export-mismatch", [issue(**{field: wrong}), export()], subject="SH-1")
