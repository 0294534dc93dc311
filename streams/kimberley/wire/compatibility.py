"""Whether one Avro schema reads what another wrote (Avro's schema resolution), for our subset of Avro; the registry judges it all.

avro-python3 has no such check, and the `avro` package that has one shares its import name.
"""

from collections.abc import Iterable
from typing import Any

_PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
_LOGICAL = ("logicalType", "precision", "scale")


def incompatibilities(writer: Any, reader: Any) -> list[str]:
    """Why `reader` can't read what `writer` wrote, one phrase a place; empty: it can. Both as parsed JSON."""
    return _differences(writer, reader, "", NamedTypes(writer), NamedTypes(reader))


def unreadable(schema: Any) -> str | None:
    """Why no reader should be let loose on what this schema (parsed JSON) writes; None: no reason.

    A type within itself lets a record of a megabyte be nested a million deep, which ends the process; a list of what takes no bytes lets
    ten bytes be a list without end.
    """
    names = NamedTypes(schema)
    sizes: dict[str, int] = {}
    within: set[str] = set()

    def least(part: Any) -> int:
        """The fewest bytes that a value takes. Raises _UnreadableError."""
        part = names.resolve(part)
        if isinstance(part, list):
            for branch in part:
                least(branch)
            return 1
        kind = part["type"]
        if kind == "record":
            name = str(part["name"])
            if name in within:
                raise _UnreadableError(f"{name} is a type within itself")
            if name not in sizes:
                within.add(name)
                sizes[name] = sum(least(field["type"]) for field in part["fields"])
                within.discard(name)
            return sizes[name]
        if kind == "array" and not least(part["items"]):
            raise _UnreadableError("it has a list of items that take no bytes")
        if kind == "map":
            least(part["values"])
        return {"null": 0, "fixed": int(part.get("size", 0)), "float": 4, "double": 8}.get(kind, 1)

    try:
        least(schema)
    except _UnreadableError as why:
        return str(why)
    return None


class _UnreadableError(Exception):
    """The schema has something that must not be read."""


class NamedTypes:
    """The named types of a schema, so that a later mention by name is found."""

    def __init__(self, schema: Any) -> None:
        self._types: dict[str, Any] = {}
        self._collect(schema)

    def _collect(self, schema: Any) -> None:
        if isinstance(schema, list):
            for branch in schema:
                self._collect(branch)
        elif isinstance(schema, dict):
            if "name" in schema:
                self._types[_short(schema["name"])] = schema
            for field in schema.get("fields", ()):
                self._collect(field["type"])
            for inner in ("items", "values"):
                if inner in schema:
                    self._collect(schema[inner])

    def items(self) -> Iterable[tuple[str, Any]]:
        """Each named type's short name and schema."""
        return self._types.items()

    def resolve(self, schema: Any) -> Any:
        """The schema itself; of a name, what it names; of a primitive, its object form."""
        if isinstance(schema, str):
            return self._types.get(_short(schema), {"type": schema})
        if isinstance(schema, dict) and isinstance(schema["type"], dict | list):
            return self.resolve(schema["type"])
        return schema


def _differences(writer: Any, reader: Any, path: str, writers: NamedTypes, readers: NamedTypes) -> list[str]:
    writer, reader = writers.resolve(writer), readers.resolve(reader)
    if isinstance(writer, list):
        return [why for branch in writer for why in _differences(branch, reader, path, writers, readers)]
    if isinstance(reader, list):
        tried = [_differences(writer, branch, path, writers, readers) for branch in reader]
        if any(not differences for differences in tried):
            return []
        return [f"{path or 'it'}: {writer['type']} is in no branch of the reader's union"]
    kind = writer["type"]
    if kind != reader["type"]:
        return [] if reader["type"] in _PROMOTIONS.get(kind, ()) else [f"{path or 'it'}: {kind} where {reader['type']} is read"]
    if any(writer.get(name) != reader.get(name) for name in _LOGICAL):
        return [f"{path or 'it'}: the logical types differ"]
    if kind in ("record", "enum", "fixed") and _short(writer["name"]) != _short(reader["name"]):
        return [f"{path or 'it'}: {writer['name']} where {reader['name']} is read"]
    if kind == "record":
        return _record_differences(writer, reader, path, writers, readers)
    if kind == "enum" and "default" not in reader:
        missing = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
        return [f"{path}: the reader has neither {', '.join(missing)} nor a default symbol"] if missing else []
    if kind in ("array", "map"):
        inner = "items" if kind == "array" else "values"
        return _differences(writer[inner], reader[inner], f"{path}[]", writers, readers)
    return []


def _record_differences(writer: Any, reader: Any, path: str, writers: NamedTypes, readers: NamedTypes) -> list[str]:
    written = {field["name"]: field for field in writer["fields"]}
    found: list[str] = []
    for field in reader["fields"]:
        name = f"{path}.{field['name']}" if path else field["name"]
        if field["name"] in written:
            found += _differences(written[field["name"]]["type"], field["type"], name, writers, readers)
        elif "default" not in field:
            found.append(f"{name} is not written and has no default")
    return found


def _short(name: str) -> str:
    return name.rpartition(".")[2]
