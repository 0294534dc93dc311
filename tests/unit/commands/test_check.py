"""`kimberley check`, by the contract: the clock, what it reads and prints, its exit statuses."""

import json
from pathlib import Path

import pytest

from support.checked import check, checked, lines, rows, rules
from support.stories import arrival, event, export, issue, withdrawal

WRONG = "import-mismatch"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write events to."""
    return tmp_path / "border.jsonl"


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


# Help


@pytest.mark.parametrize("option", ["--as-of", "--decisions", "--all", "--rulebook", "--reference", "--format"])
def test_help_names_every_option(option: str) -> None:
    assert option in check("--help").stdout


def test_detained_and_released_show_in_no_alert(file: Path) -> None:
    held = event("ShipmentDetained", "2024-03-07T15:00:00Z", "EU", shipment_id="SH-1", reason="seal under question")
    freed = event("ShipmentReleased", "2024-03-08T15:00:00Z", "EU", shipment_id="SH-1")
    result = checked(file, issue(), arrival(), held, freed)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
