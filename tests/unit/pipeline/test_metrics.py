"""Every metric moves for its own reason, is there before it moves, and keeps its labels in bounds."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics

from kimberley.cases.judge import Policy
from kimberley.pipeline.batch import Counts
from kimberley.pipeline.health import Health
from kimberley.pipeline.metrics import DEFINITIONS, Delivered, Held, Metrics
from kimberley.pipeline.processor import Processor
from kimberley.pipeline.progress import Progress
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import Rulebook, shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.control import Control
from kimberley.wire.event_records import EventRecord, event_record
from kimberley.wire.partitioner import partition_of
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import InternalNames
from support.journeys import journey

SETTINGS = Settings.model_construct(partitions=1)
NAMES = InternalNames("kimberley")
NOW = 1_750_000_000.0


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    """One worker's metrics, and a processor whose batches go there."""

    rulebook: Rulebook = field(default_factory=shipped_rulebook)
    partitions: int = 1

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.progress = Progress(self.clock, self.clock)
        health = Health(self.progress, stalled_seconds=60, joining_seconds=90)
        self.codec = make_codec(SETTINGS)
        self.processor = Processor(0, self.partitions, {}, self.codec, NAMES, skew_minutes=10, wall_clock=self.clock)
        self.metrics = Metrics(self.rulebook, NAMES, self.progress, health, self._held, self.clock)
        self._offset = 0

    def judge(self, *records: EventRecord, seconds: float = 0.01, age: float = 0.0, delivery: float = 0.02) -> None:
        """Judge records as one batch, `age` seconds after they were written, and make it true."""
        made = [self._record(record, int((self.clock.now - age) * 1000)) for record in records]
        batch = self.processor.process(made, Policy(shipped_reference(), shipped_bundle(), self.rulebook))
        self.processor.cases.update(batch.cases)
        self.metrics.delivered(Delivered(batch.counts, len(made), seconds, delivery))

    def _held(self) -> dict[int, Held]:
        processor = self.processor
        return {0: Held(len(processor.cases), processor.waiting_deadlines, processor.state.clock)}

    def records(self, events: Iterable[dict[str, Any]]) -> list[EventRecord]:
        return [event_record(self.codec, *record_from_json(event)) for event in events]

    def value(self, name: str, **labels: str) -> float | None:
        """A sample's value, None where there is no such series."""
        return self.metrics.registry.get_sample_value(name, labels)

    def moved(self, before: dict[str, float]) -> set[str]:
        """The series that are not what they were."""
        after = self.all()
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    def all(self) -> dict[str, float]:
        lines = generate_latest(self.metrics.registry).decode().splitlines()
        rows = (line.rpartition(" ") for line in lines if line.startswith("kimberley_"))
        return {name: float(value) for name, _, value in rows}

    def _record(self, record: EventRecord, timestamp: int) -> MemoryRecord:
        self._offset += 1
        return MemoryRecord(record.topic, 0, self._offset, timestamp, record.key, record.value, record.headers)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def counters(moved: set[str]) -> set[str]:
    return {name for name in moved if "_total" in name}


def test_every_counter_is_there_with_0_before_it_moves(bench: Bench) -> None:
    """A panel of the dashboard shows 0 then, not that there is no data."""
    series = {name: value for name, value in bench.all().items() if "_total" in name}
    assert set(series.values()) == {0.0}
    rulebook = shipped_rulebook()
    expected = {f'kimberley_rule_errors_total{{rule="{rule.id}"}}' for rule, _ in rulebook.rules}
    expected |= {f'kimberley_decisions_total{{outcome="{outcome}"}}' for outcome in ("ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED")}
    expected |= {
        f'kimberley_dead_letters_total{{stage="{stage}"}}' for stage in ("frame", "schema", "decode", "envelope", "signature", "process")
    }
    expected |= {f'kimberley_events_total{{topic="{topic}"}}' for topic in ("certificates", "shipments", "kimberley-rerouted")}
    expected |= {
        f'kimberley_alerts_total{{rule="{rule.id}",severity="{severity}",status="{status}"}}'
        for rule, severity in rulebook.rules
        for status in ("OPENED", "UPDATED", "RESOLVED")
    }
    expected |= {f'kimberley_left_out_total{{what="{what}"}}' for what in ("event", "lineage", "alert")}
    assert set(series) == expected | {"kimberley_rerouted_total", "kimberley_rebalances_total"}


def test_events_by_topic_and_accepted_decisions(bench: Bench) -> None:
    before = bench.all()
    bench.judge(*bench.records(journey("BW000001")))
    assert counters(bench.moved(before)) == {
        'kimberley_events_total{topic="certificates"}',
        'kimberley_events_total{topic="shipments"}',
        'kimberley_decisions_total{outcome="ACCEPTED"}',
    }
    assert bench.value("kimberley_events_total", topic="certificates") == 1
    assert bench.value("kimberley_events_total", topic="shipments") == 3
    assert bench.value("kimberley_decisions_total", outcome="ACCEPTED") == 4


def test_duplicates_conflicts_and_refusals(bench: Bench) -> None:
    issue = journey("BW000001")[0]
    bench.judge(*bench.records([issue, issue, {**issue, "carats": "7.00"}, {**issue, "event_id": "x", "destination": "QQ"}]))
    for outcome in ("ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED"):
        assert bench.value("kimberley_decisions_total", outcome=outcome) == 1, outcome


def test_alerts_by_rule_severity_and_status(bench: Bench) -> None:
    issue, export, arrival, _ = journey("BW000001", carats="1000.00", found="980.00")
    withdrawal = {key: arrival[key] for key in ("occurred_at", "authority", "certificate_number")}
    withdrawal |= {"type": "EventWithdrawn", "event_id": "w", "withdrawn_event_id": arrival["event_id"], "reason": "INCORRECT_DATA"}
    withdrawn = event_record(bench.codec, *record_from_json(withdrawal), topic="shipments")
    severity = next(severity for rule, severity in shipped_rulebook().rules if rule.id == "import-mismatch")
    steps = {"OPENED": arrival, "UPDATED": {**arrival, "event_id": "more", "carats": "970.00"}}
    bench.judge(*bench.records([issue, export]))
    for status, step in steps.items():
        before = bench.all()
        bench.judge(*bench.records([step]))
        name = f'kimberley_alerts_total{{rule="import-mismatch",severity="{severity}",status="{status}"}}'
        assert {each for each in bench.moved(before) if "alerts" in each} == {name}
    taken_back = event_record(
        bench.codec, *record_from_json({**withdrawal, "event_id": "w2", "withdrawn_event_id": "more"}), topic="shipments"
    )
    bench.judge(withdrawn, taken_back)
    assert bench.value("kimberley_alerts_total", rule="import-mismatch", severity=severity, status="RESOLVED") == 1


def test_a_rule_that_fails_is_counted_by_its_id_and_the_event_is_still_decided() -> None:
    def fails(dossier: Any) -> Any:
        raise RuntimeError("a fault of ours")

    shipped = shipped_rulebook()
    (first, severity), *rest = shipped.rules
    bench = Bench(Rulebook(shipped.id, shipped.content_hash, ((replace(first, judge=fails), severity), *rest)))
    bench.judge(*bench.records(journey("BW000001")))
    assert (bench.value("kimberley_rule_errors_total", rule=first.id) or 0) >= 1
    assert bench.value("kimberley_decisions_total", outcome="ACCEPTED") == 4
    assert sum(value for name, value in bench.all().items() if name.startswith("kimberley_rule_errors")) == bench.value(
        "kimberley_rule_errors_total", rule=first.id
    )


def test_dead_letters_by_stage(bench: Bench) -> None:
    good = bench.records(journey("BW000001"))[0]
    forwarded = good._replace(topic=NAMES.rerouted)
    for stage, bad in {
        "frame": good._replace(value=b"nothing of ours"),
        "schema": good._replace(value=b"\x00\x00\x00\x00\x01rest"),
        "decode": good._replace(value=good.value[:-9]),
        "envelope": forwarded,
    }.items():
        before = bench.all()
        bench.judge(bad)
        moved = counters(bench.moved(before))
        assert moved == {f'kimberley_dead_letters_total{{stage="{stage}"}}', f'kimberley_events_total{{topic="{bad.topic}"}}'}


def test_an_event_that_fails_half_way_is_a_dead_letter_and_no_decision_or_alert(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.judge(*bench.records(journey("BW000001", found="80.00")[:2]))
    before = bench.all()

    def fails(*arguments: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(bench.processor._writer, "alert", fails)
    bench.judge(*bench.records(journey("BW000001", found="80.00")[2:3]))
    assert counters(bench.moved(before)) == {
        'kimberley_dead_letters_total{stage="process"}',
        'kimberley_events_total{topic="shipments"}',
    }


def test_a_record_on_a_wrong_partition_is_counted_as_rerouted_and_not_as_decided() -> None:
    bench = Bench(partitions=4)
    number = next(f"BW{number:06d}" for number in range(100) if partition_of(f"BW{number:06d}", 4) != 0)
    before = bench.all()
    bench.judge(*bench.records(journey(number)[:1]))
    assert counters(bench.moved(before)) == {"kimberley_rerouted_total", 'kimberley_events_total{topic="certificates"}'}


def test_latencies_and_sizes_by_batch_and_by_event(bench: Bench) -> None:
    bench.judge(*bench.records(journey("BW000001")), seconds=0.0006, age=3.0, delivery=0.3)
    assert bench.value("kimberley_end_to_end_seconds_count") == 4
    assert bench.value("kimberley_end_to_end_seconds_sum") == pytest.approx(12.0, abs=0.01)
    assert bench.value("kimberley_end_to_end_seconds_bucket", le="2.5") == 0
    assert bench.value("kimberley_end_to_end_seconds_bucket", le="5.0") == 4
    assert bench.value("kimberley_batch_judging_seconds_count") == 1
    assert bench.value("kimberley_batch_judging_seconds_sum") == pytest.approx(0.0006)
    assert bench.value("kimberley_event_judging_seconds_count") == 4
    assert bench.value("kimberley_event_judging_seconds_sum") == pytest.approx(0.0006)
    assert bench.value("kimberley_event_judging_seconds_bucket", le="0.0002") == 4
    assert bench.value("kimberley_batch_records_sum") == 4
    assert bench.value("kimberley_delivery_seconds_bucket", le="0.25") == 0
    assert bench.value("kimberley_delivery_seconds_bucket", le="0.5") == 1


def test_a_record_of_the_future_takes_no_negative_time(bench: Bench) -> None:
    bench.judge(*bench.records(journey("BW000001")[:1]), age=-5.0)
    assert bench.value("kimberley_end_to_end_seconds_sum") == 0


def test_lag_recovery_and_cases_come_with_a_partition_and_go_with_it(bench: Bench) -> None:
    progress = bench.progress
    progress.assigned([("shipments", 0)])
    recovery = progress.recovering(0)
    recovery.moved(1000)
    bench.clock.now += 5
    assert bench.value("kimberley_recovered", partition="0") == 0
    assert bench.value("kimberley_recovery_seconds", partition="0") == 5, "so far"
    assert bench.value("kimberley_recovery_records", partition="0") == 1000
    assert bench.value("kimberley_worker_ready") == 0
    recovery.done(700, {("shipments", 0): 40})
    bench.clock.now += 5
    assert bench.value("kimberley_recovered", partition="0") == 1
    assert bench.value("kimberley_recovery_seconds", partition="0") == 5, "it is done"
    assert bench.value("kimberley_recovery_cases", partition="0") == 700
    assert bench.value("kimberley_worker_ready") == 1
    progress.ends({("shipments", 0): 100})
    progress.fetched(("shipments", 0), 40, int((bench.clock.now - 9) * 1000), int(bench.clock.now * 1000), 50)
    assert bench.value("kimberley_lag_records", topic="shipments", partition="0") == 60
    assert bench.value("kimberley_lag_seconds", topic="shipments", partition="0") == pytest.approx(9, abs=0.01)
    assert bench.value("kimberley_partitions_assigned") == 1
    assert bench.value("kimberley_rebalances_total") == 1
    assert bench.value("kimberley_worker_live") == 1
    bench.clock.now += 61
    assert bench.value("kimberley_worker_live") == 0
    bench.judge(*bench.records(journey("BW000001")[:3]))
    assert bench.value("kimberley_cases", partition="0") == 1
    assert bench.value("kimberley_deadlines_waiting", partition="0") == 1, "its confirmation may come"
    assert bench.value("kimberley_clock_timestamp_seconds", partition="0") == 0
    bench.processor.apply(Control(1_700_000_000_500), bench.processor.begin())
    assert bench.value("kimberley_clock_timestamp_seconds", partition="0") == 1_700_000_000.5
    progress.revoked([("shipments", 0)])
    left = [name for name in bench.all() if "lag" in name or "recover" in name]
    assert left == []
    assert bench.value("kimberley_partitions_assigned") == 0


def test_what_is_in_force_is_told_by_info_metrics_one_series_at_a_time(bench: Bench) -> None:
    assert not [name for name in bench.all() if name.startswith(("kimberley_reference_info", "kimberley_worker_info"))]
    bench.metrics.delivery = "exactly once"
    for revision in ("aaaa", "bbbb"):
        bench.metrics.reference_revision = revision
        assert [name for name in bench.all() if name.startswith("kimberley_reference_info")] == [
            f'kimberley_reference_info{{revision="{revision}"}}'
        ]
    assert bench.value("kimberley_rulebook_info", rulebook=shipped_rulebook().id) == 1
    assert [name for name in bench.all() if name.startswith("kimberley_worker_info") and 'delivery="exactly once"' in name]


def test_up_and_start_time(bench: Bench) -> None:
    assert bench.value("kimberley_worker_start_time_seconds") == NOW
    assert bench.value("kimberley_worker_up") == 1
    bench.metrics.is_up = False
    assert bench.value("kimberley_worker_up") == 0


def test_labels_that_nobody_foresaw_count_as_other(bench: Bench) -> None:
    """Alerts of a rule that an older rulebook had, and whatever else comes, make one series at most."""
    counts = Counts()
    for number in range(500):
        counts.alerts[f"rule-{number}", "BLOCK", "RESOLVED"] += 1
        counts.decisions[f"OUTCOME-{number}"] += 1
        counts.dead_letters[f"stage-{number}"] += 1
        counts.rule_errors[f"rule-{number}"] += 1
        counts.events[f"topic-{number}"] += 1
    before = bench.all()
    bench.metrics.delivered(Delivered(counts, 500, 0.01, 0.01))
    assert counters(bench.moved(before)) == {
        'kimberley_alerts_total{rule="other",severity="BLOCK",status="RESOLVED"}',
        'kimberley_decisions_total{outcome="other"}',
        'kimberley_dead_letters_total{stage="other"}',
        'kimberley_rule_errors_total{rule="other"}',
        'kimberley_events_total{topic="other"}',
    }


def test_everything_that_is_defined_is_served_and_nothing_else(bench: Bench) -> None:
    bench.metrics.delivery, bench.metrics.reference_revision = "exactly once", "aaaa"
    families = {family.name: family for family in bench.metrics.collect()}
    assert set(families) == {each.name.removesuffix("_total").removesuffix("_info") for each in DEFINITIONS}
    for each in DEFINITIONS:
        family = families[each.name.removesuffix("_total").removesuffix("_info")]
        assert (family.type, family.documentation) == (each.kind, each.help)
    assert b"# EOF" in open_metrics(bench.metrics.registry), "and OpenMetrics takes it"
