"""avro-python3 as the reference codec: slow, without logical types, and not ours. What fastavro writes must be the same bytes."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import avro.io
import avro.schema

from kimberley.model.days import date_of, day_of
from kimberley.wire.compatibility import NamedTypes


def encode_reference(schema: Any, record: Any) -> bytes:
    """The Avro body (without framing) of a record whose dates and decimals are `date` and `Decimal`."""
    parsed = avro.schema.parse(json.dumps(schema))
    body = BytesIO()
    avro.io.DatumWriter(parsed).write(_convert(schema, record, _to_physical, NamedTypes(schema)), avro.io.BinaryEncoder(body))
    return body.getvalue()


def decode_reference(schema: Any, body: bytes) -> Any:
    """The record of an Avro body, with dates as `date` and decimals as `Decimal`; instants stay milliseconds."""
    parsed = avro.schema.parse(json.dumps(schema))
    physical = avro.io.DatumReader(parsed, parsed).read(avro.io.BinaryDecoder(BytesIO(body)))
    return _convert(schema, physical, _from_physical, NamedTypes(schema))


def _to_physical(schema: Any, value: Any) -> Any:
    match value:
        case Decimal():
            unscaled = int(value.scaleb(schema["scale"]))
            # a byte more than -128 or -32,768 would need, as fastavro has it; any length that holds the number is Avro
            return unscaled.to_bytes(abs(unscaled).bit_length() // 8 + 1, "big", signed=True)
        case date():
            return day_of(value)
    return value


def _from_physical(schema: Any, value: Any) -> Any:
    match schema.get("logicalType"):
        case "decimal":
            return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-schema["scale"])
        case "date":
            return date_of(value)
    return value


def _convert(schema: Any, value: Any, leaf: Callable[[Any, Any], Any], names: NamedTypes) -> Any:
    schema = names.resolve(schema)
    if isinstance(schema, list):
        return None if value is None else _convert(next(branch for branch in schema if branch != "null"), value, leaf, names)
    if schema["type"] == "record":
        return {field["name"]: _convert(field["type"], _of(value, field), leaf, names) for field in schema["fields"]}
    if schema["type"] == "array":
        return [_convert(schema["items"], item, leaf, names) for item in value]
    return leaf(schema, value)


def _of(record: Any, field: Any) -> Any:
    return record[field["name"]] if "default" not in field else record.get(field["name"], field["default"])
