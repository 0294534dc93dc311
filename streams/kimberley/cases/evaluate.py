"""Evaluate: what the rulebook says of a dossier, as a pure function; and what of it is news."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kimberley.model.case import AlertState
from kimberley.model.findings import AlertStatus, Finding, RuleOutcome, Severity, alert_id
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import Plain, Rule, Undetermined, Violation
from kimberley.rules.rulebook import Rulebook


class Evaluation(NamedTuple):
    """Every violation, and the outcomes that are neither `pass` nor `not_applicable`, in the rulebook's order."""

    findings: list[Finding]
    outcomes: list[RuleOutcome]


class Change(NamedTuple):
    """An alert that opened, was updated or resolved, with its new state."""

    status: AlertStatus
    state: AlertState


def evaluate(dossier: Dossier, rulebook: Rulebook) -> Evaluation:
    """Judge a dossier by every rule. A rule that raises is outcome `error`, its problem in `missing`; the others still run."""
    findings: list[Finding] = []
    outcomes: list[RuleOutcome] = []
    for rule, severity in rulebook.rules:
        try:
            verdict = rule.judge(dossier)
        except Exception as problem:  # one rule's fault must not silence the others
            outcomes.append(RuleOutcome(rule.id, rule.version, "error", (f"{type(problem).__name__}: {problem}",)))
            continue
        if isinstance(verdict, Plain):
            continue
        if isinstance(verdict, Undetermined):
            outcomes.append(RuleOutcome(rule.id, rule.version, "undetermined", verdict.missing))
        else:
            violations = (verdict,) if isinstance(verdict, Violation) else verdict
            findings += [_finding(rule, severity, violation) for violation in violations]
            outcomes.append(RuleOutcome(rule.id, rule.version, "violation"))
    return Evaluation(findings, outcomes)


def _finding(rule: Rule, severity: Severity, violation: Violation) -> Finding:
    message = violation.message
    if violation.confidence == "low":
        message = f"{message.removesuffix('.')} (this rests on reference data of low confidence)."
        severity = "HOLD" if severity == "BLOCK" else severity
    return Finding(
        rule_id=rule.id,
        rule_version=rule.version,
        subject=violation.subject,
        severity=severity,
        message=message[:1].upper() + message[1:],
        basis=rule.basis,
        participants=violation.participants,
        evidence=violation.evidence,
        confidence=violation.confidence,
        shipment_id=violation.shipment_id,
    )


def compare(
    number: str, before: Sequence[AlertState], findings: Iterable[Finding], effective_at: int, event_id: str | None
) -> tuple[list[AlertState], list[Change]]:
    """The alerts of a case after an evaluation, and what changed: opened (or again), updated where the finding differs, resolved.

    `effective_at` is event time in milliseconds since the epoch; `event_id` names what set it off, None for a deadline.
    """
    findings = list(findings)
    if not findings and not before:
        return [], []
    found = {alert_id(number, finding.rule_id, finding.subject): finding for finding in findings}
    states: list[AlertState] = []
    changes: list[Change] = []
    for state in before:
        finding = found.pop(state.alert_id, None)
        status: AlertStatus | None = None
        if finding is None:
            status = "RESOLVED" if state.is_open else None
        elif not state.is_open:
            status = "OPENED"
        elif finding != state.finding:
            status = "UPDATED"
        if status:
            state = AlertState(state.alert_id, state.revision + 1, finding is not None, finding or state.finding, effective_at, event_id)
            changes.append(Change(status, state))
        states.append(state)
    for new_id, finding in found.items():
        state = AlertState(new_id, 1, True, finding, effective_at, event_id)
        states.append(state)
        changes.append(Change("OPENED", state))
    return states, changes
