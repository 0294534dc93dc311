"""What a certificate states: its number, names, origins, goods and totals (CORE Annex I)."""

from decimal import Decimal

from kimberley.model.events import CertificateIssued, Party
from kimberley.model.findings import Evidence
from kimberley.rules.contents import OF_THE_REPORT, differing, shown
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import carats, day, dollars, figure, listed, parcels

ROUGH_DIAMONDS = frozenset({"710210", "710221", "710231"})
"""The HS codes of what the scheme covers: rough diamonds, by the definition of CORE section I."""
_ZERO = Decimal(0)


@rule(
    "number-malformed",
    title="The number is not one of its issuer's",
    basis="CORE Annex I(A)",
    reads=(
        "CertificateIssued.certificate_number",
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "issuer profiles",
        "participants",
    ),
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
    begins_well, fits = dossier.number.startswith(prefixes), profile.number_fits(dossier.number)
    if begins_well and fits:
        return PASS
    reasons, evidence = [], []
    if not begins_well:
        reasons.append(f"it does not begin with {' or '.join(prefixes)}")
        evidence.append(Evidence("certificate_number", dossier.number, f"begins with {' or '.join(prefixes)}", certificate.event_id))
    if not fits:
        reasons.append("it does not have the form that this issuer uses")
        evidence.append(Evidence("certificate_number", dossier.number, f"matches {profile.number}", certificate.event_id))
    return Violation(
        message=f"Certificate number {dossier.number} is not a number of its issuer, {dossier.name(certificate.authority)}: "
        f"{listed(reasons)}.",
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
    if len(dossier.issues) == 1:
        return PASS
    first = dossier.certificate
    others = [other for other in dossier.issues[1:] if differing(first, other, OF_THE_REPORT)]
    if not others:
        return PASS
    evidence = tuple(
        Evidence(field, shown(other, field), shown(first, field), other.event_id)
        for other in others
        for field in differing(first, other, OF_THE_REPORT)
    )
    fields = sorted({each.field for each in evidence})
    return Violation(
        message=f"Certificate number {dossier.number} was issued {len(others) + 1} times with different contents, "
        f"first on {day(first.issued_on)}, again on {listed(day(other.issued_on) for other in others)}; different: {listed(fields)}.",
        evidence=evidence,
        participants=tuple(sorted({first.authority, *(other.authority for other in others)})),
    )


@rule(
    "required-field-missing",
    title="The certificate lacks what it must state",
    basis="CORE Annex I(A)",
    reads=(
        "CertificateIssued.exporter",
        "CertificateIssued.importer",
        "CertificateIssued.carats",
        "CertificateIssued.value_usd",
        "CertificateIssued.parcel_count",
        "CertificateIssued.issued_on",
        "CertificateIssued.authority",
    ),
    innocent_causes=("a field that the sender's system does not export", "a certificate sent before its last page was keyed"),
)
def required_field_missing(dossier: Dossier) -> Verdict:
    """Exporter or importer is without a name, carats or value are not above zero, or there is not one parcel."""
    certificate = dossier.certificate
    if certificate is None:
        return NOT_APPLICABLE
    weight, value, count = certificate.carats, certificate.value_usd, certificate.parcel_count
    lacking = []
    if not has_name(certificate.exporter):
        lacking.append(("an exporter's name", Evidence("exporter.name", "not stated", "a name", certificate.event_id)))
    if not has_name(certificate.importer):
        lacking.append(("an importer's name", Evidence("importer.name", "not stated", "a name", certificate.event_id)))
    if weight is None or weight <= 0:
        lacking.append((f"a weight above zero ({carats(weight)})", Evidence("carats", figure(weight), "above 0", certificate.event_id)))
    if value is None or value <= 0:
        lacking.append((f"a value above zero ({dollars(value)})", Evidence("value_usd", figure(value), "above 0", certificate.event_id)))
    if count is None or count < 1:
        lacking.append(
            (f"one parcel or more ({figure(count)})", Evidence("parcel_count", figure(count), "1 or more", certificate.event_id))
        )
    if not lacking:
        return PASS
    return Violation(
        message=f"Certificate {dossier.number}, issued on {day(certificate.issued_on)}, lacks {listed(words for words, _ in lacking)}.",
        evidence=tuple(evidence for _, evidence in lacking),
        participants=(certificate.authority,),
    )


@rule(
    "origin-missing",
    title="Origin not stated as the goods require",
    basis="CORE Annex I(A)",
    reads=(
        "CertificateIssued.mixed_origin",
        "CertificateIssued.origins",
        "CertificateIssued.parcels",
        "CertificateIssued.authority",
    ),
    innocent_causes=("the box for mixed parcels ticked by mistake, or left out", "origins keyed into another field"),
)
def origin_missing(dossier: Dossier) -> Verdict:
    """The goods are not of mixed origin and do not state exactly one origin, or are mixed and state exactly one."""
    certificate = dossier.certificate
    if certificate is None:
        return NOT_APPLICABLE
    origins, mixed = dossier.stated_origins, certificate.mixed_origin
    if mixed is None:
        return Undetermined(("mixed_origin",))
    if mixed is not (len(origins) == 1):
        return PASS
    names = listed(map(dossier.name, origins)) if origins else "none"
    found = "one origin" if mixed else f"{len(origins)} origins" if origins else "no origin"
    return Violation(
        message=f"Certificate {dossier.number} states {found}{f' ({names})' if origins else ''} "
        f"for goods that it calls {'mixed' if mixed else 'of a single origin'}.",
        evidence=(
            Evidence("origins", ", ".join(origins) or "none", "none, or two and more" if mixed else "exactly one", certificate.event_id),
        ),
        participants=(certificate.authority,),
    )


@rule(
    "hs-code-out-of-scope",
    title="Not a code for rough diamonds",
    basis="CORE I",
    reads=("CertificateIssued.parcels", "CertificateIssued.issued_on", "CertificateIssued.authority"),
    innocent_causes=("a national code with more digits", "the code of cut stones keyed for rough ones"),
)
def hs_code_out_of_scope(dossier: Dossier) -> Verdict:
    """A parcel's HS code is none of 7102.10, 7102.21 and 7102.31."""
    certificate = dossier.certificate
    if certificate is None or not certificate.parcels:
        return NOT_APPLICABLE
    for parcel in certificate.parcels:
        if parcel.hs_code not in ROUGH_DIAMONDS:
            break
    else:
        return PASS
    outside = sorted({parcel.hs_code for parcel in certificate.parcels if parcel.hs_code is not None} - ROUGH_DIAMONDS)
    if not outside:
        return Undetermined(("parcels.hs_code",))
    count = sum(parcel.hs_code in outside for parcel in certificate.parcels)
    expected = ", ".join(map(_hs_code, sorted(ROUGH_DIAMONDS)))
    return Violation(
        message=f"Certificate {dossier.number}, issued on {day(certificate.issued_on)}, covers {parcels(count)} under HS "
        f"{listed(map(_hs_code, outside))}; rough diamonds are {expected}.",
        evidence=tuple(Evidence("parcels.hs_code", _hs_code(code), expected, certificate.event_id) for code in outside),
        participants=(certificate.authority,),
    )


@rule(
    "totals-mismatch",
    title="Parcels do not add up",
    basis="CORE Annex I(A)",
    reads=(
        "CertificateIssued.authority",
        "CertificateIssued.parcels",
        "CertificateIssued.parcel_count",
        "CertificateIssued.carats",
        "CertificateIssued.value_usd",
    ),
    innocent_causes=("a decimal point in the wrong place", "a parcel left out of the list", "a slip of one digit"),
)
def totals_mismatch(dossier: Dossier) -> Verdict:
    """The itemised parcels do not add up to the certificate's parcel count, carats or value, exactly."""
    certificate = dossier.certificate
    if certificate is None or not certificate.parcels:
        return NOT_APPLICABLE
    if _adds_up(certificate):
        return PASS
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


def _adds_up(certificate: CertificateIssued) -> bool:
    """Whether every figure is stated and the parcels' sums are the totals: mostly so, and soon said."""
    weight = value = _ZERO
    for parcel in certificate.parcels:
        if parcel.carats is None or parcel.value_usd is None:
            return False
        weight += parcel.carats
        value += parcel.value_usd
    return weight == certificate.carats and value == certificate.value_usd and len(certificate.parcels) == certificate.parcel_count


def has_name(party: Party | None) -> bool:
    """Whether an exporter or importer is named."""
    return party is not None and party.name is not None and not party.name.isspace() and party.name != ""


def _hs_code(digits: str) -> str:
    """`710231` as `7102.31`."""
    return f"{digits[:4]}.{digits[4:]}" if digits.isdigit() and len(digits) > 4 else digits
