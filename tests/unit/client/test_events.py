"""The structs that border systems fill in hold exactly the fields of the schemas."""

from typing import Any

import msgspec
import pytest

from kimberley.client import events
from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.wire.compatibility import NamedTypes
from kimberley.wire.schemas import shipped_schemas


def record_of(schema: Any, names: NamedTypes) -> Any:
    """The record schema inside lists and nullable fields; None where there is none."""
    schema = names.resolve(schema)
    if isinstance(schema, list):
        return record_of(next(branch for branch in schema if branch != "null"), names)
    if schema["type"] == "array":
        return record_of(schema["items"], names)
    return schema if schema["type"] == "record" else None


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_each_type_has_the_fields_of_its_schema_and_so_have_its_parts(name: str) -> None:
    schema = shipped_schemas().current[TOPICS_OF[name][0], name]
    names = NamedTypes(schema)
    kind: type[msgspec.Struct] = getattr(events, name)
    stated = {field["name"] for field in schema["fields"] if not field["name"].endswith("utc_offset_minutes")}
    assert set(kind.__struct_fields__) == stated
    for field in schema["fields"]:
        if part := record_of(field["type"], names):
            struct = getattr(events, part["name"])
            assert set(struct.__struct_fields__) == {each["name"] for each in part["fields"]}, f"{name}.{field['name']}"


def test_every_public_name_is_documented_and_importable_from_the_package() -> None:
    from kimberley import client

    for name in client.__all__:
        assert getattr(client, name).__doc__, name
    assert set(events.__all__) <= set(client.__all__)
