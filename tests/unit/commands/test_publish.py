"""`kimberley publish --dry-run`: what it reads of each form, how a fault is told, and how the program ends; nothing needs Kafka."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kimberley.client import check_event
from kimberley.commands import main
from kimberley.commands.column_map import field_kinds
from kimberley.model.events import EVENT_TYPES
from support.journeys import journey

HEAD = "event_id,occurred_at,authority,certificate_number"
ROW = "{id},2024-03-04T09:00:00+02:00,BW,BW000401"


def publish(*arguments: str | Path, given: str | bytes | None = None) -> Result:
    """Run the command without Kafka; good events are printed as JSON lines."""
    result = CliRunner().invoke(main, ["publish", *map(str, arguments), "--dry-run", "--format", "jsonl"], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def events(result: Result) -> list[dict[str, Any]]:
    """The printed events."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def complaints(result: Result) -> list[str]:
    """What standard error says of lines, without the folder, which is the test's own."""
    return [line.split("/")[-1] for line in result.stderr.splitlines() if ", line " in line]


def table(folder: Path, *rows: str, name: str = "border.csv") -> Path:
    """A CSV file."""
    file = folder / name
    file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return file


def mapping(folder: Path, text: str) -> Path:
    """A map of columns."""
    file = folder / "map.toml"
    file.write_text(text, encoding="utf-8")
    return file


# The three forms


def test_json_lines_an_array_and_csv_say_the_same(tmp_path: Path) -> None:
    issue, _, arrival, _ = journey("BW000401")
    lines = tmp_path / "events.jsonl"
    lines.write_text(json.dumps(issue) + "\n\n" + json.dumps(arrival) + "\n", encoding="utf-8")
    array = tmp_path / "events.json"
    array.write_text(json.dumps([issue, arrival], indent=2), encoding="utf-8")
    parcel = "parcels[0].hs_code,parcels[0].carats,parcels[0].value_usd"
    fields = "issued_on,expires_on,destination,exporter.name,importer.name,mixed_origin,origins,seal_numbers,carats,value_usd,parcel_count"
    csv = table(
        tmp_path,
        f"type,{HEAD},shipment_id,{fields},{parcel}",
        "CertificateIssued,BW000401-CertificateIssued,2024-03-04T09:00:00+02:00,BW,BW000401,,2024-03-04,2024-05-01,EU,Exporter One Ltd,"
        "Importer Two NV,false,BW,S-1,120.50,24100.00,1,7102.31,120.50,24100.00",
        "ShipmentArrived,BW000401-ShipmentArrived,2024-03-07T11:00:00+01:00,EU,BW000401,SH-BW000401,,,,,,,,S-1,120.50,,1,,,",
    )
    expected = [check_event(event).event for event in (issue, arrival)]
    for file in (lines, array, csv):
        result = publish(file)
        assert result.exit_code == 0, result.stderr
        assert [check_event(event).event for event in events(result)] == expected, file


def test_an_object_over_several_lines_is_told_how_to_be_written(tmp_path: Path) -> None:
    issue, *_ = journey("BW000401")
    file = tmp_path / "events.json"
    file.write_text(json.dumps(issue, indent=2), encoding="utf-8")
    result = publish(file)
    assert (result.exit_code, events(result)) == (1, [])
    assert complaints(result)[0].endswith(
        "line 1: event: the object does not end on its line: write each on one, or all as an array, between [ and ]"
    )
    file.write_text(f"[\n{json.dumps(issue, indent=2)}\n]\n", encoding="utf-8")
    assert publish(file).exit_code == 0


def test_standard_input_is_json_unless_told_otherwise() -> None:
    assert len(events(publish("-", given=json.dumps(journey("BW000401")[0])))) == 1
    rows = f"{HEAD}\n{ROW.format(id='e1')}\n"
    assert len(events(publish("-", "--input", "csv", "--type", "ShipmentReturned", given=rows))) == 1


def test_several_files_are_read_in_turn_and_named(tmp_path: Path) -> None:
    good = table(tmp_path, HEAD, ROW.format(id="e1"), name="good.csv")
    bad = table(tmp_path, HEAD, ROW.format(id=""), name="bad.csv")
    result = publish(good, bad, "--type", "ShipmentReleased")
    assert len(events(result)) == 1
    assert complaints(result) == [
        "bad.csv, line 2, column 'event_id': event_id: event_id is missing: every ShipmentReleased states it: fill it in"
    ]
    assert result.exit_code == 1


# CSV: cells


def csv_event(tmp_path: Path, columns: str, cells: str, type_name: str = "CertificateIssued", *options: str | Path) -> dict[str, Any]:
    """The one event of a row."""
    file = table(tmp_path, f"{HEAD},issued_on,{columns}", f"{ROW.format(id='e1')},2024-03-04,{cells}")
    (found,) = events(result := publish(file, "--type", type_name, *options))
    assert result.exit_code == 0, result.stderr
    return found


def test_lists_parts_and_numbers(tmp_path: Path) -> None:
    found = csv_event(
        tmp_path,
        "origins,parcels[0].carats,parcels[0].origins,parcels[2].carats,exporter.name,exporter.id,parcel_count,mixed_origin,carats",
        'BW; ZA ;,1.5,BW;NA,2.25,"Exporter, One ""and"" Sons",X-1,2,YES,0003.75',
    )
    assert found["origins"] == ["BW", "ZA"]
    assert [parcel["carats"] for parcel in found["parcels"]] == ["1.500", "2.250"], "a number that is left out leaves no gap"
    assert found["parcels"][0]["origins"] == ["BW", "NA"]
    assert found["exporter"] == {"name": 'Exporter, One "and" Sons', "id": "X-1"}
    assert (found["parcel_count"], found["mixed_origin"]) == (2, True)
    assert Decimal(found["carats"]) == Decimal("3.75")


def test_an_empty_cell_is_not_stated_and_brackets_are_none_found(tmp_path: Path) -> None:
    assert "seal_numbers" not in csv_event(tmp_path, "seal_numbers", " ")
    assert csv_event(tmp_path, "seal_numbers", "[]")["seal_numbers"] == []
    assert csv_event(tmp_path, "seal_numbers", "S-1;S-2")["seal_numbers"] == ["S-1", "S-2"]


def test_names_of_columns_forgive_case_blanks_and_hyphens(tmp_path: Path) -> None:
    file = table(tmp_path, "Event ID;OCCURRED-AT;Authority; certificate number ", ROW.format(id="e1").replace(",", ";"))
    assert len(events(publish(file, "--type", "ShipmentReturned"))) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_headers(tmp_path: Path, delimiter: str) -> None:
    file = table(tmp_path, HEAD.replace(",", delimiter), ROW.format(id="e1").replace(",", delimiter))
    assert events(publish(file, "--type", "ShipmentReturned"))[0]["event_id"] == "e1"


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sheet.csv"
    quoted = ROW.format(id='"e""1"')
    file.write_bytes(f'\ufeff{HEAD},office\r\n{quoted},"two\r\nlines"\r\n\r\n,,,,\r\n{ROW.format(id="e2")},\r\n'.encode())
    found = events(publish(file, "--type", "ShipmentReturned"))
    assert [(event["event_id"], event.get("office")) for event in found] == [('e"1', "two\nlines"), ("e2", None)]


# CSV: the map


def test_a_map_names_columns_leaves_some_out_and_adds_what_none_has(tmp_path: Path) -> None:
    file = table(tmp_path, "No.;When;Weight (ct);Clerk;Event Id", "BW-000401;2024-03-07T11:00:00+01:00;120.5;Someone;e1")
    chosen = mapping(
        tmp_path,
        'type = "ShipmentArrived"\nlist_separator = "/"\n[columns]\n"No." = "certificate_number"\n"When" = "occurred_at"\n'
        '"Weight (ct)" = "carats"\n"Clerk" = ""\n[constants]\nauthority = "EU"\nseal_numbers = "S-1/S-2"\n',
    )
    (found,) = events(publish(file, "--columns", chosen))
    assert found["type"] == "ShipmentArrived"
    assert (found["certificate_number"], found["carats"], found["authority"]) == ("BW-000401", "120.500", "EU")
    assert found["seal_numbers"] == ["S-1", "S-2"]
    assert "Someone" not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[columns]\n"Nowhere" = "carats"', "column 'Nowhere' of the map is not in the header"),
        ('[columns]\n"Weight" = "karats"', "column 'Weight': karats is no field of ShipmentArrived (did you mean carats?)"),
        ('[columns]\n"Weight" = "exporter"', "exporter is no field"),
        ('[columns]\n"Weight" = "parcels[0].hs_code"', "no field of ShipmentArrived"),
        ('[columns]\n"Weight" = "authority"', "columns 'authority' and 'Weight' are both authority"),
        ('[columns]\n"Weight" = "carats"\n[constants]\ncarats = "1"', "carats is a constant and column 'Weight'"),
        ('type = "Shipment"', "type 'Shipment' is no type of event"),
        ('delimiter = "::"', "not one character"),
        ("columns = 3", "map.toml"),
        ("separator = 3", "separator"),
        ("[columns", "map.toml"),
    ],
)
def test_a_wrong_map_is_wrong_usage_and_says_where(tmp_path: Path, text: str, words: str) -> None:
    file = table(tmp_path, f"{HEAD},Weight", f"{ROW.format(id='e1')},1")
    result = publish(file, "--columns", mapping(tmp_path, text), "--type", "ShipmentArrived")
    assert result.exit_code == 2
    assert words in result.stderr


def test_every_column_that_is_no_field_is_told_at_once(tmp_path: Path) -> None:
    result = publish(table(tmp_path, f"{HEAD},Clerk,karats,", f"{ROW.format(id='e1')},,,"), "--type", "ShipmentArrived")
    assert result.exit_code == 2
    for words in ("column 'Clerk'", "column 'karats'", "did you mean carats", "column 'number 7'", '"Clerk" = ""'):
        assert words in result.stderr


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is empty"), (b"\xff\xfea\x00", "UTF-16"), (b'a,"b\n', "header is no CSV"), (b"\xe4,b\n", "UTF-8")]
)
def test_a_file_without_a_readable_header_is_wrong_usage(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "border.csv"
    file.write_bytes(content)
    result = publish(file)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


# CSV: broken rows


def test_a_broken_row_costs_itself_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "border.csv"
    rows = [
        HEAD.encode(),
        ROW.format(id="good-1").encode(),
        b'"never closed,2024-03-04T09:00:00+02:00,BW,BW000401',
        ROW.format(id="good-2").encode(),
        b'"closed"too early,2024-03-04T09:00:00+02:00,BW,BW000401',
        ROW.format(id="one,more").encode(),
        b"too,few",
        b"K\xf6ln,2024-03-04T09:00:00+02:00,BW,BW000401",
        ROW.format(id="good-3").encode(),
        b'"never closed at the end',
    ]
    file.write_bytes(b"\n".join(rows))
    result = publish(file, "--type", "ShipmentReturned")
    assert [event["event_id"] for event in events(result)] == ["good-1", "good-2", "good-3"]
    told = complaints(result)
    assert [each.split(": ")[0] for each in told] == [f"border.csv, line {line}" for line in (3, 5, 6, 7, 8, 10)]
    remedies = ["close it", "double", "in quotes", "write every cell", "save the file as CSV UTF-8", "close it"]
    assert all(remedy in each for remedy, each in zip(remedies, told, strict=True)), told


def test_an_unclosed_quote_swallows_no_rows_however_many_follow(tmp_path: Path) -> None:
    rows = [ROW.format(id=f"e{n}") for n in range(200)]
    rows[20] = '"' + rows[20]
    result = publish(table(tmp_path, HEAD, *rows), "--type", "ShipmentReturned")
    assert [event["event_id"] for event in events(result)] == [f"e{n}" for n in range(200) if n != 20]
    assert complaints(result) == [
        'border.csv, line 22: event: a quote is opened and not closed: close it, or double it ("") where it belongs to the text'
    ]


def test_a_fault_names_its_column_even_inside_lists_and_parts(tmp_path: Path) -> None:
    chosen = mapping(tmp_path, '[columns]\n"Mined in" = "origins"\n"First parcel" = "parcels[3].carats"\n')
    file = table(tmp_path, f"{HEAD},issued_on,Mined in,First parcel", f"{ROW.format(id='e1')},2024-03-04,BW;XX,1.00001")
    result = publish(file, "--columns", chosen, "--type", "CertificateIssued")
    starts = [each.split(": ")[0] + ": " + each.split(": ")[1] for each in complaints(result)]
    assert starts == ["border.csv, line 2, column 'First parcel': parcels[0].carats", "border.csv, line 2, column 'Mined in': origins[1]"]


def test_names_of_people_are_not_repeated_on_standard_error(tmp_path: Path) -> None:
    event = {**journey("BW000401")[0], "exporter": {"name": ["Somebody"], "title": "Dr"}, "remarks": 5.5}
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(event), encoding="utf-8")
    result = publish(file)
    assert len(complaints(result)) == 3
    assert "Somebody" not in result.stderr
    assert "5.5" not in result.stderr


def test_what_a_sender_wrote_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({**journey("BW000401")[0], "\x1b[2Jcarats": "1"}), encoding="utf-8")
    result = publish(file)
    assert "\x1b" not in result.stderr
    assert "\\x1b[2Jcarats" in result.stderr


# How it ends


def test_a_bar_on_a_terminal_takes_nothing_of_what_is_piped_on(tmp_path: Path) -> None:
    file = table(tmp_path, HEAD, *(ROW.format(id=f"e{n}") for n in range(3_000)))
    at_once = "import kimberley.commands.progress as p; p._AFTER_SECONDS = 0; from kimberley.commands import main; main()"
    arguments = ["publish", str(file), "--type", "ShipmentReturned", "--dry-run", "--format", "jsonl"]
    screen, terminal = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", at_once, *arguments], stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    seen = bytearray()
    watcher = threading.Thread(target=watch, args=(screen, seen))
    watcher.start()
    piped, _ = process.communicate(timeout=60)
    watcher.join(10)
    os.close(screen)
    assert len(piped.splitlines()) == 3_000
    assert b"checking" in seen
    assert b"event_id" not in seen


def watch(screen: int, seen: bytearray) -> None:
    """What a terminal shows until nobody writes to it any more."""
    with contextlib.suppress(OSError):
        while shown := os.read(screen, 65_536):
            seen.extend(shown)


def test_the_table_counts_and_the_exit_status_tells(tmp_path: Path) -> None:
    file = table(tmp_path, HEAD, ROW.format(id="e1"), ROW.format(id=""))
    arguments = ["publish", str(file), "--dry-run", "--type", "ShipmentReturned", "--format", "table"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stdout == "1 event could be published (1 to shipments); 1 line with faults (each named on standard error)\n"


def test_where_no_broker_answers_the_exit_status_is_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimberley.client.transport.KafkaTransport._BOOTSTRAP_MS", 300)
    file = table(tmp_path, HEAD, ROW.format(id="e1"))
    result = CliRunner().invoke(main, ["publish", str(file), "--type", "ShipmentReturned", "--bootstrap-servers", "127.0.0.1:1"])
    assert result.exit_code == 3, result.output
    assert "Kafka at 127.0.0.1:1 does not answer" in result.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["no-such-file.csv"], ["-", "--type", "Shipment"], ["-", "--input", "xml"], ["-", "--timeout", "0"]]
)
def test_wrong_usage_is_two(arguments: list[str]) -> None:
    assert publish(*arguments).exit_code == 2


def test_a_path_is_one_kind_of_cell_in_every_type_so_that_a_file_may_mix_them() -> None:
    kinds: dict[str, str] = {}
    for name in EVENT_TYPES:
        for path, kind in field_kinds(name).items():
            assert kinds.setdefault(path, kind) == kind, path
    assert kinds["parcels[].origins"] == "list"
    assert "occurred_at" in kinds
    assert not [path for path in kinds if "offset" in path]


def test_help_explains_columns_by_example() -> None:
    text = CliRunner().invoke(main, ["publish", "--help"]).output
    for words in ("parcels[0].carats", "[constants]", "separated by `;`", "Exit status 0", "--dry-run --format jsonl | kimberley check -"):
        assert words in text
