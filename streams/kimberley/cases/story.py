"""A case's whole story: its facts in order of occurrence, who took which back, who took part, its alerts, and what every rule says."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from kimberley.cases.evaluate import Change, Explained, compare, explain
from kimberley.cases.judge import Policy, dossier_of, parties, with_reporter
from kimberley.model.case import AlertState, Case, Fact
from kimberley.model.decisions import Party
from kimberley.model.events import AnyEvent, EventWithdrawn
from kimberley.model.lineage import Description, KnownUse
from kimberley.reference.reference import Reference
from kimberley.rules.dossier import withdrawn_by

Effect = Literal["withdraws", "withdrawn", "no-target", "stranger", "circle"]
"""What a withdrawal does: takes its target back; nothing, being withdrawn itself; nothing, since its target is not here, is another
Participant's, or withdraws it in turn."""


class Entry(NamedTuple):
    """A fact and who took it back. `effect`: what a withdrawal does, None for all other events."""

    fact: Fact
    withdrawn_by: tuple[EventWithdrawn, ...]
    effect: Effect | None


class Story(NamedTuple):
    """A case told. `now` is the clock by which it was judged, milliseconds since the epoch, UTC.

    `conflicts`: contents refused because their event id was taken. `parties`: by role, with their standing on the date that counts.
    `pending`: how its alerts would change if it were judged now, by this policy and clock; empty where the stream has done so.
    `sources`: what is known of the certificates that it names as its sources (None: nothing was told yet); `uses`: those that name it.
    """

    number: str
    now: int
    policy: Policy
    timeline: list[Entry]
    conflicts: list[Fact]
    parties: list[Party]
    alerts: list[AlertState]
    rules: list[Explained]
    pending: list[Change]
    sources: Mapping[str, Description | None]
    uses: Sequence[KnownUse]


def tell(case: Case, policy: Policy, now: int | None = None) -> Story:
    """The story of a case. `now`: the clock, milliseconds since the epoch; default: the latest time that the case knows of."""
    if now is None:
        now = max([*(fact.event.occurred_at for fact in case.facts), *(state.effective_at for state in case.alerts)], default=0)
    dossier = dossier_of(case, policy, now)
    rules = explain(dossier, policy.rulebook)
    findings = [finding for each in rules for finding in each.findings]
    timeline = _timeline(case.facts, policy.reference)
    standing = [entry.fact.event for entry in timeline if not entry.withdrawn_by]
    known = parties(dossier)
    return Story(
        number=case.number,
        now=now,
        policy=policy,
        timeline=timeline,
        conflicts=case.conflicts,
        parties=list(dict.fromkeys(party for event in standing for party in with_reporter(known, event, policy.reference))),
        alerts=case.alerts,
        rules=rules,
        pending=compare(case.number, case.alerts, findings, now, None)[1],
        sources=dossier.sources,
        uses=dossier.uses,
    )


def _timeline(facts: Sequence[Fact], reference: Reference) -> list[Entry]:
    events = {fact.event.event_id: fact.event for fact in facts}
    taken_back = withdrawn_by(list(events.values()), reference)
    entries = []
    for fact in sorted(facts, key=lambda each: (each.event.occurred_at, each.event.event_id)):
        event = fact.event
        withdrawals = (events[source] for source in taken_back.get(event.event_id, ()))
        effect = _effect(event, events.get(event.withdrawn_event_id), taken_back, reference) if isinstance(event, EventWithdrawn) else None
        entries.append(Entry(fact, tuple(each for each in withdrawals if isinstance(each, EventWithdrawn)), effect))
    return entries


def _effect(withdrawal: EventWithdrawn, target: AnyEvent | None, taken_back: dict[str, list[str]], reference: Reference) -> Effect:
    if withdrawal.event_id in taken_back:
        return "withdrawn"
    if target is None:
        return "no-target"
    if withdrawal.event_id in taken_back.get(target.event_id, ()):
        return "withdraws"
    same = reference.same_participant(withdrawal.authority, withdrawal.local_date, target.authority, target.local_date)
    return "circle" if same else "stranger"
