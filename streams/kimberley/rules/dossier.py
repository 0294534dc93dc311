"""The dossier of a case: its facts that stand, laid out as rules read them, with the reference data as of any date."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from kimberley.model.events import (
    AnyEvent,
    Approval,
    CertificateInvalidated,
    CertificateIssued,
    EventWithdrawn,
    Extraction,
    ImportConfirmed,
    ShipmentArrived,
    ShipmentExported,
    ShipmentReturned,
    ShipmentTransited,
)
from kimberley.model.lineage import Description, IssueFact, KnownSource, KnownUse
from kimberley.model.reference_data import Measure
from kimberley.reference.bundle import Bundle
from kimberley.reference.definitions import Definition
from kimberley.reference.measures import ANY_TERRITORY, EVERYONE
from kimberley.reference.participants import Standing
from kimberley.reference.profiles import Profile
from kimberley.reference.reference import Reference

_KINDS: dict[type, int] = {
    CertificateIssued: 0,
    CertificateInvalidated: 1,
    ShipmentExported: 2,
    ShipmentTransited: 3,
    ShipmentArrived: 4,
    ImportConfirmed: 5,
    ShipmentReturned: 6,
}


PRESENT: Mapping[str, int] = {
    **{kind.__name__: 1 << place for kind, place in _KINDS.items()},
    **{name: 1 << len(_KINDS) + place for place, name in enumerate(("sources", "uses", "conflicts"))},
}
"""Facts that a dossier may have or lack, each a bit of `Dossier.present`."""
_SOURCES, _USES, _CONFLICTS = (PRESENT[name] for name in ("sources", "uses", "conflicts"))
_NO_SOURCES: Mapping[str, Description | None] = {}


class Conflict(NamedTuple):
    """Different contents under one event id: the first one stands, the others count for nothing."""

    first: AnyEvent
    others: list[AnyEvent]


class Dossier:
    """What stands of one certificate number. Event lists are in order of `occurred_at`, then `event_id`, whatever order they came in.

    `issuer`: the authority that issued the certificate. `destination`: the certificate's; without a certificate, the earliest export's.
    `export_date`: the local date of the earliest export; without one, the date of issue. `stated_origins`: the certificate's and its
    parcels' origins together, sorted. `definition`: what counts as a conflict diamond. `conflicts`: by event id, of the ids that were
    not withdrawn. `sources`: what is known of each certificate that the certificate names as its source, None where nothing is; `uses`:
    what names this one. `unknown_sources`: the numbers of sources without an issue event.
    """

    def __init__(
        self,
        number: str,
        events: Sequence[AnyEvent],
        reference: Reference,
        bundle: Bundle,
        definition: Definition,
        now: int,
        refused_contents: Sequence[AnyEvent] = (),
        sources: Sequence[KnownSource] = (),
        uses: Sequence[KnownUse] = (),
    ) -> None:
        self._told = sources
        self.uses = uses
        self.number = number
        self.reference = reference
        self.bundle = bundle
        self.profiles = bundle.profiles
        self.definition = definition
        self.now = now
        by_kind: list[list[Any]] = [[] for _ in _KINDS]
        standing = standing_events(events, reference)
        for event in sorted(standing, key=by_time) if len(standing) > 1 else standing:
            kind = _KINDS.get(type(event))
            if kind is not None:
                by_kind[kind].append(event)
        self._by_kind = by_kind
        self._kinds = sum(1 << kind for kind, found in enumerate(by_kind) if found)
        self._has_withdrawals = any(isinstance(event, EventWithdrawn) for event in events)
        self.issues: list[CertificateIssued] = by_kind[0]
        self.invalidations: list[CertificateInvalidated] = by_kind[1]
        self.exports: list[ShipmentExported] = by_kind[2]
        self.transits: list[ShipmentTransited] = by_kind[3]
        self.arrivals: list[ShipmentArrived] = by_kind[4]
        self.confirmations: list[ImportConfirmed] = by_kind[5]
        self.returns: list[ShipmentReturned] = by_kind[6]
        self.conflicts: dict[str, Conflict] = _conflicts(events, refused_contents, reference) if refused_contents else {}
        self._derive()

    def _derive(self) -> None:
        # one of these is asked for by nearly every rule: plain attributes, made once
        certificate = self.issues[0] if self.issues else None
        first_export = self.exports[0] if self.exports else None
        self.certificate: CertificateIssued | None = certificate
        self.issuer: str | None = certificate.authority if certificate else None
        states_destination = certificate or first_export
        self.destination: str | None = states_destination.destination if states_destination else None
        self.export_date: date | None = first_export.local_date if first_export else certificate.issued_on if certificate else None
        self.stated_origins: tuple[str, ...] = _stated_origins(certificate) if certificate else ()
        self.sources: Mapping[str, Description | None] = _NO_SOURCES
        self.unknown_sources: tuple[str, ...] = ()
        if certificate and certificate.source_certificates:
            self._name_sources(certificate)

    def _name_sources(self, certificate: CertificateIssued) -> None:
        told = {each.number: each.description for each in self._told}
        self.sources = {number: told.get(number) for number in certificate.source_certificates}
        self.unknown_sources = tuple([number for number, source in self.sources.items() if source is None or source.issue is None])

    @property
    def present(self) -> int:
        """Which facts there are, bits of `PRESENT`."""
        found = self._kinds
        if self.sources:
            found |= _SOURCES
        if self.uses:
            found |= _USES
        if self.conflicts:
            found |= _CONFLICTS
        return found

    @property
    def source_issues(self) -> list[IssueFact]:
        """What the known sources' certificates say, in the order in which they are named."""
        return [each.issue for each in self.sources.values() if each is not None and each.issue is not None]

    @property
    def invalidation(self) -> CertificateInvalidated | None:
        """The earliest by the issuer; without an issue event, by the Participant that the number's prefix names."""
        for each in self.invalidations:
            if self._is_issuer_s(each):
                return each
        return None

    def _is_issuer_s(self, invalidation: CertificateInvalidated) -> bool:
        certificate, on = self.certificate, invalidation.local_date
        if certificate is not None:
            return self.reference.same_participant(invalidation.authority, on, certificate.authority, certificate.local_date)
        owner = self.profiles.prefix_owner(self.number[:2])
        return self.reference.same_participant(invalidation.authority, on, owner, on)

    @property
    def effective_date(self) -> date | None:
        """The date that a rule's effective dates are compared with: `issued_on`; without a certificate, its earliest event's."""
        if self.certificate is not None:
            return self.certificate.issued_on
        firsts = [events[0] for events in self._by_kind if events]
        return min(firsts, key=by_time).local_date if firsts else None

    def can_add(self, event: AnyEvent) -> bool:
        """Whether another event of the case only adds to what stands: neither it nor one before takes any back."""
        return not self._has_withdrawals and not isinstance(event, EventWithdrawn)

    def add(self, event: AnyEvent, now: int) -> None:
        """Take in another event, where `can_add` says so; the dossier is then as if it had been made with it."""
        self.now = now
        kind = _KINDS.get(type(event))
        if kind is None:
            return
        self._kinds |= 1 << kind
        events = self._by_kind[kind]
        events.append(event)
        if len(events) > 1 and by_time(events[-2]) > by_time(event):
            events.sort(key=by_time)
        if kind in (0, 2):  # certificates and exports: what is derived rests on no others
            self._derive()

    def contradict(self, events: Sequence[AnyEvent], refused_contents: Sequence[AnyEvent], now: int) -> None:
        """Take in that an id came with another content; the dossier is then as if it had been made with it. What stands, stands."""
        self.now = now
        self.conflicts = _conflicts(events, refused_contents, self.reference)

    def hear(self, sources: Sequence[KnownSource], uses: Sequence[KnownUse], now: int) -> None:
        """Take in what other cases told; the dossier is then as if it had been made with it."""
        self.now = now
        self._told, self.uses = sources, uses
        if self.sources and self.certificate:
            self._name_sources(self.certificate)

    def standing(self, code: str, on: date) -> Standing:
        """How a jurisdiction stood on a date."""
        return self.reference.participants.standings[code, on]

    def profile(self, code: str, on: date) -> Profile:
        """The rules of the Participant to which an authority belonged on a date."""
        return self.profiles.of(self.reference.participants.standings[code, on].participant)

    def name(self, code: str) -> str:
        """A jurisdiction as a sentence has it."""
        return self.reference.name(code)

    def imposer(self, measure: Measure) -> str:
        """Who bars or requires something by a measure, as a sentence has it."""
        return "every Participant" if measure.imposed_by in EVERYONE else self.name(measure.imposed_by)

    def is_on_origin(self, measure: Measure, on: date) -> bool:
        """Whether a measure is "on an origin" of these goods: its territory issued them, or (route ANY) is a stated origin."""
        territory, issuer = measure.territory, self.issuer
        if territory in (issuer, ANY_TERRITORY) or (measure.route == "ANY" and territory in self.stated_origins):
            return True
        return issuer is not None and self.reference.participants.standings[issuer, on].participant == territory

    def extractions_of(self, origin: str) -> tuple[Extraction, ...]:
        """Where and when the stones of an origin were mined, as far as it is stated: by the certificate, else by those of its sources
        that hold the origin, or theirs; empty: nowhere.
        """
        extraction = self.certificate.extraction if self.certificate else None
        if extraction:
            return (extraction,)
        return (
            tuple(dict.fromkeys(each for issue in self.source_issues for each, _ in issue.extractions_of(origin))) if self.sources else ()
        )

    def zones_of(self, origin: str) -> tuple[str, ...]:
        """The zones in which the stones of an origin were mined, as written; empty: stated nowhere."""
        return tuple(each.zone for each in self.extractions_of(origin) if each.zone and not each.zone.isspace())

    def approvals_of(self, origin: str) -> tuple[Approval, ...]:
        """The approvals stated for stones of an origin: the certificate's, else those of its sources that hold the origin, or theirs."""
        approvals = self.certificate.approvals if self.certificate else ()
        if approvals or not self.sources:
            return approvals
        return tuple(dict.fromkeys(each for issue in self.source_issues for each, _ in issue.approvals_of(origin)))

    def is_exempt(self, measure: Measure, on: date) -> bool:
        """Whether a declaration on the certificate exempts from a measure on a date."""
        if not measure.exempt_declarations or (measure.exempt_from and on < measure.exempt_from):
            return False
        return self.declares(measure.exempt_declarations)

    def declares(self, kinds: Collection[str]) -> bool:
        """Whether the certificate carries a declaration of one of some kinds."""
        return self.certificate is not None and any(declaration.kind in kinds for declaration in self.certificate.declarations)


def standing_events(events: Sequence[AnyEvent], reference: Reference) -> list[AnyEvent]:
    """The events that were not withdrawn, withdrawals left out.

    A withdrawal counts when its authority is the same as the sender's, each on its own event's date, and when it was not itself
    withdrawn. Withdrawals in a circle have no effect, nor has a stranger's (rules.md, "How a case is judged").
    """
    if not [event for event in events if isinstance(event, EventWithdrawn)]:
        return list(events)
    withdrawn = withdrawn_by(events, reference)
    return [event for event in events if event.event_id not in withdrawn and not isinstance(event, EventWithdrawn)]


def withdrawn_by(events: Sequence[AnyEvent], reference: Reference) -> dict[str, list[str]]:
    """The ids of the events that were withdrawn, each with the ids of the withdrawals that did it."""
    withdrawals = [event for event in events if isinstance(event, EventWithdrawn)]
    if not withdrawals:
        return {}
    by_id = {event.event_id: event for event in events}
    pending: dict[str, list[str]] = {}
    for withdrawal in withdrawals:
        target = by_id.get(withdrawal.withdrawn_event_id)
        if target is not None and reference.same_participant(
            withdrawal.authority, withdrawal.local_date, target.authority, target.local_date
        ):
            pending.setdefault(target.event_id, []).append(withdrawal.event_id)
    # a withdrawal is settled once all that aim at it are settled; what never settles is a circle and withdraws nothing
    effective: dict[str, bool] = {}
    unsettled = [withdrawal.event_id for withdrawal in withdrawals]
    moved = True
    while unsettled and moved:
        moved = False
        for event_id in list(unsettled):
            verdicts = [effective.get(other) for other in pending.get(event_id, ())]
            if True in verdicts or None not in verdicts:
                effective[event_id] = True not in verdicts
                unsettled.remove(event_id)
                moved = True
    found = {target: [source for source in sources if effective.get(source)] for target, sources in pending.items()}
    return {target: sources for target, sources in found.items() if sources}


def _conflicts(events: Sequence[AnyEvent], refused_contents: Sequence[AnyEvent], reference: Reference) -> dict[str, Conflict]:
    withdrawn = withdrawn_by(events, reference)
    first = {event.event_id: event for event in events}
    found: dict[str, Conflict] = {}
    for event in sorted(refused_contents, key=lambda each: each.event_id):
        if event.event_id not in withdrawn:
            found.setdefault(event.event_id, Conflict(first[event.event_id], [])).others.append(event)
    return found


def _stated_origins(certificate: CertificateIssued) -> tuple[str, ...]:
    origins = set(certificate.origins)
    for parcel in certificate.parcels:
        origins.update(parcel.origins)
    return tuple(sorted(origins))


def by_time(event: AnyEvent) -> tuple[int, str]:
    """The order of a case's events."""
    return event.occurred_at, event.event_id
