"""Generated records: anything that a schema allows, for property tests."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from kimberley.wire.compatibility import NamedTypes

_INSTANTS = st.integers(min_value=-2_208_988_800_000, max_value=7_258_118_399_999)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def records(schema: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Records of an Avro schema (parsed JSON), with dates as `date`, decimals as `Decimal` at the schema's scale, instants as `int`."""
    return _values(schema, NamedTypes(schema))


def _values(schema: Any, names: NamedTypes) -> st.SearchStrategy[Any]:
    schema = names.resolve(schema)
    if isinstance(schema, list):
        return st.none() | _values(next(branch for branch in schema if branch != "null"), names)
    match schema:
        case {"logicalType": "decimal"}:
            most = 10 ** schema["precision"] - 1
            return st.integers(-most, most).map(lambda unscaled: Decimal(unscaled).scaleb(-schema["scale"]))
        case {"logicalType": "date"}:
            return st.dates(date(1900, 1, 1), date(2199, 12, 31))
        case {"logicalType": "timestamp-millis"}:
            return _INSTANTS
        case {"type": "record"}:
            return st.fixed_dictionaries({field["name"]: _values(field["type"], names) for field in schema["fields"]})
        case {"type": "array"}:
            return st.lists(_values(schema["items"], names), max_size=3)
        case {"type": "enum"}:
            return st.sampled_from(schema["symbols"])
        case {"type": "int"}:
            return st.integers(-(1 << 31), (1 << 31) - 1)
        case {"type": "long"}:
            return st.integers(-(1 << 63), (1 << 63) - 1)
        case {"type": "boolean"}:
            return st.booleans()
    return _TEXT
