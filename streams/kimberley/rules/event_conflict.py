"""Two contents under one event id: which of them is true, only the sender can say."""

from kimberley.model.events import AnyEvent
from kimberley.model.findings import Evidence
from kimberley.rules.contents import differing, shown
from kimberley.rules.dossier import Conflict, Dossier
from kimberley.rules.rule import NOT_APPLICABLE, Verdict, Violation, rule
from kimberley.rules.wording import day, listed


@rule(
    "event-conflict",
    title="One event id, two contents",
    basis="message practice: an event id names one content for ever",
    reads=("conflicts", "EventWithdrawn.withdrawn_event_id"),
    needs=("conflicts",),
    innocent_causes=("a correction sent under the id of what it corrects", "a system that numbers its messages anew after a restart"),
)
def event_conflict(dossier: Dossier) -> Verdict:
    """One event id came with two contents, and was not withdrawn since; the first content stands."""
    if not dossier.conflicts:
        return NOT_APPLICABLE
    return [_violation(dossier, event_id, conflict) for event_id, conflict in dossier.conflicts.items()]


def _violation(dossier: Dossier, event_id: str, conflict: Conflict) -> Violation:
    first, others = conflict
    # the order in which contents after the first came must not show
    evidence = sorted({each for other in others for each in _differences(first, other)}, key=lambda each: (each.field, each.value))
    fields = dict.fromkeys(each.field for each in evidence)
    return Violation(
        message=f"Event {event_id} of certificate {dossier.number} came with {len(others) + 1} different contents: what "
        f"{dossier.name(first.authority)} first reported for {day(first.local_date)} stands, what differs in {listed(fields)} does not.",
        evidence=tuple(evidence),
        participants=tuple(sorted({first.authority, *(other.authority for other in others)})),
        subject=event_id,
        shipment_id=getattr(first, "shipment_id", None),
    )


def _differences(first: AnyEvent, other: AnyEvent) -> list[Evidence]:
    if type(first) is not type(other):
        return [Evidence("type", type(other).__name__, type(first).__name__, first.event_id)]
    return [Evidence(field, shown(other, field), shown(first, field), first.event_id) for field in differing(first, other)]
