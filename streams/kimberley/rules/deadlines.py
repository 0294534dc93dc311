"""Deadlines: what should have come by now and has not (CORE II, III, Annex II). The only rules that read the clock."""

from datetime import date, timedelta
from functools import lru_cache

from kimberley.model.days import DAY_MS, day_of
from kimberley.model.findings import Evidence
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Undetermined, Verdict, Violation, Waiting, rule
from kimberley.rules.wording import day

_FRIDAY = 4
_MOST_KEPT = 20_000


@rule(
    "certificate-unknown",
    title="A shipment whose certificate nobody issued",
    basis="CORE III(a), Annex II",
    reads=(
        "CertificateIssued",
        "ShipmentExported",
        "ShipmentTransited",
        "ShipmentArrived",
        "ImportConfirmed",
        "ShipmentReturned",
        "issuer profiles: unknown_certificate_days",
        "clock",
    ),
    innocent_causes=("an issuing office whose line is down", "a certificate number mistyped in the shipment's report"),
)
def certificate_unknown(dossier: Dossier) -> Verdict:
    """Days after the first shipment event of a certificate, its issue is still not reported."""
    events = (*dossier.exports, *dossier.transits, *dossier.arrivals, *dossier.confirmations, *dossier.returns)
    if dossier.issues:
        return PASS if events else NOT_APPLICABLE
    if not events:
        return NOT_APPLICABLE
    first = min(events, key=lambda event: (event.occurred_at, event.event_id))
    days = dossier.profiles.default.unknown_certificate_days
    since = first.occurred_at + days * DAY_MS + 1  # later than that instant
    if dossier.now < since:
        return Waiting(since)
    return Violation(
        message=f"Goods moved under certificate {dossier.number}, reported by {dossier.name(first.authority)} on {day(first.local_date)}, "
        f"and {_days(days)} later nobody had reported that it was issued.",
        evidence=(Evidence("issue event", "none", f"within {_days(days)} of the first shipment event", first.event_id),),
        participants=tuple(sorted({event.authority for event in events})),
        since=since,
    )


@rule(
    "arrival-overdue",
    title="Exported and never arrived",
    basis="CORE Annex II",
    reads=(
        "CertificateIssued.destination",
        "ShipmentExported",
        "ShipmentArrived",
        "ShipmentReturned",
        "issuer profiles: arrival_days",
        "participants",
        "clock",
    ),
    needs=("ShipmentExported",),
    innocent_causes=("an arrival that was not reported", "goods that wait in a free port", "a certificate number mistyped on arrival"),
)
def arrival_overdue(dossier: Dossier) -> Verdict:
    """Exported, and by the destination's number of days neither arrived nor returned anywhere."""
    if not dossier.exports:
        return NOT_APPLICABLE
    if dossier.arrivals or dossier.returns:
        return PASS
    if dossier.destination is None:
        return Undetermined(("destination",))
    export = dossier.exports[0]
    left_on = export.local_date
    days = dossier.profile(dossier.destination, left_on).arrival_days
    last, since = _days_after(left_on, days)
    if dossier.now < since:
        return Waiting(since)
    return Violation(
        message=f"Goods under certificate {dossier.number} left {dossier.name(export.authority)} for {dossier.name(dossier.destination)} "
        f"on {day(left_on)} and had neither arrived nor come back {_days(days)} later, by {day(last)}.",
        evidence=(Evidence("arrival", "none", f"by {last.isoformat()}", export.event_id),),
        participants=tuple(sorted({export.authority, dossier.destination})),
        shipment_id=export.shipment_id,
        since=since,
    )


@rule(
    "confirmation-overdue",
    title="Arrived and never confirmed",
    basis="CORE III(b); Regulation (EC) 2368/2002 Article 5; 31 CFR 592.301",
    reads=(
        "ShipmentArrived",
        "ImportConfirmed",
        "ShipmentReturned",
        "issuer profiles: confirmation_days, confirmation_working_days, holidays",
        "participants",
        "clock",
    ),
    needs=("ShipmentArrived",),
    innocent_causes=("a confirmation that was sent and not reported", "a holiday that the profile does not know"),
)
def confirmation_overdue(dossier: Dossier) -> Verdict:
    """Arrived, the importer's days have passed, and the import is still not confirmed."""
    if not dossier.arrivals or dossier.returns:
        return NOT_APPLICABLE
    if dossier.confirmations:
        return PASS
    arrival = dossier.arrivals[0]
    came_on = arrival.local_date
    profile = dossier.profile(arrival.authority, came_on)
    working, days = profile.confirmation_working_days, profile.confirmation_days
    if working is not None:
        last, since = _working_days_after(came_on, working, profile.holidays)
    else:
        assert days is not None  # a profile has one or the other
        last, since = _days_after(came_on, days)
    if dossier.now < since:
        return Waiting(since)
    allowed = _days(days or 0) if working is None else _days(working, "working ")
    return Violation(
        message=f"Goods under certificate {dossier.number} arrived in {dossier.name(arrival.authority)} on {day(came_on)}; "
        f"their import was to be confirmed within {allowed}, by {day(last)}, and is not.",
        evidence=(Evidence("confirmation", "none", f"by {last.isoformat()}", arrival.event_id),),
        participants=(arrival.authority,),
        shipment_id=arrival.shipment_id,
        since=since,
    )


@lru_cache(maxsize=_MOST_KEPT)
def _days_after(on: date, days: int) -> tuple[date, int]:
    """The day that is so many days after another, and the first instant after it, UTC, in milliseconds since the epoch."""
    last = on + timedelta(days=days)
    return last, (day_of(last) + 1) * DAY_MS


@lru_cache(maxsize=_MOST_KEPT)
def _working_days_after(on: date, days: int, holidays: frozenset[date]) -> tuple[date, int]:
    """As `_days_after`, in working days: Monday to Friday less the holidays."""
    while days:
        on += timedelta(days=1)
        if on.weekday() <= _FRIDAY and on not in holidays:
            days -= 1
    return _days_after(on, 0)


def _days(count: int, kind: str = "") -> str:
    return f"{count} {kind}{'day' if count == 1 else 'days'}"
