"""The clock of a partition number: what it sets off, in steps, once, through restarts; and what another reference revision does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.cases.check import EventInput, check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import COMPRESSED_FORMAT, Origin, unpack_case
from kimberley.model.case_compression import compress, decompress
from kimberley.model.events import EVENT_TYPES
from kimberley.model.partition_state import PartitionState, pack_state, unpack_state
from kimberley.pipeline.batch import Batch
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.control import Control, Tick, control_value, latest
from kimberley.wire.event_records import event_record
from kimberley.wire.outputs import alert_of
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import DEAD_LETTERS, FLAGGED_SHIPMENTS, InternalNames
from support.journeys import journey

NAMES = InternalNames("kimberley")
CODEC = make_codec(Settings.model_construct(partitions=1))
POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
ARRIVED = datetime(2024, 3, 7, 10, tzinfo=UTC)
OVERDUE = int(datetime(2024, 3, 22, tzinfo=UTC).timestamp() * 1000)
"""Ten working days after the arrival of `journey` in the EU, 7 March 2024: 00:00 UTC of the day after."""


@dataclass
class Stream:
    """One partition number without Kafka: what it stored survives `restart`, what it sent is kept."""

    policy: Policy = POLICY
    cases: dict[str, bytes] = field(default_factory=dict)
    state: PartitionState = field(default_factory=PartitionState)
    batches: list[Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.offset = 0
        self.restart()

    def restart(self) -> None:
        """Another worker takes over: it has what is in the changelog and nothing else."""
        self.processor = Processor(0, 1, self.cases, CODEC, NAMES, unpack_state(pack_state(self.state)), skew_minutes=10)

    def send(self, events: Iterable[dict[str, Any]]) -> None:
        """Judge events, as one batch."""
        batch = self.processor.begin()
        self.processor.judge([self._record(event) for event in events], self.policy, batch)
        self._done(batch)

    def tell(self, time: int, revision: str = "") -> None:
        """A control record comes."""
        batch = self.processor.begin()
        self.processor.apply(Control(time, revision), batch)
        self._done(batch)

    def reevaluate(self, most: int = 1000) -> int:
        """All that the clock and the revision set off, in steps; how many it took."""
        steps = 0
        while self.processor.has_to_reevaluate:
            batch = self.processor.begin()
            self.processor.reevaluate(self.policy, batch, most)
            self._done(batch)
            steps += 1
        return steps

    @property
    def alerts(self) -> list[tuple[str, str, int]]:
        """Rule, status and revision of every alert sent."""
        return [(alert.rule_id, alert.status, alert.revision) for alert in self.sent]

    @property
    def sent(self) -> list[Any]:
        values = [output.value for batch in self.batches for output in batch.outputs if output.topic == FLAGGED_SHIPMENTS]
        return [alert_of(CODEC.decode(FLAGGED_SHIPMENTS, value)[1]) for value in values]

    @property
    def open_ids(self) -> set[str]:
        """The alerts that are open by the stored cases."""
        return {state.alert_id for packed in self.cases.values() for state in unpack_case(packed).alerts if state.is_open}

    def _record(self, event: dict[str, Any]) -> MemoryRecord:
        made = event_record(CODEC, *record_from_json(event))
        return MemoryRecord(made.topic, 0, self._next(), 4_000_000_000_000, made.key, made.value, made.headers)

    def _done(self, batch: Batch) -> None:
        self.processor.finish(batch)
        self.cases.update(batch.cases)
        self.state = batch.state or self.state
        self.batches.append(batch)
        told = [output for output in batch.outputs if output.topic == NAMES.lineage]
        if told:  # until lineage has come to rest
            heard = self.processor.begin()
            records = [MemoryRecord(NAMES.lineage, 0, self._next(), 0, output.key, output.value, []) for output in told]
            self.processor.judge(records, self.policy, heard)
            self._done(heard)

    def _next(self) -> int:
        self.offset += 1
        return self.offset


def unconfirmed(number: str = "BW000001") -> list[dict[str, Any]]:
    return journey(number)[:3]


def test_a_deadline_passes_by_the_clock_alone_and_once() -> None:
    stream = Stream()
    stream.send(unconfirmed())
    stream.tell(OVERDUE - 1)
    assert stream.reevaluate() == 0
    stream.tell(OVERDUE)
    stream.reevaluate()
    (alert,) = stream.sent
    assert (alert.rule_id, alert.status, alert.event_id, alert.effective_at) == ("confirmation-overdue", "OPENED", None, OVERDUE)
    for later in (OVERDUE + 1, OVERDUE + 10**9):
        stream.tell(later)
        stream.reevaluate()
    assert len(stream.sent) == 1


def test_before_any_control_record_nothing_is_overdue_however_late_the_events() -> None:
    stream = Stream()
    stream.send([*unconfirmed(), *journey("BW000002", day=20)])
    assert stream.reevaluate() == 0
    assert stream.alerts == []


def test_the_effective_time_is_the_deadline_s_whenever_it_is_noticed() -> None:
    stream = Stream()
    stream.tell(OVERDUE + 10**9)
    stream.send(unconfirmed())
    (alert,) = stream.sent
    assert (alert.event_id, alert.effective_at) == (None, OVERDUE)


def test_what_comes_too_late_resolves_it() -> None:
    stream = Stream()
    stream.send(unconfirmed())
    stream.tell(OVERDUE)
    stream.reevaluate()
    stream.send(journey("BW000001")[3:])
    assert stream.alerts == [("confirmation-overdue", "OPENED", 1), ("confirmation-overdue", "RESOLVED", 2)]


def test_clock_and_deadlines_survive_restarts_between_any_two_steps() -> None:
    stream = Stream()
    stream.send(unconfirmed())
    stream.restart()
    stream.tell(OVERDUE)
    stream.restart()  # the clock was set, nothing of what follows from it was done
    assert stream.processor.has_to_reevaluate
    stream.reevaluate()
    stream.restart()
    stream.tell(OVERDUE - 10**9)  # a clock never goes back
    assert stream.state.clock == OVERDUE
    stream.reevaluate()
    assert stream.alerts == [("confirmation-overdue", "OPENED", 1)]
    # an event of the case by a worker that just took over finds the clock where it was: nothing is taken back
    stream.restart()
    stream.send([{**journey("BW000001")[2], "event_id": "another", "occurred_at": "2024-03-08T10:00:00Z"}])
    assert ("confirmation-overdue", "RESOLVED", 2) not in stream.alerts


def test_many_deadlines_at_once_pass_in_steps_that_each_are_stored() -> None:
    stream = Stream()
    for index in range(25):
        stream.send(unconfirmed(f"BW{index:06d}"))
    stream.tell(OVERDUE)
    assert stream.reevaluate(most=10) == 3
    assert [len(batch.cases) for batch in stream.batches[-3:]] == [10, 10, 5]
    assert len(stream.open_ids) == 25


def test_another_revision_judges_every_case_anew_in_steps_and_through_restarts() -> None:
    """Botswana turns out to have been suspended all along: what is open follows the revision, also for cases of long ago."""
    stream = Stream()
    for index in range(30):
        stream.send(journey(f"BW{index:06d}"))
    stream.tell(0, POLICY.reference.revision)
    stream.reevaluate()
    assert stream.alerts == []
    stream.policy = suspended(POLICY, "BW")
    revision = stream.policy.reference.revision
    stream.tell(OVERDUE, revision)
    assert (stream.state.revision, stream.state.is_reevaluated) == (revision, False)
    batch = stream.processor.begin()
    stream.processor.reevaluate(stream.policy, batch, 10)
    stream._done(batch)
    assert len(stream.open_ids) == 10
    stream.restart()  # begins again, and says nothing twice
    stream.reevaluate(most=7)
    assert stream.state.is_reevaluated
    assert stream.alerts == [("trade-suspended", "OPENED", 1)] * 30
    assert {alert.event_id for alert in stream.sent} == {None}
    assert {alert.effective_at for alert in stream.sent} == {OVERDUE}
    stream.policy = POLICY
    stream.tell(OVERDUE, POLICY.reference.revision)
    stream.reevaluate()
    assert stream.open_ids == set()


@pytest.mark.slow
def test_events_go_on_while_many_thousand_cases_are_judged_anew() -> None:
    """Whatever a case is judged by at the moment, in the end all are judged by the new revision, and no step is a long one."""
    stream = Stream()
    template = {}
    stream.send(journey("BW000000"))
    plain = decompress(stream.cases.pop("BW000000")[1:])
    for index in range(25_000):
        number = f"BW{index:06d}"
        template[number] = COMPRESSED_FORMAT + compress(plain.replace(b"BW000000", number.encode()))
    stream.cases.update(template)
    stream.state = PartitionState(OVERDUE, POLICY.reference.revision)
    stream.restart()
    stream.policy = suspended(POLICY, "BW")
    stream.tell(OVERDUE, stream.policy.reference.revision)
    sent = 0
    while stream.processor.has_to_reevaluate:
        batch = stream.processor.begin()
        stream.processor.reevaluate(stream.policy, batch, 200)
        assert len(batch.cases) <= 200
        stream._done(batch)
        if sent < 50:  # between any two steps events are judged, by the new revision
            stream.send(journey(f"BW{900_000 + sent}"))
            sent += 1
        stream.batches = stream.batches[-400:]
    assert len(stream.open_ids) == 25_050


def test_what_is_no_control_record_is_a_dead_letter() -> None:
    stream = Stream()
    batch = stream.processor.begin()
    values = [b"no JSON", None, b"{}", b'{"time": -99999999999999999}', control_value(Control(5, "r"))]
    assert stream.processor.read_controls(controls(values, 9), batch) == [Control(5, "r")]
    assert [output.topic for output in batch.outputs] == [DEAD_LETTERS] * 4
    assert batch.offsets == {(NAMES.control, 0): 5}


def test_a_control_record_is_never_ahead_of_the_time_at_which_the_broker_took_it_in() -> None:
    stream = Stream()
    values = [control_value(each) for each in (Tick(None), Tick(None, "r"), Control(OVERDUE - 1), Control(OVERDUE + 400 * 86_400_000))]
    read = stream.processor.read_controls(controls(values, OVERDUE), stream.processor.begin())
    assert read == [Control(OVERDUE), Control(OVERDUE, "r"), Control(OVERDUE - 1), Control(OVERDUE)]


def controls(values: Sequence[bytes | None], timestamp: int) -> list[MemoryRecord]:
    """Records of the control topic that the broker took in at one instant."""
    return [MemoryRecord(NAMES.control, 0, index, timestamp, None, value, []) for index, value in enumerate(values)]


def test_of_several_control_records_the_latest_time_and_the_last_revision_count() -> None:
    assert latest([Control(7, "a"), Control(9), Control(8, "b"), Control(3)]) == Control(9, "b")


TRADE = [event for event in islice(simulate(seed=5, days=40, certificates_per_day=12), 900) if event["type"] in EVENT_TYPES]
INPUTS = [each for line, event in enumerate(TRADE) if isinstance(each := as_input(event, Origin("file", 0, line)), EventInput)]
END = max(each.event.occurred_at for each in INPUTS) + 40 * 86_400_000


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.floats(0, 1), st.booleans()), max_size=8))
def test_however_the_clock_runs_and_workers_change_what_is_open_in_the_end_is_what_check_finds(
    told: Sequence[tuple[int, float, bool]],
) -> None:
    stream = Stream()
    rest = list(TRADE)
    first = min(each.event.occurred_at for each in INPUTS)
    for events, part, restarts in told:
        stream.send(rest[:events])
        rest = rest[events:]
        stream.tell(int(first + part * (END - first)))
        stream.reevaluate(most=20)
        if restarts:
            stream.restart()
    stream.send(rest)
    stream.tell(END)
    stream.reevaluate()
    report = check(INPUTS, POLICY, as_of=END, afresh=True)
    assert stream.open_ids == {alert.alert_id for alert in report.open_alerts}
    assert {"arrival-overdue", "confirmation-overdue"} <= {alert.rule_id for alert in report.open_alerts}


def suspended(policy: Policy, code: str) -> Policy:
    """The policy with a Participant suspended for as long as it has been one."""
    participant = policy.reference.participants.by_code[code]
    periods = tuple(msgspec.structs.replace(period, status="suspended") for period in participant.periods)
    assert periods[0].valid_from <= date(2024, 3, 4)
    changed = policy.reference.replace([msgspec.structs.replace(participant, periods=periods)])
    return Policy(changed, policy.bundle, policy.rulebook)
