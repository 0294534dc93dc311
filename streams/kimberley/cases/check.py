"""Check: judge a list of events as the stream would, without Kafka."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from kimberley.cases.deadlines import Deadlines
from kimberley.cases.evaluate import evaluate
from kimberley.cases.judge import Memory, Policy, dossier_of, judge, listed_ids, reevaluate, refused
from kimberley.cases.lineage import has_lineage, take_in_lineage, tell
from kimberley.model.case import Case, Origin
from kimberley.model.decisions import Decision, Refusal
from kimberley.model.events import AnyEvent
from kimberley.model.findings import Alert
from kimberley.model.lineage import LineageMessage
from kimberley.reference.reference import ReferenceRecord

_MOST_REMEMBERED = 30_000
"""Cases of which it is kept what was last said, and twice: those of late, and those before them."""


@dataclass(frozen=True, slots=True)
class EventInput:
    """An event from a file."""

    event: AnyEvent
    origin: Origin


@dataclass(frozen=True, slots=True)
class RefusedInput:
    """A line of a file that is no event, with why."""

    type_name: str
    record: dict[str, object]
    origin: Origin
    faults: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class ReferenceInput:
    """A change of reference data among the events. `known_at`: when it became known, milliseconds since the epoch (None: before all)."""

    record: ReferenceRecord
    known_at: int | None
    origin: Origin


Input = EventInput | RefusedInput | ReferenceInput


@dataclass(slots=True)
class Report:
    """What a check found. `alerts`: the last revision of every alert ever raised, by certificate number, rule and subject.

    `cases` and `policy`: the cases as they stand at the end, and what they were last judged by.
    """

    as_of: int
    policy: Policy
    alerts: list[Alert] = field(default_factory=list)
    history: list[Alert] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    left_out: int = 0

    @property
    def open_alerts(self) -> list[Alert]:
        """The alerts that are open at the end."""
        return [alert for alert in self.alerts if alert.status != "RESOLVED"]


def check(inputs: Sequence[Input], policy: Policy, as_of: int | None = None, *, afresh: bool = False) -> Report:
    """Judge inputs in their order. `as_of` is the clock at the end, milliseconds since the epoch; default: the latest `occurred_at`.

    `afresh`: ask every rule at every event, which is slow and finds the same: for whoever doubts that.

    The clock runs with the events up to there, so a deadline that passes in between opens an alert, and what comes too late resolves it.
    Events that occurred, and reference changes that became known, after `as_of` are left out and counted.
    """
    if as_of is None:
        as_of = max((each.event.occurred_at for each in inputs if isinstance(each, EventInput)), default=0)
    run = _Run(Report(as_of, policy), 0 if afresh else _MOST_REMEMBERED)
    report = run.report
    pending: list[ReferenceRecord] = []
    for each in inputs:
        match each:
            case ReferenceInput():
                if each.known_at is not None and each.known_at > as_of:
                    report.left_out += 1
                else:
                    pending.append(each.record)
            case RefusedInput():
                report.decisions.append(refused(each.type_name, each.record, each.origin, each.faults, report.policy, as_of))
            case EventInput(event, origin):
                if event.occurred_at > as_of:
                    report.left_out += 1
                    continue
                if pending:
                    run.change_reference(pending)
                    pending = []
                run.wait_until(event.occurred_at)
                run.take(event, origin)
    if pending:
        run.change_reference(pending)
    run.wait_until(as_of)
    final = {alert.alert_id: alert for alert in report.history}
    report.alerts = sorted(final.values(), key=lambda alert: (alert.certificate_number, alert.rule_id, alert.subject))
    return report


class _Run:
    """A check on its way: the report so far, the clock (milliseconds since the epoch), the cases that wait, and what is under way
    between cases.
    """

    def __init__(self, report: Report, most_remembered: int) -> None:
        self.report = report
        self._most_remembered = most_remembered
        self._remembered: dict[str, Memory] = {}
        self._remembered_before: dict[str, Memory] = {}
        self._clock = 0
        self._deadlines = Deadlines()
        self._under_way: deque[LineageMessage] = deque()

    def wait_until(self, instant: int) -> None:
        """Let time pass, never back."""
        self._clock = max(self._clock, instant)
        for number in self._deadlines.due(self._clock):
            self._reevaluate(self.report.cases[number])
            self._deliver()

    def take(self, event: AnyEvent, origin: Origin) -> None:
        """Judge an event, and all that follows from it for other cases."""
        report, case, memory = self.report, self._case(event.certificate_number), self._memory(event.certificate_number)
        answer = judge(case, event, origin, report.policy, now=self._clock, processed_at=report.as_of, memory=memory)
        report.history += answer.alerts
        if answer.changed:
            self._settle(case, memory, event.occurred_at, event.event_id)
            self._deliver()
        report.decisions.append(self._at_rest(case, answer.decision) if case.named else answer.decision)

    def _at_rest(self, case: Case, decision: Decision) -> Decision:
        """A decision by what the sources have told: the stream decides before they can answer, here all that was read answers at once."""
        if decision.outcome == "REFUSED":
            return decision
        policy, now = self.report.policy, self._clock
        said = self._memory(case.number).recall(policy, now) or evaluate(dossier_of(case, policy, now), policy.rulebook)
        open_ids = {state.alert_id for state in case.alerts if state.is_open}
        alert_ids = listed_ids(open_ids.union(decision.alert_ids), ())
        return msgspec.structs.replace(decision, rules=said.outcomes, alert_ids=alert_ids)

    def change_reference(self, records: Iterable[ReferenceRecord]) -> None:
        """Judge all cases anew by changed reference data."""
        policy = self.report.policy
        self.report.policy = Policy(policy.reference.replace(records), policy.bundle, policy.rulebook)
        for case in list(self.report.cases.values()):
            self._reevaluate(case)
        self._deliver()

    def _reevaluate(self, case: Case) -> None:
        report, now, memory = self.report, self._clock, self._memory(case.number)
        report.history += reevaluate(case, report.policy, now=now, effective_at=now, processed_at=report.as_of, memory=memory)
        self._settle(case, memory, now, None)

    def _hear(self, case: Case, message: LineageMessage) -> None:
        report, memory = self.report, self._memory(case.number)
        report.history += reevaluate(
            case,
            report.policy,
            now=self._clock,
            effective_at=message.at,
            processed_at=report.as_of,
            event_id=message.event_id,
            told=message.tells_of,
            memory=memory,
        )
        self._settle(case, memory, message.at, message.event_id, message.by if message.use else None)

    def _settle(self, case: Case, memory: Memory, at: int, event_id: str | None, anew: str | None = None) -> None:
        self._deadlines.put(case.number, case.wakes_at)
        if memory.dossier is not None and self.report.policy.rulebook.reads_lineage and has_lineage(case, memory.dossier):
            self._under_way += tell(case, memory.dossier, at=at, event_id=event_id, least_version=1, anew=anew)

    def _deliver(self) -> None:
        """Let lineage come to rest."""
        while self._under_way:
            message = self._under_way.popleft()
            case = self._case(message.to)
            if take_in_lineage(case, message):
                self._hear(case, message)

    def _memory(self, number: str) -> Memory:
        """What was last said of a case, for as long as that is kept; else one that knows nothing."""
        if not self._most_remembered:
            return Memory()
        memory = self._remembered.get(number)
        if memory is None:
            memory = self._remembered_before.pop(number, None) or Memory()
            if len(self._remembered) >= self._most_remembered:
                self._remembered, self._remembered_before = {}, self._remembered
            self._remembered[number] = memory
        return memory

    def _case(self, number: str) -> Case:
        return self.report.cases.setdefault(number, Case(number))
