"""The cases of one partition number, made anew from what its topics hold. No Kafka client here: records come in, cases come out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from kimberley.cases.capacity import keep_conflict
from kimberley.cases.intake import take_in
from kimberley.cases.judge import Policy, refusals
from kimberley.errors import RefusedEventError, UnreadableRecordError
from kimberley.model.case import AlertState, Case, Fact, Origin, pack_case
from kimberley.model.events import AnyEvent
from kimberley.model.partition_state import PartitionState
from kimberley.pipeline.case_store import alert_state
from kimberley.pipeline.policies import Policies
from kimberley.repair.alert_histories import Revision, revision_of
from kimberley.repair.answers import DEAD, Answers, read_answer
from kimberley.repair.lineage_log import LineageLog
from kimberley.wire.avro import Codec
from kimberley.wire.control import readable_controls
from kimberley.wire.envelope import parse_origin
from kimberley.wire.partitioner import partition_of
from kimberley.wire.topics import DECISIONS, EVENT_TOPICS, FLAGGED_SHIPMENTS, InternalNames

_encode_fact = msgspec.msgpack.Encoder().encode
_decode_fact = msgspec.msgpack.Decoder(Fact).decode


class Setting(NamedTuple):
    """What partition numbers have in common. `policies`: of every complete revision; by the newest one events are refused that no decision
    answers. `skew_minutes`: as for the processor. `is_atomic`: outputs and offsets were one transaction.
    """

    partitions: int
    codec: Codec
    names: InternalNames
    policies: Policies
    lineage: LineageLog
    skew_minutes: int
    is_atomic: bool


class _Control(NamedTuple):
    """A control record, as far as it matters."""

    offset: int
    timestamp: int
    value: bytes | None


class _Taken(NamedTuple):
    """An event that a decision took in, as a fact or a conflict; facts are kept as bytes."""

    place: int
    event_id: str
    packed: bytes
    is_conflict: bool


class _Unanswered(NamedTuple):
    """An event that no one answered. `topic`, `offset`: where it was read."""

    timestamp: int
    topic: str
    offset: int
    origin: Origin
    event: AnyEvent


@dataclass(slots=True)
class Rebuilt:
    """`cases`, packed, by certificate number; when each wakes the worker finds out, which judges all of them anew.

    `unanswered`: events that lie before what is applied and have no answer; they are in the cases. `unusable`: why accepted ones can't be
    taken in. `gone`: how many were accepted whose records are not there any more. `last`: by alert id the last revision published.
    """

    number: int
    cases: dict[str, bytes]
    state: PartitionState
    facts: int
    alerts: int
    unanswered: list[Origin] = field(default_factory=list)
    unusable: list[tuple[Origin, str]] = field(default_factory=list)
    gone: int = 0
    last: dict[str, Revision] = field(default_factory=dict)


class Rebuilding:
    """Takes records of one partition number in: first `decisions`, `dead-letters`, `flagged-shipments` and the control topic, in any
    order, then the event topics and the re-routed records. Then `finish`.

    `committed`: by input topic, where the group stands; None where that is lost. `ends`: where topics end, at least. A partition was
    applied as far as the group stands, and as far as it gave answers; without transactions answers may be ahead, or lack in between.
    """

    def __init__(self, number: int, setting: Setting, committed: Mapping[str, int | None], ends: Mapping[str, int]) -> None:
        self.number = number
        self._setting = setting
        self._committed = committed
        self._ends = dict(ends)
        self._answers = Answers(number)
        self._controls: list[_Control] = []
        self._last_output_at = 0
        self._last_decision: bytes | None = None
        self._alerts: dict[str, dict[str, AlertState]] = {}
        self._last: dict[str, Revision] = {}
        self._taken: dict[str, list[_Taken]] = {}
        self._reached: dict[str, int] = {}
        self._unanswered: list[_Unanswered] = []
        self._unusable: list[tuple[Origin, str]] = []

    def add(self, record: Any) -> None:
        """Take a record in."""
        topic = record.topic
        # asked for the end, the embedded broker names the last batch's first record
        self._ends[topic] = max(self._ends.get(topic, 0), record.offset + 1)
        if topic in EVENT_TOPICS or topic == self._setting.names.rerouted:
            self._add_event(record)
            return
        if topic == self._setting.names.control:
            self._controls.append(_Control(record.offset, record.timestamp, record.value))
            return
        self._last_output_at = max(self._last_output_at, record.timestamp)
        if topic == FLAGGED_SHIPMENTS:
            self._add_alert(record)
        elif answer := read_answer(record, self._setting.codec):
            self._answers.add(*answer)
            if topic == DECISIONS:
                self._last_decision = record.value

    def finish(self) -> Rebuilt:
        """The cases. What was taken in is gone then."""
        setting = self._setting
        applied = self._applied()
        late: dict[str, list[_Unanswered]] = {}
        for each in sorted(self._unanswered, key=lambda each: each[:3]):
            if each.offset < applied[each.topic]:
                late.setdefault(each.event.certificate_number, []).append(each)
        rebuilt = Rebuilt(self.number, {}, self._state(applied), 0, sum(map(len, self._alerts.values())), unusable=self._unusable)
        taken = len(self._unusable)
        for number in {*self._taken, *self._alerts, *late, *setting.lineage.numbers(self.number)}:
            case = Case(number, alerts=list(self._alerts.get(number, {}).values()))
            packed, accepted = _merge(case, self._taken.pop(number, []))
            taken += accepted
            if number in late:
                packed = _judge_late(case, packed, late[number], setting.policies.newest)
            setting.lineage.restore(case, self.number)
            rebuilt.facts += len(packed)
            case.packed = packed
            rebuilt.cases[number] = pack_case(case)
        rebuilt.last = self._last
        rebuilt.unanswered = [each.origin for several in late.values() for each in several]
        rebuilt.gone = max(0, self._answers.count("ACCEPTED", "CONFLICT") - taken)
        return rebuilt

    def _add_event(self, record: Any) -> None:
        origin, timestamp = Origin(record.topic, record.partition, record.offset), record.timestamp
        if record.topic == self._setting.names.rerouted:
            try:
                origin, timestamp = parse_origin(record.headers)
            except UnreadableRecordError:
                return  # a dead letter
        answer = self._answers.to(origin)
        if answer is None:
            self._add_unanswered(record, origin, timestamp)
            return
        if answer.outcome == DEAD:
            self._reached[record.topic] = record.offset + 1
            return
        try:
            type_name, fields = self._setting.codec.decode(origin.topic, record.value)
            if not answer.may_answer(str(fields.get("event_id"))):
                self._add_unanswered(record, origin, timestamp)
                return
            self._reached[record.topic] = record.offset + 1
            if answer.outcome not in ("ACCEPTED", "CONFLICT"):
                return
            event = take_in(type_name, fields)
        except (UnreadableRecordError, RefusedEventError) as problem:
            if answer.outcome in ("ACCEPTED", "CONFLICT"):
                self._unusable.append((origin, str(problem)))
            return
        taken = _Taken(answer.place, event.event_id, _encode_fact(Fact(event, origin)), answer.outcome == "CONFLICT")
        self._taken.setdefault(event.certificate_number, []).append(taken)

    def _add_unanswered(self, record: Any, origin: Origin, timestamp: int) -> None:
        """Keep what would make a fact. What is unreadable was a dead letter, gone by now; what belongs elsewhere was forwarded."""
        setting = self._setting
        try:
            event = take_in(*setting.codec.decode(origin.topic, record.value), timestamp + setting.skew_minutes * 60_000)
        except (UnreadableRecordError, RefusedEventError):
            return
        number = event.certificate_number
        if record.key == number.encode() and partition_of(number, setting.partitions) == self.number:
            self._unanswered.append(_Unanswered(timestamp, record.topic, record.offset, origin, event))

    def _add_alert(self, record: Any) -> None:
        try:
            alert = self._setting.codec.decode(FLAGGED_SHIPMENTS, record.value)[1]
        except UnreadableRecordError:
            return  # none of ours
        known = self._last.get(alert["alert_id"])
        if known is None or alert["revision"] > known.number:
            self._last[alert["alert_id"]] = revision_of(alert)
        self.add_open_alert(alert)

    def add_open_alert(self, alert: Mapping[str, Any]) -> None:
        """An alert of this partition number, decoded, that may have been published and is lost there: its case goes on from it."""
        states = self._alerts.setdefault(alert["certificate_number"], {})
        known = states.get(alert["alert_id"])
        if known is None or alert["revision"] > known.revision:
            states[alert["alert_id"]] = alert_state(alert)

    def _applied(self) -> dict[str, int]:
        """By input topic, the offset up to which its records are in the cases."""
        names, found = self._setting.names, dict[str, int]()
        for topic in (*EVENT_TOPICS, names.rerouted):
            committed, reached = self._committed.get(topic), self._reached.get(topic, 0)
            if committed is None and not self._setting.is_atomic:
                reached = min([reached, *(each.offset for each in self._unanswered if each.topic == topic)])
            ahead = reached if committed is None or self._setting.is_atomic else 0
            found[topic] = max(min(committed or 0, self._ends.get(topic, 0)), ahead)
        told_to = max(self._setting.lineage.end(self.number), self._ends.get(names.lineage, 0))
        for topic, end, lost in (
            (names.lineage, told_to, told_to),
            (names.control, self._ends.get(names.control, 0), self._controlled_to()),
        ):
            committed = self._committed.get(topic)
            found[topic] = lost if committed is None else min(committed, end)
        return found

    def _controlled_to(self) -> int:
        """Where the group's offset is lost: what lies after the last output may still set something off, so it is read again."""
        return max((each.offset + 1 for each in self._controls if each.timestamp <= self._last_output_at), default=0)

    def _state(self, applied: dict[str, int]) -> PartitionState:
        """As the worker had it, but for the cases, which it is to judge anew."""
        policies, clock, revision = self._setting.policies, 0, ""
        told = (each for each in sorted(self._controls) if each.offset < applied[self._setting.names.control])
        for control in readable_controls(told):
            clock = max(clock, control.time)
            if policies.replaces(control.revision, revision):
                revision = control.revision
        if not revision and self._last_decision is not None:
            try:
                revision = self._setting.codec.decode(DECISIONS, self._last_decision)[1]["reference_revision"]
            except UnreadableRecordError:
                revision = ""
        return PartitionState(clock, revision, is_reevaluated=False, applied=applied)


def _merge(case: Case, taken: list[_Taken]) -> tuple[list[msgspec.Raw], int]:
    """The facts of a case, packed, in the order in which they were answered, and how many records made them; conflicts go to the case."""
    packed: list[msgspec.Raw] = []
    by_id: dict[str, bytes] = {}
    place = -1
    records = 0
    for each in sorted(taken):
        if each.place == place:  # forwarded, so it lies twice
            continue
        place = each.place
        records += 1
        known = by_id.get(each.event_id)
        if known is None and not each.is_conflict:
            by_id[each.event_id] = each.packed
            packed.append(msgspec.Raw(each.packed))
            continue
        fact = _decode_fact(each.packed)
        if known is None or _decode_fact(known).event != fact.event:
            keep_conflict(case, fact)
    return packed, records


def _judge_late(case: Case, packed: list[msgspec.Raw], late: list[_Unanswered], policy: Policy) -> list[msgspec.Raw]:
    """Take events in as `judge` does, after all that was answered."""
    case.facts = [_decode_fact(each) for each in packed]
    for each in late:
        known = case.fact(each.event.event_id)
        if (known is not None and known.event == each.event) or refusals(case, each.event, policy):
            continue
        if known is None:
            case.facts.append(Fact(each.event, each.origin))
        else:
            keep_conflict(case, Fact(each.event, each.origin))
    return [msgspec.Raw(_encode_fact(fact)) for fact in case.facts]
