"""Movement: what arrived is what was certified (CORE III)."""

from decimal import Decimal

from kimberley.model.events import ShipmentArrived
from kimberley.model.findings import Evidence
from kimberley.reference.profiles import Tolerance
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import carats, day, dollars, figure, listed, parcels, shipment


@rule(
    "import-mismatch",
    title="What arrived is not what was certified",
    basis="CORE III(b)",
    reads=(
        "ShipmentArrived.parcel_count",
        "ShipmentArrived.carats",
        "ShipmentArrived.value_usd",
        "CertificateIssued",
        "issuer profiles: tolerances",
    ),
    innocent_causes=("a digit keyed wrong at the counter", "two scales that differ", "a parcel counted twice or left in the bag"),
)
def import_mismatch(dossier: Dossier) -> Verdict:
    """The arrived parcel count differs from the certificate, or carats or a stated value do beyond the importer's tolerance."""
    if not dossier.arrivals:
        return NOT_APPLICABLE
    if dossier.certificate is None:
        return Undetermined(("CertificateIssued",))
    violations: list[Violation] = []
    missing: list[str] = []
    by_shipment: dict[str, list[ShipmentArrived]] = {}
    for arrival in dossier.arrivals:
        by_shipment.setdefault(arrival.shipment_id, []).append(arrival)
    for shipment_id, arrivals in by_shipment.items():
        clauses: list[str] = []
        evidence: list[Evidence] = []
        for arrival in arrivals:
            reasons = []
            for reason, fact in _differences(dossier, arrival, missing):
                reasons.append(reason)
                evidence.append(fact)
            if reasons:
                clauses.append(f"in {dossier.name(arrival.authority)} on {day(arrival.local_date)} with {listed(reasons)}")
        if clauses:
            violations.append(
                Violation(
                    message=f"{shipment(shipment_id)} arrived {', and '.join(clauses)} of certificate {dossier.number}.",
                    evidence=tuple(evidence),
                    participants=tuple(sorted({dossier.certificate.authority, *(arrival.authority for arrival in arrivals)})),
                    subject=shipment_id,
                    shipment_id=shipment_id,
                )
            )
    if violations:
        return violations
    return Undetermined(tuple(dict.fromkeys(missing))) if missing else PASS


def _differences(dossier: Dossier, arrival: ShipmentArrived, missing: list[str]) -> list[tuple[str, Evidence]]:
    """How an arrival differs from the certificate: words and evidence; what could not be compared is added to `missing`."""
    certificate = dossier.certificate
    assert certificate is not None
    found: list[tuple[str, Evidence]] = []
    if arrival.parcel_count is None or certificate.parcel_count is None:
        missing.append("parcel_count" if arrival.parcel_count is None else "certificate.parcel_count")
    elif arrival.parcel_count != certificate.parcel_count:
        words = f"{parcels(arrival.parcel_count)} instead of the {figure(certificate.parcel_count)}"
        found.append((words, Evidence("parcel_count", str(arrival.parcel_count), str(certificate.parcel_count), arrival.event_id)))
    profile = dossier.profile(arrival.authority, arrival.local_date)
    if arrival.carats is None or certificate.carats is None:
        missing.append("carats" if arrival.carats is None else "certificate.carats")
    elif (off := _beyond(arrival.carats, certificate.carats, profile.carats_tolerance)) is not None:
        words = f"{carats(arrival.carats)} instead of the {carats(certificate.carats)} (tolerance {carats(off)})"
        found.append((words, Evidence("carats", figure(arrival.carats), figure(certificate.carats), arrival.event_id)))
    if arrival.value_usd is not None:  # the importer need not state a value
        if certificate.value_usd is None:
            missing.append("certificate.value_usd")
        elif (off := _beyond(arrival.value_usd, certificate.value_usd, profile.value_tolerance)) is not None:
            words = f"a value of {dollars(arrival.value_usd)} instead of the {dollars(certificate.value_usd)} (tolerance {dollars(off)})"
            found.append((words, Evidence("value_usd", figure(arrival.value_usd), figure(certificate.value_usd), arrival.event_id)))
    return found


def _beyond(found: Decimal, certified: Decimal, tolerance: Tolerance) -> Decimal | None:
    """The tolerance, in the figure's unit, where a figure is off by more; else None."""
    allowed = tolerance.of(certified)
    return allowed if abs(found - certified) > allowed else None
