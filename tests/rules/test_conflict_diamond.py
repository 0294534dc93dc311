"""Conflict diamonds, by the definition in force and by another one."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, issue, judge, outcomes, withdrawal

CONFLICT = "conflict-diamond"
DRAFT = ("--definition", "expanded-draft")


def stones(origin: str, on: str, issuer: str = "AE", **fields: Any) -> Event:
    """Stones of one stated origin, certified somewhere."""
    return issue(f"{issuer}000001", issuer, on, **{"origins": [origin], **fields})


@pytest.mark.parametrize(
    ("origin", "on", "conflict"),
    [
        ("SL", "2002-12-31", False),  # before the definition's own first day
        ("SL", "2003-01-01", True),
        ("SL", "2003-06-04", True),
        ("SL", "2003-06-05", False),
        ("LR", "2007-04-26", True),
        ("LR", "2007-04-27", False),
        ("CI", "2005-12-14", False),
        ("CI", "2005-12-15", True),
        ("CI", "2014-04-28", True),
        ("CI", "2014-04-29", False),
        ("CF", "2013-05-22", False),
        ("CF", "2013-05-23", True),
        ("CF", "2024-11-14", True),  # no zone stated
        ("CF", "2024-11-15", False),
        ("RU", "2024-03-04", False),
        ("ZW", "2010-03-04", False),
    ],
)
def test_stones_of_a_territory_of_the_definition_are_conflict_diamonds_in_its_period(origin: str, on: str, conflict: bool) -> None:
    found = judge(stones(origin, on))
    assert (CONFLICT in found.rules) is conflict, found.rows
    if conflict:
        alert = found.one(CONFLICT)
        assert (alert["severity"], alert["subject"], alert["participants"]) == ("BLOCK", origin, sorted(["AE", origin]))


def test_the_alert_says_where_since_when_and_by_which_definition() -> None:
    certificate = stones("CI", "2010-03-01")
    alert = judge(certificate).one(CONFLICT)
    for day in ("2010-03-01", "2005-12-15", "2014-04-29"):
        assert says_day(alert["message"], day), day
    for word in ("AE000001", "(CI)", "kpcs-2003", "rebel movement", "UNSC 1643"):
        assert word in alert["message"]
    assert alert["evidence"][0] == {"field": "origins", "value": "CI", "expected": "without CI", "event_id": certificate["event_id"]}
    assert alert["confidence"] == "high"


@pytest.mark.parametrize(
    ("on", "zone", "conflict"),
    [
        ("2014-03-03", "Carnot", True),  # no zone was excepted yet
        ("2016-09-25", "Carnot", True),
        ("2016-09-26", "Carnot", False),
        ("2016-09-26", "CARNOT", False),
        ("2020-03-02", "berberati", False),
        ("2020-03-02", "Bria", True),
        ("2020-03-02", None, True),  # a zone stated nowhere is outside every exception
    ],
)
def test_stones_of_compliant_zones_are_excepted_from_their_day_on(on: str, zone: str | None, conflict: bool) -> None:
    found = judge(stones("CF", on, extraction={"zone": zone}))
    assert (CONFLICT in found.rules) is conflict, found.rows
    if conflict and on == "2020-03-02":
        alert = found.one(CONFLICT)
        assert (zone or "no zone") in alert["message"]
        (evidence,) = [each for each in alert["evidence"] if each["field"] == "extraction.zone"]
        assert evidence["value"] == (zone or "not stated")
        assert "Carnot" in evidence["expected"]


def test_an_exception_whose_measure_is_gone_excepts_nothing() -> None:
    ended = {
        "type": "MeasureListed",
        "measure_id": "kp-car-compliant-zones",
        "kind": "ZONES",
        "imposed_by": "KP",
        "territory": "CF",
        "valid_from": "2015-07-17",
        "valid_to": "2018-01-01",
        "allowed_zones": [{"zone": "Carnot", "valid_from": "2016-09-26"}],
    }
    assert CONFLICT in judge(ended, stones("CF", "2018-01-01", extraction={"zone": "Carnot"})).rules
    assert CONFLICT not in judge(ended, stones("CF", "2017-12-31", extraction={"zone": "Carnot"})).rules


def test_a_finding_that_rests_on_a_zone_s_approximate_day_is_a_hold() -> None:
    alert = judge(stones("CF", "2016-05-26", extraction={"zone": "Berbérati"})).one(CONFLICT)
    assert (alert["severity"], alert["confidence"]) == ("HOLD", "low")
    assert "low confidence" in alert["message"]


@pytest.mark.parametrize(("kind", "conflict"), [("GOVERNMENT_CERTIFICATE_OF_ORIGIN", False), ("GRANDFATHERED", True)])
def test_the_government_s_certificate_of_origin_exempts_stones_of_sierra_leone(kind: str, conflict: bool) -> None:
    declared = {"declarations": [{"kind": kind, "reference": "GCO 12"}]}
    assert (CONFLICT in judge(stones("SL", "2003-03-03", **declared)).rules) is conflict
    assert CONFLICT in judge(stones("LR", "2003-03-03", **declared)).rules, "which names no exempt declaration"


def test_a_parcel_s_origin_is_stated_too_and_provenance_and_issuer_are_no_origins() -> None:
    parcels = [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["CI"]}]
    assert CONFLICT in judge(stones("BW", "2010-03-01", origins=[], parcels=parcels)).rules
    assert CONFLICT not in judge(stones("BW", "2010-03-01", provenance="CI")).rules
    assert CONFLICT not in judge(issue("CI000001", "CI", "2010-03-01", origins=[], mixed_origin=True)).rules


def test_two_territories_are_two_alerts() -> None:
    found = judge(stones("CI", "2014-03-03", origins=["CI", "CF", "BW"], mixed_origin=True))
    assert {alert["subject"] for alert in found.of(CONFLICT)} == {"CI", "CF"}
    assert len({alert["alert_id"] for alert in found.of(CONFLICT)}) == 2


def test_a_correction_of_the_origin_resolves_the_alert() -> None:
    wrong = stones("CI", "2010-03-01", "BW")
    right = {**stones("BW", "2010-03-01", "BW"), "occurred_at": "2010-03-02T09:00:00Z"}
    found = judge(wrong, withdrawal(wrong, "2010-03-02T08:00:00Z"), right, options=("--all",))
    assert found.one(CONFLICT)["status"] == "RESOLVED"


# Another definition


@pytest.mark.parametrize(("on", "conflict"), [("2022-02-23", False), ("2022-02-24", True), ("2026-03-02", True)])
def test_the_expanded_draft_counts_russian_stones_from_the_invasion_on(on: str, conflict: bool) -> None:
    found = judge(stones("RU", on, "RU", destination="IN"), options=DRAFT)
    assert (CONFLICT in found.rules) is conflict
    if conflict:
        alert = found.one(CONFLICT)
        assert "expanded-draft" in alert["message"]
        assert alert["rulebook"] == "2026-11+expanded-draft", "not the published rulebook's judgement"
    assert judge(stones("RU", on, "RU", destination="IN")).rows == []


def test_it_still_counts_what_the_one_in_force_does() -> None:
    assert CONFLICT in judge(stones("CI", "2010-03-01"), options=DRAFT).rules


@pytest.mark.parametrize(
    ("zone", "on", "outcome"),
    [
        ("Marange", "2010-03-04", "violation"),
        ("MARANGE", "2008-10-27", "violation"),
        ("Marange", "2008-10-26", None),
        ("Marange", "2012-11-30", None),
        ("Murowa", "2010-03-04", None),
        (None, "2010-03-04", "undetermined"),
    ],
)
def test_where_a_definition_names_zones_a_zone_stated_nowhere_is_undetermined(zone: str | None, on: str, outcome: str | None) -> None:
    certificate = stones("ZW", on, "ZW", extraction={"zone": zone})
    decision = judge(certificate, options=("--decisions", *DRAFT)).rows[-1]
    assert {each["rule_id"]: each["outcome"] for each in decision["rules"]}.get(CONFLICT) == outcome
    assert CONFLICT not in outcomes(certificate), "the definition in force does not name it"


def test_the_rulebook_names_the_definition(tmp_path: Any) -> None:
    book = tmp_path / "mine.toml"
    book.write_text('id = "mine"\ndefinition = "expanded-draft"\n[rules]\nconflict-diamond = "BLOCK"\n', encoding="utf-8")
    found = judge(stones("RU", "2024-03-04"), options=("--rulebook", str(book)))
    assert found.one(CONFLICT)["rulebook"] == "mine"
    assert judge(stones("RU", "2024-03-04"), options=("--rulebook", str(book), "--definition", "kpcs-2003")).rows == []


def test_a_definition_that_does_not_exist_is_wrong_usage() -> None:
    found = judge(stones("BW", "2024-03-04"), options=("--definition", "mine"))
    assert found.exit_status == 2
    assert "expanded-draft, kpcs-2003" in found.errors
