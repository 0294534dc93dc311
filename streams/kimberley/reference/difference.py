"""What one state of the reference data has otherwise than another, record by record and field by field."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from kimberley.model.reference_data import AllowedZone, StatusPeriod
from kimberley.reference.reference import Reference, ReferenceRecord

_PART_KEYS: dict[type, tuple[str, ...]] = {StatusPeriod: ("valid_from",), AllowedZone: ("zone", "valid_from")}
"""What tells one part of a record from another."""


class FieldChange(NamedTuple):
    """A field that differs: its path, and what it was and is in words; empty where it is not stated."""

    field: str
    before: str
    after: str


class Difference(NamedTuple):
    """A record that was added, changed or removed. `fields` holds only what differs; of a record that is new or gone, all it states."""

    change: Literal["added", "changed", "removed"]
    kind: Literal["participant", "measure", "notice"]
    key: str
    fields: tuple[FieldChange, ...]


def differences(before: Reference, after: Reference) -> list[Difference]:
    """What leads from one state to the other, by kind and key."""
    return [
        *_of_kind("participant", before.participants.by_code, after.participants.by_code),
        *_of_kind("measure", before.measures.by_id, after.measures.by_id),
        *_of_kind("notice", before.notices, after.notices),
    ]


def _of_kind(
    kind: Literal["participant", "measure", "notice"], before: Mapping[str, ReferenceRecord], after: Mapping[str, ReferenceRecord]
) -> Iterator[Difference]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        change: Literal["added", "changed", "removed"] = "added" if old is None else "removed" if new is None else "changed"
        yield Difference(change, kind, key, tuple(_changes(_flat(old), _flat(new))))


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for field in dict.fromkeys([*before, *after]):
        if before.get(field, "") != after.get(field, ""):
            yield FieldChange(field, before.get(field, ""), after.get(field, ""))


def _flat(record: ReferenceRecord | None) -> dict[str, str]:
    """A record's stated fields by path, in words: a period's status is `periods[2015-07-17].status`."""
    if record is None:
        return {}
    found: dict[str, str] = {}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            for part in value:
                key = _PART_KEYS[type(part)]
                place = f"{name}[{' '.join(str(getattr(part, field)) for field in key)}]"
                for field in part.__struct_fields__:
                    if field not in key:
                        _state(found, f"{place}.{field}", getattr(part, field))
        else:
            _state(found, name, value)
    return found


def _state(found: dict[str, str], path: str, value: Any) -> None:
    if value is not None and value != () and value != "":
        found[path] = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
