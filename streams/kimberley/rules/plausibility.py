"""Plausibility: whether such stones, at such a price, are to be expected (producers.csv, price-bands.csv)."""

from decimal import Decimal
from typing import Annotated

from kimberley.model.findings import Evidence, lowest
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Parameters, Undetermined, Verdict, Violation, rule, stated
from kimberley.rules.wording import carats, day, dollars, figure

_CENT = Decimal("0.01")


@rule(
    "origin-without-production",
    title="An origin that mines no diamonds",
    basis="Kimberley Process statistics",
    reads=(
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "CertificateIssued.origins",
        "CertificateIssued.parcels",
        "producers",
    ),
    innocent_causes=(
        "a typing error in an origin's code",
        "the country of provenance stated as the origin",
        "stones mined while the country still produced, certified later",
    ),
)
def origin_without_production(dossier: Dossier) -> Verdict:
    """A stated origin is no producer on the date of issue."""
    certificate = dossier.certificate
    producers = dossier.bundle.producers
    if certificate is None or not dossier.stated_origins or certificate.issued_on < producers.known_from:
        return NOT_APPLICABLE
    on = certificate.issued_on
    idle = [origin for origin in dossier.stated_origins if not producers.is_producer(origin, on)]
    if not idle:
        return PASS
    violations = []
    for origin in idle:
        rows = producers.of(origin)
        ended = [row.valid_to for row in rows if row.valid_to is not None and row.valid_to <= on]
        since = f" since {day(max(ended))}" if ended else ""
        violations.append(
            Violation(
                message=f"Certificate {dossier.number}, issued on {day(on)}, states {dossier.name(origin)} as an origin, where "
                f"{f'no diamonds have been mined{since}' if ended else 'no diamonds are known to be mined'}.",
                evidence=(Evidence("origins", origin, f"a producer on {on.isoformat()}", certificate.event_id),),
                participants=tuple(sorted({origin, certificate.authority})),
                subject=origin,
                confidence=lowest(row.confidence for row in rows),
            )
        )
    return violations


class PriceLimits(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far from the band of a country and year a certificate may lie: single parcels scatter far more than a year's mean."""

    least_carats: Annotated[Decimal, stated("carats", "lighter goods are left alone: a few stones may be worth anything")] = Decimal(10)
    below_low: Annotated[Decimal, stated("times", "how many times below the band's low a price may lie")] = Decimal(3)
    above_high: Annotated[Decimal, stated("times", "how many times the band's high a price may reach")] = Decimal(5)

    def __post_init__(self) -> None:
        if self.least_carats < 0 or self.below_low < 1 or self.above_high < 1:
            raise ValueError("least_carats is zero or more, below_low and above_high are one or more")


@rule(
    "price-out-of-band",
    title="A price that such stones do not have",
    basis="Kimberley Process statistics",
    reads=(
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "CertificateIssued.origins",
        "CertificateIssued.parcels",
        "CertificateIssued.carats",
        "CertificateIssued.value_usd",
        "price bands",
    ),
    innocent_causes=(
        "a decimal point in the wrong place",
        "exceptional stones, or a parcel of rejects",
        "a value in another currency than US$",
    ),
    parameters=PriceLimits,
)
def price_out_of_band(dossier: Dossier, parameters: PriceLimits) -> Verdict:
    """The US$ per carat of a parcel of one stated origin lie far below or far above what that origin's stones are worth."""
    certificate = dossier.certificate
    if certificate is None or len(dossier.stated_origins) != 1:
        return NOT_APPLICABLE
    weight, value = certificate.carats, certificate.value_usd
    if (weight is not None and weight < parameters.least_carats) or (value is not None and value <= 0):
        return NOT_APPLICABLE
    origin = dossier.stated_origins[0]
    band = dossier.bundle.price_bands.of(origin, certificate.issued_on)
    if band is None:
        return NOT_APPLICABLE
    if weight is None or value is None:
        return Undetermined(tuple(name for name, amount in (("carats", weight), ("value_usd", value)) if amount is None))
    if weight <= 0:
        return NOT_APPLICABLE
    low, high = band.low_usd_per_carat, band.high_usd_per_carat
    # by products, not quotients: exact at the edge
    if value * parameters.below_low >= low * weight and value <= high * parameters.above_high * weight:
        return PASS
    price = (value / weight).quantize(_CENT)
    is_low = value < low * weight
    far = (
        f"less than 1/{figure(parameters.below_low)} of the least"
        if is_low
        else f"more than {figure(parameters.above_high)} times the most"
    )
    of_whom = "where nothing is known of the origin's own" if band.country_code != origin else f"for stones of {dossier.name(origin)}"
    least, most = (low / parameters.below_low).quantize(_CENT), high * parameters.above_high
    return Violation(
        message=f"Certificate {dossier.number}, issued on {day(certificate.issued_on)}, states {dollars(value)} for {carats(weight)} of "
        f"{dossier.name(origin)}, {dollars(price)} per carat: {far} that is usual {of_whom}, {dollars(low)} to {dollars(high)}.",
        evidence=(
            Evidence("value_usd", figure(value), f"{figure(least)} to {figure(most)} per carat", certificate.event_id),
            Evidence("carats", figure(weight), "as valued", certificate.event_id),
            Evidence("usd_per_carat", figure(price), f"{figure(least)} to {figure(most)}", certificate.event_id),
        ),
        participants=tuple(sorted({origin, certificate.authority})),
        confidence=band.confidence,
    )
