"""`kimberley reference` without Kafka: what ships, what files state, and what of it a load would take over."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kimberley.commands import main
from kimberley.commands.reference_source import wanted_reference
from kimberley.errors import ConfigurationError
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import DATA, Reference

NOTICE = {
    "type": "NoticePublished",
    "notice_id": "n-1",
    "kind": "STOLEN",
    "participant": "BW",
    "first_number": "BW-000001",
    "published_on": "2024-01-02",
}


def show(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["reference", "show", "--shipped", *arguments])


def rows(*arguments: str) -> list[dict[str, Any]]:
    result = show(*arguments, "--format", "jsonl")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def participants(on: str) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in rows("--on", on) if row["record"] == "participant"}


def test_each_jurisdiction_has_its_status_on_the_date_with_since_until_confidence_and_source() -> None:
    found = participants("2014-03-03")
    assert set(found) == set(shipped_reference().participants.by_code)
    car = found["CF"]
    assert (car["status"], car["since"], car["until"], car["confidence"]) == ("suspended", "2013-05-23", "2015-07-17", "high")
    assert car["name"] == "Central African Republic"
    assert car["source"].startswith("http")


def test_a_territory_leads_to_its_participant_on_the_right_days() -> None:
    assert participants("2020-12-31")["GB"]["participant"] == "EU"
    after = participants("2021-01-01")["GB"]
    assert (after["participant"], after["since"]) == ("GB", "2021-01-01")


def test_a_member_state_stands_since_the_later_of_its_own_date_and_its_participants() -> None:
    assert participants("2024-01-01")["HR"]["since"] == "2013-07-01"


def test_measures_are_those_in_force_on_the_date_half_open() -> None:
    def measures(on: str) -> set[str]:
        return {row["measure_id"] for row in rows("--on", on) if row["record"] == "measure"}

    assert "eu-russia-origin" not in measures("2023-12-31")
    assert "eu-russia-origin" in measures("2024-01-01")
    assert "kp-car-compliant-zones" in measures("2024-11-14")
    assert "kp-car-compliant-zones" not in measures("2024-11-15")


def test_a_measure_row_has_what_a_reader_needs() -> None:
    row = next(each for each in rows("--on", "2024-06-30") if each.get("measure_id") == "eu-russia-origin")
    assert (row["kind"], row["territory"], row["imposed_by"], row["valid_from"]) == ("IMPORT_BAN", "RU", "EU", "2024-01-01")
    assert row["basis"]
    assert row["confidence"] == "high"


@pytest.mark.parametrize("code", ["gb", " GB "])
def test_one_code_has_its_whole_history_and_the_measures_that_concern_it(code: str) -> None:
    (row,) = rows(code, "--on", "2024-06-30")
    assert [period["valid_from"] for period in row["periods"]] == ["2003-01-01", "2021-01-01"]
    in_force = {measure["measure_id"]: measure["in_force"] for measure in row["measures"]}
    assert in_force["gb-russia-third-country-1ct"] is True
    assert in_force["gb-russia-third-country-half-ct"] is False
    table = " ".join(show(code, "--on", "2024-06-30", "--format", "table").stdout.split())
    assert "United Kingdom (GB) on 30 June 2024: participant since 2021-01-01" in table
    assert "2003-01-01 2021-01-01 participant EU" in table


def test_a_code_without_a_history_never_took_part() -> None:
    (row,) = rows("AF")
    assert (row["status"], row["periods"], row["name"]) == ("non_participant", [], "Afghanistan")
    assert "never took part" in show("AF", "--format", "table").stdout


def test_one_measure_shows_all_its_fields() -> None:
    (row,) = rows("kp-car-compliant-zones")
    assert len(row["allowed_zones"]) >= 5
    table = show("kp-car-compliant-zones", "--on", "2020-01-01", "--format", "table").stdout
    for words in ("Berbérati, since 2016-05-27", "ZONES", "2015-07-17", "in force"):
        assert words in table
    assert "not in force" in show("kp-car-compliant-zones", "--on", "2025-01-01", "--format", "table").stdout


def test_an_unknown_name_is_exit_status_1_with_near_ones() -> None:
    result = show("eu-rusia-origin")
    assert result.exit_code == 1
    assert "eu-russia-origin" in result.stderr
    assert result.stdout == ""


def test_a_date_that_no_calendar_has_is_wrong_usage() -> None:
    result = show("--on", "2024-02-30")
    assert result.exit_code == 2
    assert "2024-02-30" in result.stderr


@pytest.mark.parametrize("options", [(), ("--long",)], ids=["short", "long"])
@pytest.mark.parametrize("width", [80, 120, 160])
def test_tables_fit_their_terminal(width: int, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = [line.rstrip() for line in show("--on", "2024-06-30", "--format", "table", *options).stdout.splitlines()]
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "Russian Federation" in text
    assert "eu-russia-origin  IMPORT_BAN" in text
    assert ("https://" in text) is bool(options)


def held() -> Reference:
    """What the topics hold: what ships and a notice."""
    shipped = shipped_reference()
    return Reference(shipped.participants.by_code.values(), shipped.measures.by_id.values()).replace(
        wanted_reference(notices_file(NOTICE), None).notices.values()
    )


def notices_file(*events: dict[str, Any], name: str = "notices.jsonl") -> Path:
    file = Path(name)
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_load_of_what_ships_leaves_the_notices_that_the_topics_have() -> None:
    before = held()
    assert set(before.notices) == {"n-1"}
    assert wanted_reference(None, before).revision == before.revision
    assert wanted_reference(None, None).revision == shipped_reference().revision


def test_reference_events_are_added_or_replace_those_of_the_same_id_and_remove_nothing() -> None:
    before = held()
    after = wanted_reference(notices_file({**NOTICE, "kind": "LOST"}, {**NOTICE, "notice_id": "n-2"}), before)
    assert {key: notice.kind for key, notice in after.notices.items()} == {"n-1": "LOST", "n-2": "STOLEN"}
    assert after.notices["n-1"].first_number == "BW000001", "numbers are normalised"
    assert after.participants.by_code == before.participants.by_code


def test_a_folder_is_all_of_the_kinds_that_it_holds_and_nothing_of_the_others() -> None:
    folder = Path("data")
    folder.mkdir()
    lines = (DATA / "participants.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "participants.csv").write_text("".join(line for line in lines if not line.startswith("QA,")), encoding="utf-8")
    before = held()
    after = wanted_reference(folder, before)
    assert set(before.participants.by_code) - set(after.participants.by_code) == {"QA"}
    assert after.measures.by_id == before.measures.by_id
    assert after.notices == before.notices
    assert wanted_reference(folder / "participants.csv", before).revision == after.revision


def test_a_file_of_measures_is_all_of_them() -> None:
    shutil.copy(DATA / "measures.toml", "mine.toml")
    assert wanted_reference(Path("mine.toml"), held()).revision == held().revision
    Path("mine.toml").write_text("", encoding="utf-8")
    assert wanted_reference(Path("mine.toml"), held()).measures.by_id == {}


def test_a_file_with_lines_that_cannot_be_taken_in_is_named_and_nothing_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    issued = {"type": "CertificateIssued", "event_id": "e", "occurred_at": "2024-01-01T00:00:00Z", "authority": "BW"}
    issued |= {"certificate_number": "BW1", "issued_on": "2024-01-01"}
    file = notices_file(NOTICE, {**NOTICE, "kind": "MISLAID"}, {**NOTICE, "participant": "QQ"}, issued)
    file.write_text(file.read_text(encoding="utf-8") + "no json\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="4 of its lines"):
        wanted_reference(file, None)
    said = capsys.readouterr().err
    for words in ("line 2: kind", "line 3: participant", "line 4: CertificateIssued is no reference event", "line 5"):
        assert words in said


@pytest.mark.parametrize(("name", "content"), [("a.txt", b"x"), ("a.csv", b"code,name\n\xff,x\n"), ("a.toml", b"[[measure]]\nid = 3\n")])
def test_a_file_of_another_form_is_named(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=name):
        wanted_reference(Path(name), None)


def test_a_folder_without_any_of_the_files_says_which_it_looks_for() -> None:
    with pytest.raises(ConfigurationError, match=r"participants\.csv"):
        wanted_reference(Path(), None)
