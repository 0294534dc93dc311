"""Lineage: the certificates under which the stones came in, and what became of them on the way."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated

from kimberley.model.days import DAY_MS
from kimberley.model.events import CertificateIssued
from kimberley.model.findings import Evidence
from kimberley.model.lineage import Description
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Parameters, Undetermined, Verdict, Violation, Waiting, rule, stated
from kimberley.rules.wording import carats, day, dollars, figure, listed, moment

_CENT = Decimal("0.01")


@rule(
    "source-unknown",
    title="A source that nobody knows, or that never came here",
    basis="Kimberley Process Act of Canada (CA-REG) section 2(e)(v)",
    reads=("CertificateIssued", "sources", "issuer profiles: unknown_certificate_days", "participants", "clock"),
    needs=("sources",),
    innocent_causes=(
        "a source's number mistyped",
        "an arrival of the source that was not reported",
        "a source of before the scheme's records",
    ),
)
def source_unknown(dossier: Dossier) -> Verdict:
    """Days after the issue is reported, a source has no issue event, was invalidated before it, or never arrived at this issuer."""
    certificate = dossier.certificate
    if certificate is None or not dossier.sources:
        return NOT_APPLICABLE
    problems = [
        (number, *problem)
        for number, source in dossier.sources.items()
        if source is not None and (problem := _unknown(dossier, certificate, source))
    ]
    if not problems:
        # whose case has not answered yet, which it does even where it knows nothing
        unheard = tuple(f"source {number}" for number, source in dossier.sources.items() if source is None)
        return Undetermined(unheard) if unheard else PASS
    days = dossier.profiles.default.unknown_certificate_days
    since = certificate.occurred_at + days * DAY_MS + 1  # later than that instant
    if dossier.now < since:
        return Waiting(since)
    return [
        Violation(
            message=f"Certificate {dossier.number}, issued by {dossier.name(certificate.authority)} on {day(certificate.issued_on)}, names "
            f"certificate {number} as a source, {words}; {days} {'day has' if days == 1 else 'days have'} gone by since.",
            evidence=(Evidence(f"source {number}", value, expected, certificate.event_id),),
            participants=(certificate.authority,),
            subject=number,
            since=since,
        )
        for number, words, value, expected in problems
    ]


def _unknown(dossier: Dossier, certificate: CertificateIssued, source: Description) -> tuple[str, str, str] | None:
    """What is wrong with a source: words, value, what was expected."""
    if source.issue is None:
        return "whose issue nobody has reported", "no issue event", "an issue event"
    if source.invalidated_at is not None and source.invalidated_at < certificate.occurred_at:
        when = moment(source.invalidated_at, 0)
        return f"which its issuer had made void on {when}", f"invalidated on {when}", "not invalidated before this issue"
    if _arrival_here(dossier, certificate, source) is None:
        here = dossier.name(certificate.authority)
        return f"whose goods never arrived in {here}", "no arrival here", f"an arrival in {certificate.authority}"
    return None


def _arrival_here(dossier: Dossier, certificate: CertificateIssued, source: Description) -> date | None:
    """The local date of the source's first arrival at this issuer: its code, or its Participant then."""
    issuer, same_participant = certificate.authority, dossier.reference.same_participant
    for each in source.arrivals:
        if same_participant(each.authority, each.on, issuer, each.on):
            return each.on
    return None


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


@rule(
    "weight-growth",
    title="Heavier than what came in",
    basis="mass balance: cutting and sorting only lose weight",
    reads=("CertificateIssued", "sources", "issuer profiles: tolerances", "participants"),
    needs=("sources",),
    innocent_causes=("a source that was left out", "a decimal point in the wrong place", "two scales that differ"),
)
def weight_growth(dossier: Dossier) -> Verdict:
    """The carats exceed those of all sources together, all of them known, beyond the issuer's tolerance."""
    certificate = dossier.certificate
    if certificate is None or not dossier.sources:
        return NOT_APPLICABLE
    if missing := without_issue(dossier):
        return Undetermined(missing)
    had = {number: source.carats for number, source in dossier.sources.items() if source is not None}
    weights = [weight for weight in had.values() if weight is not None]
    if certificate.carats is None or len(weights) < len(had):
        lacking = tuple(f"carats of source {number}" for number, weight in had.items() if weight is None)
        return Undetermined((*(("carats",) if certificate.carats is None else ()), *lacking))
    total = sum(weights, Decimal(0))
    allowed = dossier.profile(certificate.authority, certificate.issued_on).carats_tolerance.of(total)
    if certificate.carats <= total + allowed:
        return PASS
    several = len(had) > 1
    return Violation(
        message=f"Certificate {dossier.number} covers {carats(certificate.carats)}, and its {'sources' if several else 'source'}, "
        f"{listed(had)}, had {carats(total)}{' together' if several else ''}: {carats(certificate.carats - total)} more came out than in.",
        evidence=(
            Evidence("carats", figure(certificate.carats), f"no more than {figure(total)}", certificate.event_id),
            *_weights(dossier),
        ),
        participants=tuple(sorted({certificate.authority, *(issue.authority for issue in dossier.source_issues)})),
    )


def _weights(dossier: Dossier) -> list[Evidence]:
    return [
        Evidence(f"carats of source {number}", figure(source.carats), "at least what comes of it", source.issue.event_id)
        for number, source in dossier.sources.items()
        if source is not None and source.issue is not None
    ]


@rule(
    "source-overdrawn",
    title="More was certified out of it than it had",
    basis="mass balance: cutting and sorting only lose weight",
    reads=("CertificateIssued", "ShipmentArrived", "uses", "issuer profiles: tolerances", "participants"),
    needs=("uses",),
    innocent_causes=("another source that a certificate left out", "a replaced certificate whose first issue still counts"),
)
def source_overdrawn(dossier: Dossier) -> Verdict:
    """Certificates that name this one as their only source add up to more carats than it had, beyond its issuer's tolerance."""
    certificate = dossier.certificate
    if certificate is None or not dossier.uses:
        return NOT_APPLICABLE
    only = [each for each in dossier.uses if each.use.is_only and not each.use.is_void]
    if not only:
        return NOT_APPLICABLE
    arrived = next((each for each in dossier.arrivals if each.carats is not None), None)
    had = arrived.carats if arrived else certificate.carats
    if had is None:
        return Undetermined(("carats",))
    drawn = sum((each.use.carats for each in only if each.use.carats is not None), Decimal(0))
    allowed = dossier.profile(certificate.authority, certificate.issued_on).carats_tolerance.of(had)
    if drawn <= had + allowed:
        lacking = tuple(f"carats of {each.number}" for each in only if each.use.carats is None)
        return Undetermined(lacking) if lacking else PASS
    how = f"arrived in {dossier.name(arrived.authority)}" if arrived else "were certified"
    return Violation(
        message=f"Of the goods under certificate {dossier.number} {carats(had)} {how}, but {listed([each.number for each in only])}, which "
        f"{'names' if len(only) == 1 else 'name'} it as the only source, {'covers' if len(only) == 1 else 'cover'} {carats(drawn)}.",
        evidence=(
            Evidence("carats", figure(had), f"at least {figure(drawn)}", arrived.event_id if arrived else certificate.event_id),
            *(
                Evidence(f"carats of {each.number}", figure(each.use.carats), f"no more than {figure(had)} together", each.use.event_id)
                for each in only
            ),
        ),
        participants=tuple(sorted({certificate.authority, *(each.use.authority for each in only)})),
    )


class Uplift(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much dearer, how soon."""

    uplift: Annotated[Decimal, stated("times", "how many times the sources' price a carat is too much")] = Decimal(3)
    uplift_days: Annotated[int, stated("days", "how long after the last source's arrival that counts")] = 90

    def __post_init__(self) -> None:
        if self.uplift <= 0 or self.uplift_days < 0:
            raise ValueError("uplift must be above 0, uplift_days no less than 0")


@rule(
    "value-uplift",
    title="Much dearer than it came in",
    basis="trade-based laundering typology",
    reads=("CertificateIssued", "sources", "participants"),
    needs=("sources",),
    innocent_causes=("the best stones of a run, sorted out", "a value stated in another currency", "a decimal point in the wrong place"),
    parameters=Uplift,
)
def value_uplift(dossier: Dossier, parameters: Uplift) -> Verdict:
    """Soon after the last source's arrival here, a carat is certified at many times what the sources' carats were."""
    certificate = dossier.certificate
    if certificate is None or not dossier.sources:
        return NOT_APPLICABLE
    if missing := without_issue(dossier):
        return Undetermined(missing)
    arrivals = {number: _arrival_here(dossier, certificate, source) for number, source in dossier.sources.items() if source is not None}
    if lacking := tuple(f"arrival of source {number}" for number, on in arrivals.items() if on is None):
        return Undetermined(lacking)
    last = max(on for on in arrivals.values() if on is not None)
    if not 0 <= (certificate.issued_on - last).days <= parameters.uplift_days:
        return NOT_APPLICABLE
    issues = dossier.source_issues
    value_in, carats_in = _sum(issue.value_usd for issue in issues), _sum(issue.carats for issue in issues)
    if not value_in or not carats_in or not certificate.carats or certificate.value_usd is None:
        return Undetermined(("carats and value_usd of the certificate and its sources",))
    # no division: exact
    if certificate.value_usd * carats_in <= parameters.uplift * value_in * certificate.carats:
        return PASS
    price, price_in = certificate.value_usd / certificate.carats, value_in / carats_in
    return Violation(
        message=f"Certificate {dossier.number} was issued on {day(certificate.issued_on)} at {dollars(price.quantize(_CENT))} a carat, "
        f"{(certificate.issued_on - last).days} days after the last of its sources, {listed(dossier.sources)}, arrived at "
        f"{dollars(price_in.quantize(_CENT))} a carat: more than {figure(parameters.uplift)} times as much.",
        evidence=(
            Evidence(
                "value_usd a carat",
                figure(price.quantize(_CENT)),
                f"no more than {figure(parameters.uplift)} times {figure(price_in.quantize(_CENT))}",
                certificate.event_id,
            ),
            *(
                Evidence(
                    f"value_usd, carats of source {number}",
                    f"{figure(issue.value_usd)}, {figure(issue.carats)}",
                    f"{figure((price / parameters.uplift).quantize(_CENT))} a carat or more, of all sources together",
                    issue.event_id,
                )
                for number, issue in zip(dossier.sources, issues, strict=True)
            ),
        ),
        participants=tuple(sorted({certificate.authority, *(issue.authority for issue in issues)})),
    )


@rule(
    "round-trip",
    title="The stones go back to where they came from",
    basis="trade-based laundering typology",
    reads=("CertificateIssued", "ShipmentExported.occurred_at", "sources", "participants"),
    needs=("sources",),
    innocent_causes=("goods sent back unsold", "stones that were abroad to be sorted or valued"),
)
def round_trip(dossier: Dossier) -> Verdict:
    """The destination is the issuer of a source, or of a source's source."""
    certificate = dossier.certificate
    if certificate is None or not dossier.sources:
        return NOT_APPLICABLE
    destination, on = dossier.destination, dossier.export_date
    if destination is None or on is None:
        return Undetermined(("destination",))
    home = dossier.standing(destination, on).participant

    def is_home(issuer: str, when: date) -> bool:
        return issuer == destination or dossier.standing(issuer, when).participant == home

    for number, source in dossier.sources.items():
        if source is None or source.issue is None:
            continue
        issue = source.issue
        direct = is_home(issue.authority, issue.issued_on)
        if direct or [code for code, when in issue.source_issuers if is_home(code, when)]:
            whose = "issued by" if direct else "whose own source was issued by"
            return Violation(
                message=f"Certificate {dossier.number} sends goods to {dossier.name(destination)} that came in under certificate {number}, "
                f"{whose} {dossier.name(destination)}.",
                evidence=(
                    Evidence("destination", destination, "not where the stones came from", certificate.event_id),
                    Evidence(f"source {number}", f"{whose} {destination}", "another issuer", issue.event_id),
                ),
                participants=tuple(sorted({certificate.authority, destination})),
            )
    missing = without_issue(dossier)
    return Undetermined(missing) if missing else PASS


def without_issue(dossier: Dossier) -> tuple[str, ...]:
    """The sources without an issue event, in words; empty: all are known."""
    if not dossier.unknown_sources:
        return ()
    return tuple([f"source {number}" for number in dossier.unknown_sources])


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, None where one is not stated."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
