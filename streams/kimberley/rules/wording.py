"""Figures, dates and lists as a sentence has them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache


@lru_cache(maxsize=10_000)
def day(on: date) -> str:
    """`1 November 2024`."""
    return f"{on.day} {on:%B} {on.year}"


def moment(instant: int, utc_offset_minutes: int) -> str:
    """`1 November 2024 at 14:30 UTC+02:00`: an instant in milliseconds since the epoch, as clocks showed it at the border."""
    shown = datetime.fromtimestamp(instant // 1000, UTC) + timedelta(minutes=utc_offset_minutes)
    hours, minutes = divmod(abs(utc_offset_minutes), 60)
    offset = f"{'-' if utc_offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}" if utc_offset_minutes else ""
    return f"{day(shown.date())} at {shown:{'%H:%M:%S' if shown.second else '%H:%M'}} UTC{offset}"


def figure(amount: Decimal | int | None) -> str:
    """`1,234.5`: thousands parted, no zeros at the end of the places; `none stated` for None."""
    if amount is None:
        return "none stated"
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def carats(weight: Decimal | None) -> str:
    """`1,000 ct`; `none stated` for None."""
    return figure(weight) if weight is None else f"{figure(weight)} ct"


def dollars(value: Decimal | None) -> str:
    """`US$ 130,000`; `none stated` for None."""
    return figure(value) if value is None else f"US$ {figure(value)}"


def parcels(count: int | None) -> str:
    """`1 parcel`, `2 parcels`."""
    return "1 parcel" if count == 1 else f"{figure(count)} parcels"


def shipment(shipment_id: str) -> str:
    """A shipment at the head of a sentence; its id is for its exporter to state."""
    return f"Shipment {shipment_id}" if shipment_id else "A shipment without an id"


def listed(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    *head, last = list(parts)
    return f"{', '.join(head)} and {last}" if head else last


def status_words(status: str) -> str:
    """`non_participant` as a sentence has it."""
    return {
        "non_participant": "not a Participant of the Kimberley Process",
        "candidate": "only a candidate of the Kimberley Process",
        "removed": "removed from the Kimberley Process",
        "self_suspended": "self-suspended",
    }.get(status, status.replace("_", " "))
