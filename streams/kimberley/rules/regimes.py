"""Regimes: from which zones, with which approvals and of which production stones may be certified."""

from collections.abc import Iterator, Sequence
from datetime import date

from kimberley.model.events import CertificateIssued
from kimberley.model.findings import Evidence, lowest
from kimberley.model.reference_data import Measure
from kimberley.reference.measures import is_among, is_zone_allowed, zones_allowed
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Plain, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed

_ORIGIN = (
    "CertificateIssued.authority",
    "CertificateIssued.issued_on",
    "CertificateIssued.destination",
    "CertificateIssued.origins",
    "CertificateIssued.parcels",
)
"""What says whether a measure is on an origin of the goods, and whom it binds."""


@rule(
    "zone-not-compliant",
    title="Mined in a zone that may not export",
    basis="Kimberley Process Operational Framework",
    reads=(*_ORIGIN, "CertificateIssued.extraction", "sources", "measures: ZONES", "participants"),
    innocent_causes=(
        "a zone's name spelt otherwise than the measure has it",
        "a zone that was approved but that the reference data does not name",
        "a zone left out of the message, though it stands on the paper",
    ),
)
def zone_not_compliant(dossier: Dossier) -> Verdict:
    """On the date of issue only some zones of an origin may export, and the stones' zone is none of them, or stated nowhere."""
    certificate = dossier.certificate
    if certificate is None or not (measures := _on_an_origin(dossier, certificate, "ZONES")):
        return NOT_APPLICABLE
    found = [violation for measure in measures for violation in _outside_zones(dossier, certificate, measure)]
    return found or PASS


def _outside_zones(dossier: Dossier, certificate: CertificateIssued, measure: Measure) -> Iterator[Violation]:
    on, stated = certificate.issued_on, dossier.zones_of(measure.territory)
    outside = [zone for zone in stated if not is_zone_allowed(measure, zone, on)]
    if stated and not outside:
        return
    allowed = zones_allowed(measure, on)
    rows = [row for row in measure.allowed_zones if is_among(row.zone, outside)]
    later = [f"{row.zone} only from {day(row.valid_from)}" for row in rows if row.valid_from > on]
    where = f"mined in {listed(outside)}" if outside else "without saying in which zone they were mined"
    yield Violation(
        message=f"Certificate {dossier.number} was issued on {day(on)} for stones of {dossier.name(measure.territory)} {where}; "
        f"on that day {f'only {listed(allowed)}' if allowed else 'no zone'} could export"
        f"{f', {listed(later)}' if later else ''} ({measure.basis}).",
        evidence=(
            Evidence("extraction.zone", ", ".join(stated) or "not stated", ", ".join(allowed) or "no zone", certificate.event_id),
            _in_force(measure, on, certificate),
        ),
        participants=_concerned(measure.territory, certificate),
        subject=measure.measure_id,
        confidence=lowest((measure.confidence, *(row.confidence for row in rows))),
    )


@rule(
    "approval-missing",
    title="No approval came before the certificate",
    basis="Kimberley Process Operational Framework; Swakopmund decision",
    reads=(*_ORIGIN, "CertificateIssued.extraction", "sources", "CertificateIssued.approvals", "measures: APPROVAL", "participants"),
    innocent_causes=("an approval that was granted but not sent along", "a typing error in the day on which it was granted"),
)
def approval_missing(dossier: Dossier) -> Verdict:
    """On the date of issue stones of an origin (or zone) need an approval, and none was granted on or before that day."""
    certificate = dossier.certificate
    if certificate is None or not (measures := _on_an_origin(dossier, certificate, "APPROVAL")):
        return NOT_APPLICABLE
    on = certificate.issued_on
    verdict: Plain = NOT_APPLICABLE
    violations: list[Violation] = []
    missing: list[str] = []
    for measure in measures:
        granted = [each.granted_on for each in dossier.approvals_of(measure.territory) if each.kind == measure.approval_kind]
        zones = dossier.zones_of(measure.territory) if measure.zones else ()
        if any(each is not None and each <= on for each in granted):
            verdict = PASS
        elif measure.zones and not zones:
            missing.append("extraction.zone")
        elif measure.zones and not any(is_among(zone, measure.zones) for zone in zones):
            continue
        elif None in granted:
            missing.append("approvals.granted_on")
        else:
            violations.append(_unapproved(dossier, certificate, measure, [each for each in granted if each is not None]))
    return violations or (Undetermined(tuple(missing)) if missing else verdict)


def _unapproved(dossier: Dossier, certificate: CertificateIssued, measure: Measure, granted: Sequence[date]) -> Violation:
    on = certificate.issued_on
    zones = f" mined in {listed(dossier.zones_of(measure.territory))}" if measure.zones else ""
    late = f"it was granted only on {day(min(granted))}" if granted else "none is stated"
    return Violation(
        message=f"Certificate {dossier.number} was issued on {day(on)} for stones of {dossier.name(measure.territory)}{zones}, which "
        f"needed the approval {measure.approval_kind} by that day; {late} ({measure.basis}).",
        evidence=(
            Evidence(
                f"approval {measure.approval_kind}",
                f"granted on {min(granted).isoformat()}" if granted else "not stated",
                f"granted no later than {on.isoformat()}",
                certificate.event_id,
            ),
            _in_force(measure, on, certificate),
        ),
        participants=_concerned(measure.territory, certificate),
        subject=measure.measure_id,
        confidence=measure.confidence,
    )


@rule(
    "suspension-stockpile",
    title="Mined while trade was suspended",
    basis="Kimberley Process Operational Framework",
    reads=(*_ORIGIN, "CertificateIssued.extraction", "sources", "CertificateIssued.approvals", "measures: STOCKPILE", "participants"),
    innocent_causes=("an audit that was made but not sent along", "a typing error in the day of production"),
)
def suspension_stockpile(dossier: Dossier) -> Verdict:
    """The stones were produced in a period whose production stays barred on the date of issue, and no approval of that is stated."""
    certificate = dossier.certificate
    if certificate is None or not (measures := _on_an_origin(dossier, certificate, "STOCKPILE")):
        return NOT_APPLICABLE
    violations: list[Violation] = []
    missing = False
    for measure in measures:
        if any(each.kind == measure.approval_kind for each in dossier.approvals_of(measure.territory)):
            continue
        produced = [each.produced_on for each in dossier.extractions_of(measure.territory) if each.produced_on]
        missing = missing or not produced
        if barred := [on for on in produced if _in_stock(measure, on)]:
            violations.append(_stockpiled(dossier, certificate, measure, barred))
    return violations or (Undetermined(("extraction.produced_on",)) if missing else PASS)


def _in_stock(measure: Measure, on: date) -> bool:
    """Whether a day lies in the half-open period whose production stays barred."""
    return (measure.produced_from is None or measure.produced_from <= on) and (measure.produced_to is None or on < measure.produced_to)


def _stockpiled(dossier: Dossier, certificate: CertificateIssued, measure: Measure, produced: Sequence[date]) -> Violation:
    since = f" from {day(measure.produced_from)}" if measure.produced_from else ""
    before = f" until {day(measure.produced_to)}" if measure.produced_to else ""
    return Violation(
        message=f"Certificate {dossier.number} was issued on {day(certificate.issued_on)} for stones of {dossier.name(measure.territory)} "
        f"produced on {listed(map(day, produced))}; what was produced there{since}{before} needs the approval {measure.approval_kind}, "
        f"and none is stated ({measure.basis}).",
        evidence=(
            *(
                Evidence(
                    "extraction.produced_on",
                    on.isoformat(),
                    f"outside {measure.produced_from or ''}..{measure.produced_to or ''}",
                    certificate.event_id,
                )
                for on in produced
            ),
            Evidence(f"approval {measure.approval_kind}", "not stated", "stated", certificate.event_id),
            _in_force(measure, certificate.issued_on, certificate),
        ),
        participants=_concerned(measure.territory, certificate),
        subject=measure.measure_id,
        confidence=measure.confidence,
    )


def _on_an_origin(dossier: Dossier, certificate: CertificateIssued, kind: str) -> Sequence[Measure]:
    """The measures of a kind in force on the date of issue that are on an origin of the goods; mostly none."""
    on = certificate.issued_on
    binding = dossier.reference.binding(kind, certificate.destination, on)
    return [measure for measure in binding if dossier.is_on_origin(measure, on)] if binding else ()


def _in_force(measure: Measure, on: date, certificate: CertificateIssued) -> Evidence:
    return Evidence(f"measure {measure.measure_id}", f"in force on {on.isoformat()}", "not in force", certificate.event_id)


def _concerned(territory: str, certificate: CertificateIssued) -> tuple[str, ...]:
    return tuple(sorted({territory, certificate.authority}))
