"""Events in their JSON form, one object an event, to and from the records that Avro carries. The schemas say what a field may hold."""

import re
from collections.abc import Callable
from datetime import date
from datetime import time as clock_time
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any

from kimberley.errors import RefusedEventError
from kimberley.model.days import DAY_MS, day_of
from kimberley.model.events import EVENT_TYPES, TOPICS_OF, instant_text
from kimberley.model.text import shown
from kimberley.wire.compatibility import NamedTypes
from kimberley.wire.reference_records import TYPE_OF
from kimberley.wire.schemas import shipped_schemas

Fault = tuple[str, str, str]
Faults = list[Fault]
Reader = Callable[[Any, str, Faults], Any]

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d{2}):(\d{2}))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?")
_MOST_OFFSET = 18 * 60
_LEAST_INT, _MOST_INT = -(1 << 31), (1 << 31) - 1
_LEAST_LONG, _MOST_LONG = -(1 << 63), (1 << 63) - 1
_LONGEST_DECIMAL = 64
_PRIVATE = frozenset({"exporter", "importer", "remarks"})
_KINDS = {str: "text", list: "list", dict: "object", bool: "boolean", type(None): "null"}
_OFFSET = "utc_offset_minutes"
_REFERENCE_FOLDERS = {type_name: topic for topic, type_name in TYPE_OF.items()}
TYPE_NAMES = (*EVENT_TYPES, *_REFERENCE_FOLDERS)
# a reference event needs no head in a file: it is known from the beginning then
_REFERENCE_HEAD = ("event_id", "occurred_at", _OFFSET, "authority")


def record_from_json(parsed: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Type name and record of an event in its JSON form, parsed with decimals, never through floats.

    Raises RefusedEventError with every fault found: missing, type, format, places, range, unknown-field, unknown-type. Codes and
    symbols are `cases.intake`'s matter.
    """
    type_name = parsed.get("type")
    if not isinstance(type_name, str) or type_name not in TYPE_NAMES:
        said = "type is missing" if type_name is None else f"{shown(type_name)} is no type of event"
        raise RefusedEventError(
            [("missing" if type_name is None else "unknown-type", "type", f"{said}: use one of {', '.join(TYPE_NAMES)}")]
        )
    fields = {name: value for name, value in parsed.items() if name != "type"}
    if type_name == "MeasureListed" and "id" in fields:
        fields["measure_id"] = fields.pop("id")
    faults: Faults = []
    record = _converter(type_name)(fields, "", faults)
    if faults:
        raise RefusedEventError(faults)
    return type_name, record


def json_from_record(type_name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The JSON form of a record, without its absent fields; `record_from_json` gives the record back."""
    written = _json(_schema(type_name), record, NamedTypes(_schema(type_name)))
    return {"type": type_name, **written}


def parse_instant(text: str) -> tuple[int, int]:
    """Milliseconds since the epoch, UTC, and the offset in minutes of an RFC 3339 instant; without an offset it is UTC.

    What is finer than a millisecond is cut off. Raises ValueError in words.
    """
    found = _INSTANT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{shown(text)} is no RFC 3339 instant, such as 2024-03-07T12:00:00+02:00")
    day, time, fraction, _, sign, hours, minutes = found.groups()
    try:
        moment = _midnight(day) + _since_midnight(time)
    except ValueError as problem:
        raise ValueError(f"{shown(text)} is no instant: {problem}") from None
    offset = (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1) if sign else 0
    if abs(offset) > _MOST_OFFSET or (minutes and int(minutes) > 59):
        raise ValueError(f"{shown(text)} has an offset that no place on earth has")
    thousandths = int((fraction or "0")[:3].ljust(3, "0"))
    return moment + thousandths - offset * 60_000, offset


@lru_cache(maxsize=1 << 12)
def _midnight(day: str) -> int:
    return day_of(date.fromisoformat(day)) * DAY_MS


@lru_cache(maxsize=1 << 12)
def _since_midnight(time: str) -> int:
    found = clock_time.fromisoformat(time)
    return (found.hour * 3600 + found.minute * 60 + found.second) * 1000


def _schema(type_name: str) -> Any:
    folder = _REFERENCE_FOLDERS.get(type_name) or TOPICS_OF[type_name][0]
    return shipped_schemas().current[folder, type_name]


@cache
def _converter(type_name: str) -> Reader:
    schema = _schema(type_name)
    optional = _REFERENCE_HEAD if type_name in _REFERENCE_FOLDERS else ()
    return _record_reader(schema, NamedTypes(schema), optional)


def _reader(schema: Any, names: NamedTypes) -> Reader:
    """What takes a JSON value in by an Avro schema."""
    schema = names.resolve(schema)
    if isinstance(schema, list):
        return _reader(next(branch for branch in schema if branch != "null"), names)
    match schema:
        case {"logicalType": "decimal"}:
            return _decimal_reader(schema["precision"], schema["scale"])
        case {"logicalType": "date"}:
            return _read_date
        case {"type": "record"}:
            return _record_reader(schema, names)
        case {"type": "array"}:
            return _array_reader(_reader(schema["items"], names))
        case {"type": "int"}:
            return _int_reader(_LEAST_INT, _MOST_INT)
        case {"type": "long"}:
            return _int_reader(_LEAST_LONG, _MOST_LONG)
        case {"type": "boolean"}:
            return _read_boolean
    return _read_text


def _record_reader(schema: Any, names: NamedTypes, optional: tuple[str, ...] = ()) -> Reader:
    # the schemas are ours and their named types are defined where they are first used, so this ends
    fields = {field["name"]: field for field in schema["fields"]}
    instants = {name for name, field in fields.items() if _is_instant(field["type"])}
    offsets = {_offset_name(name) for name in instants}
    readers = {name: _reader(field["type"], names) for name, field in fields.items() if name not in instants and name not in offsets}
    known = [name for name in fields if name not in offsets]
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    lists = [name for name, default in defaults.items() if isinstance(default, list)]
    required = [name for name in fields if name not in defaults and name not in optional]

    def read(value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, dict):
            faults.append(("type", path, f"{_shown(value, path)} is no JSON object"))
            return None
        record: dict[str, Any] = defaults.copy()
        for name in lists:
            record[name] = list(defaults[name])
        for name, given in value.items():
            place = f"{path}.{name}" if path else name
            if name in readers:
                if given is not None:
                    record[name] = readers[name](given, place, faults)
            elif name in instants:
                if given is not None:
                    _take_instant(record, name, given, place, faults)
            else:
                faults.append(("unknown-field", place, f"{place} is no field of {schema['name']}; its fields are {', '.join(known)}"))
        for name in required:
            if value.get(name) is None:
                place = f"{path}.{name}" if path else name
                faults.append(("missing", place, f"{place} is missing: every {schema['name']} states it"))
        return record

    return read


def _is_instant(schema: Any) -> bool:
    branches = schema if isinstance(schema, list) else [schema]
    return any(isinstance(branch, dict) and branch.get("logicalType") == "timestamp-millis" for branch in branches)


def _offset_name(instant: str) -> str:
    """The field that keeps an instant's offset: `occurred_at` has the event's."""
    return _OFFSET if instant == "occurred_at" else f"{instant}_{_OFFSET}"


def _take_instant(record: dict[str, Any], name: str, value: Any, path: str, faults: Faults) -> None:
    if not isinstance(value, str):
        faults.append(("type", path, f"{_shown(value, path)} is no RFC 3339 instant in quotes, such as 2024-03-07T12:00:00+02:00"))
        return
    try:
        record[name], record[_offset_name(name)] = parse_instant(value)
    except ValueError as problem:
        faults.append(("format", path, str(problem)))


def _read_text(value: Any, path: str, faults: Faults) -> Any:
    if not isinstance(value, str):
        faults.append(("type", path, f"{_shown(value, path)} is no text in quotes"))
    elif not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        faults.append(("format", path, "holds half of a UTF-16 pair, which is no letter"))
    return value


def _read_boolean(value: Any, path: str, faults: Faults) -> Any:
    if not isinstance(value, bool):
        faults.append(("type", path, f"{_shown(value, path)} is neither true nor false"))
    return value


def _int_reader(least: int, most: int) -> Reader:
    def read(value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            faults.append(("type", path, f"{_shown(value, path)} is no whole number"))
        elif not least <= value <= most:
            faults.append(("range", path, f"{shown(value)} lies outside {least} to {most}"))
        return value

    return read


def _read_date(value: Any, path: str, faults: Faults) -> Any:
    if not isinstance(value, str):
        faults.append(("type", path, f"{_shown(value, path)} is no date in quotes, such as 2024-03-07"))
        return value
    try:
        if _DATE.fullmatch(value.strip()):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    faults.append(("format", path, f"{shown(value)} is no date, such as 2024-03-07"))
    return value


def _decimal_reader(precision: int, scale: int) -> Reader:
    quantum = Decimal(1).scaleb(-scale)
    most = 10 ** (precision - scale)
    usual = re.compile(rf"\d{{1,{precision - scale}}}(?:\.\d{{1,{scale}}})?").fullmatch

    def read(value: Any, path: str, faults: Faults) -> Any:
        if isinstance(value, str) and usual(value):
            return Decimal(value).quantize(quantum)
        number = _as_decimal(value)
        if number is None:
            kind = "format" if isinstance(value, str) else "type"
            faults.append((kind, path, f'{_shown(value, path)} is no decimal number, such as "1234.56"'))
        elif -int(number.as_tuple().exponent) > scale:
            faults.append(("places", path, f"{shown(value)} has more than {scale} decimal places: round it where it is measured"))
        elif abs(number) >= most:
            faults.append(("range", path, f"{shown(value)} has more than {precision - scale} digits before the point"))
        else:
            return number.quantize(quantum)
        return value

    return read


def _as_decimal(value: Any) -> Decimal | None:
    """The number as it is written, its places kept. None: it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip()
        if len(value) > _LONGEST_DECIMAL or not _DECIMAL.fullmatch(value):
            return None
    elif not isinstance(value, int | Decimal):
        return None
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _LONGEST_DECIMAL else None


def _array_reader(item_reader: Reader) -> Reader:
    def read(value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, list):
            faults.append(("type", path, f"{_shown(value, path)} is no list"))
            return value
        items = []
        for index, item in enumerate(value):
            if item is None:
                faults.append(("type", f"{path}[{index}]", "null has no place in a list"))
            else:
                items.append(item_reader(item, f"{path}[{index}]", faults))
        return items

    return read


def _shown(value: Any, path: str) -> str:
    """A value at fault as a message has it; what may name a person stays behind."""
    if path.partition(".")[0] in _PRIVATE:
        return f"a JSON {_KINDS.get(type(value), 'number')}"
    return shown(value)


def _json(schema: Any, value: Any, names: NamedTypes) -> Any:
    schema = names.resolve(schema)
    if isinstance(schema, list):
        return None if value is None else _json(next(branch for branch in schema if branch != "null"), value, names)
    match schema:
        case {"type": "record"}:
            return _json_record(schema, value, names)
        case {"type": "array"}:
            return [_json(schema["items"], item, names) for item in value]
        case {"logicalType": "decimal"}:
            return str(value)
        case {"logicalType": "date"}:
            return value.isoformat() if isinstance(value, date) else value
    return value


def _json_record(schema: Any, record: dict[str, Any], names: NamedTypes) -> dict[str, Any]:
    written: dict[str, Any] = {}
    instants = {field["name"] for field in schema["fields"] if _is_instant(field["type"])}
    offsets = {_offset_name(name) for name in instants}
    for field in schema["fields"]:
        name = field["name"]
        value = record.get(name)
        if value is None or name in offsets:
            continue
        if name in instants:
            written[name] = instant_text(value, record.get(_offset_name(name), 0))
        else:
            written[name] = _json(field["type"], value, names)
    return written
