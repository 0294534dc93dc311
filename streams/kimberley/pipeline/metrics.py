"""Every metric of a worker: its name, what it means, its labels; and how batches and progress become their values.

Counters and histograms are written once a batch; everything that is a state is looked up when Prometheus asks.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from kimberley import __version__
from kimberley.model.decisions import DecisionOutcome
from kimberley.model.findings import SEVERITIES, AlertStatus
from kimberley.pipeline.batch import Counts
from kimberley.pipeline.health import Health
from kimberley.pipeline.progress import Progress
from kimberley.pipeline.series import Counter, Definition, Histogram, gauge, info
from kimberley.rules.rulebook import Rulebook
from kimberley.wire.topics import EVENT_TOPICS, InternalNames

_STAGES = ("frame", "schema", "decode", "envelope", "signature", "process")
_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_DELIVERIES = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH_JUDGING = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_EVENT_JUDGING = (0.00001, 0.00002, 0.00003, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.025, 0.1, 1.0)
_BATCH_SIZES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0)

EVENTS = Definition("kimberley_events_total", "counter", "Event records read and answered, by the topic they were read from.", ("topic",))
DECISIONS = Definition("kimberley_decisions_total", "counter", "Decisions written, by outcome.", ("outcome",))
ALERTS = Definition(
    "kimberley_alerts_total",
    "counter",
    "Alert revisions written, by rule, severity, and status: opened, updated or resolved.",
    ("rule", "severity", "status"),
)
RULE_ERRORS = Definition(
    "kimberley_rule_errors_total",
    "counter",
    "Times that a rule failed on a case: the others judged it all the same, and the log has the event's id.",
    ("rule",),
)
DEAD_LETTERS = Definition(
    "kimberley_dead_letters_total", "counter", "Records that could not be read, by the stage at which they failed.", ("stage",)
)
REROUTED = Definition(
    "kimberley_rerouted_total", "counter", "Records that came with a wrong key or on a wrong partition and were forwarded to the right one."
)
LEFT_OUT = Definition(
    "kimberley_left_out_total",
    "counter",
    "Events refused, and lineage messages and alerts left out, because a certificate's case is full: the log says which.",
    ("what",),
)
END_TO_END = Definition(
    "kimberley_end_to_end_seconds",
    "histogram",
    "From a record's own timestamp until its results were committed, for each event.",
    buckets=_LATENCIES,
)
BATCH_JUDGING = Definition("kimberley_batch_judging_seconds", "histogram", "Judging a batch, nothing sent yet.", buckets=_BATCH_JUDGING)
EVENT_JUDGING = Definition(
    "kimberley_event_judging_seconds", "histogram", "Judging an event: its batch's time, shared among its events.", buckets=_EVENT_JUDGING
)
BATCH_RECORDS = Definition("kimberley_batch_records", "histogram", "Records in a batch.", buckets=_BATCH_SIZES)
DELIVERY = Definition(
    "kimberley_delivery_seconds",
    "histogram",
    "Making a batch true: its transaction, or where there is none its outputs, cases and offsets one after the other.",
    buckets=_DELIVERIES,
)
LAG_RECORDS = Definition(
    "kimberley_lag_records",
    "gauge",
    "Records of an assigned partition that are not applied yet: its end minus the applied position.",
    ("topic", "partition"),
)
LAG_SECONDS = Definition(
    "kimberley_lag_seconds",
    "gauge",
    "Age of the oldest record of an assigned partition that is not applied yet; 0 when all are.",
    ("topic", "partition"),
)
CASES = Definition("kimberley_cases", "gauge", "Cases held, by partition number.", ("partition",))
CLOCK = Definition(
    "kimberley_clock_timestamp_seconds",
    "gauge",
    "What the stream's clock shows in a partition number, in seconds since the epoch: deadlines before that have passed.",
    ("partition",),
)
DEADLINES = Definition("kimberley_deadlines_waiting", "gauge", "Cases for which a deadline will pass if nothing comes.", ("partition",))
RECOVERED = Definition("kimberley_recovered", "gauge", "1 once the cases of a partition number are back, 0 until then.", ("partition",))
RECOVERY_SECONDS = Definition(
    "kimberley_recovery_seconds", "gauge", "How long reading a partition number's cases back took, or has taken so far.", ("partition",)
)
RECOVERY_RECORDS = Definition("kimberley_recovery_records", "gauge", "Records read for a partition number's recovery.", ("partition",))
RECOVERY_CASES = Definition("kimberley_recovery_cases", "gauge", "Cases that a partition number's recovery brought back.", ("partition",))
PARTITIONS = Definition("kimberley_partitions_assigned", "gauge", "Partition numbers that this worker has.")
REBALANCES = Definition("kimberley_rebalances_total", "counter", "Times that the group gave this worker a share, the first included.")
REFERENCE = Definition("kimberley_reference_info", "info", "The revision of the reference data that is in force.", ("revision",))
RULEBOOK = Definition("kimberley_rulebook_info", "info", "The rulebook that is in force.", ("rulebook",))
WORKER = Definition(
    "kimberley_worker_info",
    "info",
    "The worker: version, consumer group, and whether its deliveries are exactly once or at least once.",
    ("version", "group", "delivery"),
)
UP = Definition("kimberley_worker_up", "gauge", "1 from the worker's start until it is told to stop or has failed, then 0.")
LIVE = Definition("kimberley_worker_live", "gauge", "1 while /health/live says so, 0 while something stands still.")
READY = Definition("kimberley_worker_ready", "gauge", "1 while /health/ready says so: partitions assigned and recovered.")
STARTED = Definition("kimberley_worker_start_time_seconds", "gauge", "When the worker started, in seconds since the epoch.")

DEFINITIONS = tuple(each for each in globals().values() if isinstance(each, Definition))


@dataclass(frozen=True, slots=True)
class Delivered:
    """A batch that has become true: what it came to, its records, and the seconds that judging and delivering it took."""

    counts: Counts
    records: int
    judging_seconds: float
    delivery_seconds: float


@dataclass(frozen=True, slots=True)
class Held:
    """What a partition number holds: cases, those of them that wait for a deadline, and its clock (milliseconds since the epoch)."""

    cases: int
    deadlines: int
    clock: int


class Metrics(Collector):
    """A worker's metrics; `registry` holds them, and the process's memory and processor time beside them.

    `reference_revision` and `delivery` are None until they are known. `held`: what each partition number holds.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        names: InternalNames,
        progress: Progress,
        health: Health,
        held: Callable[[], Mapping[int, Held]],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.reference_revision: str | None = None
        self.delivery: str | None = None
        self.is_up = True
        self.registry = CollectorRegistry()
        self._names = names
        self._rulebook = rulebook
        self._progress = progress
        self._health = health
        self._held = held
        self._wall_clock = wall_clock
        self._started = wall_clock()
        rules = [rule.id for rule, _ in rulebook.rules]
        statuses = get_args(AlertStatus)
        self.events = Counter(EVENTS, [(*EVENT_TOPICS, names.rerouted)])
        self.decisions = Counter(DECISIONS, [get_args(DecisionOutcome)])
        self.alerts = Counter(
            ALERTS,
            [rules, SEVERITIES, statuses],
            [(rule.id, severity, status) for rule, severity in rulebook.rules for status in statuses],
        )
        self._rule_errors = Counter(RULE_ERRORS, [rules])
        self._dead_letters = Counter(DEAD_LETTERS, [_STAGES])
        self._rerouted = Counter(REROUTED)
        self._left_out = Counter(LEFT_OUT, [("event", "lineage", "alert")])
        self._end_to_end = Histogram(END_TO_END)
        self._batch_judging = Histogram(BATCH_JUDGING)
        self._event_judging = Histogram(EVENT_JUDGING)
        self._batch_records = Histogram(BATCH_RECORDS)
        self._delivery = Histogram(DELIVERY)
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def delivered(self, batch: Delivered) -> None:
        """A batch has just become true."""
        counts = batch.counts
        for topic, number in counts.events.items():
            self.events.add(number, topic)
        for outcome, number in counts.decisions.items():
            self.decisions.add(number, outcome)
        for (rule, severity, status), number in counts.alerts.items():
            self.alerts.add(number, rule, severity, status)
        for rule, number in counts.rule_errors.items():
            self._rule_errors.add(number, rule)
        for stage, number in counts.dead_letters.items():
            self._dead_letters.add(number, stage)
        self._rerouted.add(counts.rerouted)
        for what, number in counts.left_out.items():
            self._left_out.add(number, what)
        now = self._wall_clock()
        for timestamp, number in counts.timestamps.items():
            self._end_to_end.add(max(0.0, now - timestamp / 1000), number)
        if batch.records:
            self._batch_judging.add(batch.judging_seconds)
            self._event_judging.add(batch.judging_seconds / batch.records, counts.events.total())
            self._batch_records.add(batch.records)
        self._delivery.add(batch.delivery_seconds)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus reads, as it is now."""
        for counted in (self.events, self.decisions, self.alerts, self._rule_errors, self._dead_letters, self._rerouted, self._left_out):
            yield counted.family()
        for spread in (self._end_to_end, self._batch_judging, self._event_judging, self._batch_records, self._delivery):
            yield spread.family()
        yield from self._reading()
        yield from self._recovery()
        yield from self._worker()

    def _reading(self) -> Iterator[Metric]:
        self._progress.look()
        now = self._progress.wall_clock()
        readings = {(topic, str(number)): reading for (topic, number), reading in sorted(self._progress.readings.items())}
        yield gauge(LAG_RECORDS, [(place, reading.lag) for place, reading in readings.items()])
        yield gauge(LAG_SECONDS, [(place, reading.lag_seconds(now)) for place, reading in readings.items()])
        held = {(str(number),): each for number, each in sorted(self._held().items())}
        yield gauge(CASES, [(number, each.cases) for number, each in held.items()])
        yield gauge(CLOCK, [(number, each.clock / 1000) for number, each in held.items()])
        yield gauge(DEADLINES, [(number, each.deadlines) for number, each in held.items()])

    def _recovery(self) -> Iterator[Metric]:
        now = self._progress.clock()
        recoveries = {(str(number),): recovery for number, recovery in sorted(self._progress.recoveries.items())}
        taken = {
            number: now - recovery.started_at if recovery.seconds is None else recovery.seconds for number, recovery in recoveries.items()
        }
        yield gauge(RECOVERED, [(number, recovery.seconds is not None) for number, recovery in recoveries.items()])
        yield gauge(RECOVERY_SECONDS, taken.items())
        yield gauge(RECOVERY_RECORDS, [(number, recovery.records) for number, recovery in recoveries.items()])
        yield gauge(RECOVERY_CASES, [(number, recovery.cases) for number, recovery in recoveries.items()])

    def _worker(self) -> Iterator[Metric]:
        rebalances = Counter(REBALANCES)
        rebalances.add(self._progress.rebalances)
        yield rebalances.family()
        yield gauge(PARTITIONS, [((), len(self._progress.numbers))])
        if self.reference_revision:
            yield info(REFERENCE, self.reference_revision)
        yield info(RULEBOOK, self._rulebook.id)
        if self.delivery:
            yield info(WORKER, __version__, self._names.group, self.delivery)
        yield gauge(UP, [((), self.is_up)])
        yield gauge(LIVE, [((), self._health.live().ok)])
        yield gauge(READY, [((), self._health.ready().ok)])
        yield gauge(STARTED, [((), self._started)])
