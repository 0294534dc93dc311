"""What fastavro writes is what avro-python3, the reference codec, writes; what is no record of ours is named by its stage."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.errors import UnreadableRecordError
from kimberley.wire.avro import Codec
from kimberley.wire.compatibility import incompatibilities, unreadable
from kimberley.wire.reference_codec import decode_reference, encode_reference
from kimberley.wire.registry import FileRegistry
from kimberley.wire.schemas import FIRST_ID, FrozenSchema, shipped_schemas
from support.generated import records

FILES = shipped_schemas()
CODEC = Codec(FILES, FileRegistry(FILES, "kimberley"), "kimberley")
PLACES = sorted(FILES.current)
VERSION_PAIRS = [(one, other) for versions in FILES.frozen.values() for one, other in product(versions, versions)]


@pytest.mark.parametrize("place", PLACES, ids="/".join)
def test_both_codecs_write_the_same_bytes_and_read_them_back(place: tuple[str, str]) -> None:
    topic, name = place
    schema = FILES.current[place]

    @settings(max_examples=60, deadline=None)
    @given(records(schema))
    def holds(record: dict[str, Any]) -> None:
        value = CODEC.encode(topic, name, record)
        assert value[5:] == encode_reference(schema, record)
        assert CODEC.decode(topic, value) == (name, record)
        assert decode_reference(schema, value[5:]) == record

    holds()


@settings(max_examples=60, deadline=None)
@given(records(FILES.current["flagged-shipments", "Alert"]))
def test_what_is_written_for_two_topics_at_once_is_what_is_written_for_each(record: dict[str, Any]) -> None:
    both = Codec(FILES, FileRegistry(FILES, "kimberley"), "kimberley").encode_for_both("flagged-shipments", "open-alerts", "Alert", record)
    assert both == tuple(CODEC.encode(topic, "Alert", record) for topic in ("flagged-shipments", "open-alerts"))
    assert both[0][:5] != both[1][:5], "each topic's schema has an id of its own"


@pytest.mark.parametrize("pair", VERSION_PAIRS, ids=lambda pair: f"{pair[0].folder}/{pair[0].record}.{pair[0].version}-{pair[1].version}")
def test_every_frozen_version_reads_every_other(pair: tuple[FrozenSchema, FrozenSchema]) -> None:
    writer, reader = pair
    assert incompatibilities(writer.schema, reader.schema) == []


@pytest.mark.parametrize("frozen", FILES.by_id.values(), ids=lambda frozen: f"{frozen.folder}/{frozen.record}.{frozen.version}")
def test_records_of_every_frozen_version_are_decoded(frozen: FrozenSchema) -> None:
    @settings(max_examples=15, deadline=None)
    @given(records(frozen.schema))
    def holds(record: dict[str, Any]) -> None:
        framed = b"\x00" + frozen.schema_id.to_bytes(4, "big") + encode_reference(frozen.schema, record)
        name, read = CODEC.decode(frozen.folder, framed)
        assert name == frozen.record
        assert {field: read[field] for field in record if field in read} == record

    holds()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_unreadable_in_words(value: bytes) -> None:
    stages: set[tuple[str, bool]] = set()
    for topic in ("certificates", "shipments"):
        try:
            CODEC.decode(topic, value)
        except UnreadableRecordError as problem:
            stages.add((problem.stage, bool(str(problem))))
    assert stages <= {("frame", True), ("schema", True), ("decode", True)}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_cut_or_lengthened_record_is_never_taken_for_whole(data: st.DataObject) -> None:
    record = data.draw(records(FILES.current["shipments", "ShipmentArrived"]))
    value = CODEC.encode("shipments", "ShipmentArrived", record)
    cut = data.draw(st.integers(0, len(value) - 1))
    for broken in (value[:cut], value + b"\x00"):
        with pytest.raises(UnreadableRecordError):
            CODEC.decode("shipments", broken)


@pytest.mark.parametrize(
    ("topic", "value", "stage"),
    [
        ("certificates", None, "frame"),
        ("certificates", b"", "frame"),
        ("certificates", b"\x01\x00\x00\x00\x01", "frame"),
        ("certificates", b"{}", "frame"),
        ("certificates", b"\x00\x00\x00\x00\x07rest", "schema"),
        ("certificates", b"\x00" + FILES.newest("shipments", "ShipmentArrived").schema_id.to_bytes(4, "big"), "schema"),
        ("shipments", b"\x00" + FILES.newest("shipments", "ShipmentArrived").schema_id.to_bytes(4, "big"), "decode"),
    ],
)
def test_the_stage_says_where_reading_failed(topic: str, value: bytes | None, stage: str) -> None:
    with pytest.raises(UnreadableRecordError) as caught:
        CODEC.decode(topic, value)
    assert caught.value.stage == stage


def test_a_symbol_that_ours_does_not_have_is_read_as_unknown() -> None:
    mine = FILES.current["certificates", "CertificateInvalidated"]
    theirs = _with_symbol(mine, "EATEN_BY_DOG")
    registry = _Known({7: theirs})
    codec = Codec(FILES, registry, "kimberley")
    record = {
        "event_id": "e",
        "occurred_at": 0,
        "utc_offset_minutes": 0,
        "authority": "BW",
        "office": None,
        "certificate_number": "BW1",
        "reason": "EATEN_BY_DOG",
        "replacement_number": None,
    }
    framed = b"\x00\x00\x00\x00\x07" + encode_reference(theirs, record)
    assert codec.decode("certificates", framed)[1]["reason"] == "UNKNOWN"


def test_a_date_that_no_calendar_has_stays_a_number_so_that_the_event_can_be_named() -> None:
    schema = FILES.current["certificates", "CertificateIssued"]
    bare = _without_logical(schema)
    record = {"event_id": "e", "occurred_at": 0, "authority": "BW", "certificate_number": "BW1", "issued_on": 2**31 - 1}
    framed = b"\x00" + FILES.newest("certificates", "CertificateIssued").schema_id.to_bytes(4, "big")
    name, read = CODEC.decode("certificates", framed + encode_reference(bare, _filled(bare, record)))
    assert (name, read["event_id"], read["issued_on"]) == ("CertificateIssued", "e", 2**31 - 1)


def test_file_ids_start_beyond_what_registries_give_out() -> None:
    assert min(FILES.by_id) == FIRST_ID == 1_000_000_000
    assert len(FILES.by_id) == sum(map(len, FILES.frozen.values()))


class _Known:
    """A registry that knows some ids."""

    def __init__(self, schemas: dict[int, Any]) -> None:
        self._schemas = schemas

    def schema_of(self, schema_id: int) -> Any:
        return self._schemas.get(schema_id)

    def is_settled(self, schema_id: int) -> bool:
        return True

    def id_to_write(self, topic: str, record: str) -> int:
        return next(iter(self._schemas))


def _with_symbol(schema: Any, symbol: str) -> Any:
    if isinstance(schema, list):
        return [_with_symbol(branch, symbol) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _with_symbol(value, symbol) if key in ("fields", "type", "items") else value for key, value in schema.items()}
    return {**changed, "symbols": [*changed["symbols"], symbol]} if changed.get("type") == "enum" else changed


def _without_logical(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_logical(value) for key, value in schema.items() if key not in ("logicalType", "precision", "scale")}


def _filled(schema: Any, record: dict[str, Any]) -> dict[str, Any]:
    return {field["name"]: record.get(field["name"], field.get("default")) for field in schema["fields"]}


@pytest.mark.parametrize("unscaled", [-128, -32_768, -129, 127, 128, 0, -1, -(10**14) + 1])
def test_both_codecs_write_the_same_bytes_of_a_decimal_at_the_edge_of_a_byte(unscaled: int) -> None:
    schema = FILES.current["shipments", "ShipmentArrived"]
    record = {"event_id": "e", "occurred_at": 0, "authority": "BW", "certificate_number": "n", "carats": Decimal(unscaled).scaleb(-3)}
    value = CODEC.encode("shipments", "ShipmentArrived", record)
    assert value[5:] == encode_reference(schema, _filled(schema, record))
    assert CODEC.decode("shipments", value)[1]["carats"] == record["carats"]


def _with_field(extra: Any) -> Any:
    schema = FILES.current["shipments", "ShipmentReleased"]
    return {**schema, "fields": [*schema["fields"], {"name": "extra", "type": extra, "default": None}]}


_EMPTY = {"type": "record", "name": "Empty", "fields": []}
_NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
HAZARDS = {
    "a type within itself": (["null", _NODE], b"\x02" * 900_000),
    "a type within itself, in lists": (
        ["null", {"type": "record", "name": "Deep", "fields": [{"name": "inner", "type": {"type": "array", "items": "Deep"}}]}],
        b"\x02" * 900_000,
    ),
    "a list of nothing": (["null", {"type": "array", "items": _EMPTY}], b"\x02" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01" + b"\x00"),
    "a list of nulls": (["null", {"type": "array", "items": "null"}], b"\x02" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01" + b"\x00"),
}


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_schema_that_lets_few_bytes_take_for_ever_or_end_the_process_is_not_read(hazard: str) -> None:
    """A registry takes these as compatible; fastavro would go a million levels down, or count to a million million."""
    extra, end = HAZARDS[hazard]
    schema = _with_field(extra)
    assert not incompatibilities(schema, FILES.current["shipments", "ShipmentReleased"])

    class Registry(FileRegistry):
        def schema_of(self, schema_id: int) -> Any:
            return schema

    codec = Codec(FILES, Registry(FILES, "kimberley"), "kimberley")
    with pytest.raises(UnreadableRecordError, match="is not read") as problem:
        codec.decode("shipments", b"\x00\x00\x00\x00\x07" + b"\x02e" + end)
    assert problem.value.stage == "schema"


def test_every_schema_of_ours_may_be_read() -> None:
    assert [unreadable(schema) for schema in FILES.current.values()] == [None] * len(FILES.current)
    several = {"type": "record", "name": "Two", "fields": [{"name": "a", "type": _EMPTY}, {"name": "b", "type": ["null", "Empty"]}]}
    assert unreadable(several) is None


@pytest.mark.parametrize("items", [10_000, 10_001, 900_000])
def test_a_list_without_end_is_not_read_item_by_item(items: int) -> None:
    fields = {"event_id": "e", "occurred_at": 0, "utc_offset_minutes": 0, "authority": "BW", "certificate_number": "BW1"}
    value = CODEC.encode("shipments", "ShipmentExported", {**fields, "shipment_id": "s", "route": [""] * items})
    if items <= 10_000:
        assert len(CODEC.decode("shipments", value)[1]["route"]) == items
        return
    with pytest.raises(UnreadableRecordError, match=f"a list of {items} items; at most 10000 are read") as problem:
        CODEC.decode("shipments", value)
    assert problem.value.stage == "decode"
