"""Origin disclosure: a mixed parcel for an importer that wants every mining country named."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, arrival, event, export, issue, judge, missing, outcomes, withdrawal

UNDISCLOSED = "origin-undisclosed"
DUTY = "eu-origin-disclosure"


def mixed(destination: str | None = "EU", on: str = "2025-02-03", **fields: Any) -> Event:
    """A mixed parcel of Dubai's that names no origin, as paper writes ***."""
    stated = {"mixed_origin": True, "origins": [], "source_certificates": ["BW000009"], "destination": destination}
    return issue("AE000001", "AE", on, **{**stated, **fields})


def leaving(on: str) -> Event:
    """The export, at noon of a day."""
    return export(f"{on}T12:00:00Z", "AE", "AE000001")


def landing(on: str, authority: str = "EU", shipment: str = "SH-1") -> Event:
    """The arrival, at noon of a day."""
    return arrival(f"{on}T12:00:00Z", authority, "AE000001", shipment)


@pytest.mark.parametrize(
    ("events", "owed"),
    [
        ((mixed(on="2025-02-28"),), False),
        ((mixed(on="2025-03-01"),), True),
        ((mixed(), leaving("2025-02-28")), False),
        ((mixed(), leaving("2025-03-01")), True),
        ((mixed(), leaving("2025-02-20"), landing("2025-02-28")), False),
        ((mixed(), leaving("2025-02-20"), landing("2025-03-01")), True),  # the arrival date counts, not the export's
        ((mixed(), landing("2025-03-02", shipment="SH-2"), landing("2025-02-28")), False),  # the earliest arrival
        ((mixed(), {**landing("2025-03-01"), "occurred_at": "2025-03-01T00:30:00+01:00"}), True),  # its own calendar
    ],
)
def test_the_duty_holds_from_its_day_by_the_arrival_date_or_before_it_the_export_date(events: tuple[Event, ...], owed: bool) -> None:
    found = judge(*events)
    assert (UNDISCLOSED in found.rules) is owed, found.rows


@pytest.mark.parametrize(
    ("fields", "owed"),
    [
        ({}, True),
        ({"destination": "BE"}, True),
        ({"destination": "IN"}, False),
        ({"origins": ["BW", "ZA"]}, False),
        ({"origins": ["BW"]}, False),
        ({"mixed_origin": False}, False),  # that none is stated is another rule's matter
        ({"parcels": [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["BW"]}]}, False),
        ({"provenance": "BW"}, True),
        ({"declarations": [{"kind": "G7_CERTIFICATE", "reference": "G7 1"}]}, False),
        ({"declarations": [{"kind": "GRANDFATHERED", "reference": "G 1"}]}, True),
    ],
)
def test_a_mixed_parcel_that_names_no_origin_and_carries_no_exempt_declaration_owes_it(fields: dict[str, Any], owed: bool) -> None:
    assert (UNDISCLOSED in judge(mixed(on="2025-03-03", **fields)).rules) is owed


def test_the_alert_says_to_whom_since_when_and_what_would_exempt() -> None:
    certificate = mixed()
    alert = judge(certificate, landing("2025-03-04")).one(UNDISCLOSED)
    assert (alert["severity"], alert["subject"], alert["confidence"]) == ("HOLD", DUTY, "medium")
    assert alert["participants"] == ["AE", "EU"]
    for day in ("2025-03-04", "2025-03-01"):
        assert says_day(alert["message"], day), day
    for word in ("AE000001", "European Union (EU)", "arrived", "G7_CERTIFICATE", "16th package"):
        assert word in alert["message"]
    assert alert["evidence"][0] == {
        "field": "origins",
        "value": "none",
        "expected": "every mining country",
        "event_id": certificate["event_id"],
    }
    assert "certified" in judge(mixed(on="2025-03-03")).one(UNDISCLOSED)["message"]


def test_it_is_the_destination_s_duty_wherever_the_goods_arrive() -> None:
    assert UNDISCLOSED in judge(mixed(), landing("2025-03-04", "IN")).rules
    assert UNDISCLOSED not in judge(mixed("IN"), landing("2025-03-04", "EU")).rules


def test_facts_that_are_missing_leave_it_undetermined() -> None:
    assert missing(UNDISCLOSED, mixed(on="2025-03-03", mixed_origin=None)) == ["mixed_origin"]
    assert missing(UNDISCLOSED, mixed(None, on="2025-03-03")) == ["destination"]
    assert missing(UNDISCLOSED, leaving("2025-03-03")) == ["CertificateIssued"]
    assert UNDISCLOSED not in outcomes(mixed("IN", on="2025-03-03", mixed_origin=None))
    assert UNDISCLOSED not in outcomes(mixed(on="2025-02-28", mixed_origin=None))


def test_a_duty_on_one_territory_s_goods_reaches_what_it_issues() -> None:
    duty = {
        "type": "MeasureListed",
        "measure_id": "test-duty",
        "kind": "ORIGIN_DISCLOSURE",
        "imposed_by": "US",
        "territory": "AE",
        "valid_from": "2024-01-01",
        "confidence": "low",
    }
    alert = judge(duty, mixed("US")).one(UNDISCLOSED)
    assert (alert["subject"], alert["severity"], alert["confidence"]) == ("test-duty", "HOLD", "low")
    assert "low confidence" in alert["message"]
    assert UNDISCLOSED not in judge(duty, {**mixed("US"), "authority": "HK", "certificate_number": "HK000001"}).rules


def test_origins_named_after_all_resolve_the_alert() -> None:
    wrong = mixed(on="2025-03-03")
    right = {**mixed(on="2025-03-03", origins=["BW", "ZA"]), "occurred_at": "2025-03-04T09:00:00Z"}
    found = judge(wrong, withdrawal(wrong, "2025-03-04T08:00:00Z"), right, options=("--all",))
    assert found.one(UNDISCLOSED)["status"] == "RESOLVED"


def test_an_arrival_before_the_duty_that_is_reported_late_resolves_the_alert() -> None:
    later = event("ShipmentReleased", "2025-03-04T12:00:00Z", "EU", "AE000001", shipment_id="SH-1")
    found = judge(mixed(), leaving("2025-03-01"), later, landing("2025-02-27"), options=("--all",))
    assert found.one(UNDISCLOSED)["status"] == "RESOLVED"
