"""Sanctions: what an importer bars, from where, since when, and what it must be told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from kimberley.model.events import CertificateIssued, ShipmentArrived
from kimberley.model.findings import Evidence
from kimberley.model.reference_data import Measure
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Plain, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, figure, listed


@dataclass(slots=True)
class _Barred:
    """One ban's hold on one certificate: the entries it bars, and the evidence."""

    measure: Measure
    entries: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    shipment_id: str | None = None


@rule(
    "import-banned",
    title="The importer bars these goods",
    basis="the importing Participant's sanctions acts",
    reads=(
        "ShipmentArrived.shipment_id",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
        "CertificateIssued",
        "ShipmentExported.occurred_at",
        "ShipmentExported.destination",
        "measures: IMPORT_BAN",
        "participants",
    ),
    innocent_causes=("a declaration that exempts the goods was not sent along", "a typing error in an origin or an HS code"),
)
def import_banned(dossier: Dossier) -> Verdict:
    """An import ban of the arriving Participant (before arrival, of the destination) is in force and matches the goods."""
    barred: dict[str, _Barred] = {}
    missing: list[str] = []
    verdict: Plain = NOT_APPLICABLE
    for importer, on, arrival in _entries(dossier):
        for measure in dossier.reference.binding("IMPORT_BAN", importer, on):
            verdict = PASS
            lacking = _lacking(dossier, measure, on)
            if lacking is None:
                continue
            if lacking:
                missing.extend(lacking)
                continue
            hold = barred.setdefault(measure.measure_id, _Barred(measure))
            source = arrival or dossier.certificate
            assert source is not None
            hold.entries.append(
                f"arrived in {dossier.name(importer)} on {day(on)}"
                if arrival
                else f"are bound for {dossier.name(importer)}, {'exported' if dossier.exports else 'certified'} on {day(on)}"
            )
            hold.shipment_id = hold.shipment_id or (arrival.shipment_id if arrival else None)
            hold.evidence += _evidence(dossier, measure, source.event_id)
    if barred:
        return [_violation(dossier, hold) for hold in barred.values()]
    return Undetermined(tuple(dict.fromkeys(missing))) if missing else verdict


def _entries(dossier: Dossier) -> Iterable[tuple[str, date, ShipmentArrived | None]]:
    """Who lets the goods in, on which date: every arrival by its own; before any, the destination by the export date."""
    if dossier.arrivals:
        return [(arrival.authority, arrival.local_date, arrival) for arrival in dossier.arrivals]
    if dossier.destination and dossier.export_date:
        return [(dossier.destination, dossier.export_date, None)]
    return []


def _lacking(dossier: Dossier, measure: Measure, on: date) -> list[str] | None:
    """None: the ban does not touch these goods. Empty: it does. Else the facts without which that cannot be said."""
    certificate = dossier.certificate
    if certificate is None:
        return ["CertificateIssued"]
    return lacking_but_for_origin(dossier, certificate, measure, on) if dossier.is_on_origin(measure, on) else None


def lacking_but_for_origin(dossier: Dossier, certificate: CertificateIssued, measure: Measure, on: date) -> list[str] | None:
    """As `import-banned` judges a ban whose territory is an origin of the goods. None: it does not touch them. Empty: it does. Else the
    facts without which that cannot be said.
    """
    if dossier.is_exempt(measure, on):
        return None
    if measure.exempt_exported_before and dossier.export_date and dossier.export_date < measure.exempt_exported_before:
        return None
    missing: list[str] = []
    if measure.hs_codes:
        codes = [parcel.hs_code for parcel in certificate.parcels]
        if not any(code in measure.hs_codes for code in codes):
            if codes and None not in codes:
                return None
            missing.append("parcels.hs_code" if codes else "parcels")
    if measure.min_stone_carats is not None:
        if certificate.max_stone_carats is None:
            missing.append("max_stone_carats")
        elif certificate.max_stone_carats < measure.min_stone_carats:
            return None
    return missing


def _evidence(dossier: Dossier, measure: Measure, event_id: str) -> list[Evidence]:
    certificate = dossier.certificate
    assert certificate is not None
    from_issuer = measure.route == "DIRECT" or measure.territory not in dossier.stated_origins
    evidence = [
        Evidence(f"measure {measure.measure_id}", "in force", "not in force, or an exemption", event_id),
        Evidence("issuer", certificate.authority, f"not {measure.territory}", certificate.event_id)
        if from_issuer
        else Evidence("origins", ", ".join(dossier.stated_origins), f"without {measure.territory}", certificate.event_id),
    ]
    if measure.hs_codes:
        found = sorted({parcel.hs_code for parcel in certificate.parcels if parcel.hs_code in measure.hs_codes})
        evidence.append(Evidence("hs_code", ", ".join(found), f"not {', '.join(measure.hs_codes)}", certificate.event_id))
    if measure.min_stone_carats is not None:
        evidence.append(
            Evidence(
                "max_stone_carats",
                figure(certificate.max_stone_carats),
                f"under {figure(measure.min_stone_carats)}",
                certificate.event_id,
            )
        )
    return evidence


def _violation(dossier: Dossier, hold: _Barred) -> Violation:
    measure = hold.measure
    assert dossier.certificate is not None
    if measure.route == "DIRECT" or measure.territory not in dossier.stated_origins:
        goods = f"Goods that {dossier.name(measure.territory)} exported"
    else:
        goods = f"Goods that state an origin in {dossier.name(measure.territory)}"
    importers = {evidence.event_id for evidence in hold.evidence}
    return Violation(
        message=f"{goods}, under certificate {dossier.number}, {listed(dict.fromkeys(hold.entries))}; "
        f"{dossier.imposer(measure)} has barred them since {day(measure.valid_from)} ({measure.basis}).",
        evidence=tuple(dict.fromkeys(hold.evidence)),
        participants=tuple(
            sorted(
                {measure.territory, dossier.certificate.authority}
                | {arrival.authority for arrival in dossier.arrivals if arrival.event_id in importers}
                | ({dossier.destination} if not dossier.arrivals and dossier.destination else set())
            )
        ),
        subject=measure.measure_id,
        shipment_id=hold.shipment_id,
        confidence=measure.confidence,
    )


@rule(
    "origin-undisclosed",
    title="A mixed parcel that does not say where it was mined",
    basis="Regulation (EU) 833/2014, 16th package",
    reads=(
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "CertificateIssued.destination",
        "CertificateIssued.mixed_origin",
        "CertificateIssued.origins",
        "CertificateIssued.parcels",
        "CertificateIssued.declarations",
        "ShipmentExported.occurred_at",
        "ShipmentExported.destination",
        "ShipmentArrived.occurred_at",
        "measures: ORIGIN_DISCLOSURE",
        "participants",
    ),
    innocent_causes=("a certificate of another kind that was not sent along", "origins left out of the message that stand on the paper"),
)
def origin_undisclosed(dossier: Dossier) -> Verdict:
    """The destination wants every mining country named on the arrival (before it, the export) date, and a mixed parcel names none."""
    certificate = dossier.certificate
    if certificate is not None and (certificate.mixed_origin is False or dossier.stated_origins):
        return NOT_APPLICABLE
    on = dossier.arrivals[0].local_date if dossier.arrivals else dossier.export_date
    if on is None:
        return NOT_APPLICABLE
    if dossier.destination is None:
        return Undetermined(("destination",)) if dossier.reference.measures.of("ORIGIN_DISCLOSURE", on) else NOT_APPLICABLE
    duties = dossier.reference.binding("ORIGIN_DISCLOSURE", dossier.destination, on)
    if not duties:
        return NOT_APPLICABLE
    if certificate is None:
        return Undetermined(("CertificateIssued",))
    owed = [duty for duty in duties if dossier.is_on_origin(duty, on) and not dossier.is_exempt(duty, on)]
    if owed and certificate.mixed_origin is None:
        return Undetermined(("mixed_origin",))
    return [_undisclosed(dossier, certificate, duty, on) for duty in owed] or PASS


def _undisclosed(dossier: Dossier, certificate: CertificateIssued, duty: Measure, on: date) -> Violation:
    destination = certificate.destination
    assert destination is not None
    what = "arrived" if dossier.arrivals else "were exported" if dossier.exports else "were certified"
    papers = f", unless it carries {' or '.join(duty.exempt_declarations)}" if duty.exempt_declarations else ""
    return Violation(
        message=f"Certificate {dossier.number} covers a mixed parcel for {dossier.name(destination)} and names no mining country; "
        f"its goods {what} on {day(on)}, and {dossier.imposer(duty)} has required a mixed parcel to name them all since "
        f"{day(duty.valid_from)}{papers} ({duty.basis}).",
        evidence=(
            Evidence("origins", "none", "every mining country", certificate.event_id),
            Evidence("mixed_origin", "true", "false, or origins", certificate.event_id),
            Evidence(f"measure {duty.measure_id}", f"in force on {on.isoformat()}", "not in force, or an exemption", certificate.event_id),
        ),
        participants=tuple(sorted({certificate.authority, destination})),
        subject=duty.measure_id,
        confidence=duty.confidence,
    )
