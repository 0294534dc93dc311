"""What a publisher takes, and how it says what it does not take: every field at fault by its name, at once."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from kimberley.client import (
    Approval,
    CertificateIssued,
    EventWithdrawn,
    Extraction,
    Parcel,
    Party,
    RefusedEventError,
    ShipmentTransited,
    check_event,
)
from kimberley.client.intake import Publishable
from kimberley.model import events as model
from support.journeys import journey

CAIRO = timezone(timedelta(hours=2))


def faults(event: Publishable, latest: int | None = None) -> dict[str, str]:
    """Codes by field of what is refused."""
    with pytest.raises(RefusedEventError) as refused:
        check_event(event, latest)
    found = {field: code for code, field, _ in refused.value.errors}
    assert len(found) == len(refused.value.errors), f"a field is named twice: {refused.value.errors}"
    assert all(message for _, _, message in refused.value.errors)
    return found


def issued(**fields: Any) -> CertificateIssued:
    """A certificate as typed code has it."""
    return CertificateIssued(
        **{
            "event_id": UUID(int=7),
            "occurred_at": datetime(2024, 3, 4, 9, 0, tzinfo=CAIRO),
            "authority": "BW",
            "certificate_number": "bw-000 401",
            "issued_on": date(2024, 3, 4),
            **fields,
        }
    )


def test_structs_and_the_json_form_give_the_same_event() -> None:
    typed = issued(
        carats=Decimal("120.50"),
        value_usd="24100",
        parcel_count=1,
        parcels=[Parcel(hs_code="7102.31", carats="120.5", value_usd=24100, origins=["BW"])],
        exporter=Party(name="Exporter One Ltd"),
        extraction=Extraction(zone="Orapa", produced_on=date(2024, 1, 31)),
        approvals=[Approval(kind="EXPORT", granted_on="2024-03-01")],
        seal_numbers=[],
    )
    written = {
        "type": "CertificateIssued",
        "event_id": str(UUID(int=7)),
        "occurred_at": "2024-03-04T09:00:00+02:00",
        "authority": "BW",
        "certificate_number": "bw-000 401",
        "issued_on": "2024-03-04",
        "carats": "120.50",
        "value_usd": 24100,
        "parcel_count": 1,
        "parcels": [{"hs_code": "7102.31", "carats": "120.500", "value_usd": "24100.00", "origins": ["BW"]}],
        "exporter": {"name": "Exporter One Ltd"},
        "extraction": {"zone": "Orapa", "produced_on": "2024-01-31"},
        "approvals": [{"kind": "EXPORT", "granted_on": "2024-03-01"}],
        "seal_numbers": [],
    }
    one, other = check_event(typed), check_event(written)
    assert one.event == other.event
    assert one.fields == other.fields
    assert one.event.certificate_number == "BW000401"
    assert one.event.utc_offset_minutes == 120
    assert one.fields["certificate_number"] == "bw-000 401", "what is sent is what the sender stated"


def test_a_struct_of_the_model_goes_through_and_keeps_its_offset() -> None:
    kept = check_event(
        ShipmentTransited(
            event_id="t-1",
            occurred_at=datetime(2024, 3, 5, 23, 30, tzinfo=CAIRO),
            authority="EU",
            certificate_number="BW000401",
            country="EU",
            left_at="2024-03-06T08:00:00+01:00",
        )
    ).event
    assert isinstance(kept, model.ShipmentTransited)
    assert check_event(kept).event == kept
    assert (kept.utc_offset_minutes, kept.left_at_utc_offset_minutes) == (120, 60)


def test_seals_not_looked_at_and_none_found_stay_two_things() -> None:
    assert check_event(issued(seal_numbers=None)).event.seal_numbers is None  # type: ignore[union-attr]
    assert check_event(issued(seal_numbers=[])).event.seal_numbers == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"occurred_at": datetime(2024, 3, 4, 9, 0)}, {"occurred_at": "format"}),
        ({"occurred_at": "4 March 2024"}, {"occurred_at": "format"}),
        ({"occurred_at": datetime(1899, 12, 31, tzinfo=UTC)}, {"occurred_at": "range"}),
        ({"issued_on": "2024-02-30"}, {"issued_on": "format"}),
        ({"issued_on": None}, {"issued_on": "missing"}),
        ({"event_id": ""}, {"event_id": "missing"}),
        ({"authority": "UK"}, {"authority": "unknown-code"}),
        ({"carats": 120.5}, {"carats": "type"}),
        ({"carats": Decimal("1.0001")}, {"carats": "places"}),
        ({"carats": Decimal("NaN")}, {"carats": "type"}),
        ({"value_usd": "1e3"}, {"value_usd": "format"}),
        ({"value_usd": 10**14}, {"value_usd": "range"}),
        ({"parcel_count": "1"}, {"parcel_count": "type"}),
        ({"parcels": [Parcel(carats=1.5)]}, {"parcels[0].carats": "type"}),  # type: ignore[arg-type]
        ({"origins": "BW"}, {"origins": "type"}),
        ({"origins": ["BW", "XX"]}, {"origins[1]": "unknown-code"}),
    ],
)
def test_a_fault_is_named_by_its_field(fields: dict[str, Any], expected: dict[str, str]) -> None:
    assert faults(issued(**fields)) == expected


def test_every_fault_is_told_at_once_even_those_that_others_hide() -> None:
    event = issued(
        authority="UK",
        destination="ZZ",
        carats=0.1,
        issued_on="yesterday",
        parcels=[Parcel(carats="1.00001", origins=["QQ"]), Parcel(origins=["YY"])],
    )
    assert faults(event) == {
        "authority": "unknown-code",
        "destination": "unknown-code",
        "carats": "type",
        "issued_on": "format",
        "parcels[0].carats": "places",
        "parcels[0].origins[0]": "unknown-code",
        "parcels[1].origins[0]": "unknown-code",
    }


def test_missing_fields_and_unknown_ones_are_told_beside_others() -> None:
    event = {
        "type": "EventWithdrawn",
        "event_id": "w-1",
        "occurred_at": "2024-03-05T10:00:00Z",
        "authority": "UK",
        "reson": "INCORRECT_DATA",
    }
    found = faults(event)
    assert found == {
        "authority": "unknown-code",
        "reson": "unknown-field",
        "certificate_number": "missing",
        "withdrawn_event_id": "missing",
        "reason": "missing",
    }


def test_floats_in_a_dict_are_refused_as_in_a_struct() -> None:
    line = json.dumps({**journey("BW000401")[0], "carats": 120.5})
    assert faults(json.loads(line)) == {"carats": "type"}
    assert check_event(json.loads(line, parse_float=Decimal)).fields["carats"] == Decimal("120.500")


def test_an_event_of_the_future_is_refused_by_the_clock_that_is_given() -> None:
    event = journey("BW000401")[0]
    occurred = check_event(event).event.occurred_at
    assert check_event(event, occurred)
    assert faults(event, occurred - 1) == {"occurred_at": "future"}


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"type": "ShipmentLost"}, "type"),
        ({}, "type"),
        ({"type": 3}, "type"),
        ({"type": "ParticipantListed", "code": "BW", "periods": []}, "type"),
    ],
)
def test_what_is_no_publishable_type_is_refused_by_its_type_alone(event: Mapping[str, Any], field: str) -> None:
    with pytest.raises(RefusedEventError) as refused:
        check_event(event)
    assert [error[1] for error in refused.value.errors] == [field]


def test_an_unknown_symbol_lists_the_known_ones() -> None:
    event = EventWithdrawn(
        event_id="w", occurred_at="2024-03-05T10:00:00Z", authority="BW", certificate_number="BW1", withdrawn_event_id="e", reason="OOPS"
    )
    with pytest.raises(RefusedEventError, match="DID_NOT_OCCUR, INCORRECT_DATA"):
        check_event(event)


def test_checking_leaves_what_was_given_as_it_was() -> None:
    event = journey("BW000401")[0]
    before = json.dumps(event)
    check_event(event)
    assert json.dumps(event) == before
