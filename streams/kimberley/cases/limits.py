"""What is read of one event and kept of one certificate number: bounds far above honest trade, so that nobody's events can grow a case
that no worker holds. The guide for border systems has them all (a test holds it to these).
"""

from collections.abc import Iterable, Mapping
from math import inf
from typing import NamedTuple

from kimberley.model.events import EVENT_TYPES

Sizes = tuple[tuple[str, int], ...]
"""Fields, each with the most characters or items that are read of it."""

MOST_ITEMS = 1_000
"""Items of any list of an event."""
MOST_SOURCES = 500
"""Certificates that one names as its sources."""
LONGEST_ID = 200
"""Characters of an event's, a shipment's or a party's id, of a kind, a reference, a zone."""
LONGEST_NUMBER = 64
"""Characters of a certificate number (an event's own: without blanks, hyphens and slashes), a seal number or an HS code."""
LONGEST_WRITTEN = 1_000
"""Characters of an event's certificate number as it is written, blanks, hyphens and slashes included."""
LONGEST_TEXT = 500
"""Characters of any other text but remarks."""
LONGEST_REMARKS = 4_000
MOST_FAULTS = 50
"""Faults of one event that its answer lists."""

MOST_EVENTS = 500
"""Events of one certificate number, withdrawals not counted."""
MOST_WITHDRAWALS = 500
"""Withdrawals of one certificate number: a full case can still be corrected."""
MOST_CONFLICTS = 200
"""Contents kept that came under a taken event id; more are answered as conflicts all the same."""
MOST_USES = 2_000
"""Certificates kept note of that name one as their source."""
MOST_CASE_BYTES = 4 << 20
"""A case of this size, packed, takes in nothing further."""
MOST_JUDGED_BYTES = 6 << 20
"""As above, but for alerts that time or new reference data bring to a case: its record must fit its topic (8 MB)."""

MOST_TOLD = 20
"""Arrivals, approvals and zones, each, of which a certificate tells those that name it."""
MOST_EVIDENCE = 50
"""Items of evidence in one alert."""
LONGEST_EVIDENCE = 500
"""Characters of a value in evidence."""
LONGEST_MESSAGE = 2_000
"""Characters of an alert's message."""
MOST_LISTED = 100
"""Alerts, and parties, that one decision lists."""

_LENGTHS: Mapping[str, int] = {
    "event_id": LONGEST_ID,
    "certificate_number": LONGEST_WRITTEN,
    "withdrawn_event_id": LONGEST_ID,
    "corrective_event_ids": MOST_ITEMS,
    "shipment_id": LONGEST_ID,
    "office": LONGEST_TEXT,
    "remarks": LONGEST_REMARKS,
    "parcels": MOST_ITEMS,
    "origins": MOST_ITEMS,
    "route": MOST_ITEMS,
    "seal_numbers": MOST_ITEMS,
    "new_seal_numbers": MOST_ITEMS,
    "source_certificates": MOST_SOURCES,
    "approvals": MOST_ITEMS,
    "declarations": MOST_ITEMS,
    "replaces": LONGEST_NUMBER,
    "replacement_number": LONGEST_NUMBER,
}
"""By field."""
_REASONS: Mapping[str, int] = {"ShipmentDetained": LONGEST_TEXT}
_PARTY: Sizes = (("name", LONGEST_TEXT), ("id", LONGEST_ID), ("address", LONGEST_TEXT))
_PARTS: Mapping[str, int | Sizes] = {
    "corrective_event_ids": LONGEST_ID,
    "seal_numbers": LONGEST_NUMBER,
    "new_seal_numbers": LONGEST_NUMBER,
    "source_certificates": LONGEST_NUMBER,
    "exporter": _PARTY,
    "importer": _PARTY,
    "parcels": (("hs_code", LONGEST_NUMBER), ("origins", MOST_ITEMS)),
    "extraction": (("zone", LONGEST_ID),),
    "approvals": (("kind", LONGEST_ID), ("reference", LONGEST_ID)),
    "declarations": (("kind", LONGEST_ID), ("reference", LONGEST_ID)),
}


def _of(names: Iterable[str], limits: Mapping[str, int]) -> Sizes:
    return tuple((name, limits[name]) for name in names if name in limits)


SIZES_OF: Mapping[str, Sizes] = {
    name: (*_of(kind.__struct_fields__, _LENGTHS), *((("reason", _REASONS[name]),) if name in _REASONS else ()))
    for name, kind in EVENT_TYPES.items()
}
"""By event type: the most characters of a text, or items of a list."""
PARTS_OF: Mapping[str, tuple[tuple[str, int | Sizes], ...]] = {
    name: tuple((field, _PARTS[field]) for field in kind.__struct_fields__ if field in _PARTS) for name, kind in EVENT_TYPES.items()
}
"""By event type: of a list of texts the most characters of each, of an object, or of each of several, its fields' limits."""
_STEPS = (LONGEST_ID, LONGEST_TEXT, LONGEST_WRITTEN)


class Limits(NamedTuple):
    """Those of `SIZES_OF` and `PARTS_OF` that matter to a record."""

    sizes: Sizes
    parts: tuple[tuple[str, int | Sizes], ...]


def _below(type_name: str, bound: float) -> Limits:
    parts: list[tuple[str, int | Sizes]] = []
    for field, most in PARTS_OF[type_name]:
        if isinstance(most, int):
            parts += [(field, most)] if most < bound else []
        elif low := tuple(each for each in most if each[1] < bound):
            parts.append((field, low))
    return Limits(tuple(each for each in SIZES_OF[type_name] if each[1] < bound), tuple(parts))


_LIMITS: Mapping[str, tuple[tuple[float, Limits], ...]] = {
    name: tuple((bound, _below(name, bound)) for bound in (*_STEPS, inf)) for name in EVENT_TYPES
}


def limits_within(type_name: str, size: float) -> Limits:
    """The limits that an event of a type can exceed when it was read from so many bytes: no text has more characters than that, and no
    list more items. Most records are smaller than most limits.
    """
    for bound, limits in _LIMITS[type_name]:
        if size <= bound:
            return limits
    raise ValueError(f"{size} is no number of bytes")
