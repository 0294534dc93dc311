"""Judge one event: merge it into its case, evaluate the case, answer with a decision and the alerts that changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from kimberley.cases.capacity import beyond_bytes, fullness, keep_conflict
from kimberley.cases.evaluate import SILENT, Change, Evaluation, compare, evaluate
from kimberley.cases.intake import EARLIEST, LATEST
from kimberley.cases.limits import (
    LONGEST_ID,
    LONGEST_NUMBER,
    MOST_CASE_BYTES,
    MOST_FAULTS,
    MOST_JUDGED_BYTES,
    MOST_LISTED,
)
from kimberley.model.case import Case, Fact, Mark, Origin
from kimberley.model.decisions import Decision, DecisionOutcome, Party, Refusal
from kimberley.model.events import (
    AnyEvent,
    CertificateInvalidated,
    CertificateIssued,
    EventWithdrawn,
    ShipmentArrived,
    ShipmentExported,
    ShipmentTransited,
    local_date,
)
from kimberley.model.findings import Alert
from kimberley.reference.bundle import Bundle
from kimberley.reference.definitions import Definition
from kimberley.reference.reference import Reference, known_codes
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import CONFLICTS, Lineage
from kimberley.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Policy:
    """All that a judgement rests on besides the facts.

    `definition`: what counts as a conflict diamond, as the rulebook names it. Raises ConfigurationError where the bundle lacks that.
    """

    reference: Reference
    bundle: Bundle
    rulebook: Rulebook
    definition: Definition = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "definition", self.bundle.definition(self.rulebook.definition))


class Answer(msgspec.Struct, gc=False):
    """What one event led to. `changed`: the case is not what it was and must be stored."""

    decision: Decision
    alerts: list[Alert]
    changed: bool


RESOLVED_PREFIX = "Resolved: "
"""Begins the message of an alert that resolved."""
_encoder = msgspec.msgpack.Encoder()
_PARTIES_CHANGE_WITH = frozenset({CertificateIssued, ShipmentExported, ShipmentTransited, ShipmentArrived})


class Memory(msgspec.Struct, gc=False):
    """What was last said of a case at hand, and by which policy; never stored. It belongs to one case and is forgotten when in doubt."""

    policy: Policy | None = None
    dossier: Dossier | None = None
    evaluation: Evaluation = SILENT
    parties: tuple[Party, ...] = ()
    open_alerts: frozenset[str] | None = None
    wakes_at: int | None = None

    def recall(self, policy: Policy, now: int) -> Evaluation | None:
        """What was said by this very policy, unless time has made it untrue."""
        return self.evaluation if self.policy is policy and (self.wakes_at is None or now < self.wakes_at) else None

    def keep(self, policy: Policy, evaluation: Evaluation, parties: tuple[Party, ...]) -> None:
        """Take the place of what was said before."""
        self.policy, self.evaluation, self.parties, self.wakes_at = policy, evaluation, parties, evaluation.wakes_at

    def forget(self) -> None:
        """Nothing was said."""
        self.policy = self.dossier = self.open_alerts = None


def judge(
    case: Case,
    event: AnyEvent,
    origin: Origin,
    policy: Policy,
    *,
    now: int,
    processed_at: int,
    memory: Memory | None = None,
    mark: Mark | None = None,
) -> Answer:
    """Merge an event into its case, which is changed in place, and judge the case anew.

    `now` is the stream's event-time clock, `processed_at` the wall clock for `raised_at` and `decided_at`; both milliseconds, UTC.
    A record that was applied before (same origin) is answered as before. Where this raises, the case may have the event already:
    `Case.mark` before (`mark`, where it is at hand) and `Case.go_back_to` after undo it. With a `memory` only rules that read the event's
    type, or conflicts, are asked again.
    """
    known = case.fact(event.event_id)
    outcome: DecisionOutcome
    waited, before_it = case.wakes_at, mark or case.mark()
    # a taken id makes nothing of what is refused anyway, not even a conflict
    if (known is None or (known.origin != origin and known.event != event)) and (faults := refusals(case, event, policy)):
        return Answer(_refused_event(event, origin, faults, policy, processed_at), [], False)
    is_news = False
    if known is None:
        if full := fullness(case, event):
            return Answer(_refused_event(event, origin, [full], policy, processed_at), [], False)
        case.add(Fact(event, origin))
        outcome, is_news = "ACCEPTED", True
    elif known.origin == origin:
        outcome = "ACCEPTED"
    elif known.event == event:
        outcome = "DUPLICATE"
    else:
        outcome = "CONFLICT"
        is_news = keep_conflict(case, Fact(event, origin))
    memory = memory or Memory()
    kind = type(event)
    news = kind.__name__ if known is None else CONFLICTS
    # a withdrawal changes what stands of other types, so nothing that was said holds; of two contents the first one stands
    before = None if known is None and kind is EventWithdrawn else memory.recall(policy, now)
    alerts: list[Alert] = []
    dossier = memory.dossier if before is not None else None
    if dossier is None or (known is None and not dossier.can_add(event)):
        dossier = dossier_of(case, policy, now)
    elif known is None:
        dossier.add(event, now)
    elif is_news:
        dossier.contradict(*_contents(case), now)
    parties_change = before is None or (known is None and kind in _PARTIES_CHANGE_WITH)
    if before is None or (is_news and (parties_change or policy.rulebook.readers_of(news))):
        evaluation = evaluate(dossier, policy.rulebook, before, news)
        memory.keep(policy, evaluation, parties(dossier) if parties_change else memory.parties)
        changes = _compare(case, memory, event.occurred_at, event.event_id)
        if changes:
            alerts = [make_alert(case.number, change, policy, processed_at) for change in changes]
    memory.dossier = dossier
    most = MOST_CASE_BYTES if is_news else MOST_JUDGED_BYTES
    if case.size > most and case.measure() > most:
        case.go_back_to(before_it)
        memory.forget()
        case.is_full = True
        return Answer(_refused_event(event, origin, [beyond_bytes(case)], policy, processed_at), [], True)
    decision = Decision(
        decision_id=origin.decision_id,
        event_id=event.event_id,
        event_type=type(event).__name__,
        certificate_number=case.number,
        authority=event.authority,
        outcome=outcome,
        errors=(),
        participants=with_reporter(memory.parties, event, policy.reference),
        rules=memory.evaluation.outcomes,
        alert_ids=listed_ids(memory.open_alerts or (), alerts) if memory.open_alerts or alerts else (),
        rulebook=policy.rulebook.id,
        reference_revision=policy.reference.revision,
        decided_at=processed_at,
    )
    return Answer(decision, alerts, is_news or bool(alerts) or case.wakes_at != waited)


def listed_ids(open_alerts: Iterable[str], alerts: Collection[Alert]) -> tuple[str, ...]:
    """The alerts that a decision lists: those that its event changed, and those that are open; of very many, the former first."""
    changed = {alert.alert_id for alert in alerts}
    found = changed.union(open_alerts)
    if len(found) > MOST_LISTED:
        found = set([*sorted(changed), *sorted(found - changed)][:MOST_LISTED])
    return tuple(sorted(found))


def _compare(case: Case, memory: Memory, effective_at: int, event_id: str | None) -> list[Change]:
    """Bring the case's alerts up to what was said last; what changed."""
    case.wakes_at = memory.wakes_at
    case.alerts, changes = compare(case.number, case.alerts, memory.evaluation.findings, effective_at, event_id)
    if changes or memory.open_alerts is None:
        memory.open_alerts = frozenset([state.alert_id for state in case.alerts if state.is_open])
    if changes:
        case.size += sum([len(_encoder.encode(change.state)) for change in changes])
    return changes


def reevaluate(
    case: Case,
    policy: Policy,
    *,
    now: int,
    effective_at: int,
    processed_at: int,
    event_id: str | None = None,
    told: Lineage | None = None,
    memory: Memory | None = None,
) -> list[Alert]:
    """Judge a case anew without a new event of its own: after a change of reference data, when time has come for which it waited, or
    when another case told it something; `event_id` then names the event there, and `told` is what it told of: with a `memory` only rules
    that read that are asked again.

    The case's alerts, and when it waits for next, are changed in place.
    """
    memory = memory or Memory()
    before = memory.recall(policy, now) if told is not None else None
    if before is None or memory.dossier is None:
        dossier = dossier_of(case, policy, now)
        evaluation = evaluate(dossier, policy.rulebook)
        memory.keep(policy, evaluation, parties(dossier))
        memory.dossier = dossier
    else:
        memory.dossier.hear(case.sources, case.uses, now)
        evaluation = evaluate(memory.dossier, policy.rulebook, before, told or "")
        memory.keep(policy, evaluation, memory.parties)
    before_it = case.mark()
    changes = _compare(case, memory, effective_at, event_id)
    if case.size > MOST_JUDGED_BYTES and case.measure() > MOST_JUDGED_BYTES:  # its record would not fit its topic
        wakes_at = case.wakes_at
        case.go_back_to(before_it)
        case.wakes_at, case.is_full = wakes_at, True
        memory.forget()
        return []
    return [make_alert(case.number, change, policy, processed_at) for change in changes]


def dossier_of(case: Case, policy: Policy, now: int) -> Dossier:
    """The dossier of a case's facts and conflicts, and of what other cases told it."""
    events, refused_contents = _contents(case)
    reference, bundle, definition = policy.reference, policy.bundle, policy.definition
    return Dossier(case.number, events, reference, bundle, definition, now, refused_contents, case.sources, case.uses)


def _contents(case: Case) -> tuple[list[AnyEvent], Sequence[AnyEvent]]:
    """Of its facts, and of its conflicts."""
    return [fact.event for fact in case.facts], [conflict.event for conflict in case.conflicts] if case.conflicts else ()


def refusals(case: Case, event: AnyEvent, policy: Policy) -> list[Refusal]:
    """Why a well-formed event is refused on its own terms; empty: it is not.

    Only its own Participant withdraws an event; only the Participant that a number's prefix names invalidates the certificate.
    """
    reference = policy.reference
    if isinstance(event, EventWithdrawn):
        on = event.local_date
        target = case.fact(event.withdrawn_event_id)
        if target and not reference.same_participant(event.authority, on, target.event.authority, target.event.local_date):
            sender = reference.name(target.event.authority)
            return [
                Refusal("not-yours", "authority", f"event {event.withdrawn_event_id} was sent by {sender}, which alone can withdraw it")
            ]
    elif isinstance(event, CertificateInvalidated):
        on, owner = event.local_date, policy.bundle.profiles.prefix_owner(event.certificate_number[:2])
        if owner in known_codes() and not reference.same_participant(event.authority, on, owner, on):
            whose = reference.name(owner)
            return [Refusal("not-yours", "authority", f"{event.certificate_number} is a number of {whose}, which alone can invalidate it")]
    return []


def refused(
    type_name: str, record: Mapping[str, Any], origin: Origin, faults: Iterable[Refusal], policy: Policy, processed_at: int
) -> Decision:
    """The decision on a record that could be read but is refused. What the record does not state is empty, what is too long cut."""
    on = None
    occurred_at, offset = record.get("occurred_at"), record.get("utc_offset_minutes", 0)
    if isinstance(occurred_at, int) and isinstance(offset, int) and EARLIEST <= occurred_at < LATEST:
        on = local_date(occurred_at, offset)
    authority = _text(record, "authority")[:LONGEST_NUMBER]
    reporter: tuple[Party, ...] = ()
    if on and authority in known_codes():
        reporter = (policy.reference.parties["reporter", authority, on],)
    return Decision(
        decision_id=origin.decision_id,
        event_id=_text(record, "event_id")[:LONGEST_ID],
        event_type=type_name,
        certificate_number=_text(record, "certificate_number")[:LONGEST_NUMBER],
        authority=authority,
        outcome="REFUSED",
        errors=tuple(islice(faults, MOST_FAULTS)),
        participants=reporter,
        rules=(),
        alert_ids=(),
        rulebook=policy.rulebook.id,
        reference_revision=policy.reference.revision,
        decided_at=processed_at,
    )


def parties(dossier: Dossier) -> tuple[Party, ...]:
    """Each party of a journey with its standing on the date that counts for its role; of very many, the first."""
    known, found = dossier.reference.parties, list[Party]()
    if dossier.certificate:
        found.append(known["issuer", dossier.certificate.authority, dossier.certificate.issued_on])
    if dossier.destination and dossier.export_date:
        found.append(known["destination", dossier.destination, dossier.export_date])
    for export in dossier.exports:
        if export.authority != dossier.issuer:
            found.append(known["exporter", export.authority, export.local_date])
    for transit in dossier.transits:
        if transit.country:
            found.append(known["transit", transit.country, transit.local_date])
    for arrival in dossier.arrivals:
        found.append(known["importer", arrival.authority, arrival.local_date])
    if len(dossier.exports) > 1 or len(dossier.transits) > 1 or len(dossier.arrivals) > 1:  # which may make one party several times
        return tuple(islice(dict.fromkeys(found), MOST_LISTED))
    return tuple(found)


def with_reporter(of_the_journey: tuple[Party, ...], event: AnyEvent, reference: Reference) -> tuple[Party, ...]:
    """The parties, and who reports the event where it is none of them."""
    for party in of_the_journey:
        if party.code == event.authority:
            return of_the_journey
    return (*of_the_journey, reference.parties["reporter", event.authority, event.local_date])


def make_alert(number: str, change: Change, policy: Policy, raised_at: int) -> Alert:
    """The alert that a change puts on `flagged-shipments`."""
    state, finding = change.state, change.state.finding
    return Alert(
        alert_id=state.alert_id,
        subject=finding.subject,
        status=change.status,
        revision=state.revision,
        rule_id=finding.rule_id,
        rule_version=finding.rule_version,
        rulebook=policy.rulebook.id,
        severity=finding.severity,
        certificate_number=number,
        shipment_id=finding.shipment_id,
        participants=finding.participants,
        message=f"{RESOLVED_PREFIX}{finding.message}" if change.status == "RESOLVED" else finding.message,
        basis=finding.basis,
        evidence=finding.evidence,
        confidence=finding.confidence,
        event_id=state.event_id,
        effective_at=state.effective_at,
        raised_at=raised_at,
        reference_revision=policy.reference.revision,
    )


def _refused_event(event: AnyEvent, origin: Origin, faults: list[Refusal], policy: Policy, processed_at: int) -> Decision:
    return refused(type(event).__name__, msgspec.structs.asdict(event), origin, faults, policy, processed_at)


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    return value if isinstance(value, str) else ""
