"""The JSON form: read without floats, every fault named with its field, written back as it was."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from kimberley.errors import RefusedEventError
from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.wire.records import json_from_record, parse_instant, record_from_json
from kimberley.wire.schemas import shipped_schemas
from support.generated import records
from support.journeys import journey

ISSUE = journey("BW000001")[0]


def faults(**changes: Any) -> list[tuple[str, str]]:
    """Code and field of what is wrong with an issue event, some fields changed."""
    with pytest.raises(RefusedEventError) as caught:
        record_from_json({**ISSUE, **changes})
    assert all(message for _, _, message in caught.value.errors)
    return [(code, field) for code, field, _ in caught.value.errors]


@pytest.mark.parametrize("type_name", EVENT_TYPES)
def test_a_record_written_as_json_and_read_back_is_the_same(type_name: str) -> None:
    schema = shipped_schemas().current[TOPICS_OF[type_name][0], type_name]

    @settings(max_examples=80, deadline=None)
    @given(records(schema))
    def holds(record: dict[str, Any]) -> None:
        record["utc_offset_minutes"] %= 18 * 60
        if "left_at_utc_offset_minutes" in record:
            record["left_at_utc_offset_minutes"] = record["left_at_utc_offset_minutes"] % 1080 if record["left_at"] is not None else 0
        assert record_from_json(json_from_record(type_name, record)) == (type_name, record)

    holds()


def test_types_arrive_as_the_wire_has_them() -> None:
    _, record = record_from_json({**ISSUE, "occurred_at": "2024-03-04T09:00:00.25+02:00", "carats": 120, "value_usd": Decimal("9.5")})
    assert record["occurred_at"] == 1_709_535_600_250
    assert record["utc_offset_minutes"] == 120
    assert record["issued_on"] == date(2024, 3, 4)
    assert (str(record["carats"]), str(record["value_usd"])) == ("120.000", "9.50")
    assert record["source_certificates"] == []
    assert record["replaces"] is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "Nothing"}, [("unknown-type", "type")]),
        ({"type": None}, [("missing", "type")]),
        ({"event_id": None}, [("missing", "event_id")]),
        ({"event_id": 7}, [("type", "event_id")]),
        ({"colour": "D"}, [("unknown-field", "colour")]),
        ({"exporter": {"nom": "x"}}, [("unknown-field", "exporter.nom")]),
        ({"exporter": "x"}, [("type", "exporter")]),
        ({"carats": "1.2345"}, [("places", "carats")]),
        ({"carats": "1.2340"}, [("places", "carats")]),
        ({"value_usd": "1.005"}, [("places", "value_usd")]),
        ({"carats": "1e3"}, [("format", "carats")]),
        ({"carats": "12,5"}, [("format", "carats")]),
        ({"carats": True}, [("type", "carats")]),
        ({"carats": "123456789012.5"}, [("range", "carats")]),
        ({"parcel_count": "2"}, [("type", "parcel_count")]),
        ({"parcel_count": 2**40}, [("range", "parcel_count")]),
        ({"mixed_origin": "no"}, [("type", "mixed_origin")]),
        ({"issued_on": "4 March 2024"}, [("format", "issued_on")]),
        ({"issued_on": "2024-02-30"}, [("format", "issued_on")]),
        ({"issued_on": 20240304}, [("type", "issued_on")]),
        ({"occurred_at": "yesterday"}, [("format", "occurred_at")]),
        ({"occurred_at": 1709535600}, [("type", "occurred_at")]),
        ({"origins": "BW"}, [("type", "origins")]),
        ({"origins": ["BW", None]}, [("type", "origins[1]")]),
        ({"parcels": [{"carats": "x"}, {"hs": "1"}]}, [("format", "parcels[0].carats"), ("unknown-field", "parcels[1].hs")]),
        ({"remarks": "\ud800"}, [("format", "remarks")]),
        ({"event_id": None, "carats": "x", "colour": 1}, [("format", "carats"), ("unknown-field", "colour"), ("missing", "event_id")]),
    ],
)
def test_each_fault_is_named_with_its_code_and_field(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert sorted(faults(**changes)) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "milliseconds", "offset"),
    [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1970-01-01t00:00:01z", 1000, 0),
        ("1970-01-01 00:00:00", 0, 0),
        ("1970-01-01T02:00:00+02:00", 0, 120),
        ("1969-12-31T20:30:00-03:30", 0, -210),
        ("1970-01-01T00:00:00.123456Z", 123, 0),
    ],
)
def test_instants_are_read_with_any_offset(text: str, milliseconds: int, offset: int) -> None:
    assert parse_instant(text) == (milliseconds, offset)


@pytest.mark.parametrize(
    "text", ["", "1970-01-01", "1970-01-01T25:00:00Z", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00+19:00", "1970-01-01T00:00:00+01:75"]
)
def test_what_is_no_instant_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"instant|offset"):
        parse_instant(text)
