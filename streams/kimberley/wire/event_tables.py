"""The events' fields as Markdown tables, made of the schemas, for docs/events.md."""

from collections.abc import Iterator
from typing import Any

from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.wire.compatibility import NamedTypes
from kimberley.wire.schemas import SchemaFiles

_HEAD = """\
# Events

Made of the schemas in `schemas/` by `make docs`. The JSON form below is what `kimberley publish`, `kimberley check` and the Python
client take; on the wire the same fields are Avro, where an instant is milliseconds since the epoch, UTC, with the sender's offset from
UTC in a field of its own beside it.

- **instant**: RFC 3339 with any offset, `2024-03-07T12:00:00+02:00`. Its local date, by that offset, is the date that rules compare.
- **date**: `2024-03-07`. **decimal(14, 3)**: a string or a number, `"1234.56"`, with at most 3 places; more are refused, not rounded.
- **code**: ISO 3166-1 alpha-2, or `EU`; lower case and blanks are forgiven, as they are in certificate numbers and HS codes.
- An absent field, `null` and an empty list are the same, but for seals: `null` is "not looked at", `[]` "looked, none".

A field without *optional* is one without which an event is refused. What rules judge as missing is optional here.
"""

_PRIMITIVES = {"string": "text", "int": "whole number", "long": "whole number", "boolean": "true or false"}


def event_tables(files: SchemaFiles) -> str:
    """The whole page."""
    parts = [_HEAD]
    for name in EVENT_TYPES:
        topics = TOPICS_OF[name]
        schema = files.current[topics[0], name]
        also = f", also on `{topics[1]}`" if len(topics) > 1 else ""
        parts += [f"## {name}\n", f"On `{topics[0]}`{also}. {schema['doc']}\n", *_table(schema, NamedTypes(schema))]
    return "\n".join(parts)


def _table(schema: Any, names: NamedTypes) -> Iterator[str]:
    yield "| field | type | meaning |\n|---|---|---|"
    offsets = {field["name"] for field in schema["fields"] if field["name"].endswith("utc_offset_minutes")}
    for field in schema["fields"]:
        if field["name"] not in offsets:
            optional = ", optional" if "default" in field else ""
            yield f"| `{field['name']}` | {_words(field['type'], names)}{optional} | {field['doc']} |"
    yield ""


def _words(schema: Any, names: NamedTypes) -> str:
    schema = names.resolve(schema)
    if isinstance(schema, list):
        return _words(next(branch for branch in schema if branch != "null"), names)
    match schema:
        case {"logicalType": "decimal"}:
            return f"decimal({schema['precision']}, {schema['scale']})"
        case {"logicalType": "timestamp-millis"}:
            return "instant"
        case {"logicalType": logical}:
            return str(logical)
        case {"type": "array", "items": items}:
            return f"list of {_words(items, names)}"
        case {"type": "record", "fields": fields}:
            return "{" + ", ".join(f"`{field['name']}`: {_words(field['type'], names)}" for field in fields) + "}"
        case {"type": "enum", "symbols": symbols}:
            return " or ".join(f"`{symbol}`" for symbol in symbols if symbol != "UNKNOWN")
    return _PRIMITIVES[schema["type"]]
