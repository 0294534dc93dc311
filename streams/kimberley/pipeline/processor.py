"""What one partition number makes of a batch of records: outputs, changed cases, nothing sent yet. No Kafka client here."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from math import inf

import msgspec
import structlog

from kimberley.cases.deadlines import Deadlines
from kimberley.cases.intake import take_in
from kimberley.cases.judge import Memory, Policy, judge, reevaluate, refused
from kimberley.cases.limits import LONGEST_WRITTEN
from kimberley.cases.lineage import TOLD_OF, has_lineage, leaves_out, take_in_lineage, tell
from kimberley.errors import RefusedEventError, UnreadableRecordError
from kimberley.model.case import Case, Origin, pack_case, unpack_case, wakes_at
from kimberley.model.decisions import Refusal
from kimberley.model.partition_state import PartitionState
from kimberley.model.text import normalise_number, shown
from kimberley.pipeline.batch import Batch, Record
from kimberley.pipeline.batch_writer import BatchWriter
from kimberley.wire.avro import Codec
from kimberley.wire.control import Control, read_control
from kimberley.wire.envelope import (
    claims,
    parse_origin,
)
from kimberley.wire.lineage import read_lineage
from kimberley.wire.partitioner import partition_of
from kimberley.wire.topics import EVENT_TOPICS, MOST_EVENT_BYTES, InternalNames

log = structlog.get_logger(__name__)

_MOST_LIVE = 30_000
"""Cases kept unpacked between batches, over all partition numbers, and twice: those of late, and those before them. A case at hand is
mostly wanted again soon; at some 8 kB each they come to half a gigabyte at most."""

_MOST_LIVE_BYTES = 512 << 20
"""As above, by the bytes that cases at hand were packed to: some are a thousand times as large as most."""
_MOST_LEAVE = 200
"""Cases that leave memory before a step of judging: thousands at once would hold all up for a tenth of a second. So for a moment there are
those of a third such time, too."""
_MOST_SAID = 10_000


class _AtHand(msgspec.Struct, gc=False):
    """An unpacked case, and what was said of it."""

    case: Case
    memory: Memory = msgspec.field(default_factory=Memory)
    told_by: Policy | None = None
    """The policy by which it told other cases what was news to them last, while at hand: since then only `TOLD_OF` make news."""

    def forget(self) -> None:
        """Nothing was said, nor told."""
        self.memory.forget()
        self.told_by = None


class Processor:
    """Judges the records of one partition number.

    `cases` and `state` hold what earlier batches came to. `cases` is read, never written: who makes a batch true puts its cases there
    before the next `begin`. Cases at hand stay unpacked between batches, so a processor is dropped with its partition number, or after a
    failure.
    """

    def __init__(
        self,
        number: int,
        partitions: int,
        cases: dict[str, bytes],
        codec: Codec,
        names: InternalNames,
        state: PartitionState | None = None,
        *,
        skew_minutes: int,
        most_live: int | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.number = number
        self.partitions = partitions
        self.cases = cases
        self.codec = codec
        self.names = names
        self._skew = skew_minutes * 60_000
        self._wall_clock = wall_clock
        self._most_live = _MOST_LIVE // partitions if most_live is None else most_live
        self._writer = BatchWriter(number, partitions, codec, names)
        self._judged = frozenset((*EVENT_TOPICS, names.rerouted, names.lineage))
        self._live: dict[str, _AtHand] = {}
        self._older: dict[str, _AtHand] = {}
        self._leaving: dict[str, _AtHand] = {}
        self._changed: set[str] = set()
        self._packed_bytes = 0
        self._said_full: set[tuple[str, str]] = set()
        self.state = state or PartitionState()
        self._deadlines = Deadlines()
        for certificate_number, packed in cases.items():
            self._deadlines.put(certificate_number, wakes_at(packed))
        self._to_reevaluate = [] if self.state.is_reevaluated else list(cases)

    def process(self, records: Sequence[Record], policy: Policy) -> Batch:
        """Judge records in their order by one policy, as one batch."""
        batch = self.begin()
        self.judge(records, policy, batch)
        return self.finish(batch)

    def begin(self) -> Batch:
        """An empty batch. Its records come by `judge`; `finish` completes it. One batch at a time."""
        if len(self._live) > self._most_live or self._packed_bytes > _MOST_LIVE_BYTES // self.partitions:
            self._packed_bytes = 0
            self._leaving, self._older, self._live = self._older, self._live if self._most_live else {}, {}
        self._changed.clear()
        return Batch(decided_at=int(self._wall_clock() * 1000))

    def judge(self, records: Sequence[Record], policy: Policy, batch: Batch, most_bytes: float = inf) -> int:
        """Judge records in their order. What can't be read becomes a dead letter; nothing is raised for a record's sake.

        How many were judged: fewer than there are once the batch's outputs come to `most_bytes`, but one at least.
        """
        batch.decide_at(int(self._wall_clock() * 1000))
        for _ in range(min(_MOST_LEAVE, len(self._leaving))):
            self._leaving.popitem()
        for judged, record in enumerate(records):
            if judged and batch.size >= most_bytes:
                return judged
            batch.offsets[record.topic, record.partition] = record.offset + 1
            if record.topic not in self._judged:
                continue  # control records are `apply`'s
            if record.topic != self.names.lineage:
                batch.counts.events[record.topic] += 1
                batch.counts.timestamps[record.timestamp] += 1
            outputs = len(batch.outputs)
            try:
                if record.topic == self.names.lineage:
                    self._hear(record, policy, batch)
                else:
                    self._one(record, policy, batch)
            except UnreadableRecordError as problem:
                self._writer.bury(record, problem.stage, problem, batch)
            except Exception as problem:  # a fault of ours must not stop the records behind it, nor lose this one
                log.exception("record_failed", topic=record.topic, partition=record.partition, offset=record.offset)
                del batch.outputs[outputs:]
                self._writer.bury(record, "process", problem, batch)
        return len(records)

    def finish(self, batch: Batch) -> Batch:
        """The batch with the cases that it changed."""
        for number in self._changed:
            at_hand = self._live[number]
            batch.cases[number] = pack_case(at_hand.case)
            self._packed_bytes += at_hand.case.size
            self._deadlines.put(number, at_hand.case.wakes_at)
        return batch

    def note_applied(self, batch: Batch) -> None:
        """Have a finished batch say, with the cases, how far its records reach."""
        if batch.offsets:
            applied = {**self.state.applied, **{topic: offset for (topic, _), offset in batch.offsets.items()}}
            self._set_state(msgspec.structs.replace(self.state, applied=applied), batch)

    def read_controls(self, records: Iterable[Record], batch: Batch) -> list[Control]:
        """The control records among records; what is none becomes a dead letter."""
        found = []
        for record in records:
            batch.offsets[record.topic, record.partition] = record.offset + 1
            try:
                found.append(read_control(record))
            except UnreadableRecordError as problem:
                self._writer.bury(record, problem.stage, problem, batch)
        return found

    def apply(self, control: Control, batch: Batch) -> None:
        """Set the clock on, never back, and judge by another revision of the reference data from here on. What follows from that for
        cases is `reevaluate`'s.
        """
        state = self.state
        revision = control.revision or state.revision
        if revision != state.revision:
            self._to_reevaluate = list(self.cases)
        clock = max(state.clock, control.time)
        self._set_state(msgspec.structs.replace(state, clock=clock, revision=revision, is_reevaluated=not self._to_reevaluate), batch)

    @property
    def waiting_deadlines(self) -> int:
        """Cases for which time will come."""
        return len(self._deadlines)

    @property
    def has_to_reevaluate(self) -> bool:
        """Whether cases wait to be judged anew, without an event."""
        return bool(self._to_reevaluate) or self._deadlines.has_due(self.state.clock)

    def reevaluate(self, policy: Policy, batch: Batch, most: int, most_bytes: float = inf) -> None:
        """Judge anew, without an event, so many cases at most, until the batch's outputs come to `most_bytes`: those whose deadline has
        passed, then those that this revision has yet to judge.
        """
        waiting = chain(self._deadlines.due(self.state.clock), self._revised())
        for number in islice(waiting, most):
            self._reevaluate(number, policy, batch)
            if batch.size >= most_bytes:
                break
        if not self._to_reevaluate:
            self._set_state(msgspec.structs.replace(self.state, is_reevaluated=True), batch)

    def _revised(self) -> Iterator[str]:
        while self._to_reevaluate:
            yield self._to_reevaluate.pop()

    def _set_state(self, state: PartitionState, batch: Batch) -> None:
        if state != self.state:
            self.state = batch.state = state

    def _reevaluate(self, number: str, policy: Policy, batch: Batch) -> None:
        at_hand = self._at_hand(number)
        case, before, waited, was_full = at_hand.case, at_hand.case.mark(), at_hand.case.wakes_at, at_hand.case.is_full
        clock, outputs = self.state.clock, len(batch.outputs)
        try:
            alerts = reevaluate(case, policy, now=clock, effective_at=clock, processed_at=batch.decided_at, memory=at_hand.memory)
            told = self._tell(at_hand, policy, clock, None, batch)
            self._writer.alert(alerts, batch, [])
        except Exception:  # a fault of ours must not stop the cases behind it; the next event or revision asks again
            log.exception("case_failed", certificate_number=number, partition=self.number)
            del batch.outputs[outputs:]
            case.go_back_to(before)
            at_hand.forget()
            return
        if case.is_full and not was_full:
            self._leave_out("alert", number, batch)
        if alerts or told or case.wakes_at != waited or case.is_full != was_full:
            self._changed.add(number)
        else:
            self._deadlines.put(number, case.wakes_at)

    def _one(self, record: Record, policy: Policy, batch: Batch) -> None:
        headers = record.headers
        if record.value is not None and len(record.value) > MOST_EVENT_BYTES:  # packed, it was smaller, or its topic had not taken it
            raise UnreadableRecordError("frame", f"a record of {len(record.value):,} bytes; at most {MOST_EVENT_BYTES:,} are read")
        if record.topic == self.names.rerouted:
            origin, timestamp = parse_origin(headers)
        else:
            origin, timestamp = Origin(record.topic, record.partition, record.offset), record.timestamp
        type_name, fields = self.codec.decode(origin.topic, record.value)
        raw_number = fields.get("certificate_number")
        # one that is too long has no case anywhere: it is refused here
        number = normalise_number(raw_number) if isinstance(raw_number, str) and len(raw_number) <= LONGEST_WRITTEN else ""
        if number and self._is_elsewhere(number, record):
            self._writer.forward(record, number, origin, timestamp, batch)
            return
        claimed, passed = claims(headers) if headers else (None, [])
        try:
            if claimed is not None and claimed != fields.get("event_id"):
                raise RefusedEventError(
                    [("ce-id", "event_id", f"the header ce_id says {shown(claimed)}, the event {shown(fields.get('event_id'))}")]
                )
            event = take_in(type_name, fields, timestamp + self._skew, len(record.value or b""))
        except RefusedEventError as problem:
            faults = [Refusal(*fault) for fault in problem.errors]
            decision = refused(type_name, fields, origin, faults, policy, batch.decided_at)
            self._writer.decide(decision, origin, batch, passed)
            batch.counts.decisions[decision.outcome] += 1
            return
        at_hand = self._at_hand(number)
        case, before = at_hand.case, at_hand.case.mark()
        try:
            now, at = self.state.clock, batch.decided_at
            answer = judge(case, event, origin, policy, now=now, processed_at=at, memory=at_hand.memory, mark=before)
            self._writer.decide(answer.decision, origin, batch, passed)
            if answer.changed and (type(event) in TOLD_OF or at_hand.told_by is not policy):
                self._tell(at_hand, policy, event.occurred_at, event.event_id, batch)
            self._writer.alert(answer.alerts, batch, passed)
        except Exception:
            case.go_back_to(before)
            at_hand.forget()
            raise
        if answer.changed:
            self._changed.add(number)
        batch.counts.decisions[answer.decision.outcome] += 1
        if answer.decision.errors and answer.decision.errors[0].code == "case-full":
            self._leave_out("event", number, batch)
        for outcome in answer.decision.rules:
            if outcome.outcome == "error":
                batch.counts.rule_errors[outcome.rule_id] += 1
                log.error("rule_failed", rule=outcome.rule_id, problem=outcome.missing, event_id=event.event_id, certificate_number=number)

    def _hear(self, record: Record, policy: Policy, batch: Batch) -> None:
        """Take in what another case tells, and judge by it."""
        message = read_lineage(record.value)
        at_hand = self._at_hand(message.to)
        case, before, was_full = at_hand.case, at_hand.case.mark(), at_hand.case.is_full
        try:
            if not take_in_lineage(case, message):
                if leaves_out(case, message):
                    self._leave_out("lineage", message.to, batch)
                    if case.is_full != was_full:
                        self._changed.add(message.to)
                return
            alerts = reevaluate(
                case,
                policy,
                now=self.state.clock,
                effective_at=message.at,
                processed_at=batch.decided_at,
                event_id=message.event_id,
                told=message.tells_of,
                memory=at_hand.memory,
            )
            self._tell(at_hand, policy, message.at, message.event_id, batch, anew=message.by if message.use else None)
            self._writer.alert(alerts, batch, [])
        except Exception:
            case.go_back_to(before)
            at_hand.forget()
            raise
        self._changed.add(message.to)

    def _tell(self, at_hand: _AtHand, policy: Policy, at: int, event_id: str | None, batch: Batch, anew: str | None = None) -> bool:
        """Tell other cases what is news to them; False: nothing."""
        case, dossier = at_hand.case, at_hand.memory.dossier
        at_hand.told_by = policy
        if dossier is None or not policy.rulebook.reads_lineage or not has_lineage(case, dossier):
            return False
        messages = tell(case, dossier, at=at, event_id=event_id, least_version=batch.decided_at, anew=anew)
        self._writer.tell(messages, batch)
        return bool(messages)

    def _leave_out(self, what: str, number: str, batch: Batch) -> None:
        """A case is full: count it, and say so once while it is at hand."""
        batch.counts.left_out[what] += 1
        if len(self._said_full) >= _MOST_SAID:
            self._said_full.clear()
        if (what, number) not in self._said_full:
            self._said_full.add((what, number))
            log.warning("case_full", certificate_number=number, left_out=what, partition=self.number)

    def _at_hand(self, number: str) -> _AtHand:
        """A number's case, unpacked: kept of late or before, else from the store, else a new one."""
        at_hand = self._live.get(number)
        if at_hand is None:
            at_hand = self._older.pop(number, None)
            if at_hand is None:
                packed = self.cases.get(number)
                at_hand = _AtHand(unpack_case(packed) if packed else Case(number))
            self._live[number] = at_hand
        return at_hand

    def _is_elsewhere(self, number: str, record: Record) -> bool:
        """Whether a record came with another key than its number, or not on the number's partition."""
        if record.key != number.encode():
            return True
        # a number that has a case here was found to belong here before
        return number not in self.cases and number not in self._live and partition_of(number, self.partitions) != record.partition
