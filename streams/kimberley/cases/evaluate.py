"""Evaluate: what the rulebook says of a dossier, as a pure function; and what of it is news."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from kimberley.cases.limits import LONGEST_EVIDENCE, LONGEST_MESSAGE, MOST_EVIDENCE
from kimberley.model.case import AlertState
from kimberley.model.findings import AlertStatus, Evidence, Finding, Outcome, RuleOutcome, Severity, alert_id
from kimberley.model.kept import Kept
from kimberley.model.value import Value
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import Plain, Rule, Undetermined, Violation, Waiting
from kimberley.rules.rulebook import Rulebook


class Said(Value, frozen=True):
    """What one rule said of a dossier. `outcome` is None where that was `pass` or `not_applicable`.

    `until`: the instant (milliseconds since the epoch) at which time alone will have it say something else; None: never.
    """

    findings: tuple[Finding, ...]
    outcome: RuleOutcome | None
    until: int | None = None


class Evaluation(Value, frozen=True):
    """What rules said, by their places in the rulebook, where it is more than a plain pass or not applicable; mostly little. And that
    summed up, in the rulebook's order.

    `findings`: every violation. `outcomes`: those that are neither `pass` nor `not_applicable`. `wakes_at`: the first instant at which time
    alone will change what is said; None: never.
    """

    said: dict[int, Said]
    findings: Sequence[Finding] = ()
    outcomes: tuple[RuleOutcome, ...] = ()
    wakes_at: int | None = None


class Change(NamedTuple):
    """An alert that opened, was updated or resolved, with its new state."""

    status: AlertStatus
    state: AlertState


SILENT = Evaluation({})
"""Every rule said a plain pass or not applicable."""
_NOTHING = Said((), None)
_undetermined: Kept[tuple[str, int, tuple[str, ...]], Said] = Kept(
    lambda key: Said((), RuleOutcome(key[0], key[1], "undetermined", key[2])),
)
_PASS: Final = Plain.PASS
_NOT_APPLICABLE: Final = Plain.NOT_APPLICABLE


def evaluate(dossier: Dossier, rulebook: Rulebook, before: Evaluation | None = None, added: str = "") -> Evaluation:
    """Judge a dossier by every rule. A rule that raises is outcome `error`, its problem in `missing`; the others still run.

    `before` is what the same rulebook said of the same case by the same reference data before one event of type `added` came, and before
    time made any of it untrue (`wakes_at`). A rule that does not read that type would say the same again, so it is not asked.
    """
    asked, silent = rulebook.asked[None if before is None else added, dossier.present]
    said = {} if before is None else dict(before.said)
    if said:
        for place in silent:
            said.pop(place, None)
    for place, judge, rule, severity in asked:
        try:
            verdict = judge(dossier)
        except Exception as problem:  # one rule's fault must not silence the others
            words = shortened(f"{type(problem).__name__}: {problem}", LONGEST_MESSAGE)
            said[place] = Said((), RuleOutcome(rule.id, rule.version, "error", (words,)))
        else:
            if verdict is not _PASS and verdict is not _NOT_APPLICABLE:
                said[place] = _in_words(verdict, rule, severity)
            elif place in said:
                del said[place]
    return _summed_up(said) if said else SILENT


def _summed_up(said: dict[int, Said]) -> Evaluation:
    worded = [said[place] for place in sorted(said)]
    instants = [each.until for each in worded if each.until is not None]
    return Evaluation(
        said,
        [finding for each in worded for finding in each.findings],
        tuple([each.outcome for each in worded if each.outcome is not None]),
        min(instants) if instants else None,
    )


class Explained(NamedTuple):
    """What one rule says of a dossier, whatever that is: `outcome` is never missing. `until`: as in `Said`."""

    rule: Rule
    severity: Severity
    outcome: RuleOutcome
    findings: tuple[Finding, ...]
    until: int | None = None


def explain(dossier: Dossier, rulebook: Rulebook) -> list[Explained]:
    """Every rule's outcome in the rulebook's order, `pass` and `not_applicable` too, which `evaluate` leaves out for speed."""
    said = evaluate(dossier, rulebook).said
    return [
        Explained(rule, severity, each.outcome or _plain_outcome(rule, dossier), each.findings, each.until)
        for place, (rule, severity) in enumerate(rulebook.rules)
        for each in (said.get(place, _NOTHING),)
    ]


def _plain_outcome(rule: Rule, dossier: Dossier) -> RuleOutcome:
    """The outcome of a rule that needs no words; rules are pure, so it may be asked again."""
    outcome: Outcome = "not_applicable" if rule.judge(dossier) is Plain.NOT_APPLICABLE else "pass"
    return RuleOutcome(rule.id, rule.version, outcome)


def _in_words(verdict: Undetermined | Waiting | Violation | Sequence[Violation], rule: Rule, severity: Severity) -> Said:
    if isinstance(verdict, Waiting):
        return Said((), None, verdict.until)
    if isinstance(verdict, Undetermined):
        return _undetermined[rule.id, rule.version, verdict.missing]
    violations = (verdict,) if isinstance(verdict, Violation) else verdict
    return Said(tuple(_finding(rule, severity, violation) for violation in violations), RuleOutcome(rule.id, rule.version, "violation"))


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _bounded(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Evidence as an alert carries it: of thousands of items the first ones, and no value that fills pages."""
    for each in evidence[:MOST_EVIDENCE]:
        if len(each.value) > LONGEST_EVIDENCE or len(each.expected) > LONGEST_EVIDENCE or len(each.field) > LONGEST_EVIDENCE:
            break
    else:
        return evidence if len(evidence) <= MOST_EVIDENCE else evidence[:MOST_EVIDENCE]
    return tuple(
        Evidence(
            shortened(each.field, LONGEST_EVIDENCE),
            shortened(each.value, LONGEST_EVIDENCE),
            shortened(each.expected, LONGEST_EVIDENCE),
            each.event_id,
        )
        for each in evidence[:MOST_EVIDENCE]
    )


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
        message=shortened(message[:1].upper() + message[1:], LONGEST_MESSAGE),
        basis=rule.basis,
        participants=violation.participants,
        evidence=_bounded(violation.evidence),
        confidence=violation.confidence,
        shipment_id=violation.shipment_id,
        since=violation.since,
    )


def compare(
    number: str, before: Sequence[AlertState], findings: Iterable[Finding], effective_at: int, event_id: str | None
) -> tuple[list[AlertState], list[Change]]:
    """The alerts of a case after an evaluation, and what changed: opened (or again), updated where the finding differs, resolved.

    `effective_at` is event time in milliseconds since the epoch; `event_id` names what set it off, None for a deadline. An alert that
    opens because a deadline had passed by then has the deadline's own time, whenever that is noticed. `since` alone, which no alert
    states, is no difference.
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
            if says_the_same(finding, state.finding):
                state = msgspec.structs.replace(state, finding=finding)
            else:
                status = "UPDATED"
        if status:
            at, by = _opened(finding, effective_at, event_id) if finding and status == "OPENED" else (effective_at, event_id)
            state = AlertState(state.alert_id, state.revision + 1, finding is not None, finding or state.finding, at, by)
            changes.append(Change(status, state))
        states.append(state)
    for new_id, finding in found.items():
        state = AlertState(new_id, 1, True, finding, *_opened(finding, effective_at, event_id))
        states.append(state)
        changes.append(Change("OPENED", state))
    return states, changes


def says_the_same(one: Finding, other: Finding) -> bool:
    """Whether two findings differ in nothing that an alert states."""
    return msgspec.structs.replace(one, since=other.since) == other


def _opened(finding: Finding, effective_at: int, event_id: str | None) -> tuple[int, str | None]:
    """When and by what a finding came to be: by its deadline, unless an event brought it back after that."""
    if finding.since is None or (event_id is not None and effective_at > finding.since):
        return effective_at, event_id
    return finding.since, None
