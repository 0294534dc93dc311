"""How two events differ, and what a field says as evidence: never what may name a person."""

from collections.abc import Set
from decimal import Decimal
from typing import Any

from kimberley.model.events import AnyEvent, Extraction, Parcel, Party, instant_text
from kimberley.rules.wording import carats, dollars, figure

OF_THE_REPORT = frozenset({"event_id", "occurred_at", "utc_offset_minutes", "office", "certificate_number"})
"""Fields that say who told it when, not what is told."""
_PRIVATE = frozenset({"exporter", "importer", "remarks"})
_INSTANTS = {"occurred_at": "utc_offset_minutes", "left_at": "left_at_utc_offset_minutes"}


def differing(one: AnyEvent, other: AnyEvent, besides: Set[str] = frozenset()) -> list[str]:
    """The fields in which two events of one type differ, but for those named."""
    return [field for field in one.__struct_fields__ if field not in besides and getattr(one, field) != getattr(other, field)]


def shown(event: AnyEvent, field: str) -> str:
    """A field's content as evidence; what may name a person stays behind."""
    value = getattr(event, field)
    if field in _INSTANTS and value is not None:
        return instant_text(value, getattr(event, _INSTANTS[field]))
    return "(not shown)" if field in _PRIVATE else _text(value)


def _text(value: Any) -> str:
    match value:
        case Decimal():
            return figure(value)
        case Parcel():
            return f"{value.hs_code or '?'} {carats(value.carats)} {dollars(value.value_usd)} {','.join(value.origins)}".strip()
        case Extraction():
            return f"{value.zone or '?'} {value.produced_on or ''}".strip()
        case tuple():
            return "; ".join(map(_text, value)) or "none"
        case None:
            return "not stated"
        case Party():
            return "(not shown)"
        case _:
            return (
                " ".join(str(getattr(value, name)) for name in value.__struct_fields__)
                if hasattr(value, "__struct_fields__")
                else str(value)
            )
