"""`kimberley publish` against brokers: good lines arrive, bad ones are named, and with --wait the stream's answers are told."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from support import bad_csv
from support.journeys import journey
from support.stream import decoded, prepared, read_topic
from support.worker import WorkerProcess, environment

pytestmark = pytest.mark.embedded


def publish(settings: Settings, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program as its own process."""
    command = [sys.executable, "-m", "kimberley", "publish", *map(str, arguments)]
    return subprocess.run(command, env=environment(settings), capture_output=True, text=True, timeout=120, check=False)


def test_two_hundred_faults_of_twenty_kinds_in_ten_thousand_lines_are_each_named_and_the_good_lines_published(
    fresh_embedded: str, tmp_path: Path
) -> None:
    settings = prepared(fresh_embedded)
    file, columns, spoilt = bad_csv.write(tmp_path)
    assert len(spoilt) == bad_csv.FAULTS
    assert len(set(spoilt.values())) == 20
    result = publish(settings, file, "--columns", columns, "--format", "jsonl")
    assert result.returncode == 1, result.stderr[-2000:]
    told: dict[int, str] = {}
    for line in result.stderr.splitlines()[:-1]:
        found = re.match(r".*border\.csv, line (\d+), ", line)
        assert found, line
        assert int(found[1]) not in told, f"one fault, one line: {line}"
        told[int(found[1])] = line
    assert told.keys() == spoilt.keys()
    for number, wrong in spoilt.items():
        assert f"line {number}, column '{wrong.column}': {wrong.field}: " in told[number]
        assert wrong.says in told[number]
        assert wrong.remedy in told[number]
    good = bad_csv.LINES - bad_csv.FAULTS
    receipts = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(receipts) == good
    assert {receipt["line"] for receipt in receipts} == set(range(2, bad_csv.LINES + 2)) - spoilt.keys()
    records = [record for topic in ("certificates", "shipments") for record in read_topic(fresh_embedded, topic)]
    assert {(record.topic, record.partition, record.offset) for record in records} == {
        (receipt["topic"], receipt["partition"], receipt["offset"]) for receipt in receipts
    }
    published = Counter(fields["event_id"] for fields in decoded(make_codec(settings), records))
    assert published == Counter(receipt["event_id"] for receipt in receipts)
    assert "9,800 events published (4,800 to certificates, 5,000 to shipments); 200 lines with faults" in result.stderr


def test_waiting_tells_accepted_duplicates_conflicts_and_refusals_by_line(fresh_embedded: str, tmp_path: Path) -> None:
    settings = prepared(fresh_embedded)
    issue, export, arrival, confirmation = journey("BW000401")
    stranger = {
        "type": "EventWithdrawn", "event_id": "w-1", "occurred_at": "2024-03-20T10:00:00Z", "authority": "AE",
        "certificate_number": "BW000401", "withdrawn_event_id": export["event_id"], "reason": "DID_NOT_OCCUR",
    }  # fmt: skip
    file = tmp_path / "events.jsonl"
    events = [issue, export, arrival, confirmation, issue, {**export, "carats": "1"}, {**arrival, "authority": "UK"}]
    file.write_text("".join(json.dumps(event) + "\n" for event in events) + "no JSON\n", encoding="utf-8")
    later = tmp_path / "later.jsonl"
    later.write_text(json.dumps(stranger), encoding="utf-8")
    with WorkerProcess(settings, tmp_path) as worker:
        result = publish(settings, file, "--wait", "--format", "table")
        assert result.returncode == 1, result.stderr + worker.text()
        assert "6 events published (2 to certificates, 4 to shipments)" in result.stdout
        assert "4 accepted, 1 duplicate, 1 conflict, 0 refused" in result.stdout
        assert "2 lines with faults" in result.stdout
        starts = sorted(line.split(str(tmp_path) + "/")[1].split(": ")[0] for line in result.stderr.splitlines())
        assert starts == ["events.jsonl, line 6", "events.jsonl, line 7", "events.jsonl, line 8"]
        result = publish(settings, later, "--wait", "--format", "jsonl")
        assert result.returncode == 1, result.stderr
        (row,) = [json.loads(line) for line in result.stdout.splitlines()]
        assert (row["outcome"], row["line"], row["errors"][0]["code"]) == ("REFUSED", 1, "not-yours")
        assert "later.jsonl, line 1: authority: " in result.stderr
        clean = publish(settings, later.with_name("again.jsonl"), "--wait")
        assert clean.returncode == 2, "no such file"
        file.write_text(json.dumps(issue), encoding="utf-8")
        assert publish(settings, file, "--wait").returncode == 0, "a duplicate is no refusal"


def test_where_no_worker_answers_it_says_so_and_what_was_published(fresh_embedded: str, tmp_path: Path) -> None:
    settings = prepared(fresh_embedded)
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in journey("BW000401")), encoding="utf-8")
    result = publish(settings, file, "--wait", "--timeout", "0.5")
    assert result.returncode == 3
    assert "and 3 more within 0.5 s: is a worker running" in result.stderr
    assert "4 events are published" in result.stderr
    assert len(read_topic(fresh_embedded, "certificates")) == 1


def test_without_topics_it_says_what_to_run(fresh_embedded: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(journey("BW000401")[0]), encoding="utf-8")
    settings = Settings.model_construct(bootstrap_servers=fresh_embedded)
    result = publish(settings, file)
    assert result.returncode == 2
    assert "kimberley topics apply" in result.stderr
