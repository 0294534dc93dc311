"""Nothing lost, nothing doubled: every event one decision, and the open alerts that `check` finds, however often the worker dies."""

import random
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulated_faults import NOTICES
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.reference_loader import load_reference
from support.stream import decoded, event_records, prepared, publish, reach, read_topic, rests, standing, tell, wait_until
from support.worker import WorkerProcess

EVENTS = 30_000
_DEATHS = 5


@dataclass
class Expected:
    """The events, and what `check` says of them."""

    events: list[dict[str, Any]]
    open_ids: set[str]
    as_of: int


@pytest.fixture(scope="module")
def expected() -> Expected:
    events = list(islice(simulate(seed=11, days=400, certificates_per_day=120), EVENTS))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    report = check([as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)], policy, afresh=True)
    open_ids = {alert.alert_id for alert in report.open_alerts}
    assert len(open_ids) > 20
    assert {"arrival-overdue", "confirmation-overdue"} <= {alert.rule_id for alert in report.open_alerts}
    return Expected(events, open_ids, report.as_of)


@pytest.mark.slow
@pytest.mark.embedded
def test_without_transactions_every_event_gets_its_decision_and_the_open_alerts_are_those_of_check(
    fresh_embedded: str, expected: Expected, tmp_path: Path
) -> None:
    """At least once: what a death leaves undone is done again, under the same ids. tests/faults has the same on real Kafka."""
    broker = fresh_embedded
    settings = prepared(broker)
    places = publish(broker, event_records(make_codec(settings), expected.events))
    moments = sorted(random.Random(5).sample(range(EVENTS // 20, EVENTS * 9 // 10), _DEATHS))
    for death, moment in enumerate(moments):
        kill_at(settings, moment, tmp_path, f"victim-{death}")
    told = tell(settings, expected.as_of)  # while the backlog is there: it waits until that is judged
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: not worker.is_alive or is_read(settings, places + told), 180, "everything read", worker.text)
        wait_until(lambda: not worker.is_alive or open_now(broker) == expected.open_ids, 60, "what check finds", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    found = {record["decision_id"] for record in decoded(make_codec(settings), read_topic(broker, "decisions"))}
    assert found == {f"{topic}/{partition}/{offset}" for topic, partition, offset in places}
    assert not read_topic(broker, "dead-letters")
    assert open_now(broker) == expected.open_ids
    check_revisions(settings, expected)


def open_now(broker: str) -> set[str]:
    """The alerts that `open-alerts` holds."""
    return {key.decode() for key in standing(read_topic(broker, "open-alerts"))}


def kill_at(settings: Settings, moment: int, folder: Path, name: str) -> None:
    """Run a worker until so many records are out, then `kill -9`."""
    with WorkerProcess(settings, folder, name) as worker:
        wait_until(lambda: not worker.is_alive or reach(settings, "decisions") >= moment, 120, f"{moment} records out", worker.text)
        assert worker.is_alive, worker.text()
        worker.kill()


def check_revisions(settings: Settings, expected: Expected) -> None:
    """Each alert's revisions are 1, 2, 3 …; its last one is open exactly where `check` says so."""
    revisions: dict[str, dict[int, str]] = {}
    alerts = decoded(make_codec(settings), read_topic(settings.bootstrap_servers, "flagged-shipments"))
    for alert in alerts:
        revisions.setdefault(alert["alert_id"], {})[alert["revision"]] = alert["status"]
    for alert_id, known in revisions.items():
        assert sorted(known) == list(range(1, len(known) + 1)), alert_id
    assert {alert_id for alert_id, known in revisions.items() if known[max(known)] != "RESOLVED"} == expected.open_ids


@pytest.mark.slow
@pytest.mark.kafka
def test_a_hundred_thousand_events_with_lineage_corrections_a_late_notice_and_deadlines_end_as_check_says(
    clean_kafka: str, tmp_path: Path
) -> None:
    """Two workers; the notice comes when half of the trade is judged, the clock at the end."""
    settings = prepared(clean_kafka)
    events = list(islice(simulate(seed=23, days=600, certificates_per_day=120), 100_000))
    records = event_records(make_codec(settings), events)
    noticed = shipped_reference().replace(NOTICES)
    policy = Policy(noticed, shipped_bundle(), shipped_rulebook())
    report = check([as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)], policy, afresh=True)
    expected = {alert.alert_id for alert in report.open_alerts}
    lineage = {rule.id for rule, _ in policy.rulebook.rules if rule.lineage}
    by_sources = lineage - {rule.id for rule, _ in policy.rulebook.rules if rule.reads_clock}
    opened = {alert.rule_id for alert in report.open_alerts}
    assert {"number-on-notice", "arrival-overdue", "confirmation-overdue", "weight-growth", "source-overdrawn"} <= opened
    assert len(opened & lineage) > 4
    places = publish(clean_kafka, records[: len(records) // 2])
    with WorkerProcess(settings, tmp_path, "one") as one, WorkerProcess(settings, tmp_path, "two") as two:

        def said() -> str:
            return one.text() + two.text()

        wait_until(lambda: is_read(settings, places), 120, "the first half", said)
        load_reference(settings, noticed)
        places += publish(clean_kafka, records[len(records) // 2 :])
        wait_until(lambda: is_read(settings, places), 180, "everything read", said)
        wait_until(lambda: rests(settings), 60, "lineage at rest", said)
        lineage_alerts = {alert.alert_id for alert in report.open_alerts if alert.rule_id in by_sources}
        assert lineage_alerts <= open_now(clean_kafka), "what rests on facts alone is there at once, without waiting for it"
        places += tell(settings, report.as_of)
        wait_until(lambda: is_read(settings, places), 60, "the clock is set", said)
        wait_until(lambda: open_now(clean_kafka) == expected, 90, "what check finds", said)
        assert one.terminate(10) == 0, one.text()
        assert two.terminate(10) == 0, two.text()
    decided = Counter(record["decision_id"] for record in decoded(make_codec(settings), read_topic(clean_kafka, "decisions")))
    assert decided.total() == len(decided) == len(events)
    assert not read_topic(clean_kafka, "dead-letters")


def is_read(settings: Settings, places: list[tuple[str, int, int]]) -> bool:
    """Whether the group has committed all that was published."""
    ends: dict[TopicPartition, int] = {}
    for topic, partition, offset in places:
        place = TopicPartition(topic, partition)
        ends[place] = max(ends.get(place, 0), offset + 1)
    consumer = KafkaConsumer(bootstrap_servers=settings.bootstrap_servers, group_id=settings.prefix, enable_auto_commit=False)
    try:
        return all((consumer.committed(place) or 0) >= end for place, end in ends.items())
    finally:
        consumer.close()
