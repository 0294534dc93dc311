"""Lineage: under which certificates the stones came in."""

from kimberley.model.findings import Evidence
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed


@rule(
    "source-missing",
    title="Nothing says under which certificate the stones came in",
    basis="Regulation (EC) 2368/2002 Articles 12-13; Kimberley Process Act of Canada (CA-REG) section 2",
    reads=(
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "CertificateIssued.source_certificates",
        "CertificateIssued.mixed_origin",
        "CertificateIssued.origins",
        "CertificateIssued.parcels",
        "participants",
    ),
    innocent_causes=("an issuer that does not report sources", "a blend of a producer's own stones from several mines marked as mixed"),
)
def source_missing(dossier: Dossier) -> Verdict:
    """No source certificate is named, though a stated origin is not the issuer itself, or the parcel is mixed."""
    certificate = dossier.certificate
    if certificate is None:
        return NOT_APPLICABLE
    if certificate.source_certificates:
        return PASS
    issuer, on = certificate.authority, certificate.issued_on
    foreign = [
        origin for origin in dossier.stated_origins if origin != issuer and not dossier.reference.same_participant(origin, on, issuer, on)
    ]
    if not foreign and not certificate.mixed_origin:
        return PASS if certificate.mixed_origin is False else Undetermined(("mixed_origin",))
    what = f"stones of {listed(map(dossier.name, foreign))}" if foreign else "a mixed parcel"
    return Violation(
        message=f"Certificate {dossier.number}, issued by {dossier.name(issuer)} on {day(on)}, covers {what} "
        "and names no certificate under which they came in.",
        evidence=(
            Evidence("source_certificates", "none", "at least one", certificate.event_id),
            Evidence("origins", ", ".join(dossier.stated_origins) or "none", f"only {issuer}", certificate.event_id)
            if foreign
            else Evidence("mixed_origin", "true", "false", certificate.event_id),
        ),
        participants=(issuer,),
    )
