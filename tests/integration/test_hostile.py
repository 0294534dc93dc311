"""A worker among enemies: every record answered once, honest trade judged as ever, memory bounded; and one certificate too busy to hold."""

import re
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.cases.limits import MOST_EVENTS
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.dead_letters import dead_letter
from kimberley.wire.event_records import EventRecord
from support.hostile import Enemy, hostile_lineage, hostile_origin, publish_hostile
from support.journeys import journey
from support.stream import decoded, event_records, prepared, publish, read_topic, rests, standing, tell, wait_until
from support.worker import WorkerProcess

HOSTILE, GOOD, LARGE = 20_000, 5_000, 8
MOST_MEMORY = 600 << 20
"""Resident, at its highest; the same trade alone takes a quarter of it."""


def highest_memory(worker: WorkerProcess) -> int:
    """Bytes that a worker's process ever had resident."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def internal(seed: int, count: int) -> list[EventRecord]:
    """Records on the worker's own topics that no worker writes."""
    random, enemy = Random(seed), Enemy(make_codec(Settings.model_construct(partitions=1)), seed)
    found = []
    for _ in range(count):
        sound = enemy.record("another_topic")
        found.append(EventRecord("kimberley-lineage", b"x", hostile_lineage(random), []))  # type: ignore[arg-type]
        origin = [*hostile_origin(random), ("__kimberley.origin.offset", b"999999999999")]  # never that of an honest record
        found.append(EventRecord("kimberley-rerouted", b"x", sound.value, origin))  # type: ignore[arg-type]
        found.append(EventRecord("kimberley-control", b"x", random.randbytes(30), []))
    return found


@pytest.mark.slow
@pytest.mark.kafka
def test_twenty_thousand_hostile_records_are_answered_once_each_and_honest_trade_among_them_is_judged_as_check_says(
    clean_kafka: str, tmp_path: Path
) -> None:
    settings = prepared(clean_kafka)
    codec = make_codec(settings)
    events = list(islice(simulate(seed=5, days=200, certificates_per_day=60), GOOD))
    report = check(
        [as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)],
        Policy(shipped_reference(), shipped_bundle(), shipped_rulebook()),
        afresh=True,
    )
    wanted = {alert.alert_id for alert in report.open_alerts}
    assert wanted
    good = iter(event_records(codec, events))
    mixed: list[Any] = []
    for index, hostile in enumerate(Enemy(codec, 7).records(HOSTILE, large=LARGE)):
        mixed.append(hostile)
        if index % (HOSTILE // GOOD) == 0:
            mixed.append(next(good))
    publish_hostile(clean_kafka, internal(3, 20))
    places = publish_hostile(clean_kafka, mixed)
    told = tell(settings, report.as_of)
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: not worker.is_alive or rests(settings), 150, "everything judged", worker.text)
        assert worker.is_alive, worker.text()[-5000:]
        memory = highest_memory(worker)
        assert worker.terminate(10) == 0, worker.text()[-5000:]
    assert told
    decisions = decoded(codec, read_topic(clean_kafka, "decisions"))
    letters = [(record, dead_letter(record)) for record in read_topic(clean_kafka, "dead-letters")]
    answered = Counter((each["input_topic"], each["input_partition"], each["input_offset"]) for each in decisions)
    answered.update((letter.origin.topic, letter.origin.partition, letter.origin.offset) for _, letter in letters)
    ours = [place for place in places if answered[place] != 1]
    assert not ours, f"{len(ours)} records have no answer, or two"
    by_place = dict(zip(places, mixed, strict=True))
    for _, letter in letters:
        sent = by_place.get((letter.origin.topic, letter.origin.partition, letter.origin.offset))
        assert sent is None or letter.value == sent.value
    ids = {event["event_id"] for event in events}
    assert Counter(each["outcome"] for each in decisions if each["event_id"] in ids).keys() <= {
        "ACCEPTED",
        "DUPLICATE",
        "CONFLICT",
        "REFUSED",
    }
    numbers = {event["certificate_number"].replace("-", "").upper() for event in events}
    found = decoded(codec, standing(read_topic(clean_kafka, "open-alerts")).values())
    assert {alert["alert_id"] for alert in found if alert["certificate_number"] in numbers} == wanted
    assert memory < MOST_MEMORY, f"{memory >> 20} MB"


def test_a_certificate_that_is_too_busy_to_hold_keeps_no_other_waiting(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker, partitions=1)
    codec = make_codec(settings)
    arrival = journey("BW000001")[2]
    others = [event for number in range(50) for event in journey(f"BW1{number:05d}")]
    crowd = [{**arrival, "event_id": f"hot-{index}", "shipment_id": f"SH-{index}"} for index in range(MOST_EVENTS + 1500)]
    events = []
    for index, event in enumerate(crowd):
        events.append(event)
        if index % 10 == 0 and others:
            events.append(others.pop(0))
    places = publish(broker, event_records(codec, events + others))
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: not worker.is_alive or rests(settings), 90, "everything judged", worker.text)
        assert worker.terminate(10) == 0, worker.text()[-5000:]
    decisions = decoded(codec, read_topic(broker, "decisions"))
    assert {each["decision_id"] for each in decisions} == {"{}/{}/{}".format(*place) for place in places}
    outcomes = Counter((each["certificate_number"] == "BW000001", each["outcome"]) for each in decisions)
    assert outcomes == {(True, "ACCEPTED"): MOST_EVENTS, (True, "REFUSED"): 1500, (False, "ACCEPTED"): 200}
    refused = next(each for each in decisions if each["outcome"] == "REFUSED")
    assert [error["code"] for error in refused["errors"]] == ["case-full"]
    assert worker.text().count('"case_full"') == 1, "said once"
    assert max(len(record.value or b"") for record in read_topic(broker, "kimberley-cases")) < 1 << 20


@pytest.mark.kafka
def test_what_a_sender_packs_is_measured_unpacked_and_read_whatever_packed_it(clean_kafka: str, tmp_path: Path) -> None:
    """The broker unpacks: a hundred megabytes of zeros in a hundred kilobytes do not get in, and a worker needs no sender's codec."""
    settings = prepared(clean_kafka, partitions=1)
    codec = make_codec(settings)
    bomber = KafkaProducer(bootstrap_servers=clean_kafka, compression_type="gzip", max_request_size=1 << 28)
    with closing(bomber), pytest.raises(KafkaError):
        bomber.send("shipments", key=b"BW000001", value=bytes(100 << 20)).get(30)
    with closing(KafkaProducer(bootstrap_servers=clean_kafka, compression_type="gzip")) as producer:
        for record in event_records(codec, journey("BW000001")):
            producer.send(record.topic, key=record.key, value=record.value, headers=record.headers).get(30)
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: not worker.is_alive or rests(settings), 60, "everything judged", worker.text)
        assert worker.terminate(10) == 0, worker.text()[-5000:]
    assert [each["outcome"] for each in decoded(codec, read_topic(clean_kafka, "decisions"))] == ["ACCEPTED"] * 4
    assert not read_topic(clean_kafka, "dead-letters")
