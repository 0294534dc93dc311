"""Seals: what is seen on the way is what was last stated (CORE III(d), IV)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kimberley.model.events import ShipmentArrived, ShipmentTransited
from kimberley.model.findings import Evidence
from kimberley.rules.dossier import Dossier, by_time
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed, shipment

Seals = frozenset[str]
Sighting = ShipmentTransited | ShipmentArrived


@dataclass(slots=True)
class _Shipment:
    """One shipment on its way. `stated`: the seals that were last stated; None: none were. `exported`: what its exports state, in order."""

    stated: Seals | None
    exported: list[tuple[int, Seals]]
    clauses: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    authorities: set[str] = field(default_factory=set)

    def go_on_to(self, instant: int) -> None:
        """Take in what later exports state up to an instant."""
        while self.exported and self.exported[0][0] <= instant:
            self.stated = self.exported.pop(0)[1]


@rule(
    "seal-mismatch",
    title="Seals are not the ones stated",
    basis="CORE III(d), IV",
    reads=(
        "ShipmentTransited",
        "ShipmentArrived.shipment_id",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
        "ShipmentArrived.seal_numbers",
        "ShipmentArrived.new_seal_numbers",
        "ShipmentExported.shipment_id",
        "ShipmentExported.occurred_at",
        "ShipmentExported.seal_numbers",
        "CertificateIssued.seal_numbers",
        "CertificateIssued.authority",
    ),
    innocent_causes=("a seal number misread", "a resealing on the way that nobody reported", "an inspection by customs in transit"),
)
def seal_mismatch(dossier: Dossier) -> Verdict:
    """Seals seen in transit or on arrival are not the ones last stated for the shipment, or a transit reports that it was opened."""
    sightings: list[Sighting] = [*dossier.transits, *dossier.arrivals]
    if not sightings:
        return NOT_APPLICABLE
    if _as_exported(dossier):
        return PASS
    if dossier.transits and dossier.arrivals:
        sightings.sort(key=by_time)
    shipments: dict[str, _Shipment] = {}
    unknown = False
    for seen in sightings:
        opened = isinstance(seen, ShipmentTransited) and seen.opened
        if seen.seal_numbers is None and seen.new_seal_numbers is None and not opened:
            continue
        under_way = shipments.get(seen.shipment_id)
        if under_way is None:
            under_way = shipments[seen.shipment_id] = _set_out(dossier, seen.shipment_id)
        under_way.go_on_to(seen.occurred_at)
        if opened:
            _note(under_way, seen, f"was opened {_where(dossier, seen)}", Evidence("opened", "true", "false", seen.event_id))
        if seen.seal_numbers is not None:
            if under_way.stated is None:
                unknown = True
            elif (found := _normal(seen.seal_numbers)) != under_way.stated:
                words = f"showed {_words(found)} where {_words(under_way.stated)} was due, {_where(dossier, seen)}"
                _note(under_way, seen, words, Evidence("seal_numbers", _text(found), _text(under_way.stated), seen.event_id))
        if seen.new_seal_numbers is not None:
            under_way.stated = _normal(seen.new_seal_numbers)
    if violations := [_violation(dossier, shipment_id, each) for shipment_id, each in shipments.items() if each.clauses]:
        return violations
    if unknown:
        return Undetermined(("seal_numbers",) if dossier.certificate else ("seal_numbers", "CertificateIssued"))
    return PASS


def _as_exported(dossier: Dossier) -> bool:
    """Whether one shipment left and arrived with seals that are the same to the letter, no transit told: mostly so, and soon said."""
    if dossier.transits or len(dossier.exports) != 1 or len(dossier.arrivals) != 1:
        return False
    export, arrival = dossier.exports[0], dossier.arrivals[0]
    seals = export.seal_numbers
    return bool(seals and seals[0].strip()) and seals == arrival.seal_numbers and export.shipment_id == arrival.shipment_id


def _set_out(dossier: Dossier, shipment_id: str) -> _Shipment:
    """A shipment with its first export's seals; where no export of its own states any, with the certificate's."""
    exported = [
        (export.occurred_at, seals)
        for export in dossier.exports
        if export.shipment_id == shipment_id and export.seal_numbers and (seals := _normal(export.seal_numbers))
    ]
    if exported:
        return _Shipment(exported[0][1], exported[1:])
    certified = _normal(dossier.certificate.seal_numbers or ()) if dossier.certificate else None
    return _Shipment(certified or None, [])


def _note(under_way: _Shipment, seen: Sighting, words: str, evidence: Evidence) -> None:
    under_way.clauses.append(words)
    under_way.evidence.append(evidence)
    under_way.authorities.add(seen.authority)


def _violation(dossier: Dossier, shipment_id: str, under_way: _Shipment) -> Violation:
    return Violation(
        message=f"{shipment(shipment_id)} under certificate {dossier.number} {'; '.join(under_way.clauses)}.",
        evidence=tuple(under_way.evidence),
        participants=tuple(sorted(under_way.authorities | ({dossier.issuer} if dossier.issuer else set()))),
        subject=shipment_id,
        shipment_id=shipment_id,
    )


def _normal(seals: Iterable[str]) -> Seals:
    """Seal numbers as they are compared: upper case, without blanks."""
    return frozenset(["".join(seal.split()).upper() for seal in seals]) - {""}


def _where(dossier: Dossier, seen: Sighting) -> str:
    if isinstance(seen, ShipmentTransited):
        return f"in transit through {dossier.name(seen.country or seen.authority)} on {day(seen.local_date)}"
    return f"on arrival in {dossier.name(seen.authority)} on {day(seen.local_date)}"


def _words(seals: Seals) -> str:
    return f"seal{'' if len(seals) == 1 else 's'} {listed(sorted(seals))}" if seals else "no seal"


def _text(seals: Seals) -> str:
    return ", ".join(sorted(seals)) or "none"
