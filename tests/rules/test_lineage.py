"""Lineage: under which certificates stones came in that were not mined where they are certified."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import issue, judge, missing, outcomes, withdrawal

MISSING = "source-missing"


@pytest.mark.parametrize(
    ("issuer", "fields", "nameless"),
    [
        ("BW", {}, False),
        ("AE", {"origins": ["BW"]}, True),
        ("AE", {"origins": ["BW"], "source_certificates": ["BW000009"]}, False),
        ("AE", {"origins": ["BW", "ZA"], "mixed_origin": True}, True),
        ("BW", {"origins": [], "mixed_origin": True}, True),
        ("BW", {"origins": ["BW"], "mixed_origin": True}, True),
        ("BW", {"origins": ["BW", "ZA"]}, True),
        ("BW", {"origins": [], "mixed_origin": True, "source_certificates": ["ZA000009"]}, False),
        ("BW", {"origins": []}, False),  # what no one states is another rule's matter
        ("AE", {"origins": [], "parcels": [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["BW"]}]}, True),
        ("BW", {"provenance": "ZA"}, False),
        ("HK", {"origins": ["CN"]}, False),  # the same Participant
        ("CN", {"origins": ["HK"]}, False),
        ("EU", {"origins": ["GL"], "on": "2015-02-01"}, False),
        ("EU", {"origins": ["GL"], "on": "2015-01-31"}, True),  # before it belongs to one, a territory stands for itself
    ],
)
def test_stones_from_elsewhere_and_mixed_parcels_name_their_sources(issuer: str, fields: dict[str, Any], nameless: bool) -> None:
    number = "EU12345678" if issuer == "EU" else f"{issuer}000001"
    found = judge(issue(number, issuer, fields.pop("on", "2024-03-04"), **fields))
    assert (MISSING in found.rules) is nameless, found.rows
    if nameless:
        alert = found.one(MISSING)
        assert (alert["severity"], alert["subject"], alert["participants"], alert["confidence"]) == ("INFO", "", [issuer], "high")


def test_the_alert_says_whose_stones_they_are() -> None:
    certificate = issue("AE000001", "AE", origins=["BW", "ZA"], mixed_origin=True)
    alert = judge(certificate).one(MISSING)
    for word in ("AE000001", "United Arab Emirates (AE)", "Botswana (BW)", "(ZA)"):
        assert word in alert["message"]
    assert says_day(alert["message"], "2024-03-04")
    assert alert["evidence"][0] == {
        "field": "source_certificates",
        "value": "none",
        "expected": "at least one",
        "event_id": certificate["event_id"],
    }
    assert "mixed" in judge(issue(origins=[], mixed_origin=True)).one(MISSING)["message"]


def test_whether_a_parcel_is_mixed_is_needed_where_nothing_else_tells() -> None:
    assert missing(MISSING, issue(mixed_origin=None)) == ["mixed_origin"]
    assert outcomes(issue("AE000001", "AE", origins=["BW"], mixed_origin=None))[MISSING] == "violation"
    assert MISSING not in outcomes(issue(mixed_origin=None, source_certificates=["ZA000009"]))


def test_sources_named_after_all_resolve_the_alert() -> None:
    wrong = issue("AE000001", "AE", origins=["BW"])
    right = issue("AE000001", "AE", origins=["BW"], source_certificates=["BW000009"], at="2024-03-05T09:00:00Z")
    found = judge(wrong, withdrawal(wrong, "2024-03-05T08:00:00Z"), right, options=("--all",))
    assert found.one(MISSING)["status"] == "RESOLVED"
