"""Transit: through where goods may not pass on their way to an importer."""

from datetime import date, timedelta
from typing import NamedTuple

from kimberley.model.events import ShipmentExported, ShipmentTransited, local_date
from kimberley.model.findings import Evidence
from kimberley.model.reference_data import Measure
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Plain, Undetermined, Verdict, Violation, rule
from kimberley.rules.wording import day, listed


class _Passage(NamedTuple):
    """A way through a country, from a day to a day, both included; `country` None: not stated."""

    country: str | None
    first: date
    last: date
    source: ShipmentTransited | ShipmentExported


@rule(
    "transit-banned",
    title="The way led through a barred territory",
    basis="Regulation (EU) 833/2014 Article 3p(2)",
    reads=(
        "ShipmentTransited.shipment_id",
        "ShipmentTransited.country",
        "ShipmentTransited.occurred_at",
        "ShipmentTransited.left_at",
        "ShipmentExported.shipment_id",
        "ShipmentExported.route",
        "ShipmentExported.occurred_at",
        "ShipmentExported.destination",
        "CertificateIssued.authority",
        "CertificateIssued.issued_on",
        "CertificateIssued.destination",
        "measures: TRANSIT_BAN",
        "participants",
    ),
    innocent_causes=("a planned route that was not taken", "a typing error in a country's code"),
)
def transit_banned(dossier: Dossier) -> Verdict:
    """A transit, or an export's stated route, leads through a territory while the destination bars what passes there."""
    passages = _passages(dossier)
    bans = dossier.reference.measures.of_kind("TRANSIT_BAN") if passages else ()
    verdict: Plain = NOT_APPLICABLE
    barred: dict[str, tuple[Measure, list[_Passage]]] = {}
    missing: dict[str, None] = {}
    for passage in passages:
        for ban in bans:
            days = _days_in_force(ban, passage)
            if days is None:
                continue
            if dossier.destination is None and not dossier.reference.binds(ban, None, days[0]):
                if _leads_through(dossier, passage, ban, days[0]):
                    missing["destination"] = None
            elif any(dossier.reference.binds(ban, dossier.destination, on) for on in days):
                verdict = PASS
                if passage.country is None:
                    missing["ShipmentTransited.country"] = None
                elif _leads_through(dossier, passage, ban, days[0]):
                    barred.setdefault(ban.measure_id, (ban, []))[1].append(passage)
    if barred:
        return [_barred_transit(dossier, ban, through) for ban, through in barred.values()]
    return Undetermined(tuple(missing)) if missing else verdict


def _passages(dossier: Dossier) -> list[_Passage]:
    """Every transit by its own days; every stated route on the export date."""
    found = []
    for transit in dossier.transits:
        first = transit.local_date
        left = local_date(transit.left_at, transit.left_at_utc_offset_minutes) if transit.left_at is not None else first
        found.append(_Passage(transit.country, first, max(first, left), transit))
    for export in dossier.exports:
        if export.route:
            assert dossier.export_date is not None
            found += [_Passage(country, dossier.export_date, dossier.export_date, export) for country in dict.fromkeys(export.route)]
    return found


def _days_in_force(measure: Measure, passage: _Passage) -> tuple[date, date] | None:
    """The first and the last day of a passage on which a measure was in force; None: it never was."""
    first = max(passage.first, measure.valid_from)
    last = passage.last if measure.valid_to is None else min(passage.last, measure.valid_to - timedelta(days=1))
    return (first, last) if first <= last else None


def _leads_through(dossier: Dossier, passage: _Passage, measure: Measure, on: date) -> bool:
    country = passage.country
    if country is None:
        return False
    return country == measure.territory or dossier.reference.participants.participant_of(country, on) == measure.territory


def _barred_transit(dossier: Dossier, measure: Measure, passages: list[_Passage]) -> Violation:
    territory = dossier.name(measure.territory)
    entries, evidence = [], []
    for passage in passages:
        if isinstance(passage.source, ShipmentExported):
            entries.append(f"were exported by a stated route through {territory} on {day(passage.first)}")
            evidence.append(
                Evidence("route", ", ".join(passage.source.route), f"without {measure.territory}", passage.source.event_id),
            )
        else:
            until = f" until {day(passage.last)}" if passage.last > passage.first else ""
            entries.append(f"were in {territory} on their way {'from' if until else 'on'} {day(passage.first)}{until}")
            days = passage.first.isoformat() + (f" to {passage.last.isoformat()}" if until else "")
            evidence.append(Evidence("transit", f"{passage.country} {days}", f"not {measure.territory}", passage.source.event_id))
    bound = f" bound for {dossier.name(dossier.destination)}" if dossier.destination else ""
    return Violation(
        message=f"Goods under certificate {dossier.number}{bound} {listed(dict.fromkeys(entries))}; "
        f"{dossier.imposer(measure)} has barred what passes through there since {day(measure.valid_from)} ({measure.basis}).",
        evidence=(*evidence, Evidence(f"measure {measure.measure_id}", "in force", "not in force", passages[0].source.event_id)),
        participants=tuple(sorted({measure.territory} | {code for code in (dossier.issuer, dossier.destination) if code})),
        subject=measure.measure_id,
        shipment_id=passages[0].source.shipment_id,
        confidence=measure.confidence,
    )
