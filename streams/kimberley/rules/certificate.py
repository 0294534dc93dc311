"""The certificate itself: its number, totals and dates (CORE Annex I)."""

from decimal import Decimal
from typing import Any

from kimberley.model.events import CertificateIssued, Extraction, Parcel, Party
from kimberley.model.findings import Evidence
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import carats, day, dollars, figure, listed, parcels

_OF_THE_REPORT = frozenset({"event_id", "occurred_at", "utc_offset_minutes", "office", "certificate_number"})
_PRIVATE = frozenset({"exporter", "importer", "remarks"})
"""Fields that may name people; what they say never leaves the event topics."""


@rule(
    "number-malformed",
    title="The number is not one of its issuer's",
    basis="CORE Annex I(A)",
    reads=("CertificateIssued.certificate_number", "CertificateIssued.authority", "issuer profiles", "participants"),
    innocent_causes=("a digit too many or too few", "a letter read as a digit", "the number of another document"),
)
def number_malformed(dossier: Dossier) -> Verdict:
    """The number does not match its issuer's profile, or its prefix is not the issuer's."""
    certificate = dossier.certificate
    if certificate is None:
        return NOT_APPLICABLE
    standing = dossier.standing(certificate.authority, certificate.issued_on)
    profile = dossier.profiles.of(standing.participant)
    prefixes = profile.prefixes if standing.kind != "territory" else (*profile.prefixes, certificate.authority)
    issuer = dossier.name(certificate.authority)
    reasons, evidence = [], []
    if not dossier.number.startswith(prefixes):
        reasons.append(f"it does not begin with {' or '.join(prefixes)}")
        evidence.append(Evidence("certificate_number", dossier.number, f"begins with {' or '.join(prefixes)}", certificate.event_id))
    if not profile.number_fits(dossier.number):
        reasons.append("it does not have the form that this issuer uses")
        evidence.append(Evidence("certificate_number", dossier.number, f"matches {profile.number}", certificate.event_id))
    if not reasons:
        return PASS
    return Violation(
        message=f"Certificate number {dossier.number} is not a number of its issuer, {issuer}: {listed(reasons)}.",
        evidence=tuple(evidence),
        participants=(certificate.authority,),
    )


@rule(
    "number-reused",
    title="One number, two certificates",
    basis="CORE Annex I(A)",
    reads=("CertificateIssued",),
    innocent_causes=("a corrected certificate sent without withdrawing the first", "a number mistyped for another certificate"),
)
def number_reused(dossier: Dossier) -> Verdict:
    """Two issue events for one number, neither withdrawn, differ in more than the report itself."""
    if dossier.certificate is None:
        return NOT_APPLICABLE
    first = dossier.certificate
    others = [other for other in dossier.issues[1:] if _differing(first, other)]
    if not others:
        return PASS
    evidence = tuple(
        Evidence(field, _shown(field, getattr(other, field)), _shown(field, getattr(first, field)), other.event_id)
        for other in others
        for field in _differing(first, other)
    )
    fields = sorted({each.field for each in evidence})
    return Violation(
        message=f"Certificate number {dossier.number} was issued {len(others) + 1} times with different contents, "
        f"first on {day(first.issued_on)}, again on {listed(day(other.issued_on) for other in others)}; different: {listed(fields)}.",
        evidence=evidence,
        participants=tuple(sorted({first.authority, *(other.authority for other in others)})),
    )


@rule(
    "totals-mismatch",
    title="Parcels do not add up",
    basis="CORE Annex I(A)",
    reads=("CertificateIssued.parcels", "CertificateIssued.parcel_count", "CertificateIssued.carats", "CertificateIssued.value_usd"),
    innocent_causes=("a decimal point in the wrong place", "a parcel left out of the list", "a slip of one digit"),
)
def totals_mismatch(dossier: Dossier) -> Verdict:
    """The itemised parcels do not add up to the certificate's parcel count, carats or value, exactly."""
    certificate = dossier.certificate
    if certificate is None or not certificate.parcels:
        return NOT_APPLICABLE
    reasons, evidence, missing = [], [], []
    if certificate.parcel_count is None:
        missing.append("parcel_count")
    elif certificate.parcel_count != len(certificate.parcels):
        reasons.append(f"{parcels(len(certificate.parcels))} listed where the certificate says {figure(certificate.parcel_count)}")
        evidence.append(Evidence("parcel_count", str(certificate.parcel_count), str(len(certificate.parcels)), certificate.event_id))
    for field, words in (("carats", carats), ("value_usd", dollars)):
        stated: Decimal | None = getattr(certificate, field)
        items: list[Decimal | None] = [getattr(parcel, field) for parcel in certificate.parcels]
        known = [item for item in items if item is not None]
        if stated is None or len(known) < len(items):
            missing.append(field if stated is None else f"parcels.{field}")
        elif (total := sum(known, Decimal(0))) != stated:
            reasons.append(f"parcels of {words(total)} where the certificate says {words(stated)}")
            evidence.append(Evidence(field, figure(stated), figure(total), certificate.event_id))
    if reasons:
        return Violation(
            message=f"Certificate {dossier.number} does not add up: {listed(reasons)}.",
            evidence=tuple(evidence),
            participants=(certificate.authority,),
        )
    return Undetermined(tuple(missing)) if missing else PASS


@rule(
    "certificate-expired",
    title="Exported after expiry",
    basis="Regulation (EC) 2368/2002 Article 12(5); SOR/2003-15 section 6",
    reads=("CertificateIssued.expires_on", "ShipmentExported.occurred_at", "ShipmentArrived.occurred_at"),
    innocent_causes=("a typing error in the expiry date", "an export reported under the day of its paperwork"),
)
def certificate_expired(dossier: Dossier) -> Verdict:
    """The export date is after the expiry date; with no export reported, the arrival date is."""
    certificate = dossier.certificate
    moved = dossier.exports[0] if dossier.exports else dossier.arrivals[0] if dossier.arrivals else None
    if certificate is None or moved is None:
        return NOT_APPLICABLE
    if certificate.expires_on is None:
        return Undetermined(("expires_on",))
    if moved.local_date <= certificate.expires_on:
        return PASS
    what = "exported" if dossier.exports else "received"
    days = (moved.local_date - certificate.expires_on).days
    return Violation(
        message=f"Goods under certificate {dossier.number} were {what} on {day(moved.local_date)}, "
        f"{days} {'day' if days == 1 else 'days'} after it expired on {day(certificate.expires_on)}.",
        evidence=(
            Evidence(
                "export date" if dossier.exports else "arrival date",
                moved.local_date.isoformat(),
                f"no later than {certificate.expires_on.isoformat()}",
                moved.event_id,
            ),
        ),
        participants=(moved.authority,),
        shipment_id=moved.shipment_id,
    )


def _differing(one: CertificateIssued, other: CertificateIssued) -> list[str]:
    return [field for field in one.__struct_fields__ if field not in _OF_THE_REPORT and getattr(one, field) != getattr(other, field)]


def _shown(field: str, value: Any) -> str:
    """A field's content as evidence; what may name a person stays behind."""
    if field in _PRIVATE:
        return "(not shown)"
    match value:
        case Decimal():
            return figure(value)
        case Parcel():
            return f"{value.hs_code or '?'} {carats(value.carats)} {dollars(value.value_usd)} {','.join(value.origins)}".strip()
        case Extraction():
            return f"{value.zone or '?'} {value.produced_on or ''}".strip()
        case tuple():
            return "; ".join(_shown(field, each) for each in value) or "none"
        case None:
            return "none"
        case Party():
            return "(not shown)"
        case _:
            return (
                " ".join(str(getattr(value, name)) for name in value.__struct_fields__)
                if hasattr(value, "__struct_fields__")
                else str(value)
            )
