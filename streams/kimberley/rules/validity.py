"""When a certificate is good: the order of its dates, how long it may run, when it ended (CORE Annex I; national law)."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from kimberley.model.events import Event, ShipmentArrived, ShipmentExported, instant_text
from kimberley.model.findings import Evidence
from kimberley.reference.profiles import Profile
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed, moment


@rule(
    "dates-out-of-order",
    title="Dates in an impossible order",
    basis="CORE Annex I(A)",
    reads=(
        "CertificateIssued.issued_on",
        "CertificateIssued.expires_on",
        "CertificateIssued.occurred_at",
        "CertificateIssued.authority",
        "ShipmentExported.occurred_at",
        "ShipmentExported.authority",
        "ShipmentArrived.occurred_at",
        "ShipmentArrived.authority",
        "ImportConfirmed.occurred_at",
        "ImportConfirmed.authority",
    ),
    innocent_causes=("day and month swapped", "last year's date in January", "a clock or an offset set wrong"),
)
def dates_out_of_order(dossier: Dossier) -> Verdict:
    """Expiry before issue, issue after its report or an export, or events before those that must come first."""
    certificate, exports, arrivals = dossier.certificate, dossier.exports, dossier.arrivals
    in_order = not (exports and arrivals and arrivals[0].occurred_at < exports[0].occurred_at) and not (
        arrivals and dossier.confirmations and dossier.confirmations[-1].occurred_at < arrivals[0].occurred_at
    )
    if certificate is None:
        if in_order:
            return Undetermined(("CertificateIssued",)) if exports or arrivals or dossier.confirmations else NOT_APPLICABLE
    else:
        issued_on, expires_on = certificate.issued_on, certificate.expires_on
        in_order = in_order and issued_on <= certificate.local_date and (expires_on is None or expires_on >= issued_on)
        for export in exports:
            in_order = in_order and export.local_date >= issued_on
        if in_order:
            return Undetermined(("expires_on",)) if expires_on is None else PASS
    wrong = list(_out_of_order(dossier))
    concerned = {authority for _, _, authority in wrong} | ({dossier.issuer} if dossier.issuer else set())
    return Violation(
        message=f"Dates of certificate {dossier.number} are out of order: {'; '.join(words for words, _, _ in wrong)}.",
        evidence=tuple(evidence for _, evidence, _ in wrong),
        participants=tuple(sorted(concerned)),
    )


def _out_of_order(dossier: Dossier) -> Iterator[tuple[str, Evidence, str]]:
    """Each fault: words, evidence, and the authority that reported it."""
    certificate, exports, arrivals = dossier.certificate, dossier.exports, dossier.arrivals
    if certificate is not None:
        issued_on, expires_on, reported_on = certificate.issued_on, certificate.expires_on, certificate.local_date
        issuer, event_id = certificate.authority, certificate.event_id
        if expires_on is not None and expires_on < issued_on:
            words = f"it expired on {day(expires_on)}, before it was issued on {day(issued_on)}"
            yield words, Evidence("expires_on", f"{expires_on}", f"no earlier than {issued_on}", event_id), issuer
        if issued_on > reported_on:
            words = f"its issue on {day(issued_on)} was reported on {day(reported_on)} already"
            yield words, Evidence("issued_on", f"{issued_on}", f"no later than {reported_on}", event_id), issuer
        for export in exports:
            if (on := export.local_date) < issued_on:
                words = f"goods were exported on {day(on)}, before it was issued on {day(issued_on)}"
                yield words, Evidence("export date", f"{on}", f"no earlier than {issued_on}", export.event_id), export.authority
    if arrivals and exports and arrivals[0].occurred_at < exports[0].occurred_at:
        yield _too_early("goods arrived", "they were exported", arrivals[0], exports[0])
    if arrivals and dossier.confirmations and dossier.confirmations[-1].occurred_at < arrivals[0].occurred_at:
        yield _too_early("the import was confirmed", "goods arrived", dossier.confirmations[-1], arrivals[0])


def _too_early(what: str, before: str, early: Event, first: Event) -> tuple[str, Evidence, str]:
    evidence = Evidence("occurred_at", _instant(early), f"no earlier than {_instant(first)}", early.event_id)
    return f"{what} on {_when(early)}, before {before} on {_when(first)}", evidence, early.authority


@rule(
    "validity-too-long",
    title="Valid for longer than its issuer allows",
    basis="Regulation (EC) 2368/2002 Article 12(5); SOR/2003-15 section 6",
    reads=(
        "CertificateIssued.expires_on",
        "CertificateIssued.issued_on",
        "CertificateIssued.authority",
        "issuer profiles: validity",
        "participants",
    ),
    innocent_causes=("a typing error in the expiry date", "the expiry date of another document"),
)
def validity_too_long(dossier: Dossier) -> Verdict:
    """The expiry date is later than the issuer's profile allows, in calendar months or days after issue."""
    certificate = dossier.certificate
    if certificate is None:
        return NOT_APPLICABLE
    profile = dossier.profile(certificate.authority, certificate.issued_on)
    if profile.validity_months is None and profile.validity_days is None:
        return NOT_APPLICABLE
    if certificate.expires_on is None:
        return Undetermined(("expires_on",))
    latest = _latest_expiry(certificate.issued_on, profile)
    if certificate.expires_on <= latest:
        return PASS
    return Violation(
        message=f"Certificate {dossier.number}, issued on {day(certificate.issued_on)}, is to expire on {day(certificate.expires_on)}; "
        f"{dossier.name(certificate.authority)} issues certificates for {_validity(profile)}, until {day(latest)} at most.",
        evidence=(Evidence("expires_on", f"{certificate.expires_on}", f"no later than {latest}", certificate.event_id),),
        participants=(certificate.authority,),
    )


def _latest_expiry(issued_on: date, profile: Profile) -> date:
    """The last day of validity. A month's day that does not exist is its last day (Regulation 1182/71 Article 3(2)(c))."""
    years, month = divmod(issued_on.month - 1 + (profile.validity_months or 0), 12)
    year, month = issued_on.year + years, month + 1
    last = date(year, month, issued_on.day if issued_on.day <= 28 else min(issued_on.day, monthrange(year, month)[1]))
    return last + timedelta(profile.validity_days or 0)


def _validity(profile: Profile) -> str:
    parts = ((profile.validity_months, "month"), (profile.validity_days, "day"))
    return listed(f"{count} {word}{'' if count == 1 else 's'}" for count, word in parts if count is not None)


@rule(
    "certificate-expired",
    title="Exported after expiry",
    basis="Regulation (EC) 2368/2002 Article 12(5); SOR/2003-15 section 6",
    reads=(
        "CertificateIssued.expires_on",
        "ShipmentExported.shipment_id",
        "ShipmentExported.authority",
        "ShipmentExported.occurred_at",
        "ShipmentArrived.shipment_id",
        "ShipmentArrived.authority",
        "ShipmentArrived.occurred_at",
    ),
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


@rule(
    "certificate-invalidated",
    title="Used after it was made void",
    basis="Export and Import of Rough Diamonds Act (S.C. 2002, c. 25) sections 11-12 and 14",
    reads=(
        "CertificateInvalidated.authority",
        "CertificateInvalidated.occurred_at",
        "CertificateInvalidated.reason",
        "CertificateIssued.authority",
        "CertificateIssued.occurred_at",
        "ShipmentExported.occurred_at",
        "ShipmentExported.authority",
        "ShipmentExported.shipment_id",
        "ShipmentArrived.occurred_at",
        "ShipmentArrived.authority",
        "ShipmentArrived.shipment_id",
        "issuer profiles: prefixes",
        "participants",
    ),
    needs=("CertificateInvalidated",),
    innocent_causes=("a number mistyped in the invalidation", "goods on their way when the certificate was replaced"),
)
def certificate_invalidated(dossier: Dossier) -> Verdict:
    """Goods were exported, or arrived, after the issuer invalidated the certificate."""
    if not dossier.invalidations:
        return NOT_APPLICABLE
    invalidation = dossier.invalidation
    if invalidation is None or not (dossier.exports or dossier.arrivals):
        return NOT_APPLICABLE
    moves: list[ShipmentExported | ShipmentArrived] = [*dossier.exports, *dossier.arrivals]
    late = [each for each in moves if each.occurred_at > invalidation.occurred_at]
    if not late:
        return PASS
    words = [
        f"{'exported' if isinstance(each, ShipmentExported) else f'received in {dossier.name(each.authority)}'} on {_when(each)}"
        for each in late
    ]
    return Violation(
        message=f"Goods under certificate {dossier.number} were {listed(words)}, after {dossier.name(invalidation.authority)} "
        f"had made it void on {_when(invalidation)} ({invalidation.reason.lower().replace('_', ' ')}).",
        evidence=(
            *(Evidence(_field(each), _instant(each), f"no later than {_instant(invalidation)}", each.event_id) for each in late),
            Evidence("invalidated at", _instant(invalidation), "not invalidated", invalidation.event_id),
        ),
        participants=tuple(sorted({invalidation.authority, *(each.authority for each in late)})),
        shipment_id=late[0].shipment_id,
    )


def _field(move: Event) -> str:
    return "exported at" if isinstance(move, ShipmentExported) else "arrived at"


def _instant(event: Event) -> str:
    return instant_text(event.occurred_at, event.utc_offset_minutes)


def _when(event: Event) -> str:
    return moment(event.occurred_at, event.utc_offset_minutes)
