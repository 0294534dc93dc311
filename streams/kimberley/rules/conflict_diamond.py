"""Conflict diamonds: what the definition in force counts as such (definitions.toml)."""

from datetime import date

from kimberley.model.events import CertificateIssued
from kimberley.model.findings import Evidence, lowest
from kimberley.model.period import covers
from kimberley.model.reference_data import Measure
from kimberley.reference.definitions import ConflictTerritory
from kimberley.reference.measures import is_among, is_zone_allowed, zones_allowed
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed


@rule(
    "conflict-diamond",
    title="Mined where stones are conflict diamonds",
    basis="CORE I, the definition of conflict diamonds in force",
    reads=(
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "CertificateIssued.origins",
        "CertificateIssued.parcels",
        "CertificateIssued.extraction",
        "sources",
        "CertificateIssued.declarations",
        "definitions",
        "measures: ZONES",
    ),
    innocent_causes=("a typing error in an origin or in the date of issue", "a zone or a declaration that was not sent along"),
)
def conflict_diamond(dossier: Dossier) -> Verdict:
    """On the date of issue a stated origin lies in a territory of the definition in force, outside its exceptions."""
    certificate = dossier.certificate
    if certificate is None or not dossier.stated_origins:
        return NOT_APPLICABLE
    violations: list[Violation] = []
    missing = False
    for origin in dossier.stated_origins:
        for territory in dossier.definition.territories_of(origin, certificate.issued_on):
            if dossier.declares(territory.exempt_declarations) or _is_excepted(dossier, territory, certificate.issued_on):
                continue
            if territory.zones:
                zones = dossier.zones_of(origin)
                missing = missing or not zones
                if not any(is_among(zone, territory.zones) for zone in zones):
                    continue
            violations.append(_conflict(dossier, certificate, territory))
            break  # one alert a territory
    return violations or (Undetermined(("extraction.zone",)) if missing else PASS)


def _is_excepted(dossier: Dossier, territory: ConflictTerritory, on: date) -> bool:
    """Whether the stones come from zones that the definition excepts. A zone that is stated nowhere is outside every exception."""
    measure = _exception(dossier, territory, on)
    if measure is None:
        return False
    zones = dossier.zones_of(territory.territory)
    return bool(zones) and all(is_zone_allowed(measure, zone, on) for zone in zones)


def _exception(dossier: Dossier, territory: ConflictTerritory, on: date) -> Measure | None:
    if territory.except_measure_zones is None:
        return None
    measure = dossier.reference.measures.by_id.get(territory.except_measure_zones)
    return measure if measure is not None and covers(measure, on) else None


def _conflict(dossier: Dossier, certificate: CertificateIssued, territory: ConflictTerritory) -> Violation:
    on, definition = certificate.issued_on, dossier.definition
    zones, measure = dossier.zones_of(territory.territory), _exception(dossier, territory, on)
    named = f", zone {listed(zones)}," if territory.zones else ""
    until = f" until {day(territory.valid_to)}" if territory.valid_to else " on"
    exception, rows = "", []
    if measure is not None:
        rows = [row for row in measure.allowed_zones if is_among(row.zone, zones)]
        exception = f"; the zone, {listed(zones)}, was not excepted then" if zones else "; no zone is stated that could except them"
    return Violation(
        message=f"Certificate {dossier.number} was issued on {day(on)} for stones of {dossier.name(territory.territory)}{named} which by "
        f"definition {definition.id} were conflict diamonds ({territory.actor or 'territory'}) from {day(territory.valid_from)}{until}"
        f"{exception} ({territory.basis}).",
        evidence=(
            Evidence("origins", ", ".join(dossier.stated_origins), f"without {territory.territory}", certificate.event_id),
            *(
                [
                    Evidence(
                        "extraction.zone", ", ".join(zones) or "not stated", _zones_expected(territory, measure, on), certificate.event_id
                    )
                ]
                if territory.zones or measure
                else []
            ),
            Evidence(f"definition {definition.id}", f"covers {territory.territory} on {on.isoformat()}", "does not", certificate.event_id),
        ),
        participants=tuple(sorted({territory.territory, certificate.authority})),
        subject=territory.territory,
        confidence=lowest(row.confidence for row in rows),
    )


def _zones_expected(territory: ConflictTerritory, measure: Measure | None, on: date) -> str:
    return ", ".join(zones_allowed(measure, on)) or "no zone" if measure else f"not {', '.join(territory.zones)}"
