"""Movement: one certificate, one shipment, to where the certificate says (CORE III)."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter, itemgetter

from kimberley.model.events import ShipmentArrived, ShipmentExported
from kimberley.model.findings import Evidence
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed, shipment

Place = tuple[str, str]
"""An authority, and the Participant to which it belonged on the day."""


@rule(
    "certificate-reused",
    title="One certificate, used twice",
    basis="CORE III",
    reads=(
        "ShipmentExported.shipment_id",
        "ShipmentExported.authority",
        "ShipmentExported.occurred_at",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
        "ShipmentReturned.occurred_at",
        "participants",
    ),
    innocent_causes=("one shipment reported under two ids", "a return that nobody reported", "a number mistyped for another certificate"),
)
def certificate_reused(dossier: Dossier) -> Verdict:
    """Two different shipments were exported under it, or, without a return in between, it arrived at two different Participants."""
    exports, arrivals = dossier.exports, dossier.arrivals
    if not exports and not arrivals:
        return NOT_APPLICABLE
    if len(exports) < 2 and len(arrivals) < 2:
        return PASS
    shipments: dict[str, ShipmentExported] = {}
    for export in exports:
        if export.shipment_id:
            shipments.setdefault(export.shipment_id, export)
    strays = _strays(dossier) if len(arrivals) > 1 else []
    if len(shipments) < 2 and not strays:
        unnamed = len(exports) > 1 and not all(export.shipment_id for export in exports)
        return Undetermined(("shipment_id",)) if unnamed else PASS
    first_exports = list(shipments.values()) if len(shipments) > 1 else []
    reasons = []
    if first_exports:
        words = listed(f"{export.shipment_id} on {day(export.local_date)}" for export in first_exports)
        reasons.append(f"{len(first_exports)} shipments were exported under it ({words})")
    if strays:
        words = listed(f"in {dossier.name(arrival.authority)} on {day(arrival.local_date)}" for arrival in strays)
        reasons.append(f"goods arrived under it {words} without a return in between")
    return Violation(
        message=f"Certificate {dossier.number} was used more than once: {listed(reasons)}.",
        evidence=(
            *(Evidence("shipment_id", export.shipment_id, "one shipment", export.event_id) for export in first_exports),
            *(Evidence("arrived in", arrival.authority, "one Participant", arrival.event_id) for arrival in strays),
        ),
        participants=tuple(sorted({each.authority for each in (*first_exports, *strays)})),
    )


def _strays(dossier: Dossier) -> list[ShipmentArrived]:
    """The arrivals that were at another Participant than others, no return having come in between, in their order."""
    found: list[ShipmentArrived] = []
    places: set[Place] = set()
    waiting: dict[Place, list[tuple[int, ShipmentArrived]]] = {}  # since a return, and at no other place than all others so far
    before: ShipmentArrived | None = None
    for index, arrival in enumerate(dossier.arrivals):
        if before is not None and _returned_between(dossier, before.occurred_at, arrival.occurred_at):
            places.clear()
            waiting.clear()
        before = arrival
        place = arrival.authority, dossier.reference.participants.participant_of(arrival.authority, arrival.local_date)
        elsewhere = [other for other in places if other[0] != place[0] and other[1] != place[1]]
        places.add(place)
        if elsewhere:
            strays = sorted((each for other in elsewhere for each in waiting.pop(other, ())), key=itemgetter(0))
            found += [each for _, each in strays]
            found.append(arrival)
        else:
            waiting.setdefault(place, []).append((index, arrival))
    return found


def _returned_between(dossier: Dossier, first: int, last: int) -> bool:
    """Whether a shipment was sent back between two instants; at one of them will do."""
    returns = dossier.returns
    index = bisect_left(returns, first, key=attrgetter("occurred_at"))
    return index < len(returns) and returns[index].occurred_at <= last


@rule(
    "wrong-destination",
    title="Arrived where it was not to go",
    basis="CORE Annex I(A)",
    reads=(
        "ShipmentArrived.shipment_id",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
        "ShipmentReturned.occurred_at",
        "CertificateIssued.destination",
        "CertificateIssued.authority",
        "CertificateIssued.occurred_at",
        "ShipmentExported.destination",
        "ShipmentExported.occurred_at",
        "participants",
    ),
    needs=("ShipmentArrived",),
    innocent_causes=("a transit reported as an arrival", "a typing error in the destination", "a return that nobody reported"),
)
def wrong_destination(dossier: Dossier) -> Verdict:
    """The shipment arrived at another Participant than the destination, and not back at the issuer after a return."""
    if not dossier.arrivals:
        return NOT_APPLICABLE
    destination, same = dossier.destination, dossier.reference.same_participant
    if destination is None:
        return Undetermined(("destination",) if dossier.certificate or dossier.exports else ("CertificateIssued",))
    missing = False
    found: dict[str, list[ShipmentArrived]] = {}
    for arrival in dossier.arrivals:
        on = arrival.local_date
        if arrival.authority == destination or same(arrival.authority, on, destination, on):
            continue
        if dossier.returns and dossier.returns[0].occurred_at <= arrival.occurred_at:
            if dossier.certificate is None:  # whether this is the issuer, nobody can tell yet
                missing = True
                continue
            if same(arrival.authority, on, dossier.certificate.authority, dossier.certificate.local_date):
                continue
        found.setdefault(arrival.shipment_id, []).append(arrival)
    if not found:
        return Undetermined(("CertificateIssued",)) if missing else PASS
    return [_stray(dossier, shipment_id, destination, arrivals) for shipment_id, arrivals in found.items()]


def _stray(dossier: Dossier, shipment_id: str, destination: str, arrivals: Sequence[ShipmentArrived]) -> Violation:
    where = listed(f"in {dossier.name(arrival.authority)} on {day(arrival.local_date)}" for arrival in arrivals)
    sent_by = f"{'' if dossier.certificate else 'the export under '}certificate {dossier.number}"
    return Violation(
        message=f"{shipment(shipment_id)} arrived {where}; {sent_by} sends it to {dossier.name(destination)}.",
        evidence=tuple(Evidence("arrived in", arrival.authority, destination, arrival.event_id) for arrival in arrivals),
        participants=tuple(
            sorted({destination, *(arrival.authority for arrival in arrivals), *([dossier.issuer] if dossier.issuer else [])})
        ),
        subject=shipment_id,
        shipment_id=shipment_id,
    )
