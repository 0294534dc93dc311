"""`kimberley check`: what it says of input that it can't take, and how it takes amounts and instants."""

from pathlib import Path
from typing import Any

import pytest

from support.checked import check, checked, complaint, lines, raw, rows, rules
from support.stories import arrival, export, issue

WRONG = "import-mismatch"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write events to."""
    return tmp_path / "border.jsonl"


# What it says of input that it can't take


def test_each_refusal_is_named_by_file_line_and_field(tmp_path: Path) -> None:
    first, second = tmp_path / "monday.jsonl", tmp_path / "tuesday.jsonl"
    first.write_text(lines(issue()) + "\n" + lines(issue(carats="heavy")), encoding="utf-8")  # the blank line counts
    second.write_text(lines(arrival(), arrival(authority="XX")), encoding="utf-8")
    result = check(first, second)
    assert result.exit_code == 1
    monday = next(line for line in result.stderr.splitlines() if "monday.jsonl" in line)
    tuesday = next(line for line in result.stderr.splitlines() if "tuesday.jsonl" in line)
    assert "3" in monday.split("monday.jsonl", 1)[1]
    assert "carats" in monday
    assert "2" in tuesday.split("tuesday.jsonl", 1)[1]
    assert "authority" in tuesday
    assert "XX" in tuesday


def test_a_refusal_on_standard_input_has_its_line_too() -> None:
    result = check("-", given=lines(issue(), arrival(authority="XX")))
    assert result.exit_code == 1
    assert "2" in result.stderr
    assert "authority" in result.stderr


@pytest.mark.parametrize(
    "line", ["{", "nonsense", "7", '"text"', "null", "[1]", '{"type": "CertificateIssued"', "{'type': 'x'}", '{"carats": NaN}', "\x00"]
)
def test_a_line_that_is_no_event_is_refused_and_the_rest_is_judged(file: Path, line: str) -> None:
    file.write_text(lines(issue()) + line + "\n" + lines(arrival(carats="98")), encoding="utf-8")
    result = check(file)
    assert (result.exit_code, rules(result)) == (1, {WRONG})
    assert "2" in result.stderr.split(file.name, 1)[1]


def test_bytes_that_are_no_text_are_refused_and_the_rest_is_judged(file: Path) -> None:
    file.write_bytes(lines(issue()).encode() + b'{"type": "\xff\xfe"}\n' + lines(arrival(carats="98")).encode())
    result = check(file)
    assert (result.exit_code, rules(result)) == (1, {WRONG})


@pytest.mark.parametrize("kind", ["CertificateEaten", "certificateissued", "", None, 7])
def test_an_unknown_type_is_refused_and_named(file: Path, kind: Any) -> None:
    result = checked(file, {**issue(), "type": kind})
    assert (result.exit_code, result.stdout) == (1, "")
    assert "type" in complaint(result, file)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("occurred_at", "soon"),
        ("occurred_at", "2024-03-04"),
        ("occurred_at", "2024-03-04T25:00:00Z"),
        ("occurred_at", "2024-02-30T09:00:00Z"),
        ("occurred_at", "20240304T090000Z"),
        ("occurred_at", "2024-W10-1T09:00:00Z"),
        ("occurred_at", "2024-03-04T09:00:00+25:00"),
        ("occurred_at", 1709542800),
        ("issued_on", "2024-02-30"),
        ("issued_on", "2023-02-29"),
        ("issued_on", "04.03.2024"),
        ("issued_on", "2024-3-4"),
        ("issued_on", "20240304"),
        ("issued_on", "2024-W10-1"),
        ("issued_on", "2024-03-04T00:00:00Z"),
        ("issued_on", 20240304),
        ("expires_on", "never"),
        ("expires_on", "20270101"),
        ("mixed_origin", "no"),
        ("mixed_origin", 0),
        ("parcel_count", 1.5),
        ("parcel_count", True),
        ("parcel_count", "one"),
        ("origins", "BW"),
        ("origins", [None]),
        ("origins", [7]),
        ("parcels", {"hs_code": "7102.31"}),
        ("parcels", ["7102.31"]),
        ("exporter", "Exporter One Ltd"),
        ("source_certificates", "ZA000001"),
        ("seal_numbers", "S-1"),
        ("destination", 12),
        ("event_id", 7),
        ("certificate_number", 7),
        ("certificate_number", ["BW000001"]),
        ("extraction", "Orapa"),
        ("approvals", [{"kind": "KP_MONITOR", "reference": "A 1", "granted_on": "spring"}]),
    ],
)
def test_a_value_of_another_kind_is_refused_and_its_field_named(file: Path, field: str, value: Any) -> None:
    result = checked(file, {**issue(), field: value})
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert file.name in result.stderr
    assert field in complaint(result, file)


@pytest.mark.parametrize("party", ["Exporter One Ltd", ["Exporter One Ltd"], {"name": ["Exporter One Ltd"]}, {"title": "Exporter One Ltd"}])
@pytest.mark.parametrize("role", ["exporter", "importer"])
def test_a_refusal_does_not_tell_an_exporter_s_or_importer_s_name(file: Path, role: str, party: Any) -> None:
    result = checked(file, {**issue(), role: party}, options=("--decisions",))
    assert result.exit_code == 1
    assert role in complaint(result, file)
    assert "Exporter One" not in result.output


# Decimals


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("carats", '"100"'),
        ("carats", '"100.0"'),
        ("carats", '"100.000"'),
        ("carats", "100"),
        ("carats", "100.0"),
        ("carats", "100.000"),
        ("value_usd", '"20000"'),
        ("value_usd", '"20000.00"'),
        ("value_usd", "20000"),
        ("value_usd", "20000.00"),
    ],
)
def test_amounts_are_strings_or_numbers(file: Path, field: str, written: str) -> None:
    first = issue()
    file.write_text(lines(first) + raw(first, **{field: written}), encoding="utf-8")
    assert [row["outcome"] for row in rows(check(file, "--decisions"))] == ["ACCEPTED", "DUPLICATE"]


@pytest.mark.parametrize("figure", ["99999999999.999", "0.001", "12345678901.234", "0.3", "4503599627.371"])
def test_a_number_is_never_read_through_a_float(file: Path, figure: str) -> None:
    first = issue(carats=figure, parcels=[])
    file.write_text(lines(first) + raw(first, carats=figure), encoding="utf-8")
    assert [row["outcome"] for row in rows(check(file, "--decisions"))] == ["ACCEPTED", "DUPLICATE"]


def test_a_large_value_keeps_its_cents(file: Path) -> None:
    first = issue(value_usd="99999999999999.99", parcels=[])
    file.write_text(lines(first) + raw(first, value_usd="99999999999999.99"), encoding="utf-8")
    assert [row["outcome"] for row in rows(check(file, "--decisions"))] == ["ACCEPTED", "DUPLICATE"]


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("carats", '"100.0001"'),
        ("carats", '"100.0000"'),  # as written, not as rounded
        ("carats", "100.0001"),
        ("carats", "100.0000"),
        ("value_usd", '"20000.001"'),
        ("value_usd", '"20000.000"'),
        ("value_usd", "20000.000"),
        ("max_stone_carats", '"2.0000"'),
        ("min_stone_carats", "0.0001"),
        ("carats", '"100000000000.000"'),  # more digits than the precision
        ("value_usd", '"100000000000000.00"'),
        ("carats", '"NaN"'),
        ("carats", '"Infinity"'),
        ("carats", '"1,5"'),
        ("carats", '"1 000"'),
        ("carats", '"1_000"'),
        ("carats", '""'),
        ("carats", '"100 ct"'),
        ("carats", "true"),
        ("carats", "[100]"),
        ("parcels", '[{"hs_code": "7102.31", "carats": "100.0000", "value_usd": "1"}]'),
        ("parcels", '[{"hs_code": "7102.31", "carats": "100", "value_usd": 1.000}]'),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_not_rounded(file: Path, field: str, written: str) -> None:
    file.write_text(raw(issue(), **{field: written}), encoding="utf-8")
    result = check(file)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert field in complaint(result, file)


def test_a_parcel_s_amount_is_named_with_its_place(file: Path) -> None:
    good, bad = {"hs_code": "7102.31", "carats": "100", "value_usd": "20000"}, {"hs_code": "7102.31", "carats": "x", "value_usd": "1"}
    result = checked(file, issue(parcels=[good, bad]))
    assert "parcels[1].carats" in complaint(result, file)


# Instants


@pytest.mark.parametrize(
    ("at", "expired"),
    [
        ("2024-05-04T20:00:00-08:00", False),
        ("2024-05-05T00:00:00+05:45", True),
        ("2024-05-04T23:59:59.999Z", False),
        ("2024-05-04t23:00:00z", False),  # RFC 3339 takes lower case
        ("2024-05-05T00:00:00-00:00", True),
        ("2024-05-05T00:00:00.000+14:00", True),
    ],
)
def test_an_instant_has_any_offset_and_its_own_date(file: Path, at: str, expired: bool) -> None:
    result = checked(file, issue(expires_on="2024-05-04"), export(at))
    assert result.exit_code == 0, result.stderr
    assert (rules(result) == {"certificate-expired"}) is expired


def test_the_default_clock_is_the_latest_instant_not_the_latest_date(file: Path) -> None:
    evening = arrival("2024-03-07T20:00:00-08:00", carats="98")  # 04:00 UTC on the 8th
    morning = arrival("2024-03-08T01:00:00+05:00", shipment="SH-2", carats="97")  # 20:00 UTC on the 7th
    result = checked(file, issue(), evening, morning)
    assert {row["subject"] for row in rows(result)} == {"SH-1", "SH-2"}
    assert result.stderr == ""
    result = checked(file, issue(), evening, morning, options=("--as-of", "2024-03-08T00:00:00Z"))
    assert {row["subject"] for row in rows(result)} == {"SH-2"}
