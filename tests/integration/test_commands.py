"""What operators ask of a running stream: one case's story, dead letters, reference data; judged by a worker on an embedded broker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kimberley.embedded import EmbeddedBroker
from kimberley.reference.files import shipped_reference
from kimberley.settings import Settings, load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.event_records import EventRecord
from support.journeys import journey
from support.stories import arrival, issue, withdrawal
from support.stream import count_records, event_records, prepared, publish, wait_until
from support.worker import WorkerProcess, environment

pytestmark = pytest.mark.embedded

SHORT = journey("BW000001", found="98.00")
LAWFUL = journey("BW000002")
RUSSIAN = issue("RU000003", authority="RU", on="2024-03-04")
CORRECTED = issue("BW000004", parcel_count=2)
RIGHT = issue("BW000004")
TAKEN_BACK = withdrawal(CORRECTED)
EVENTS = [*SHORT, *LAWFUL, RUSSIAN, CORRECTED, TAKEN_BACK, RIGHT, arrival(number="BW000004")]
BROKEN = [
    EventRecord("shipments", b"BW000002", b"two parcels from BW000002", [("ce_source", b"/kp/BW/Gaborone")]),
    EventRecord("shipments", b"BW000002", b"\x00\x00\x00\x00\x09\x10abc", []),
    EventRecord("certificates", b"BW000002", None, []),
]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A stream that has judged the events above; its worker stays up."""
    with EmbeddedBroker() as broker:
        settings = prepared(broker.bootstrap_servers)
        records = event_records(make_codec(settings), EVENTS)
        with WorkerProcess(settings, tmp_path_factory.mktemp("worker")) as worker:
            address = broker.bootstrap_servers
            publish(address, records[:-1])
            wait_until(lambda: count_records(address, "decisions") >= len(records) - 1, 60, "all but the last answered", worker.text)
            # an arrival read before its certificate is corrected would raise an alert that no file shows
            publish(address, records[-1:])
            publish(address, BROKEN, partition=1)
            done = len(EVENTS) + len(BROKEN)
            wait_until(lambda: count_records(address, "decisions", "dead-letters") >= done, 60, "all answered", worker.text)
            yield settings


def kimberley(settings: Settings, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the program with these settings."""
    command = [sys.executable, "-m", "kimberley", *arguments]
    return subprocess.run(command, env=environment(settings, **more), capture_output=True, text=True, timeout=60, check=False)


def rows(settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    """What the program prints as JSON lines; it must end well."""
    done = kimberley(settings, *arguments, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_case_told_from_the_topics_is_the_one_told_from_files(stream: Settings, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in EVENTS), encoding="utf-8")
    for number in ("BW000001", "BW000002", "RU000003", "BW000004"):
        (live,) = rows(stream, "case", number)
        (filed,) = rows(stream, "case", number, str(file))
        for told in (live, filed):
            del told["clock"]  # a file's runs with all events, the stream's story with the case's own
            for fact in told["facts"]:
                del fact["source"]
            for alert in told["alerts"]:  # what set an alert off, and how often, depends on which topic was read first
                del alert["effective_at"], alert["event_id"], alert["revision"]
        assert live == filed


def test_a_case_names_the_records_that_brought_its_facts(stream: Settings) -> None:
    (told,) = rows(stream, "case", "bw-000001")
    assert {fact["source"]["topic"] for fact in told["facts"]} == {"certificates", "shipments"}
    assert told["reference_revision"] == shipped_reference().revision
    assert told["pending"] == []


def test_the_partition_is_the_topics_whatever_the_settings_say(stream: Settings) -> None:
    assert kimberley(stream, "case", "BW000001", KIMBERLEY_PARTITIONS="12").returncode == 0


def test_an_unknown_number_says_what_was_read_and_what_to_check(stream: Settings) -> None:
    done = kimberley(stream, "case", "bw-999999")
    assert done.returncode == 1
    for words in ("BW999999", "'bw-999999'", "of the 4 of kimberley-cases", "dead-letters list"):
        assert words in done.stderr
    assert done.stdout == ""


def test_a_case_asked_of_another_rulebook_says_what_would_change(stream: Settings, tmp_path: Path) -> None:
    book = tmp_path / "mine.toml"
    book.write_text('id = "mine"\n[rules]\nimport-mismatch = "INFO"\n', encoding="utf-8")
    (told,) = rows(stream, "case", "BW000001", "--rulebook", str(book))
    assert [(change["status"], change["severity"]) for change in told["pending"]] == [("UPDATED", "INFO")]


def test_open_alerts_are_listed_and_are_those_of_the_cases(stream: Settings) -> None:
    found = rows(stream, "alerts")
    assert [(row["certificate_number"], row["rule_id"]) for row in found] == [
        ("RU000003", "import-banned"),
        ("BW000001", "import-mismatch"),
    ]
    for row in found:
        (told,) = rows(stream, "case", row["certificate_number"])
        (alert,) = [each for each in told["alerts"] if each["open"]]
        assert (alert["alert_id"], alert["revision"], alert["message"]) == (row["alert_id"], row["revision"], row["message"])


def test_followed_alerts_come_as_they_are_raised_until_interrupted(stream: Settings) -> None:
    command = [sys.executable, "-m", "kimberley", "alerts", "--follow", "--from", "beginning", "--certificate", "BW000007"]
    with subprocess.Popen(
        [*command, "--format", "jsonl"], env=environment(stream), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        records = event_records(make_codec(stream), journey("BW000007", found="7.00"))
        publish(stream.bootstrap_servers, records)
        alert = json.loads(process.stdout.readline())
        assert (alert["certificate_number"], alert["status"], alert["revision"]) == ("BW000007", "OPENED", 1)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_following_from_the_beginning_and_from_a_time_end_at_the_limit(stream: Settings) -> None:
    (first,) = rows(stream, "alerts", "--follow", "--from", "beginning", "--limit", "1", "--certificate", "RU000003")
    again = rows(stream, "alerts", "--follow", "--from", first["raised_at"], "--limit", "1", "--certificate", "RU000003")
    assert again == [first]


def test_dead_letters_are_listed_and_shown_as_they_came(stream: Settings) -> None:
    found = rows(stream, "dead-letters", "list")
    assert sorted(row["stage"] for row in found) == ["frame", "frame", "schema"]
    assert {row["topic"] for row in rows(stream, "dead-letters", "list", "--topic", "certificates")} == {"certificates"}
    (mine,) = rows(stream, "dead-letters", "list", "--authority", "bw")
    (letter,) = rows(stream, "dead-letters", "show", mine["place"])
    assert bytes.fromhex(letter["value_hex"]) == BROKEN[0].value
    assert letter["headers"] == [{"name": "ce_source", "value": "/kp/BW/Gaborone"}]
    assert kimberley(stream, "dead-letters", "show", "shipments-0@999999").returncode == 1


def test_reference_data_is_shown_compared_and_loaded(stream: Settings, tmp_path: Path) -> None:
    shown = rows(stream, "reference", "show", "--on", "2024-03-04")
    assert shown == rows(stream, "reference", "show", "--on", "2024-03-04", "--shipped")
    assert rows(stream, "reference", "diff") == []
    notices = tmp_path / "notices.jsonl"
    notice = {"type": "NoticePublished", "notice_id": "n-1", "kind": "LOST", "participant": "BW", "first_number": "BW000090"}
    notices.write_text(json.dumps(notice) + "\n", encoding="utf-8")
    (added,) = rows(stream, "reference", "diff", "--from", str(notices))
    assert (added["change"], added["record"], added["key"]) == ("added", "notice", "n-1")
    assert kimberley(stream, "reference", "load", "--from", str(notices)).returncode == 0
    assert rows(stream, "reference", "diff", "--from", str(notices)) == []
    assert [row["notice_id"] for row in rows(stream, "reference", "show") if row["record"] == "notice"] == ["n-1"]
    loaded = kimberley(stream, "reference", "load")
    assert "0 records sent, 0 removed" in loaded.stdout, "what ships has no notices and takes none away"
    assert [row["notice_id"] for row in rows(stream, "reference", "show") if row["record"] == "notice"] == ["n-1"]


def test_topics_without_reference_data_say_what_to_run() -> None:
    with EmbeddedBroker() as broker:
        settings = load_settings(bootstrap_servers=broker.bootstrap_servers, partitions=4)
        nothing = kimberley(settings, "reference", "show")
        assert nothing.returncode == 2
        assert "kimberley topics apply" in nothing.stderr
        assert kimberley(settings, "topics", "apply").returncode == 0
        empty = kimberley(settings, "reference", "show")
        assert empty.returncode == 2
        assert "kimberley reference load" in empty.stderr
        everything = kimberley(settings, "reference", "diff", "--format", "jsonl")
        assert everything.returncode == 0
        assert {json.loads(line)["change"] for line in everything.stdout.splitlines()} == {"added"}


def test_a_broker_that_is_away_is_exit_status_3_and_says_which() -> None:
    settings = load_settings(bootstrap_servers="127.0.0.1:1")
    verbs = (("alerts",), ("alerts", "--follow"), ("case", "BW1"), ("dead-letters", "list"), ("reference", "show"), ("reference", "diff"))
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "kimberley", *verb], env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for verb in verbs
    ]  # at once: each waits its time for a broker
    for verb, process in zip(verbs, running, strict=True):
        printed, said = process.communicate(timeout=100)
        assert process.returncode == 3, (verb, said)
        assert "127.0.0.1:1" in said
        assert "Traceback" not in said
        assert printed == ""


def test_what_is_printed_into_a_pipe_that_closes_ends_quietly(stream: Settings) -> None:
    """`kimberley reference show | head -1`."""
    command = [sys.executable, "-m", "kimberley", "reference", "show", "--shipped"]
    with subprocess.Popen(command, env=environment(stream), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.read(process.stdout.fileno(), 10)
        process.stdout.close()
        process.wait(30)
        assert b"Traceback" not in process.stderr.read()
