"""Check: judge a list of events as the stream would, without Kafka."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kimberley.cases.judge import Policy, judge, reconsider, refused
from kimberley.model.case import Case, Origin
from kimberley.model.decisions import Decision, Refusal
from kimberley.model.events import AnyEvent
from kimberley.model.findings import Alert
from kimberley.reference.reference import ReferenceRecord


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


def check(inputs: Sequence[Input], policy: Policy, as_of: int | None = None) -> Report:
    """Judge inputs in their order. `as_of` is the clock at the end, milliseconds since the epoch; default: the latest `occurred_at`.

    Events that occurred, and reference changes that became known, after `as_of` are left out and counted.
    """
    if as_of is None:
        as_of = max((each.event.occurred_at for each in inputs if isinstance(each, EventInput)), default=0)
    report = Report(as_of, policy)
    cases = report.cases
    pending: list[ReferenceRecord] = []
    clock = 0
    for each in inputs:
        match each:
            case ReferenceInput():
                if each.known_at is not None and each.known_at > as_of:
                    report.left_out += 1
                else:
                    pending.append(each.record)
            case RefusedInput():
                report.decisions.append(refused(each.type_name, each.record, each.origin, each.faults, policy, as_of))
            case EventInput(event, origin):
                if event.occurred_at > as_of:
                    report.left_out += 1
                    continue
                if pending:
                    policy = _apply(pending, policy, cases.values(), report, clock)
                    pending = []
                clock = max(clock, event.occurred_at)
                case = cases.get(event.certificate_number)
                if case is None:
                    case = cases[event.certificate_number] = Case(event.certificate_number)
                answer = judge(case, event, origin, policy, now=clock, processed_at=as_of)
                report.decisions.append(answer.decision)
                report.history += answer.alerts
    if pending:
        _apply(pending, policy, cases.values(), report, clock)
    final = {alert.alert_id: alert for alert in report.history}
    report.alerts = sorted(final.values(), key=lambda alert: (alert.certificate_number, alert.rule_id, alert.subject))
    return report


def _apply(records: list[ReferenceRecord], policy: Policy, cases: Iterable[Case], report: Report, clock: int) -> Policy:
    """A policy with changed reference data, all cases judged anew by it."""
    report.policy = changed = Policy(policy.reference.replace(records), policy.bundle, policy.rulebook)
    for case in cases:
        report.history += reconsider(case, changed, now=clock, effective_at=clock, processed_at=report.as_of)
    return changed
