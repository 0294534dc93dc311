"""A worker's life: it starts only on a sound ground, stops when told, and follows the reference data."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from kimberley.client import Publisher
from kimberley.errors import RefusedEventError
from kimberley.reference.files import shipped_reference
from kimberley.settings import Settings, load_settings
from kimberley.wire.admin import apply_topics
from kimberley.wire.avro import make_codec
from kimberley.wire.partitioner import partition_of
from kimberley.wire.reference_loader import load_reference
from kimberley.wire.topics import MOST_EVENT_BYTES
from support.journeys import journey
from support.kafka import RealKafka
from support.stream import count_records, decoded, event_records, prepared, publish, reach, read_topic, standing, tell, wait_until
from support.worker import WorkerProcess, environment


def kimberley(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with these settings."""
    command = [sys.executable, "-m", "kimberley", *arguments]
    return subprocess.run(command, env=environment(settings), capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.kafka
def test_topics_are_created_as_the_contract_says_and_found_so(clean_kafka: str) -> None:
    settings = load_settings(bootstrap_servers=clean_kafka, partitions=3)
    missing = kimberley(settings, "topics", "check", "--format", "jsonl")
    assert missing.returncode == 1
    assert all("kimberley topics apply" in json.loads(line)["problems"][0] for line in missing.stdout.splitlines())
    assert kimberley(settings, "topics", "apply").returncode == 0
    checked = kimberley(settings, "topics", "check", "--format", "jsonl")
    assert checked.returncode == 0, checked.stderr
    states = {row["topic"]: row["partitions"] for row in map(json.loads, checked.stdout.splitlines())}
    co_partitioned = {"certificates", "shipments", "flagged-shipments", "decisions"}
    co_partitioned |= {f"kimberley-{name}" for name in ("cases", "lineage", "rerouted", "control")}
    assert all(states[topic] == 3 for topic in co_partitioned)
    others = {"participants", "measures", "notices", "open-alerts", "dispositions", "dead-letters", "kimberley-audit"}
    assert set(states) == co_partitioned | others
    assert states["kimberley-audit"] == 1, "in one order"


@pytest.mark.kafka
def test_a_topic_that_is_not_as_it_must_be_is_named_and_the_worker_refuses_to_start(clean_kafka: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=clean_kafka)
    admin.create_topics({"shipments": {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    settings = load_settings(bootstrap_servers=clean_kafka, partitions=4)
    assert kimberley(settings, "topics", "apply").returncode == 1, "what is there is reported, never changed"
    refused = kimberley(settings, "worker")
    assert refused.returncode == 2
    for words in ("shipments has 2 partitions", "message.timestamp.type=CreateTime", "kafka-configs", "retention.ms"):
        assert words in refused.stderr


def test_a_worker_without_reference_data_says_what_to_run(fresh_embedded: str) -> None:
    settings = load_settings(bootstrap_servers=fresh_embedded, partitions=4)
    apply_topics(settings)
    refused = kimberley(settings, "worker")
    assert refused.returncode == 2
    assert "kimberley reference load" in refused.stderr


def test_a_worker_whose_broker_is_away_ends_with_status_3() -> None:
    refused = kimberley(load_settings(bootstrap_servers="127.0.0.1:1"), "worker")
    assert refused.returncode == 3
    assert "KIMBERLEY_BOOTSTRAP_SERVERS" in refused.stderr


def test_sigterm_stops_a_busy_worker_within_ten_seconds_and_the_next_goes_on(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker, batch_records=200)  # so that the first decisions are out long before the last
    events = [event for number in range(5000) for event in journey(f"BW{number:06d}")]
    publish(broker, event_records(make_codec(settings), events))
    with WorkerProcess(settings, tmp_path, "first") as worker:
        wait_until(lambda: reach(settings, "decisions") > 0, 60, "first decisions", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    assert count_records(broker, "decisions") < len(events), "it was to be busy still"
    with WorkerProcess(settings, tmp_path, "second") as worker:
        wait_until(lambda: "worker_started" in worker.text(), 60, "the second's start", worker.text)
        wait_until(lambda: count_records(broker, "decisions") >= len(events), 60, "all decisions", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    ids = [decision["decision_id"] for decision in decoded(make_codec(settings), read_topic(broker, "decisions"))]
    assert len(ids) == len(set(ids)) == len(events)


def test_an_alert_opens_is_updated_and_resolves_and_open_alerts_holds_what_is_open(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker)
    codec = make_codec(settings)
    number = "BW000777"
    issue, export, arrival, _ = journey(number, carats="1000.00", found="980.00")
    withdrawn = {
        "type": "EventWithdrawn",
        "event_id": "w",
        "occurred_at": "2024-03-09T10:00:00+01:00",
        "authority": "EU",
        "certificate_number": number,
        "withdrawn_event_id": arrival["event_id"],
        "reason": "INCORRECT_DATA",
        "corrective_event_ids": ["c"],
    }
    worse = {**arrival, "event_id": "more", "carats": "970.00"}
    seen: list[tuple[str, int]] = []
    with WorkerProcess(settings, tmp_path) as worker:
        for count, step in enumerate(
            (issue, export, arrival, worse, withdrawn, {**withdrawn, "event_id": "w2", "withdrawn_event_id": "more"}), 1
        ):
            topic = "shipments" if step["type"] == "EventWithdrawn" else None
            records = event_records(codec, [step])
            publish(
                broker,
                [record._replace(topic=topic or record.topic, value=reencoded(codec, step, topic)) for record in records]
                if topic
                else records,
            )
            wait_until(lambda count=count: count_records(broker, "decisions") >= count, 60, f"decision {count}", worker.text)
            still_open = standing(read_topic(broker, "open-alerts"))
            seen.append(("open" if still_open else "none", len(read_topic(broker, "flagged-shipments"))))
        assert worker.terminate(10) == 0, worker.text()
    assert seen == [("none", 0), ("none", 0), ("open", 1), ("open", 2), ("open", 3), ("none", 4)]
    alerts = read_topic(broker, "flagged-shipments")
    assert [dict(record.headers)["kp_status"].decode() for record in alerts] == ["OPENED", "UPDATED", "UPDATED", "RESOLVED"]
    assert {dict(record.headers)["kp_rule"] for record in alerts} == {b"import-mismatch"}
    assert [alert["revision"] for alert in decoded(codec, alerts)] == [1, 2, 3, 4]
    assert {(record.key, record.partition) for record in alerts} == {(number.encode(), partition_of(number, 4))}
    assert len({alert["alert_id"] for alert in decoded(codec, alerts)}) == 1


def reencoded(codec: Any, event: dict[str, Any], topic: str | None) -> bytes:
    """A withdrawal as `shipments` carries it."""
    from kimberley.wire.records import record_from_json

    name, record = record_from_json(event)
    value: bytes = codec.encode(topic or "certificates", name, record)
    return value


OVERDUE = int(datetime(2024, 3, 22, tzinfo=UTC).timestamp() * 1000)
"""When the import of `journey` should have been confirmed by: ten working days after its arrival in the EU on 7 March 2024."""


def test_a_deadline_passes_without_a_new_event_and_what_comes_too_late_resolves_it(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker)
    codec = make_codec(settings)
    *before, confirmation = event_records(codec, journey("BW000777"))

    def alerts() -> list[dict[str, Any]]:
        return decoded(codec, read_topic(broker, "flagged-shipments"))

    with WorkerProcess(settings, tmp_path) as worker:
        publish(broker, before)
        wait_until(lambda: count_records(broker, "decisions") >= 3, 60, "decisions", worker.text)
        tell(settings, OVERDUE - 1)
        tell(settings, OVERDUE)
        wait_until(alerts, 60, "an alert", worker.text)
        worker.kill()
    with WorkerProcess(settings, tmp_path, "next") as worker:
        tell(settings, OVERDUE + 10**9)
        publish(broker, [confirmation])
        wait_until(lambda: count_records(broker, "decisions") >= 4, 60, "the confirmation's decision", worker.text)
        wait_until(lambda: len(alerts()) >= 2, 60, "its resolution", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    opened, resolved = alerts()
    assert (opened["rule_id"], opened["status"], opened["event_id"]) == ("confirmation-overdue", "OPENED", None)
    assert opened["effective_at"] == OVERDUE
    assert (resolved["status"], resolved["revision"], resolved["event_id"]) == ("RESOLVED", 2, "BW000777-ImportConfirmed")


def test_the_workers_tell_the_time_of_day_themselves_and_every_reference_revision(broker: str, tmp_path: Path) -> None:
    """The worker that has partition 0 writes for all; by today's clock a journey of 2024 without its confirmation is overdue."""
    settings = prepared(broker, tick_seconds=1.0)
    codec = make_codec(settings)
    publish(broker, event_records(codec, journey("BW000777")[:3] + journey("BW000778")))

    def rules() -> set[tuple[str, str]]:
        alerts = decoded(codec, read_topic(broker, "flagged-shipments"))
        return {(alert["certificate_number"], alert["rule_id"]) for alert in alerts}

    with WorkerProcess(settings, tmp_path, "one") as one, WorkerProcess(settings, tmp_path, "two") as two:
        overdue = ("BW000777", "confirmation-overdue")
        wait_until(lambda: overdue in rules(), 90, "the overdue confirmation", lambda: one.text() + two.text())
        assert rules() == {overdue}
        # Botswana turns out to have been suspended: cases of long ago are judged anew, without any event
        reference = shipped_reference()
        botswana = reference.participants.by_code["BW"]
        periods = tuple(msgspec.structs.replace(period, status="suspended") for period in botswana.periods)
        load_reference(settings, reference.replace([msgspec.structs.replace(botswana, periods=periods)]))
        suspended = {("BW000777", "trade-suspended"), ("BW000778", "trade-suspended")}
        wait_until(lambda: suspended <= rules(), 60, "alerts on both", lambda: one.text() + two.text())
        assert one.terminate(10) == 0, one.text()
        assert two.terminate(10) == 0, two.text()


@pytest.mark.kafka
def test_after_the_group_s_offsets_have_expired_nothing_is_decided_again(clean_kafka: str, tmp_path: Path) -> None:
    """Kafka forgets the offsets of a group that nobody was in for a week; how far the cases reach stands with the cases."""
    settings = prepared(clean_kafka, partitions=2)
    codec = make_codec(settings)
    judged(settings, tmp_path, "first", event_records(codec, [event for number in range(20) for event in journey(f"BW{number:06d}")]), 80)
    admin = KafkaAdminClient(bootstrap_servers=clean_kafka)
    wait_until(lambda: settings.prefix in str(admin.delete_groups([settings.prefix])), 30, "the group is gone")
    admin.close()
    judged(settings, tmp_path, "next", event_records(codec, journey("BW000099")), 84)
    decisions = [record["decision_id"] for record in decoded(codec, read_topic(clean_kafka, "decisions"))]
    assert len(decisions) == len(set(decisions)) == 84


@pytest.mark.kafka
def test_a_topic_that_was_made_anew_under_old_cases_is_not_passed_over(clean_kafka: str, tmp_path: Path) -> None:
    settings = prepared(clean_kafka, partitions=1)
    codec = make_codec(settings)
    judged(settings, tmp_path, "first", event_records(codec, [event for number in range(5) for event in journey(f"BW{number:06d}")]), 20)
    admin = KafkaAdminClient(bootstrap_servers=clean_kafka)
    admin.delete_topics(["certificates"])
    wait_until(lambda: "certificates" not in admin.list_topics(), 30, "deleted")
    admin.close()
    apply_topics(settings)
    with WorkerProcess(settings, tmp_path, "next") as worker:
        assert worker.process.wait(60) == 2, worker.text()
    assert "certificates-0 ends at offset 0, but 5 of its records are in kimberley-cases" in worker.text()


def judged(settings: Settings, folder: Path, name: str, records: Any, decisions: int) -> None:
    """Publish records and run a worker until so many decisions are there."""
    publish(settings.bootstrap_servers, records)
    with WorkerProcess(settings, folder, name) as worker:
        wait_until(lambda: count_records(settings.bootstrap_servers, "decisions") >= decisions, 60, f"{decisions} decisions", worker.text)
        assert worker.terminate(10) == 0, worker.text()


@pytest.mark.kafka
def test_the_largest_records_that_the_event_topics_take_are_answered_too(clean_kafka: str, tmp_path: Path) -> None:
    """What comes out is larger than what came in: a dead letter has headers on top, and a refusal says why."""
    settings = prepared(clean_kafka, partitions=1)
    codec = make_codec(settings)
    large = journey("BW000001")[0] | {"remarks": "z" * (MOST_EVENT_BYTES - 2_000)}
    producer = KafkaProducer(bootstrap_servers=clean_kafka, max_request_size=2 << 20)
    producer.send("certificates", key=b"x", value=b"z" * (MOST_EVENT_BYTES - 200), partition=0).get(30)
    (record,) = event_records(codec, [large])
    producer.send(record.topic, key=record.key, value=record.value, headers=record.headers).get(30)
    producer.close()
    with (
        Publisher(settings) as publisher,
        pytest.raises(RefusedEventError, match=r"remarks has 1,046,576 characters; at most 4,000 are read"),
    ):
        publisher.publish(large)
    publish(clean_kafka, event_records(codec, journey("BW000002")))
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: count_records(clean_kafka, "decisions", "dead-letters") >= 6, 60, "an answer to each", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    outcomes = [each["outcome"] for each in decoded(codec, read_topic(clean_kafka, "decisions"))]
    assert sorted(outcomes) == ["ACCEPTED"] * 4 + ["REFUSED"]
    assert count_records(clean_kafka, "dead-letters") == 1


@pytest.mark.kafka
def test_sigterm_ends_a_worker_whose_broker_does_not_answer_and_nothing_is_lost(tmp_path: Path) -> None:
    with RealKafka() as kafka:
        settings = prepared(kafka.bootstrap_servers, batch_records=200)
        events = [event for number in range(3000) for event in journey(f"BW{number:06d}")]
        publish(kafka.bootstrap_servers, event_records(make_codec(settings), events))
        with WorkerProcess(settings, tmp_path) as worker:
            wait_until(lambda: count_records(kafka.bootstrap_servers, "decisions") > 200, 60, "begun", worker.text)
            kafka.pause()
            try:
                status = worker.terminate(20)
            finally:
                kafka.resume()
            assert status == 3, worker.text()
            assert "worker_stop_forced" in worker.text()
        with WorkerProcess(settings, tmp_path, "next") as worker:
            wait_until(lambda: count_records(kafka.bootstrap_servers, "decisions") >= len(events), 90, "all decided", worker.text)
            assert worker.terminate(10) == 0, worker.text()
        assert count_records(kafka.bootstrap_servers, "decisions") == len(events)
