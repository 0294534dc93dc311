"""Origins along the way: what is stated and did not come in, what came in and is not stated, and what a re-export inherits."""

from typing import Any

import pytest

from support.re_exports import came_in, re_export
from support.specified import corrected, goods, opened, resolved
from support.stories import Event, issue, judge, withdrawal

# origin-laundered and origin-dropped


def test_an_origin_that_no_source_has_is_laundered() -> None:
    alert = opened("origin-laundered", [*came_in("RU000001", value="9000.00"), re_export(source_certificates=["RU000001"])])
    assert "BW" in alert["message"] or "Botswana" in alert["message"]
    mixed = re_export(mixed_origin=True, origins=["BW", "ZA"])
    opened("origin-laundered", [*came_in(), mixed])


@pytest.mark.parametrize(
    ("fields", "reexport"),
    [
        ({}, {}),
        ({}, {"mixed_origin": True, "origins": []}),  # states none: nothing is in none of them
        ({"mixed_origin": True, "origins": ["BW", "ZA"]}, {}),
        ({"origins": []}, {}),  # a source that states no origins
        ({"mixed_origin": True, "origins": []}, {"origins": ["ZA"]}),
    ],
    ids=["same", "undisclosed", "one-of-two", "not-stated", "undisclosed-source"],
)
def test_an_origin_of_a_source_or_a_source_that_states_none_is_not(fields: dict[str, Any], reexport: dict[str, Any]) -> None:
    assert "origin-laundered" not in judge(*came_in(**fields), re_export(**reexport)).rules


def test_unless_all_sources_are_known_nothing_is_laundered() -> None:
    story = [*came_in(), re_export(origins=["ZA"], source_certificates=["BW000001", "ZA000009"])]
    assert "origin-laundered" not in judge(*story).rules
    opened("origin-laundered", [*story, issue("ZA000009", "ZA", origins=["CD"])])
    resolved("origin-laundered", [*came_in(), *corrected(re_export(origins=["ZA"]), re_export())])


def _with_russian(carats: str, **fields: Any) -> list[Event]:
    """A source of 100 carats from Botswana and one of 100 from Russia; the re-export names Botswana alone."""
    stated: dict[str, Any] = {"destination": "EU", "source_certificates": ["BW000001", "RU000001"], **fields}
    return [*came_in(), *came_in("RU000001", value="9000.00"), re_export(carats, **stated)]


@pytest.mark.parametrize(("carats", "rule"), [("100.001", "origin-laundered"), ("150.00", "origin-laundered")])
def test_more_weight_than_the_other_sources_had_proves_the_banned_one(carats: str, rule: str) -> None:
    judged = judge(*_with_russian(carats))
    opened(rule, _with_russian(carats), amounts=[carats, "100"])
    assert "origin-dropped" not in judged.rules


@pytest.mark.parametrize("carats", ["100.000", "40.00"])
def test_a_weight_that_the_others_could_give_is_reviewed_only(carats: str) -> None:
    opened("origin-dropped", _with_russian(carats))
    assert "origin-laundered" not in judge(*_with_russian(carats)).rules


DROPPED = pytest.mark.parametrize(
    ("fields", "stopped"),
    [
        ({}, True),
        ({"destination": "BE"}, True),
        ({"destination": "IN"}, False),
        ({"origins": ["BW", "RU"], "mixed_origin": True}, False),  # named
        ({"origins": [], "mixed_origin": True}, True),
        ({"destination": "US"}, True),  # 7102.31
        ({"destination": "JP"}, False),  # direct only
        ({"destination": "GB", "max_stone_carats": "1.000"}, True),
        ({"destination": "GB", "max_stone_carats": "0.999"}, False),
        ({"destination": "CA", "max_stone_carats": "2.000", "declarations": [{"kind": "GRANDFATHERED", "reference": "G-1"}]}, False),
        ({"destination": "EU", "declarations": [{"kind": "GRANDFATHERED", "reference": "G-1"}]}, True),  # not exempt before 24 June
    ],
    ids=str,
)


@DROPPED
def test_a_source_counts_as_stopped_by_all_conditions_of_its_measure(fields: dict[str, Any], stopped: bool) -> None:
    found = judge(*_with_russian("60.00", **fields)).rules
    assert ("origin-dropped" in found) is stopped
    assert "origin-laundered" not in found
    heavy = judge(*_with_russian("160.00", **fields)).rules
    assert ("origin-laundered" in heavy) is stopped
    assert "origin-dropped" not in heavy


def test_a_source_with_a_lawful_origin_beside_the_banned_one_or_one_that_is_named_is_not_left_unnamed() -> None:
    blend: dict[str, Any] = {"mixed_origin": True, "origins": ["RU", "ZA"]}
    stated: dict[str, Any] = {"destination": "EU", "source_certificates": ["BW000001", "RU000001"]}
    story = [*came_in(), *came_in("RU000001", value="9000.00", **blend), re_export("60.00", **stated)]
    assert "origin-dropped" not in judge(*story).rules
    own = [*came_in(), *came_in("RU000001", value="9000.00", mixed_origin=True, origins=["RU", "BW"]), re_export("60.00", **stated)]
    assert "origin-dropped" not in judge(*own).rules
    silent = [*came_in(), *came_in("RU000001", value="9000.00", mixed_origin=True, origins=[]), re_export("60.00", **stated)]
    assert "origin-dropped" not in judge(*silent).rules


@pytest.mark.parametrize(
    ("origin", "on", "zone", "stopped"),
    [
        ("CF", "2014-03-10", None, True),  # suspended
        ("CF", "2013-05-22", None, False),
        ("CF", "2016-10-10", "Bria", True),  # zones not met
        ("CF", "2016-10-10", "Boda", False),
        ("CF", "2024-11-15", None, False),
        ("CI", "2010-03-10", None, True),  # embargo
        ("LR", "2005-03-10", None, False),  # direct only
    ],
)
def test_suspensions_embargoes_and_zones_stop_as_well(origin: str, on: str, zone: str | None, stopped: bool) -> None:
    extraction = None if zone is None else {"zone": zone}
    days: dict[str, Any] = {"on": on[:8] + "01"}
    bad = issue(f"{origin}000001", origin, destination="AE", extraction=extraction, **days)
    good = issue("BW000001", "BW", destination="AE", **days)
    onward = re_export("60.00", on=on, source_certificates=["BW000001", f"{origin}000001"])
    found = judge(bad, good, onward).rules
    assert ("origin-dropped" in found) is stopped


def test_a_measure_that_arrives_late_stops_a_source_of_old() -> None:
    ban = {
        "type": "MeasureListed",
        "id": "test-ban",
        "kind": "IMPORT_BAN",
        "imposed_by": "IN",
        "territory": "RU",
        "route": "ANY",
        "valid_from": "2024-01-01",
        "basis": "an act for this test",
        "confidence": "high",
    }
    story = _with_russian("60.00", destination="IN")
    assert "origin-dropped" not in judge(*story).rules
    opened("origin-dropped", [*story, ban])
    assert "origin-dropped" not in judge(*story, {**ban, "route": "DIRECT"}).rules
    assert "origin-dropped" not in judge(*story, {**ban, "valid_from": "2024-03-11"}).rules


def test_naming_the_origin_in_the_correction_resolves() -> None:
    story = _with_russian("60.00")
    right = re_export("60.00", destination="EU", source_certificates=["BW000001"])
    resolved("origin-dropped", [*story[:-1], *corrected(story[-1], right)])


# What a re-export inherits

TEAM = [{"kind": "KP_MONITORING_TEAM", "reference": "MT-1", "granted_on": "2016-09-26"}]


def _car(number: str = "CF000001", zone: str | None = "Boda", approvals: Any = TEAM, **fields: Any) -> Event:
    extraction = None if zone is None else {"zone": zone, "produced_on": "2016-01-01"}
    stated: dict[str, Any] = {"destination": "AE", "origins": ["CF"], "extraction": extraction, "approvals": approvals, **fields}
    return issue(number, "CF", "2016-10-01", **stated)


def _onward(sources: list[str], number: str = "AE000001", on: str = "2016-10-20", **fields: Any) -> Event:
    return issue(number, number[:2], on, **{"destination": "IN", "origins": ["CF"], "source_certificates": sources, **fields})


def test_zone_approval_and_production_come_with_the_source_through_any_number_of_reexports() -> None:
    chain = [
        _car(),
        _onward(["CF000001"]),
        _onward(["AE000001"], "IN000001", "2016-10-25", destination="CN"),
        _onward(["IN000001"], "CN000001", "2016-10-30", destination="AE"),
    ]
    rules = {"zone-not-compliant", "approval-missing", "suspension-stockpile", "conflict-diamond"}
    for length in (2, 3, 4):
        assert not judge(*chain[:length]).rules & rules
        assert not judge(*chain[:length][::-1]).rules & rules


@pytest.mark.parametrize(
    ("sources", "held"),
    [
        ([_car(zone="Boda"), _car("CF000002", zone="Nola")], False),
        ([_car(zone="Boda"), _car("CF000002", zone="Bria")], True),  # each must be allowed
        ([_car(zone="Bria")], True),
        ([_car(zone=None)], True),
    ],
    ids=["allowed", "one-not", "not", "nowhere"],
)
def test_of_several_inherited_zones_each_must_be_allowed(sources: list[Event], held: bool) -> None:
    onward = _onward([each["certificate_number"] for each in sources], **goods("150.00", "30000.00"))
    rows = judge(*sources, onward).rows
    found = {row["rule_id"] for row in rows if row["certificate_number"] == "AE000001"}
    assert ("zone-not-compliant" in found) is held
    assert ("conflict-diamond" in found) is held


def test_of_inherited_approvals_one_is_enough_and_own_ones_replace_them() -> None:
    def found(*story: Event) -> set[str]:
        return {row["rule_id"] for row in judge(*story).rows if row["certificate_number"] == "AE000001"}

    two = [_car(), _car("CF000002", approvals=None)]
    assert "approval-missing" not in found(*two, _onward(["CF000001", "CF000002"], **goods("150.00", "30000.00")))
    assert "approval-missing" in found(_car(approvals=None), _onward(["CF000001"]))
    other = [{"kind": "FORENSIC_AUDIT", "reference": "F-1", "granted_on": "2016-09-26"}]
    assert "approval-missing" in found(_car(), _onward(["CF000001"], approvals=other))
    late = [{"kind": "KP_MONITORING_TEAM", "reference": "MT-2", "granted_on": "2016-10-21"}]
    assert "approval-missing" in found(_car(), _onward(["CF000001"], approvals=late))
    assert "zone-not-compliant" in found(_car(), _onward(["CF000001"], extraction={"zone": "Bria"}))
    # each is taken by itself: a stated zone does not end the inheritance of approvals
    stated = _onward(["CF000001"], extraction={"zone": "Nola", "produced_on": "2016-01-01"})
    assert not found(_car(), stated) & {"zone-not-compliant", "approval-missing"}


def test_nothing_comes_from_sources_that_are_unknown_hold_another_origin_or_state_none() -> None:
    def zones(*story: Event) -> bool:
        return "zone-not-compliant" in {row["rule_id"] for row in judge(*story).rows if row["certificate_number"] == "AE000001"}

    assert zones(_onward(["CF000001"]))
    assert zones(_car(origins=["CD"]), _onward(["CF000001"]))
    assert zones(_car(origins=[], mixed_origin=True), _onward(["CF000001"]))
    assert not zones(_car(), _onward(["CF000001"]))
    mixed: dict[str, Any] = {"origins": ["CF", "CD"], "mixed_origin": True, **goods("150.00", "30000.00")}
    other = issue("CD000001", "CD", "2016-10-01", destination="AE", extraction={"zone": "Bria"})
    assert not zones(_car(), other, _onward(["CF000001", "CD000001"], **mixed))


def test_a_source_that_comes_late_resolves_and_its_withdrawal_opens_again() -> None:
    source, onward = _car(), _onward(["CF000001"])
    resolved("zone-not-compliant", [onward, source])
    opened("zone-not-compliant", [onward, source, withdrawal(source, at="2016-11-01T09:00:00Z")], subject="kp-car-compliant-zones")


@pytest.mark.parametrize(("produced_on", "barred"), [("2014-03-04", True), ("2016-01-01", False)])
def test_goods_of_the_suspension_stay_barred_on_the_way(produced_on: str, barred: bool) -> None:
    source = _car(extraction={"zone": "Boda", "produced_on": produced_on})
    rows = judge(source, _onward(["CF000001"])).rows
    assert (("AE000001", "suspension-stockpile") in {(row["certificate_number"], row["rule_id"]) for row in rows}) is barred
    audit = [*TEAM, {"kind": "FORENSIC_AUDIT", "reference": "F-1", "granted_on": "2016-09-26"}]
    freed = judge({**source, "approvals": audit}, _onward(["CF000001"])).rules
    assert "suspension-stockpile" not in freed
