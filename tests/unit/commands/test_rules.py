"""`kimberley rules`: what each rule says of itself and how severe it is in the rulebook in force."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kimberley.commands import main
from kimberley.rules.catalogue import CATALOGUE

_SAID = (
    "severity",
    "title",
    "description",
    "basis",
    "reads",
    "innocent_causes",
    "version",
    "rulebook",
    "rulebook_hash",
    "definition",
    "bundle_hash",
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["rules", *arguments])


def listed(*options: str) -> dict[str, dict[str, Any]]:
    result = run("list", "--format", "jsonl", *options)
    assert result.exit_code == 0, result.output
    return {row["rule_id"]: row for row in map(json.loads, result.stdout.splitlines())}


def test_every_rule_of_the_catalogue_is_listed_with_what_it_says_of_itself() -> None:
    rows = listed()
    assert set(rows) == set(CATALOGUE)
    for rule_id, row in rows.items():
        for field in _SAID:
            assert row[field], (rule_id, field)


def test_severities_are_those_of_the_rulebook_given_and_what_it_leaves_out_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = tmp_path / "mine.toml"
    book.write_text('id = "mine"\n[rules]\nimport-mismatch = "INFO"\n', encoding="utf-8")
    rows = listed("--rulebook", str(book))
    assert rows["import-mismatch"]["severity"] == "INFO"
    assert {row["severity"] for rule_id, row in rows.items() if rule_id != "import-mismatch"} == {"off"}
    monkeypatch.setenv("KIMBERLEY_RULEBOOK", str(book))
    assert listed() == rows, "the setting names the same rulebook"


@pytest.mark.parametrize("written", ["import-banned", " Import-Banned "])
def test_one_rule_is_explained(written: str) -> None:
    result = run("show", written, "--format", "table")
    assert result.exit_code == 0
    rule = CATALOGUE["import-banned"]
    words = " ".join(result.stdout.split())
    for said in (rule.title, rule.description, rule.basis, *rule.reads, *rule.innocent_causes, "BLOCK"):
        assert said in words


def test_the_parameters_and_dates_of_the_rulebook_are_shown(tmp_path: Path) -> None:
    book = tmp_path / "mine.toml"
    book.write_text(
        'id = "mine"\n[rules.issuer-not-participant]\nseverity = "INFO"\n'
        "valid_from = 2010-01-01\nparameters.tolerated_before = 2004-02-03\n",
        encoding="utf-8",
    )
    words = " ".join(run("show", "issuer-not-participant", "--rulebook", str(book), "--format", "table").stdout.split())
    assert "tolerated_before = 2004-02-03 (date; default 2003-08-31)" in words
    assert "from 2010-01-01" in words
    (row,) = map(json.loads, run("show", "issuer-not-participant", "--rulebook", str(book), "--format", "jsonl").stdout.splitlines())
    (parameter,) = row["parameters"]
    assert (parameter["value"], parameter["default"], row["valid_from"]) == ("2004-02-03", "2003-08-31", "2010-01-01")


def test_an_unknown_rule_is_exit_status_1_with_near_ones() -> None:
    result = run("show", "import-baned")
    assert result.exit_code == 1
    assert "import-banned" in result.stderr
    assert "kimberley rules list" in result.stderr
    assert result.stdout == ""


def test_a_rulebook_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    book = tmp_path / "mine.toml"
    book.write_text('id = "mine"\n[rules]\nimport-mismatch = "LOUD"\n', encoding="utf-8")
    result = run("list", "--rulebook", str(book))
    assert result.exit_code == 2
    assert "LOUD" in result.stderr


@pytest.mark.parametrize("width", ["80", "100", "160"])
def test_a_table_never_breaks_ids_nor_shows_a_letter_a_line(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = run("list", "--format", "table").stdout.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= int(width)
    for rule_id in CATALOGUE:
        assert any(line.startswith(f"{rule_id} ") for line in lines), rule_id
    assert len(lines) < 5 * len(CATALOGUE)
