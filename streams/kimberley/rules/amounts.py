"""Amounts on the way: what was exported, arrived and was confirmed is what was certified (CORE III)."""

from collections.abc import Iterator
from decimal import Decimal

from kimberley.model.events import CertificateIssued, ImportConfirmed, ShipmentArrived, ShipmentExported
from kimberley.model.findings import Evidence
from kimberley.reference.profiles import Profile, Tolerance
from kimberley.rules.certificate import has_name
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import carats, day, dollars, figure, listed, parcels, shipment

Difference = tuple[str, Evidence]
"""How a figure differs from the certificate's: words and evidence."""
_WORDS = {"parcel_count": "parcel count", "carats": "carats", "exporter": "exporter", "importer": "importer"}


@rule(
    "export-mismatch",
    title="What was exported is not what was certified",
    basis="CORE III(a), Annex II",
    reads=(
        "ShipmentExported.shipment_id",
        "ShipmentExported.authority",
        "ShipmentExported.occurred_at",
        "ShipmentExported.parcel_count",
        "ShipmentExported.carats",
        "ShipmentExported.value_usd",
        "ShipmentExported.destination",
        "CertificateIssued",
        "issuer profiles: tolerances",
        "participants",
    ),
    needs=("ShipmentExported",),
    innocent_causes=("a digit keyed wrong at the counter", "a value stated in another currency", "a consignee's country for the buyer's"),
)
def export_mismatch(dossier: Dossier) -> Verdict:
    """Exported parcel count, carats (beyond the issuer's tolerance), value, destination or exporter differs from the certificate."""
    if not dossier.exports:
        return NOT_APPLICABLE
    certificate = dossier.certificate
    if certificate is None:
        return Undetermined(("CertificateIssued",))
    missing: list[str] = []
    found: dict[str, list[tuple[ShipmentExported, list[Difference], list[Difference]]]] = {}
    for export in dossier.exports:
        if (
            _agrees(export, certificate)
            and export.value_usd == certificate.value_usd is not None
            and export.destination == certificate.destination is not None
            and export.authority == certificate.authority
        ):
            continue
        profile = dossier.profile(certificate.authority, certificate.issued_on)
        amounts = [
            *_count_differs(export, certificate, missing),
            *_carats_differ(export, certificate, profile, missing),
            *_value_differs(export, certificate, missing),
        ]
        ways = [*_way_differs(dossier, export, certificate, missing)]
        if amounts or ways:
            found.setdefault(export.shipment_id, []).append((export, amounts, ways))
    if not found:
        return Undetermined(tuple(dict.fromkeys(missing))) if missing else PASS
    return [
        Violation(
            message=f"{shipment(shipment_id)} was exported otherwise than certificate {dossier.number} says: "
            f"{', and '.join(_export_words(*each) for each in differing)}.",
            evidence=tuple(fact for _, amounts, ways in differing for _, fact in (*amounts, *ways)),
            participants=tuple(sorted({certificate.authority, *(export.authority for export, _, _ in differing)})),
            subject=shipment_id,
            shipment_id=shipment_id,
        )
        for shipment_id, differing in found.items()
    ]


def _export_words(export: ShipmentExported, amounts: list[Difference], ways: list[Difference]) -> str:
    parts = [f"with {listed(words for words, _ in amounts)}"] if amounts else []
    return f"on {day(export.local_date)} {listed([*parts, *(words for words, _ in ways)])}"


def _way_differs(dossier: Dossier, export: ShipmentExported, certificate: CertificateIssued, missing: list[str]) -> Iterator[Difference]:
    """Another destination than the certificate's on the day of export; another Participant than its issuer."""
    same, on = dossier.reference.same_participant, export.local_date
    if export.destination is None or certificate.destination is None:
        missing.append("destination" if export.destination is None else "certificate.destination")
    elif not same(export.destination, on, certificate.destination, on):
        words = f"bound for {dossier.name(export.destination)} instead of {dossier.name(certificate.destination)}"
        yield words, Evidence("destination", export.destination, certificate.destination, export.event_id)
    if not same(export.authority, on, certificate.authority, certificate.local_date):
        words = f"by {dossier.name(export.authority)} instead of {dossier.name(certificate.authority)}"
        yield words, Evidence("authority", export.authority, certificate.authority, export.event_id)


@rule(
    "import-mismatch",
    title="What arrived is not what was certified",
    basis="CORE III(b)",
    reads=(
        "ShipmentArrived.shipment_id",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
        "ShipmentArrived.parcel_count",
        "ShipmentArrived.carats",
        "ShipmentArrived.value_usd",
        "CertificateIssued",
        "issuer profiles: tolerances",
        "participants",
    ),
    needs=("ShipmentArrived",),
    innocent_causes=("a digit keyed wrong at the counter", "two scales that differ", "a parcel counted twice or left in the bag"),
)
def import_mismatch(dossier: Dossier) -> Verdict:
    """The arrived parcel count differs from the certificate, or carats or a stated value do beyond the importer's tolerance."""
    if not dossier.arrivals:
        return NOT_APPLICABLE
    certificate = dossier.certificate
    if certificate is None:
        return Undetermined(("CertificateIssued",))
    missing: list[str] = []
    found: dict[str, list[tuple[ShipmentArrived, list[Difference]]]] = {}
    for arrival in dossier.arrivals:
        no_other_value = arrival.value_usd is None or arrival.value_usd == certificate.value_usd
        if no_other_value and _agrees(arrival, certificate):
            continue
        profile = dossier.profile(arrival.authority, arrival.local_date)
        if no_other_value and _agrees(arrival, certificate, profile.carats_tolerance):
            continue
        differences = [*_count_differs(arrival, certificate, missing), *_carats_differ(arrival, certificate, profile, missing)]
        if arrival.value_usd is not None:  # the importer need not state a value
            differences += _value_differs(arrival, certificate, missing, profile.value_tolerance)
        if differences:
            found.setdefault(arrival.shipment_id, []).append((arrival, differences))
    if not found:
        return Undetermined(tuple(dict.fromkeys(missing))) if missing else PASS
    return [
        Violation(
            message=f"{shipment(shipment_id)} arrived {', and '.join(_arrival_words(dossier, *each) for each in differing)} "
            f"of certificate {dossier.number}.",
            evidence=tuple(fact for _, differences in differing for _, fact in differences),
            participants=tuple(sorted({certificate.authority, *(arrival.authority for arrival, _ in differing)})),
            subject=shipment_id,
            shipment_id=shipment_id,
        )
        for shipment_id, differing in found.items()
    ]


def _arrival_words(dossier: Dossier, arrival: ShipmentArrived, differences: list[Difference]) -> str:
    return f"in {dossier.name(arrival.authority)} on {day(arrival.local_date)} with {listed(words for words, _ in differences)}"


@rule(
    "confirmation-incomplete",
    title="The import was not confirmed in full",
    basis="CORE III(b)",
    reads=(
        "ImportConfirmed",
        "CertificateIssued",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
        "issuer profiles: tolerances",
        "participants",
    ),
    needs=("ImportConfirmed",),
    innocent_causes=("a form that leaves a field out", "a confirmation sent before the goods were weighed"),
)
def confirmation_incomplete(dossier: Dossier) -> Verdict:
    """The confirmation lacks count, carats, exporter or importer, or its count or carats (beyond tolerance) differ from the certificate."""
    if not dossier.confirmations:
        return NOT_APPLICABLE
    confirmation, certificate = dossier.confirmations[-1], dossier.certificate
    if certificate is not None and has_name(confirmation.exporter) and has_name(confirmation.importer):
        if _agrees(confirmation, certificate):
            return PASS
        if _agrees(confirmation, certificate, _importer_profile(dossier, certificate, confirmation).carats_tolerance):
            return PASS
    lacking = list(_lacking(confirmation))
    missing: list[str] = [] if certificate is not None else ["CertificateIssued"]
    differences: list[Difference] = []
    if certificate is not None:
        if confirmation.parcel_count is not None:
            differences += _count_differs(confirmation, certificate, missing)
        if confirmation.carats is not None:
            profile = _importer_profile(dossier, certificate, confirmation)
            differences += _carats_differ(confirmation, certificate, profile, missing)
    if not lacking and not differences:
        return Undetermined(tuple(missing)) if missing else PASS
    reasons = [f"lacks {listed(map(_WORDS.__getitem__, lacking))}"] if lacking else []
    if differences:
        reasons.append(f"confirms {listed(words for words, _ in differences)} of the certificate")
    arrived = {dossier.arrivals[0].authority} if dossier.arrivals else set()
    return Violation(
        message=f"The confirmation by {dossier.name(confirmation.authority)} of {day(confirmation.local_date)}, for certificate "
        f"{dossier.number}, {listed(reasons)}.",
        evidence=(
            *(Evidence(field, "not stated", "stated", confirmation.event_id) for field in lacking),
            *(fact for _, fact in differences),
        ),
        participants=tuple(sorted({confirmation.authority, *arrived, *([certificate.authority] if certificate else [])})),
    )


def _lacking(confirmation: ImportConfirmed) -> Iterator[str]:
    """Which of the four things that the scheme asks for is absent."""
    if confirmation.parcel_count is None:
        yield "parcel_count"
    if confirmation.carats is None:
        yield "carats"
    if not has_name(confirmation.exporter):
        yield "exporter"
    if not has_name(confirmation.importer):
        yield "importer"


def _importer_profile(dossier: Dossier, certificate: CertificateIssued, confirmation: ImportConfirmed) -> Profile:
    """The rules of who took the goods in; before an arrival is reported, of the destination. Any authority may confirm."""
    if dossier.arrivals:
        return dossier.profile(dossier.arrivals[0].authority, dossier.arrivals[0].local_date)
    return dossier.profile(certificate.destination or confirmation.authority, confirmation.local_date)


def _agrees(
    event: ShipmentExported | ShipmentArrived | ImportConfirmed, certificate: CertificateIssued, tolerance: Tolerance | None = None
) -> bool:
    """Whether count and carats are stated, and the certificate's, within a tolerance (None: exactly): mostly so, and soon said."""
    found, certified = event.carats, certificate.carats
    if event.parcel_count is None or event.parcel_count != certificate.parcel_count or found is None or certified is None:
        return False
    return found == certified or (tolerance is not None and abs(found - certified) <= tolerance.of(certified))


def _count_differs(
    event: ShipmentExported | ShipmentArrived | ImportConfirmed, certificate: CertificateIssued, missing: list[str]
) -> Iterator[Difference]:
    """Where counts differ; one that is absent is added to `missing`."""
    found, certified = event.parcel_count, certificate.parcel_count
    if found is None or certified is None:
        missing.append("parcel_count" if found is None else "certificate.parcel_count")
    elif found != certified:
        words = f"{parcels(found)} instead of the {figure(certified)}"
        yield words, Evidence("parcel_count", str(found), str(certified), event.event_id)


def _carats_differ(
    event: ShipmentExported | ShipmentArrived | ImportConfirmed, certificate: CertificateIssued, profile: Profile, missing: list[str]
) -> Iterator[Difference]:
    """Where carats differ by more than a profile's tolerance; an absent weight is added to `missing`."""
    found, certified = event.carats, certificate.carats
    if found is None or certified is None:
        missing.append("carats" if found is None else "certificate.carats")
    elif (allowed := _beyond(found, certified, profile.carats_tolerance)) is not None:
        words = f"{carats(found)} instead of the {carats(certified)} (tolerance {carats(allowed)})"
        yield words, Evidence("carats", figure(found), figure(certified), event.event_id)


def _value_differs(
    event: ShipmentExported | ShipmentArrived, certificate: CertificateIssued, missing: list[str], tolerance: Tolerance | None = None
) -> Iterator[Difference]:
    """Where values differ by more than a tolerance (None: at all); an absent value is added to `missing`."""
    found, certified = event.value_usd, certificate.value_usd
    if found is None or certified is None:
        missing.append("value_usd" if found is None else "certificate.value_usd")
    elif found != certified and (tolerance is None or _beyond(found, certified, tolerance) is not None):
        off = f" (tolerance {dollars(tolerance.of(certified))})" if tolerance else ""
        words = f"a value of {dollars(found)} instead of the {dollars(certified)}{off}"
        yield words, Evidence("value_usd", figure(found), figure(certified), event.event_id)


def _beyond(found: Decimal, certified: Decimal, tolerance: Tolerance) -> Decimal | None:
    """The tolerance, in the figure's unit, where a figure is off by more; else None."""
    if found == certified:
        return None
    allowed = tolerance.of(certified)
    return allowed if abs(found - certified) > allowed else None
