"""What a publisher checks before it sends: every fault by the name of its field, all of them at once."""

import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from kimberley.cases.intake import take_in
from kimberley.client.events import BorderEvent
from kimberley.errors import RefusedEventError
from kimberley.model.events import EVENT_TYPES, AnyEvent, Event, instant_text
from kimberley.wire.records import Fault, Faults, record_from_json
from kimberley.wire.reference_records import TYPE_OF

Publishable = BorderEvent | Event | Mapping[str, Any]
"""An event of `client.events` or `model.events`, or a dict in the JSON form."""

_REFERENCE_TYPES = frozenset(TYPE_OF.values())
# what stands in for a faulty field while the others are looked at
_STAND_INS = {
    "event_id": "stand-in",
    "occurred_at": "2000-01-01T00:00:00Z",
    "authority": "EU",
    "certificate_number": "EU1",
    "issued_on": "2000-01-01",
    "withdrawn_event_id": "stand-in",
}
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_REASONS = {"CertificateInvalidated": "REVOKED", "EventWithdrawn": "INCORRECT_DATA"}


class Checked(NamedTuple):
    """An event that may be sent: its type's name, the fields as its sender states them (`wire.records`), and the event as it is judged."""

    type_name: str
    fields: dict[str, Any]
    event: AnyEvent


def check_event(given: Publishable, latest: int | None = None) -> Checked:
    """The event, checked. `latest` is the last instant, milliseconds since the epoch, at which it may claim to have happened.

    Raises RefusedEventError with every fault found, each with code, field and what is wrong: missing, type, format, places, range,
    unknown-field, unknown-type, unknown-code, unknown-symbol, future.
    """
    faults: Faults = []
    parsed = _json_form(given, faults)
    type_name = parsed.get("type")
    if type_name in _REFERENCE_TYPES:
        raise RefusedEventError([("unknown-type", "type", f"{type_name} is reference data: load it by `kimberley reference load`")])
    found = _check(parsed, latest)
    if isinstance(found, Checked) and not faults:
        return found
    if not isinstance(found, Checked):
        # a float is told once, as what it is
        named = {field for _, field, _ in faults}
        faults += [fault for fault in found if fault[1] not in named]
    if type_name in EVENT_TYPES:
        faults += _further(parsed, faults, latest)
    raise RefusedEventError(faults)


def _check(parsed: Mapping[str, Any], latest: int | None) -> Checked | Faults:
    try:
        type_name, fields = record_from_json(dict(parsed))
        return Checked(type_name, fields, take_in(type_name, _copy(fields), latest))
    except RefusedEventError as problem:
        return problem.errors


def _further(parsed: Mapping[str, Any], faults: Faults, latest: int | None) -> list[Fault]:
    """What is wrong with the other fields: codes and symbols are looked at only once all can be read."""
    faulty = {field for _, field, _ in faults}
    rest = deepcopy(dict(parsed))
    for path in faulty:
        _stand_in(rest, path)
    found = _check(rest, latest)
    if isinstance(found, Checked):
        return []
    # a part's fault leaves the whole without it, not without the rest of its faults
    return [fault for fault in found if fault[1] not in faulty]


def _stand_in(parsed: dict[str, Any], path: str) -> None:
    """Take a faulty field out, or put something in its place that has no fault."""
    top = path.split(".")[0].split("[")[0]
    if path == top:
        parsed.pop(path, None)
        if path == "reason":
            parsed[path] = _REASONS.get(parsed["type"])
        elif path in _STAND_INS:
            parsed[path] = _STAND_INS[path]
        return
    try:
        place: Any = parsed
        *way, last = [int(index) if index else name for index, name in _STEP.findall(path)]
        for step in way:
            place = place[step]
        if last in place:
            del place[last]
        else:
            place[last] = "stand-in"
    except (KeyError, IndexError, TypeError):
        parsed.pop(top, None)


def _copy(fields: dict[str, Any]) -> dict[str, Any]:
    """Deep enough for `take_in`, which changes a record and its parcels."""
    return {
        name: [dict(each) if isinstance(each, dict) else each for each in value] if isinstance(value, list) else value
        for name, value in fields.items()
    }


def _json_form(given: Publishable, faults: Faults) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {name: _plain(value, str(name), faults) for name, value in given.items()}
    fields = {name: getattr(given, name) for name in given.__struct_fields__}
    if isinstance(given, Event):
        _join_offset(fields, "occurred_at", "utc_offset_minutes")
        _join_offset(fields, "left_at", "left_at_utc_offset_minutes")
    return {"type": type(given).__name__, **{name: _plain(value, name, faults) for name, value in fields.items()}}


def _join_offset(fields: dict[str, Any], instant: str, offset: str) -> None:
    """Milliseconds and an offset, as `model.events` has them, as one RFC 3339 text."""
    minutes = fields.pop(offset, 0)
    if isinstance(fields.get(instant), int):
        try:
            fields[instant] = instant_text(fields[instant], minutes)
        except (ValueError, OverflowError):
            fields[instant] = str(fields[instant])


def _plain(value: Any, path: str, faults: Faults) -> Any:
    """A value as parsed JSON has it."""
    match value:
        case float():
            faults.append(("type", path, "a float is rarely the number that was meant: give a Decimal, or text"))
        case datetime():
            if value.tzinfo is None:
                faults.append(("format", path, f"{value.isoformat()} has no time zone: give the border's, such as tzinfo=UTC"))
            return value.isoformat()
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case msgspec.Struct():
            return {name: _plain(getattr(value, name), f"{path}.{name}", faults) for name in value.__struct_fields__}
        case Mapping():
            return {name: _plain(each, f"{path}.{name}", faults) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each, f"{path}[{index}]", faults) for index, each in enumerate(value)]
    return value
