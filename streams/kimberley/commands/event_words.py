"""What an event says, in a phrase for people; and the fields that may name people, which stay out unless they are asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

from kimberley.model.events import (
    AnyEvent,
    CertificateInvalidated,
    CertificateIssued,
    EventWithdrawn,
    ImportConfirmed,
    Party,
    ShipmentArrived,
    ShipmentDetained,
    ShipmentExported,
    ShipmentTransited,
    instant_text,
)
from kimberley.rules.wording import carats, day, dollars, parcels

PRIVATE_FIELDS = ("exporter", "importer", "remarks")
"""Fields that may name people; what they say leaves the event topics only when someone asks for it."""


def without_private(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An event's fields without those that may name people."""
    return {name: value for name, value in fields.items() if name not in PRIVATE_FIELDS}


def moment(instant: int, utc_offset_minutes: int, between: str = " ") -> str:
    """`2024-03-07 11:00 +01:00`: an instant at its sender's own offset, to the minute unless it has seconds."""
    text = instant_text(instant // 1000 * 1000, utc_offset_minutes)
    offset = "UTC" if text.endswith("Z") else text[-6:]
    time = text[11:19].removesuffix(":00") if text[16:19] == ":00" else text[11:19]
    return f"{text[:10]}{between}{time} {offset}"


def said(event: AnyEvent, names: bool, known: Mapping[str, str] | None = None) -> str:
    """What an event says, its parts divided by semicolons.

    `names`: also who exports and imports, and remarks. `known`: what to call other events, by their ids.
    """
    return "; ".join(_parts(event, names, known or {}))


def _parts(event: AnyEvent, names: bool, known: Mapping[str, str]) -> Iterator[str]:
    match event:
        case CertificateIssued():
            yield from _certificate(event)
        case CertificateInvalidated():
            yield event.reason
            if event.replacement_number:
                yield f"replaced by {event.replacement_number}"
        case EventWithdrawn():
            yield event.reason
            if event.corrective_event_ids:
                yield f"corrected by {', '.join(known.get(each, f'event {each}') for each in event.corrective_event_ids)}"
        case ShipmentExported():
            yield f"to {event.destination or 'no stated destination'}"
            yield from _goods(event)
            if event.route:
                yield f"by way of {', '.join(event.route)}"
            yield from _seals(event.seal_numbers)
        case ShipmentTransited():
            yield f"through {event.country or 'no stated country'}"
            if event.left_at is not None:
                yield f"left {moment(event.left_at, event.left_at_utc_offset_minutes)}"
            if event.opened:
                yield "opened"
            yield from _seals(event.seal_numbers)
            yield from _seals(event.new_seal_numbers, "new seals")
        case ShipmentArrived():
            yield from _goods(event)
            yield from _seals(event.seal_numbers)
            yield from _seals(event.new_seal_numbers, "new seals")
            if not event.original_presented:
                yield "the original certificate was not presented"
        case ImportConfirmed():
            yield from _goods(event)
            if event.confirms_to:
                yield f"confirmed to {event.confirms_to}"
        case ShipmentDetained():
            if event.reason:
                yield event.reason
    if shipment := getattr(event, "shipment_id", ""):
        yield f"shipment {shipment}"
    if names:
        yield from _people(event)


def _certificate(event: CertificateIssued) -> Iterator[str]:
    yield f"issued on {day(event.issued_on)}"
    yield f"valid until {day(event.expires_on)}" if event.expires_on else "no expiry stated"
    yield f"to {event.destination or 'no stated destination'}"
    yield from _goods(event)
    if codes := sorted({parcel.hs_code for parcel in event.parcels if parcel.hs_code}):
        yield f"HS {', '.join(f'{code[:4]}.{code[4:]}' if len(code) == 6 else code for code in codes)}"
    origins = sorted({*event.origins, *(origin for parcel in event.parcels for origin in parcel.origins)})
    yield f"{'mixed ' if event.mixed_origin else ''}origin {', '.join(origins) or 'not stated'}"
    if event.provenance and event.provenance != event.authority:
        yield f"provenance {event.provenance}"
    if event.max_stone_carats is not None:
        yield f"largest stone {carats(event.max_stone_carats)}"
    if event.extraction:
        yield f"mined in {event.extraction.zone or 'no stated zone'}"
        if event.extraction.produced_on:
            yield f"produced on {day(event.extraction.produced_on)}"
    if event.source_certificates:
        yield f"from {', '.join(event.source_certificates)}"
    if event.replaces:
        yield f"replaces {event.replaces}"
    for approval in event.approvals:
        yield f"approval {approval.kind}{f' of {day(approval.granted_on)}' if approval.granted_on else ''}"
    for declaration in event.declarations:
        yield f"declaration {declaration.kind}"
    yield from _seals(event.seal_numbers)


def _goods(event: CertificateIssued | ShipmentExported | ShipmentArrived | ImportConfirmed) -> Iterator[str]:
    value = getattr(event, "value_usd", None)
    stated = [
        parcels(event.parcel_count) if event.parcel_count is not None else "",
        carats(event.carats) if event.carats is not None else "",
        dollars(value) if value is not None else "",
    ]
    yield ", ".join(part for part in stated if part) or "no amount stated"


def _seals(numbers: tuple[str, ...] | None, name: str = "seals") -> Iterator[str]:
    if numbers is not None:
        yield f"{name} {', '.join(numbers) or 'none'}"


def _people(event: AnyEvent) -> Iterator[str]:
    for role in ("exporter", "importer"):
        party: Party | None = getattr(event, role, None)
        if party is not None:
            yield f"{role} {', '.join(part for part in (party.name, party.id, party.address) if part) or 'without a name'}"
    if remarks := getattr(event, "remarks", None):
        yield f"remarks: {remarks}"
