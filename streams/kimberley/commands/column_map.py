"""Which column of a CSV file is which field: by the header where its names are fields, else by a map in TOML."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from kimberley.commands.options import near
from kimberley.errors import ConfigurationError
from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.wire.compatibility import NamedTypes
from kimberley.wire.schemas import shipped_schemas

Kind = Literal["text", "integer", "boolean", "list"]
Step = str | int

_PATH = re.compile(r"[a-z_]+(?:\[\d{1,2}\])?(?:\.[a-z_]+)?")
_STEP = re.compile(r"\[(\d+)\]|([a-z_]+)")
_TYPE = "type"


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a map file says. `columns`: field by column name, empty for a column to leave out; `constants`: fields that no column has."""

    type: str | None = None
    delimiter: str | None = None
    list_separator: str = ";"
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}


class FieldColumn(msgspec.Struct, frozen=True):
    """A column (or constant) and the field that it fills. `steps` lead there; `kind` says what text becomes."""

    name: str
    path: str
    steps: tuple[Step, ...]
    kind: Kind


def read_map(file: Path | None) -> ColumnMap:
    """The map of a file; one that says nothing where there is none. Raises ConfigurationError that names the fault."""
    if file is None:
        return ColumnMap()
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), ColumnMap)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as problem:
        raise ConfigurationError(f"{file}: {problem}") from None
    if found.delimiter is not None and len(found.delimiter) != 1:
        raise ConfigurationError(f"{file}: delimiter {found.delimiter!r} is not one character")
    if not found.list_separator:
        raise ConfigurationError(f"{file}: list_separator is empty")
    if found.type is not None and found.type not in EVENT_TYPES:
        raise ConfigurationError(f"{file}: type {found.type!r} is no type of event: use one of {', '.join(EVENT_TYPES)}")
    return found


def columns_of(header: Sequence[str], chosen: ColumnMap, where: str, type_name: str | None) -> list[FieldColumn | None]:
    """The field of each column of a header, None where it is left out; then those of the constants.

    Raises ConfigurationError that lists every column that is none, with what to do.
    """
    problems = []
    columns: list[FieldColumn | None] = []
    used: dict[str, str] = {}
    for number, raw in enumerate(header, start=1):
        name = raw.strip()
        path = chosen.columns[name] if name in chosen.columns else re.sub(r"[\s\-]+", "_", name.lower())
        if name in chosen.columns and not path:
            columns.append(None)
            continue
        try:
            column = _column(name or f"number {number}", path, type_name)
        except ValueError as problem:
            problems.append(str(problem))
            continue
        if path in used:
            problems.append(f"columns {used[path]!r} and {name!r} are both {path}: leave one out by {_left_out(name)}")
        used[path] = name
        columns.append(column)
    for name in chosen.columns.keys() - {raw.strip() for raw in header}:
        problems.append(f"column {name!r} of the map is not in the header")
    for path in chosen.constants:
        try:
            columns.append(_column(f"constant {path}", path, type_name))
        except ValueError as problem:
            problems.append(str(problem))
        if path in used:
            problems.append(f"{path} is a constant and column {used[path]!r}")
    if problems:
        raise ConfigurationError(f"{where}: " + "\n  ".join(problems))
    return columns


def _column(name: str, path: str, type_name: str | None) -> FieldColumn:
    """Raises ValueError in words where the path leads to no field."""
    if path == _TYPE:
        return FieldColumn(name, path, (_TYPE,), "text")
    kinds = field_kinds(type_name) if type_name else _all_kinds()
    kind = kinds.get(re.sub(r"\[\d+\]", "[]", path)) if _PATH.fullmatch(path) else None
    if kind is None:
        whose = type_name or "any event"
        raise ValueError(
            f"column {name!r}: {path or 'an empty name'} is no field of {whose}{near(path, kinds)}: map it in --columns, or leave it out "
            f"by {_left_out(name)}"
        )
    return FieldColumn(name, path, tuple(int(index) if index else step for index, step in _STEP.findall(path)), kind)


def _left_out(name: str) -> str:
    return f'"{name}" = "" there'


def _all_kinds() -> Mapping[str, Kind]:
    return {path: kind for name in EVENT_TYPES for path, kind in field_kinds(name).items()}


@cache
def field_kinds(type_name: str) -> Mapping[str, Kind]:
    """What each field of a type is to a CSV cell, by path, `[]` for any index: `parcels[].carats`, `exporter.name`, `origins`."""
    schema = shipped_schemas().current[TOPICS_OF[type_name][0], type_name]
    kinds: dict[str, Kind] = {}
    _collect(schema, "", NamedTypes(schema), kinds)
    return {path: kind for path, kind in kinds.items() if not path.endswith("utc_offset_minutes")}


def _collect(schema: Any, path: str, names: NamedTypes, kinds: dict[str, Kind]) -> None:
    schema = names.resolve(schema)
    match schema:
        case list():
            _collect(next(branch for branch in schema if branch != "null"), path, names, kinds)
        case {"type": "record", "fields": fields}:
            for field in fields:
                _collect(field["type"], f"{path}.{field['name']}" if path else field["name"], names, kinds)
        case {"type": "array", "items": items}:
            if isinstance(names.resolve(items), dict) and names.resolve(items).get("type") == "record":
                _collect(items, f"{path}[]", names, kinds)
            else:
                kinds[path] = "list"
        case {"logicalType": _}:
            kinds[path] = "text"
        case {"type": "int" | "long"}:
            kinds[path] = "integer"
        case {"type": "boolean"}:
            kinds[path] = "boolean"
        case _:
            kinds[path] = "text"
