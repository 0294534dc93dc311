"""After an incident: the changelog of cases is lost, a worker refuses, and the cases are made anew; and what `verify` says meanwhile."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from kimberley.history.simulated_faults import NOTICES
from kimberley.history.simulation import simulate
from kimberley.model.case import STORED
from kimberley.model.partition_state import STATE_KEY, PartitionState, pack_state, unpack_state
from kimberley.reference.files import shipped_reference
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.reference_loader import load_reference
from support.rebuilt import cases_of
from support.stream import event_records, prepared, publish, read_topic, rests, standing, tell, wait_until
from support.worker import WorkerProcess, environment

CASES = "kimberley-cases"
CLOCK = 1_767_225_600_000


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line."""
    command = [sys.executable, "-m", "kimberley", *arguments]
    return subprocess.run(command, env=environment(settings), capture_output=True, text=True, timeout=60, check=False)


def differences(settings: Settings, status: int) -> list[dict[str, Any]]:
    """What `verify` finds; all five checks looked at something."""
    done = run(settings, "verify", "--format", "jsonl")
    assert done.returncode == status, done.stdout + done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["looked_at"] > 0 for row in rows if "looked_at" in row] == [True] * 5, rows
    return [row for row in rows if "difference" in row]


def judged(settings: Settings, folder: Path, name: str, events: list[dict[str, Any]]) -> None:
    """Have a worker judge events, the clock set after them, until nothing is under way."""
    publish(settings.bootstrap_servers, event_records(make_codec(settings), events))
    with WorkerProcess(settings, folder, name) as worker:
        wait_until(lambda: not worker.is_alive or rests(settings), 90, "events judged", worker.text)
        tell(settings, CLOCK, shipped_reference().replace(NOTICES).revision)
        wait_until(lambda: not worker.is_alive or is_settled(settings), 60, "all judged by the clock", worker.text)
        assert worker.terminate(15) == 0, worker.text()


def is_settled(settings: Settings) -> bool:
    """Whether every partition is judged by the clock, and nothing is under way."""
    states = standing_states(settings)
    return len(states) == settings.partitions and all(each.clock == CLOCK and each.is_reevaluated for each in states) and rests(settings)


def standing_states(settings: Settings) -> list[Any]:
    last = {record.partition: record.value for record in read_topic(settings.bootstrap_servers, CASES) if record.key == STATE_KEY}
    return [unpack_state(value) for value in last.values() if value]


def stored(settings: Settings) -> dict[bytes, bytes]:
    """The stored cases."""
    found = standing(read_topic(settings.bootstrap_servers, CASES))
    return {key: record.value for key, record in found.items() if key != STATE_KEY}


def put(broker: str, *records: tuple[str, int, bytes, bytes | None]) -> None:
    """Write to a topic and partition behind the stream's back: key and value."""
    producer = KafkaProducer(bootstrap_servers=broker, acks="all")
    try:
        for topic, partition, key, value in records:
            producer.send(topic, partition=partition, key=key, value=value).get(30)
    finally:
        producer.close()


def differing(one: dict[bytes, bytes], other: dict[bytes, bytes]) -> list[Any]:
    """The cases that differ, with the fields in which they do, and what each has there."""
    here, there = (cases_of([{key.decode(): value for key, value in packed.items()}]) for packed in (one, other))
    return [*here.keys() ^ there.keys()] + [
        (number, field, getattr(case, field), getattr(there[number], field))
        for number, case in here.items()
        if number in there
        for field in STORED
        if getattr(case, field) != getattr(there[number], field)
    ]


@pytest.mark.slow
def test_lost_cases_are_refused_made_anew_and_go_on_as_if_they_had_never_been_lost(broker: str, tmp_path: Path, request: Any) -> None:
    exactly_once = "clean_kafka" in request.node.name
    settings = prepared(broker, session_timeout=2.0)
    load_reference(settings, shipped_reference().replace(NOTICES))
    count = 8_000 if exactly_once else 1_500
    events = list(islice(simulate(seed=23, days=300, certificates_per_day=60), count))
    judged(settings, tmp_path, "first", events[: count * 3 // 4])
    assert len(read_topic(broker, "kimberley-lineage")) > 100 or not exactly_once
    assert differences(settings, 0) == []
    before, alerts = stored(settings), read_topic(broker, "flagged-shipments")
    assert len(alerts) > 100

    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        admin.delete_topics([CASES])
        wait_until(lambda: CASES not in admin.list_topics(), 30, "the topic is gone")
    finally:
        admin.close()
    assert run(settings, "topics", "apply").returncode == 0
    with WorkerProcess(settings, tmp_path, "refusing") as worker:
        assert worker.process.wait(30) == 2
        assert "hold them up to 0 only: cases are lost. Stop the workers and run `kimberley rebuild`" in worker.text()
    put(broker, (CASES, 2, STATE_KEY, pack_state(PartitionState(is_whole=False))), (CASES, 2, b"ZZ999999", b"a rebuild's that was cut off"))
    found = {row["where"]: row["difference"] for row in differences(settings, 1)}
    assert found.keys() == {f"{CASES}-{number}" for number in range(4)}
    assert found[f"{CASES}-2"] == "a rebuild was interrupted"
    assert "cases are lost" in found[f"{CASES}-1"]

    done = wait_until(lambda: rebuilt(settings), 30, "the group is empty")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(row["cases"] for row in rows) == len(before)
    assert not any(row["unanswered"] or row["unusable"] or row["gone"] or row["open_alerts_corrected"] for row in rows)
    assert differing(stored(settings), before) == []
    refusal = run(settings, "rebuild")
    assert refusal.returncode == 2
    assert f"{CASES} holds {len(before)} cases: `kimberley rebuild --yes` replaces them" in refusal.stderr

    judged(settings, tmp_path, "second", [])
    assert len(read_topic(broker, "flagged-shipments")) == len(alerts), "there was nothing new to say"
    assert differing(stored(settings), before) == []
    judged(settings, tmp_path, "third", events[count * 3 // 4 :])
    assert len(read_topic(broker, "flagged-shipments")) > len(alerts)
    assert differences(settings, 0) == []


def rebuilt(settings: Settings, *options: str) -> subprocess.CompletedProcess[str] | None:
    """What `rebuild` says; None while a worker that has just ended counts as one that runs."""
    done = run(settings, "rebuild", "--format", "jsonl", *options)
    if done.returncode == 2 and "stop all of them first" in done.stderr:
        return None
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
@pytest.mark.kafka
def test_what_an_incident_did_is_found_and_set_right(clean_kafka: str, tmp_path: Path) -> None:
    """A worker runs: no rebuild. A tampered case, one too many, an open alert that is gone: found, and mended by a rebuild."""
    settings = prepared(clean_kafka)
    load_reference(settings, shipped_reference().replace(NOTICES))
    events = list(islice(simulate(seed=5, days=100, certificates_per_day=20), 1_000))
    judged(settings, tmp_path, "first", events)
    with WorkerProcess(settings, tmp_path, "running") as worker:
        wait_until(lambda: worker.text().count("cases_recovered") == 4, 30, "the worker's start", worker.text)
        refusal = run(settings, "rebuild", "--yes")
        assert refusal.returncode == 2
        assert "1 worker runs in the group kimberley: stop all of them first" in refusal.stderr
        assert differences(settings, 0) == []
        assert worker.terminate(15) == 0
    before = stored(settings)
    one, other = sorted(before)[:2]
    places = {record.key: record.partition for record in read_topic(clean_kafka, CASES)}
    open_alert = next(iter(standing(read_topic(clean_kafka, "open-alerts")).values()))
    put(
        clean_kafka,
        (CASES, places[one], one, before[one][:9] + before[other][9:]),
        (CASES, 0, b"ZZ999999", before[other]),
        ("open-alerts", open_alert.partition, open_alert.key, None),
    )
    found = differences(settings, 1)
    assert {row["where"] for row in found if "stored" in row["difference"]} == {f"certificate {one.decode()}", "certificate ZZ999999"}
    assert [row["where"].split()[1] for row in found if "open-alerts" in row["difference"]] == [open_alert.key.decode()]
    assert len(found) == 3
    done = rebuilt(settings, "--yes")
    assert done is not None
    assert sum(json.loads(line)["open_alerts_corrected"] for line in done.stdout.splitlines()) == 1
    assert differing(stored(settings), before) == []
    assert standing(read_topic(clean_kafka, "open-alerts"))[open_alert.key].value == open_alert.value
    judged(settings, tmp_path, "second", [])
    assert differences(settings, 0) == []
