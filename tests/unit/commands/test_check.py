"""`kimberley check`, by the contract: the clock, what it prints, its exit statuses, and what it says of input that it can't take."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kimberley.commands import main
from support.stories import Event, arrival, event, export, issue, withdrawal


def check(*arguments: str | Path, given: str | None = None) -> Result:
    """Run the command."""
    result = CliRunner().invoke(main, ["check", *map(str, arguments)], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(result: Result) -> list[dict[str, Any]]:
    """The printed JSON lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def rules(result: Result) -> set[str]:
    """The rules of the printed alerts."""
    return {row["rule_id"] for row in rows(result)}


def lines(*events: Event) -> str:
    """Events as JSON lines."""
    return "".join(json.dumps(each) + "\n" for each in events)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write events to."""
    return tmp_path / "border.jsonl"


def checked(file: Path, *events: Event, options: tuple[str, ...] = ()) -> Result:
    """The command on a file with these events."""
    file.write_text(lines(*events), encoding="utf-8")
    return check(file, "--format", "jsonl", *options)


def raw(certificate: Event, **written: str) -> str:
    """A line of JSON with some fields' values as written here, to the letter."""
    line = json.dumps({**certificate, **{name: f"@{name}@" for name in written}})
    for name, value in written.items():
        line = line.replace(f'"@{name}@"', value)
    return line + "\n"


def complaint(result: Result, file: Path) -> str:
    """What standard error says besides the folder, whose name is the test's own."""
    return result.stderr.replace(str(file.parent), "")


WRONG = "import-mismatch"


# The clock


def test_the_default_clock_leaves_nothing_out(file: Path) -> None:
    result = checked(file, issue(), arrival(carats="98"))
    assert rules(result) == {WRONG}
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("as_of", "left_out"),
    [
        ("2024-03-07T11:59:59Z", 1),
        ("2024-03-07T12:00:00Z", 0),  # its own instant is included
        ("2024-03-07T13:59:59+02:00", 1),
        ("2024-03-07T14:00:00+02:00", 0),
        ("2024-03-04T08:59:59Z", 2),
        ("2024-03-10T00:00:00Z", 0),
    ],
)
def test_events_after_as_of_are_left_out_and_counted(file: Path, as_of: str, left_out: int) -> None:
    result = checked(file, issue(), arrival(carats="98"), options=("--as-of", as_of))
    assert result.exit_code == 0, "what is left out is not refused"
    assert rules(result) == (set() if left_out else {WRONG})
    assert (str(left_out) in result.stderr) is bool(left_out)
    assert bool(result.stderr) is bool(left_out)


def test_what_is_left_out_has_no_decision(file: Path) -> None:
    story = issue(), arrival()
    found = rows(checked(file, *story, options=("--decisions", "--as-of", "2024-03-06T00:00:00Z")))
    assert [row["event_id"] for row in found] == [story[0]["event_id"]]


def test_a_withdrawal_after_as_of_was_not_known_then(file: Path) -> None:
    wrong = arrival(carats="98")
    story = issue(), wrong, withdrawal(wrong, "2024-03-20T12:00:00Z")
    assert rules(checked(file, *story, options=("--as-of", "2024-03-20T11:59:59Z"))) == {WRONG}
    assert rules(checked(file, *story, options=("--as-of", "2024-03-20T12:00:00Z"))) == set()


@pytest.mark.parametrize("as_of", ["yesterday", "2024-13-01T00:00:00Z", "", "2024-03-07T25:00:00Z"])
def test_a_clock_that_is_no_instant_is_wrong_usage(file: Path, as_of: str) -> None:
    result = checked(file, issue(), options=("--as-of", as_of))
    assert result.exit_code == 2
    assert "as-of" in result.stderr
    assert result.stdout == ""


# What it prints


def test_an_alert_has_what_the_contract_lists(file: Path) -> None:
    (alert,) = rows(checked(file, issue(), arrival(carats="98")))
    listed = {
        *("alert_id", "subject", "status", "revision", "rule_id", "rule_version", "rulebook", "severity", "certificate_number"),
        *("shipment_id", "participants", "message", "basis", "evidence", "confidence", "event_id", "effective_at", "raised_at"),
        "reference_revision",
    }
    assert listed <= alert.keys()
    assert alert["evidence"]
    assert all({"field", "value", "expected", "event_id"} <= each.keys() for each in alert["evidence"])
    assert alert["effective_at"] == "2024-03-07T12:00:00Z"


def test_only_the_last_revision_of_an_alert_is_printed(file: Path) -> None:
    story = issue(), arrival(carats="98"), arrival("2024-03-08T12:00:00Z", carats="97")
    (alert,) = rows(checked(file, *story))
    assert (alert["status"], alert["revision"]) == ("UPDATED", 2)


def test_all_prints_the_resolved_too(file: Path) -> None:
    wrong = arrival(carats="98")
    story = issue(expires_on="2024-03-04"), wrong, withdrawal(wrong), export()
    assert {(row["rule_id"], row["status"]) for row in rows(checked(file, *story))} == {("certificate-expired", "OPENED")}
    found = {(row["rule_id"], row["status"]) for row in rows(checked(file, *story, options=("--all",)))}
    assert (WRONG, "RESOLVED") in found
    assert any(rule == "certificate-expired" and status != "RESOLVED" for rule, status in found)


def test_decisions_are_printed_instead_of_alerts(file: Path) -> None:
    story = issue(), arrival(carats="98")
    found = rows(checked(file, *story, options=("--decisions",)))
    assert [row["event_id"] for row in found] == [each["event_id"] for each in story]
    assert [row["outcome"] for row in found] == ["ACCEPTED", "ACCEPTED"]
    assert not any("severity" in row for row in found)


def test_a_table_is_for_people(file: Path) -> None:
    file.write_text(lines(issue(), arrival(carats="98")), encoding="utf-8")
    table = check(file, "--format", "table").stdout
    assert "BW000001" in table
    assert WRONG in table
    assert "HOLD" in table
    with pytest.raises(json.JSONDecodeError):
        json.loads(table.splitlines()[0])


def test_where_nobody_watches_it_prints_json_lines(file: Path) -> None:
    file.write_text(lines(issue(), arrival(carats="98")), encoding="utf-8")
    assert rules(check(file)) == {WRONG}


def test_the_same_input_gives_the_same_output(file: Path) -> None:
    story = issue(), issue(at="2024-03-05T09:00:00Z", carats="90"), arrival(carats="98")
    assert checked(file, *story).stdout == checked(file, *story).stdout


# What it reads


def test_a_json_array_is_read_like_lines(file: Path) -> None:
    story = [issue(), arrival(carats="98")]
    file.write_text(json.dumps(story), encoding="utf-8")
    assert rules(check(file)) == {WRONG}
    file.write_text("\n  " + json.dumps(story, indent=2) + "\n", encoding="utf-8")
    assert rules(check(file)) == {WRONG}


def test_an_event_of_an_array_that_is_refused_is_named_and_the_rest_is_judged(file: Path) -> None:
    file.write_text(json.dumps([issue(), issue(carats="heavy"), arrival(carats="98")], indent=1), encoding="utf-8")
    result = check(file)
    assert (result.exit_code, rules(result)) == (1, {WRONG})
    assert file.name in result.stderr
    assert "carats" in result.stderr


def test_nothing_after_an_array_is_lost_silently() -> None:
    """As where two files were put together."""
    for after in (json.dumps([arrival(carats="98")]), lines(arrival(carats="98"))):
        result = check("-", given=json.dumps([issue()]) + "\n" + after)
        assert rules(result) == {WRONG} or result.exit_code == 1, result.output


def test_a_dash_is_standard_input() -> None:
    story = issue(), arrival(carats="98")
    assert rules(check("-", given=lines(*story))) == {WRONG}
    assert rules(check("-", given=json.dumps(story))) == {WRONG}


def test_several_files_are_one_story(tmp_path: Path) -> None:
    first, second = tmp_path / "certificates.jsonl", tmp_path / "shipments.jsonl"
    first.write_text(lines(issue()), encoding="utf-8")
    second.write_text(lines(arrival(carats="98")), encoding="utf-8")
    assert rules(check(first, second)) == {WRONG}
    assert rules(check(second, first)) == {WRONG}
    assert rules(check(first, "-", given=lines(arrival(carats="98")))) == {WRONG}


def test_blank_lines_and_no_lines_are_nothing(file: Path) -> None:
    file.write_text("\n" + lines(issue()) + "\n   \n" + lines(arrival(carats="98")) + "\n", encoding="utf-8")
    result = check(file)
    assert (result.exit_code, rules(result), result.stderr) == (0, {WRONG}, "")
    for nothing in ("", "\n\n", "[]"):
        file.write_text(nothing, encoding="utf-8")
        result = check(file)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_a_file_of_another_system_s_making_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + lines(issue(), arrival(carats="98")).replace("\n", "\r\n").encode())
    result = check(file)
    assert (result.exit_code, rules(result)) == (0, {WRONG})


# Exit statuses


def test_alerts_are_no_failure(file: Path) -> None:
    assert checked(file, issue("ZA1"), arrival(carats="98")).exit_code == 0


def test_refused_input_is_status_1_and_the_rest_is_judged(file: Path) -> None:
    result = checked(file, issue(), arrival(authority="XX"), arrival(carats="98"))
    assert (result.exit_code, rules(result)) == (1, {WRONG})


@pytest.mark.parametrize("arguments", [(), ("--no-such-option",), ("FILE", "--format", "xml"), ("FILE", "--as-of")])
def test_wrong_usage_is_status_2(file: Path, arguments: tuple[str, ...]) -> None:
    file.write_text(lines(issue()), encoding="utf-8")
    result = check(*(str(file) if each == "FILE" else each for each in arguments))
    assert result.exit_code == 2
    assert result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_wrong_usage_and_named(tmp_path: Path) -> None:
    result = check(tmp_path / "nowhere.jsonl")
    assert result.exit_code == 2
    assert "nowhere.jsonl" in result.stderr


def test_a_rulebook_that_is_not_there_or_is_none_is_wrong_usage(file: Path, tmp_path: Path) -> None:
    assert checked(file, issue(), options=("--rulebook", str(tmp_path / "nowhere.toml"))).exit_code == 2
    broken = tmp_path / "broken.toml"
    broken.write_text("rules = [", encoding="utf-8")
    result = checked(file, issue(), options=("--rulebook", str(broken)))
    assert result.exit_code == 2
    assert "broken.toml" in result.stderr


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


# Reference events in the file


def suspension(at: str | None = "2024-03-01T00:00:00Z", **fields: Any) -> Event:
    """A suspension of Botswana."""
    stated = {"kind": "SUSPENSION", "imposed_by": "KP", "territory": "BW", "valid_from": "2024-01-01", "basis": "a decision"}
    sent = {"event_id": "m1", "occurred_at": at, "authority": "KP"} if at else {}
    return {"type": "MeasureListed", "id": "test-suspension", **sent, **stated, **fields}


def notice(at: str = "2024-03-01T00:00:00Z", **fields: Any) -> Event:
    """A notice of a lost certificate."""
    stated = {"notice_id": "N-1", "kind": "LOST", "participant": "BW", "first_number": "BW000001", "published_on": "2024-03-01"}
    return {"type": "NoticePublished", "event_id": "n1", "occurred_at": at, "authority": "BW", **stated, **fields}


def membership(code: str = "KE", **fields: Any) -> Event:
    """Kenya takes part."""
    period = {"kind": "participant", "status": "participant", "valid_from": "2024-01-01", **fields}
    return {"type": "ParticipantListed", "code": code, "name": "Kenya", "kind": "participant", "periods": [period]}


def test_a_notice_a_measure_and_a_participant_are_taken_too(file: Path) -> None:
    listed = {**membership(), "event_id": "p1", "occurred_at": "2024-03-01T00:00:00Z", "authority": "KP"}
    result = checked(
        file, notice(), suspension(), listed, issue(), issue("KE000001", "KE", origins=["ZA"], source_certificates=["ZA000009"])
    )
    assert (result.exit_code, result.stderr) == (0, "")
    found = {(row["rule_id"], row["certificate_number"]) for row in rows(result)}
    assert found == {("trade-suspended", "BW000001"), ("number-on-notice", "BW000001")}


def test_a_notice_over_a_range_is_taken(file: Path) -> None:
    result = checked(file, notice(last_number="BW000099", valid_from="2024-02-01", details="from a stolen van", kind="STOLEN"), issue())
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_reference_event_after_as_of_was_not_known_then_and_is_counted(file: Path) -> None:
    story = issue(), suspension("2024-03-10T00:00:00Z"), arrival("2024-03-12T12:00:00Z")
    assert rules(checked(file, *story)) == {"trade-suspended"}
    result = checked(file, *story, options=("--as-of", "2024-03-09T00:00:00Z"))
    assert rules(result) == set()
    assert result.exit_code == 0
    assert "2" in result.stderr, "the arrival and the measure"


def test_a_reference_event_does_not_move_the_clock(file: Path) -> None:
    """So one that is later than every event of a certificate is later than the clock."""
    result = checked(file, issue(), suspension("2024-03-10T00:00:00Z"))
    assert (result.exit_code, rules(result)) == (0, set())
    assert "1" in result.stderr
    assert rules(checked(file, issue(), suspension("2024-03-04T09:00:00Z"))) == {"trade-suspended"}


def test_a_reference_event_that_says_no_instant_was_always_known(file: Path) -> None:
    assert rules(checked(file, issue(), suspension(None))) == {"trade-suspended"}


def test_a_later_reference_event_with_the_same_id_replaces_the_earlier(file: Path) -> None:
    lifted = suspension("2024-03-02T00:00:00Z", event_id="m2", valid_from="2023-01-01", valid_to="2024-01-01")
    assert rules(checked(file, suspension(), lifted, issue())) == set()
    assert rules(checked(file, suspension(), {**lifted, "id": "another"}, issue())) == {"trade-suspended"}


def test_a_reference_event_replaces_what_ships_under_its_id(file: Path) -> None:
    goods = issue("RU000001", "RU", "2024-03-04")
    assert rules(checked(file, goods)) == {"import-banned"}
    ended = suspension(id="eu-russia-origin", kind="IMPORT_BAN", imposed_by="EU", territory="RU", valid_from="2024-01-01")
    assert rules(checked(file, {**ended, "valid_to": "2024-02-01"}, goods)) == set()


def test_a_reference_event_stands_anywhere_in_the_file(file: Path) -> None:
    assert rules(checked(file, issue(), suspension())) == {"trade-suspended"}


BROKEN: list[tuple[Event, str]] = [
    (suspension(valid_from="spring"), "valid_from"),
    (suspension(kind="FORBIDDEN"), "kind"),
    (suspension(territory="XX"), "territory"),
    (suspension(imposed_by="XX"), "imposed_by"),
    (suspension(min_stone_carats="heavy"), "min_stone_carats"),
    (suspension(occurred_at="soon"), "occurred_at"),
    (suspension(id=None), "id"),
    (suspension(territory=None), "territory"),
    (suspension(valid_from=None), "valid_from"),
    (notice(kind="MISLAID"), "kind"),
    (notice(published_on="spring"), "published_on"),
    (notice(participant="XX"), "participant"),
    (notice(notice_id=None), "notice_id"),
    (notice(first_number=None), "first_number"),
    (membership(code="XX"), "code"),
    (membership(member_of="XX"), "member_of"),
    (membership(status="visitor"), "status"),
    (membership(valid_from="spring"), "valid_from"),
    (suspension(route="SIDEWAYS"), "route"),
]


@pytest.mark.parametrize(
    ("broken", "field"), BROKEN, ids=[f"{each['type']}-{field}-{number}" for number, (each, field) in enumerate(BROKEN)]
)
def test_a_reference_event_that_can_t_be_read_is_refused_and_its_field_named(file: Path, broken: Event, field: str) -> None:
    result = checked(file, broken, issue(), arrival(carats="98"))
    assert (result.exit_code, rules(result)) == (1, {WRONG}), result.output
    assert file.name in result.stderr
    assert field in complaint(result, file)


# Help


@pytest.mark.parametrize("option", ["--as-of", "--decisions", "--all", "--rulebook", "--reference", "--format"])
def test_help_names_every_option(option: str) -> None:
    assert option in check("--help").stdout


def test_detained_and_released_show_in_no_alert(file: Path) -> None:
    held = event("ShipmentDetained", "2024-03-07T15:00:00Z", "EU", shipment_id="SH-1", reason="seal under question")
    freed = event("ShipmentReleased", "2024-03-08T15:00:00Z", "EU", shipment_id="SH-1")
    result = checked(file, issue(), arrival(), held, freed)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
