"""The reader made for a schema reads what fastavro reads, and refuses what is no such body."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.wire.avro import _as_kept
from kimberley.wire.compiled_reader import compile_reader
from kimberley.wire.reference_codec import encode_reference
from kimberley.wire.schemas import shipped_schemas
from support.generated import records

FILES = shipped_schemas()
PLACES = sorted(FILES.current)


def by_fastavro(schema: Any, body: bytes) -> tuple[Any, int]:
    source = BytesIO(body)
    return fastavro.schemaless_reader(source, fastavro.parse_schema(_as_kept(schema)), None), source.tell()


@pytest.mark.parametrize("place", PLACES, ids="/".join)
def test_every_schema_of_ours_has_such_a_reader_and_it_reads_the_same(place: tuple[str, str]) -> None:
    schema = FILES.current[place]
    read = compile_reader(schema)
    assert read is not None

    @settings(max_examples=40, deadline=None)
    @given(records(schema), st.binary(max_size=3))
    def holds(record: dict[str, Any], before: bytes) -> None:
        body = encode_reference(schema, record)
        assert read(before + body, len(before)) == (record, len(before) + len(body))
        assert by_fastavro(schema, body) == (record, len(body))

    holds()


@pytest.mark.parametrize(
    "place", [("certificates", "CertificateIssued"), ("shipments", "ShipmentTransited"), ("participants", "ParticipantListed")]
)
def test_a_damaged_body_is_refused_or_read_as_fastavro_reads_it(place: tuple[str, str]) -> None:
    schema = FILES.current[place]
    read = compile_reader(schema)
    assert read is not None

    @settings(max_examples=400, deadline=None)
    @given(records(schema), st.data())
    def holds(record: dict[str, Any], data: st.DataObject) -> None:
        body = bytearray(encode_reference(schema, record))
        for _ in range(data.draw(st.integers(1, 3))):
            position = data.draw(st.integers(0, len(body) - 1))
            body[position : position + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
            if not body:
                return
        try:
            found, end = read(bytes(body), 0)
        except (IndexError, ValueError, OverflowError):
            return
        if end == len(body):
            assert by_fastavro(schema, bytes(body)) == (found, end)

    holds()


def schema_of(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}


@pytest.mark.parametrize(
    "kind",
    [
        "float",
        "double",
        "bytes",
        {"type": "map", "values": "string"},
        {"type": "fixed", "name": "F", "size": 4},
        ["null", "string", "int"],
        ["string", "int"],
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}},
    ],
)
def test_what_it_does_not_know_it_leaves_to_fastavro(kind: Any) -> None:
    assert compile_reader(schema_of(kind)) is None


def test_a_type_within_itself_is_left_to_fastavro() -> None:
    inner = {"type": "record", "name": "Tree", "fields": [{"name": "below", "type": {"type": "array", "items": "Tree"}}]}
    assert compile_reader(inner) is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("string", b"\x01"),  # a length of -1
        ("string", b"\x04\xff\xfe"),  # no UTF-8
        ("long", b"\xff" * 10 + b"\x01"),  # more than 64 bits
        ("long", b"\xff" * 9 + b"\x7f"),
        ("long", b"\x80"),  # cut
        (["null", "string"], b"\x04\x00"),  # no such branch
        ({"type": "enum", "name": "E", "symbols": ["A", "UNKNOWN"]}, b"\x04"),
        ({"type": "enum", "name": "E", "symbols": ["A", "UNKNOWN"]}, b"\x01"),  # a symbol of number -1
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, b"\x04\x03\xe8"),  # 100.0 of three digits
        ({"type": "array", "items": "string"}, b"\xfe\xff\xff\xff\x0f"),  # thousands of millions of items, and none of them
    ],
)
def test_bytes_that_no_encoder_writes_are_refused(kind: Any, body: bytes) -> None:
    read = compile_reader(schema_of(kind))
    assert read is not None
    with pytest.raises((IndexError, ValueError)):
        read(body, 0)


@pytest.mark.parametrize(
    ("kind", "body"), [("string", b"\x7eab"), ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 0}, b"\x06\x01")]
)
def test_a_body_that_was_cut_ends_beyond_its_end(kind: Any, body: bytes) -> None:
    read = compile_reader(schema_of(kind))
    assert read is not None
    assert read(body, 0)[1] > len(body)


def test_array_blocks_with_their_size_are_read() -> None:
    read = compile_reader(schema_of({"type": "array", "items": "int"}))
    assert read is not None
    assert read(b"\x03\x04\x02\x04\x02\x06\x00", 0) == ({"f": [1, 2, 3]}, 7)


def test_decimals_keep_their_places() -> None:
    read = compile_reader(schema_of({"type": "bytes", "logicalType": "decimal", "precision": 14, "scale": 3}))
    assert read is not None
    found = read(b"\x04\x03\xe8", 0)[0]["f"]
    assert (found, found.as_tuple().exponent) == (Decimal("1.000"), -3)
