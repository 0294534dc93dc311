"""`kimberley case` over files: one certificate's story, as a table and as one JSON object."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from kimberley.cases.check import check
from kimberley.cases.intake import take_in
from kimberley.cases.judge import Policy
from kimberley.cases.story import tell
from kimberley.commands import main, story_output
from kimberley.commands.event_files import as_input
from kimberley.commands.story_output import print_story
from kimberley.model.case import Origin
from kimberley.model.events import EVENT_TYPES
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.wire.event_records import event_json
from kimberley.wire.records import record_from_json
from support.stories import Event, arrival, event, export, issue, withdrawal

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write events to."""
    return tmp_path / "events.jsonl"


def run(number: str, file: Path, *events: Event, options: tuple[str, ...] = ()) -> Result:
    """The command on a file with these events."""
    file.write_text("".join(json.dumps(each) + "\n" for each in events), encoding="utf-8")
    result = CliRunner().invoke(main, ["case", number, str(file), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def story(number: str, file: Path, *events: Event, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """What it says as one JSON object."""
    result = run(number, file, *events, options=("--format", "jsonl", *options))
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


WRONG = arrival(at="2024-03-06T23:30:20-08:00", authority="BE", carats="10.00")
RIGHT = {**WRONG, "event_id": "corrected", "carats": "99.00", "parcel_count": 2}
TAKEN_BACK = withdrawal(WRONG, authority="EU", corrective_event_ids=["corrected"])
STORY = (issue(), export(), WRONG, TAKEN_BACK, RIGHT)


def test_one_object_has_facts_parties_alerts_and_every_rule(file: Path) -> None:
    told = story("bw-000001", file, *STORY)
    assert told["certificate_number"] == "BW000001"
    assert [fact["event"]["event_id"] for fact in told["facts"]] == [
        each["event_id"] for each in (STORY[0], STORY[1], *sorted((WRONG, RIGHT), key=lambda each: each["event_id"]), TAKEN_BACK)
    ]
    by_id = {fact["event"]["event_id"]: fact for fact in told["facts"]}
    assert by_id[WRONG["event_id"]]["withdrawn"] is True
    assert [by["authority"] for by in by_id[WRONG["event_id"]]["withdrawn_by"]] == ["EU"]
    assert by_id["corrected"]["withdrawn"] is False
    assert by_id["corrected"]["local_date"] == "2024-03-06", "the date at the border, not in UTC"
    assert by_id["corrected"]["event"]["occurred_at"] == "2024-03-06T23:30:20-08:00"
    assert by_id["corrected"]["source"] == {"topic": str(file), "partition": 0, "offset": 5}
    assert {
        "role": "importer",
        "code": "BE",
        "name": "Belgium",
        "participant": "EU",
        "status": "participant",
        "as_of": "2024-03-06",
    } in told["participants"]
    (alert,) = told["alerts"]
    assert (alert["rule_id"], alert["open"], alert["severity"], alert["basis"]) == ("import-mismatch", True, "HOLD", "CORE III(b)")
    assert alert["revision"] == 3, "opened, resolved, opened again"
    assert {each["field"] for each in alert["evidence"]} == {"carats", "parcel_count"}
    outcomes = {each["rule_id"]: each["outcome"] for each in told["rules"]}
    assert set(outcomes) == {rule.id for rule, _ in shipped_rulebook().rules}
    assert outcomes["import-mismatch"] == "violation"
    assert outcomes["totals-mismatch"] == "pass"
    assert told["pending"] == []


def test_an_undetermined_rule_names_what_is_missing(file: Path) -> None:
    told = story("BW000001", file, issue(carats=None))
    rule = next(each for each in told["rules"] if each["rule_id"] == "totals-mismatch")
    assert rule["outcome"] == "undetermined"
    assert rule["missing"]
    table = run("BW000001", file, issue(carats=None), options=("--format", "table")).stdout
    assert re.search("undetermined +totals-mismatch", table)
    assert f"missing: {', '.join(rule['missing'])}" in table


def test_a_deadline_that_waits_is_told(file: Path) -> None:
    told = story("BW000001", file, issue(), export())
    waits = {each["rule_id"]: each["waits_until"] for each in told["rules"] if each["waits_until"]}
    assert waits == {"arrival-overdue": "2024-04-05T00:00:00Z"}
    table = run("BW000001", file, issue(), export(), options=("--format", "table")).stdout
    assert "violated from 5 April 2024" in table or "violated from 2024-04-05" in table


def test_sources_and_uses_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    came = arrival("2024-03-10T12:00:00Z", "AE", carats="98.00")
    left = issue("AE000001", "AE", "2024-04-01", origins=["BW"], source_certificates=["BW000001", "BW000002"], carats="90.00", parcels=[])
    events = (issue(destination="AE"), came, left)
    told = story("AE000001", file, *events)
    known, unknown = told["sources"]
    assert (known["certificate_number"], known["known"], known["carats"], known["arrived_in"]) == ("BW000001", True, "98.000", ["AE"])
    assert (unknown["certificate_number"], unknown["known"]) == ("BW000002", False)
    (use,) = story("BW000001", file, *events)["uses"]
    assert use == {"certificate_number": "AE000001", "authority": "AE", "carats": "90.000", "only_source": False}
    table = run("AE000001", file, *events, options=("--format", "table")).stdout
    assert re.search(r"BW000001 +Botswana \(BW\) +2024-03-04 +BW +98", table)
    assert re.search(r"BW000002 +nobody has reported its issue", table)
    assert "Named as a source by" in run("BW000001", file, *events, options=("--format", "table")).stdout


NAMED = issue(
    exporter={"name": "Exporter One Ltd", "id": "X-ID-1", "address": "1 Hidden Road"},
    importer={"name": "Importer Two NV"},
    remarks="ask for Person Three",
)
NAMES = ("Exporter One", "X-ID-1", "Hidden Road", "Importer Two", "Person Three")


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_names_are_shown_only_when_asked_for(form: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    arrived = arrival(exporter={"name": "Exporter One Ltd"}, importer={"name": "Importer Two NV"})
    quiet = run("BW000001", file, NAMED, arrived, options=("--format", form, "--long")).output
    assert not [name for name in NAMES if name in quiet]
    told = run("BW000001", file, NAMED, arrived, options=("--format", form, "--names")).output
    assert not [name for name in NAMES if name not in told]


def test_what_was_taken_back_is_struck_through_and_says_by_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    report = check([as_input(dict(each), Origin("file", 0, line)) for line, each in enumerate(STORY, 1)], POLICY)
    out = Console(record=True, width=140, force_terminal=True, highlight=False, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    monkeypatch.setattr(story_output, "console", lambda: out)
    print_story(tell(report.cases["BW000001"], POLICY), names=False, long=False)
    styled = out.export_text(styles=True)
    struck = [line for line in styled.splitlines() if "\x1b[2;9m" in line or "\x1b[1;2;9m" in line]
    assert any("10 ct" in line for line in struck)
    assert not any("99 ct" in line for line in struck)
    (who,) = [line for line in styled.splitlines() if "taken back by" in line]
    assert "\x1b[33mtaken back by EU, 2024-03-20 12:00 UTC: INCORRECT_DATA" in who, "not struck through itself"


def test_the_first_line_says_how_it_stands(file: Path) -> None:
    def first_line(*events: Event) -> str:
        line: str = run("BW000001", file, *events, options=("--format", "table")).stdout.splitlines()[0]
        return line

    assert first_line(issue()) == "Certificate BW000001   no alerts open"
    assert first_line(issue(), export(), WRONG) == "Certificate BW000001   1 alert open, HOLD"
    mended = withdrawal(WRONG, authority="EU")
    assert first_line(issue(), export(), WRONG, mended) == "Certificate BW000001   no alerts open; 1 resolved"


def test_other_events_are_called_by_what_they_were_and_by_id_only_where_that_is_asked_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    astray = withdrawal(issue(), authority="BW", withdrawn_event_id="not-here", corrective_event_ids=["nor-here"])
    table = " ".join(run("BW000001", file, *STORY, astray, options=("--format", "table")).stdout.split())
    corrected = "ShipmentArrived of BE, 2024-03-06 23:30:20 -08:00"
    assert f"takes back {corrected}; INCORRECT_DATA; corrected by {corrected}" in table
    assert "takes back event not-here; INCORRECT_DATA; corrected by event nor-here" in table
    assert f"carats: 99 (due: 100), {corrected} " in table
    assert "(corrected)" not in table
    long = " ".join(run("BW000001", file, *STORY, options=("--format", "table", "--long")).stdout.split())
    assert f"carats: 99 (due: 100), {corrected} (corrected)" in long


def test_local_dates_and_offsets_are_shown(file: Path) -> None:
    table = run("BW000001", file, *STORY, options=("--format", "table")).stdout
    assert "23:30:20 -08:00" in table
    assert "2024-03-06" in table


def test_another_content_under_a_taken_id_is_told(file: Path) -> None:
    other = {**RIGHT, "carats": "98.00"}
    told = story("BW000001", file, *STORY, other)
    (conflict,) = told["conflicts"]
    assert conflict["event"]["carats"] == "98.000"
    assert "98 ct" in run("BW000001", file, *STORY, other, options=("--format", "table")).stdout


def test_an_unknown_number_is_exit_status_1_and_says_so(file: Path) -> None:
    result = run("BW-9", file, *STORY)
    assert result.exit_code == 1
    assert "BW9" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("number", ["", " - ", "//"])
def test_a_number_that_names_nothing_is_wrong_usage(number: str, file: Path) -> None:
    assert run(number, file, *STORY).exit_code == 2


def test_only_this_numbers_refusals_are_named_and_are_exit_status_1(file: Path) -> None:
    mine, others = {**export(), "occurred_at": "yesterday"}, {**export(number="BW000002"), "occurred_at": "tomorrow"}
    result = run("BW000001", file, *STORY, mine, others)
    assert result.exit_code == 1
    assert "line 6: occurred_at" in result.stderr
    assert "line 7" not in result.stderr
    assert json.loads(result.stdout)["certificate_number"] == "BW000001"
    assert run("BW000001", file, *STORY, others).exit_code == 0


def test_as_of_leaves_out_what_came_later_and_counts_it(file: Path) -> None:
    result = run("BW000001", file, *STORY, options=("--format", "jsonl", "--as-of", "2024-03-06"))
    assert len(json.loads(result.stdout)["facts"]) == 2
    assert json.loads(result.stdout)["clock"] == "2024-03-06T00:00:00Z"
    assert "3 events later than the clock left out" in result.stderr


def test_reference_and_as_of_without_files_are_wrong_usage(tmp_path: Path) -> None:
    for options in (["--as-of", "2024-03-06"], ["--reference", str(tmp_path)]):
        result = CliRunner().invoke(main, ["case", "BW000001", *options])
        assert result.exit_code == 2
        assert "FILES" in result.stderr


def test_what_an_event_says_is_shown_never_obeyed(file: Path) -> None:
    """Neither rich's markup nor a terminal's escapes that a sender put into a text."""
    sly = issue(office="[red]Office[/red] \x1b[31mred", remarks="[bold]now[/]")
    table = run("BW000001", file, sly, options=("--format", "table", "--names")).stdout
    assert "\x1b" not in table
    assert "[red]Office" in table
    assert "[bold]now[/]" in table


@pytest.mark.parametrize("width", [80, 100, 130, 160])
def test_a_story_fits_its_terminal_and_breaks_no_id(width: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    uuid = "0b7c1c5e-6c3e-4b51-9c53-7a1f0a5f6a01"
    wrong = {**WRONG, "event_id": uuid, "office": "A very long name of an office that nobody shortens for us"}
    result = run("BW000001", file, issue(), export(), wrong, TAKEN_BACK, RIGHT, options=("--format", "table"))
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert max(map(len, lines)) <= width
    assert any(re.match("pass +issuer-not-participant ", line) for line in lines)
    assert not [line for line in lines if line and all(len(word) == 1 for word in line.split())], "a letter a line"


_ALL = (
    {**NAMED, "source_certificates": ["AO1"], "seal_numbers": [], "extraction": {"zone": "Berbérati", "produced_on": "2024-01-02"}},
    event("CertificateInvalidated", "2024-03-05T12:00:00+02:00", "BW", reason="REPLACED", replacement_number="BW2"),
    TAKEN_BACK,
    export(route=["AE"], seal_numbers=["S-1"]),
    event(
        "ShipmentTransited", "2024-03-05T12:00:00Z", "AE", shipment_id="S", country="AE", left_at="2024-03-06T12:00:00+04:00", opened=True
    ),
    arrival(seal_numbers=[], new_seal_numbers=["N-1"], original_presented=False),
    event("ImportConfirmed", "2024-03-08T12:00:00Z", "EU", confirms_to="BW", parcel_count=1),
    event("ShipmentDetained", "2024-03-08T12:00:00Z", "EU", shipment_id="S", reason="seal broken"),
    event("ShipmentReleased", "2024-03-08T12:00:00Z", "EU", shipment_id="S"),
    event("ShipmentReturned", "2024-03-08T12:00:00Z", "EU", shipment_id="S"),
)


@pytest.mark.parametrize("given", _ALL, ids=lambda given: given["type"])
def test_an_events_json_form_gives_the_same_event_back(given: Event) -> None:
    def taken_in(form: Event) -> Any:
        return take_in(*record_from_json(json.loads(json.dumps(form))))

    assert taken_in(event_json(taken_in(given))) == taken_in(given)


def test_every_type_of_event_has_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert {each["type"] for each in _ALL} == set(EVENT_TYPES)
    table = run("BW000001", file, *_ALL, options=("--format", "table")).stdout
    words = " ".join(table.split())
    for said in (
        "replaced by BW2",
        "by way of AE",
        "through AE",
        "opened",
        "confirmed to BW",
        "new seals N-1",
        "seal broken",
        "from AO1",
        "mined in Berbérati",
    ):
        assert said in words, said
    assert "the original certificate was not presented" in words
