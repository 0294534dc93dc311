"""Regimes by zone, approval and date of production, and the definition of conflict diamonds, to the day."""

from typing import Any

import pytest

from support.specified import corrected, goods, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, issue

MONITORED = [{"kind": "KP_MONITORING_TEAM", "reference": "MT-1", "granted_on": "2015-07-17"}]


def _car(on: str, zone: str | None = "Boda", issuer: str = "CF", **fields: Any) -> Event:
    """Goods of the Central African Republic, lawful while the Operational Framework was in force."""
    extraction = None if zone is None else {"zone": zone, "produced_on": "2015-07-17"}
    stated: dict[str, Any] = {"origins": ["CF"], "extraction": extraction, "approvals": MONITORED, **fields}
    return issue(f"{issuer}000001", issuer, on, **stated)


# zone-not-compliant


@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Boda", "2016-09-25"),
        ("Nola", "2016-09-25"),
        ("Berbérati", "2016-05-26"),
        ("Bria", "2020-03-04"),
        ("Bria", "2015-07-17"),
        ("Bria", "2024-11-14"),
        (None, "2020-03-04"),  # stated nowhere
        ("Boda Nord", "2020-03-04"),
    ],
)
@pytest.mark.parametrize("issuer", ["CF", "AE"])
def test_goods_from_a_zone_that_was_not_allowed_that_day_are_blocked(zone: str | None, on: str, issuer: str) -> None:
    unsure = zone == "Berbérati"  # the day of its own approval is
    alert = opened("zone-not-compliant", [_car(on, zone, issuer)], subject="kp-car-compliant-zones", days=[on], low=unsure)
    if zone:
        assert zone in alert["message"]


@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Boda", "2016-09-26"),
        ("boda", "2016-09-26"),
        ("BERBERATI", "2016-05-27"),
        ("Berbérati", "2016-05-27"),
        ("Berbe\u0301rati", "2016-05-27"),  # the accent as a character of its own
        ("Gadzi", "2018-12-31"),
        ("Carnot", "2024-11-14"),
        ("Bria", "2024-11-15"),
        (None, "2024-11-15"),
        ("Bria", "2015-07-16"),
    ],
)
def test_goods_from_an_allowed_zone_or_outside_the_measures_days_are_not(zone: str | None, on: str) -> None:
    quiet("zone-not-compliant", [_car(on, zone)])
    quiet("zone-not-compliant", [_car(on, zone, "AE")])


def test_a_car_certificate_by_the_book_is_lawful() -> None:
    lawful([_car("2016-09-26")])
    lawful([_car("2020-03-04", approvals=None)])


def test_the_issuer_binds_whatever_origin_is_stated_and_other_goods_are_not_applicable() -> None:
    opened("zone-not-compliant", [_car("2020-03-04", "Bria", origins=["CD"])], subject="kp-car-compliant-zones")
    quiet("zone-not-compliant", [issue(on="2020-03-04", extraction={"zone": "Bria"})])


def test_a_corrected_zone_resolves() -> None:
    resolved("zone-not-compliant", corrected(_car("2020-03-04", "Bria"), _car("2020-03-04", "Boda"), at="2020-03-05T09:00:00Z"))


# approval-missing


def _approved(kind: str, granted_on: str) -> list[dict[str, str]]:
    return [{"kind": kind, "reference": "A-1", "granted_on": granted_on}]


@pytest.mark.parametrize(
    ("on", "approvals", "held"),
    [
        ("2016-09-26", None, True),
        ("2016-09-26", _approved("KP_MONITORING_TEAM", "2016-09-27"), True),
        ("2016-09-26", _approved("KP_MONITORING_TEAM", "2016-09-26"), False),
        ("2016-09-26", _approved("FORENSIC_AUDIT", "2016-09-01"), True),
        ("2016-09-26", [*_approved("FORENSIC_AUDIT", "2016-09-01"), *_approved("KP_MONITORING_TEAM", "2016-09-01")], False),
        ("2015-07-16", None, False),
        ("2015-07-17", None, True),
        ("2019-11-21", None, True),
        ("2019-11-22", None, False),
    ],
)
@pytest.mark.parametrize("issuer", ["CF", "AE"])
def test_an_approval_comes_before_the_certificate(on: str, approvals: Any, held: bool, issuer: str) -> None:
    story = [_car(on, issuer=issuer, approvals=approvals)]
    if held:
        opened("approval-missing", story, subject="kp-car-monitoring-team", days=[on])
    else:
        quiet("approval-missing", story)


@pytest.mark.parametrize(
    ("on", "zone", "approvals", "expected"),
    [
        ("2009-11-04", "Marange", None, "quiet"),
        ("2009-11-05", "Marange", None, "violation"),
        ("2012-11-29", "marange", None, "violation"),
        ("2012-11-30", "Marange", None, "quiet"),
        ("2010-03-04", "Murowa", None, "quiet"),
        ("2010-03-04", None, None, "undetermined"),
        ("2010-03-04", "Marange", _approved("KP_MONITOR", "2010-03-04"), "quiet"),
        ("2010-03-04", "Marange", _approved("KP_MONITOR", "2010-03-05"), "violation"),
        ("2012-12-04", None, None, "quiet"),
    ],
)
@pytest.mark.parametrize("issuer", ["ZW", "AE"])
def test_a_measure_of_named_zones_asks_for_approval_there_only(on: str, zone: Any, approvals: Any, expected: str, issuer: str) -> None:
    extraction = None if zone is None else {"zone": zone}
    story = [issue(f"{issuer}000001", issuer, on, origins=["ZW"], extraction=extraction, approvals=approvals)]
    if expected == "violation":
        opened("approval-missing", story, subject="kp-marange-monitor")
    else:
        {"quiet": quiet, "undetermined": undetermined}[expected]("approval-missing", story)


@pytest.mark.parametrize(("on", "held"), [("2006-11-23", False), ("2006-11-24", True), ("2007-06-13", True), ("2007-06-14", False)])
def test_an_approval_asked_for_on_uncertain_days_holds_and_on_one_route_only(on: str, held: bool) -> None:
    direct = [issue("GH000001", "GH", on)]
    if held:
        alert = opened("approval-missing", direct, subject="kp-ghana-expert-approval", low=True)
        assert alert["confidence"] == "low"
    else:
        quiet("approval-missing", direct)
    quiet("approval-missing", [issue("AE000001", "AE", on, origins=["GH"])])
    quiet("approval-missing", [issue("GH000001", "GH", on, approvals=_approved("EXPERT_EXPORT_APPROVAL", on))])


def test_an_approval_in_the_corrected_certificate_resolves() -> None:
    story = corrected(_car("2016-09-26", approvals=None), _car("2016-09-26"), at="2016-09-27T09:00:00Z")
    resolved("approval-missing", story)


# suspension-stockpile


@pytest.mark.parametrize(
    ("on", "produced_on", "held"),
    [
        ("2016-09-26", "2013-05-22", False),
        ("2016-09-26", "2013-05-23", True),
        ("2016-09-26", "2015-07-16", True),
        ("2016-09-26", "2015-07-17", False),
        ("2015-07-17", "2014-03-04", True),
        ("2015-07-16", "2014-03-04", False),
        ("2024-11-14", "2014-03-04", True),
        ("2024-11-15", "2014-03-04", False),
    ],
)
@pytest.mark.parametrize("issuer", ["CF", "AE"])
def test_goods_of_the_suspension_stay_barred(on: str, produced_on: str, held: bool, issuer: str) -> None:
    story = [_car(on, issuer=issuer, extraction={"zone": "Boda", "produced_on": produced_on})]
    if held:
        opened("suspension-stockpile", story, subject="kp-car-stockpile", days=[produced_on])
    else:
        quiet("suspension-stockpile", story)


def test_the_audit_frees_them_whenever_it_was_granted_and_no_other_approval_does() -> None:
    def story(kind: str, granted_on: str) -> list[Event]:
        mined = {"zone": "Boda", "produced_on": "2014-03-04"}
        return [_car("2016-09-26", extraction=mined, approvals=[*MONITORED, *_approved(kind, granted_on)])]

    lawful(story("FORENSIC_AUDIT", "2016-09-26"))
    quiet("suspension-stockpile", story("FORENSIC_AUDIT", "2017-01-01"))
    opened("suspension-stockpile", story("KP_MONITOR", "2016-09-01"), subject="kp-car-stockpile")


def test_a_day_of_production_not_stated_is_undetermined() -> None:
    undetermined("suspension-stockpile", [_car("2016-09-26", extraction={"zone": "Boda"})])
    undetermined("suspension-stockpile", [_car("2016-09-26", zone=None)])
    quiet("suspension-stockpile", [issue()])


def test_a_corrected_day_of_production_resolves() -> None:
    wrong = _car("2016-09-26", extraction={"zone": "Boda", "produced_on": "2014-03-04"})
    resolved("suspension-stockpile", corrected(wrong, _car("2016-09-26"), at="2016-09-27T09:00:00Z"))


# conflict-diamond


@pytest.mark.parametrize(
    ("territory", "first", "last", "before", "after"),
    [
        ("CI", "2005-12-15", "2014-04-28", "2005-12-14", "2014-04-29"),
        ("LR", "2003-03-04", "2007-04-26", "2001-05-06", "2007-04-27"),
        ("SL", "2003-03-04", "2003-06-04", None, "2003-06-05"),
        ("CF", "2013-05-23", "2015-07-16", "2013-05-22", "2024-11-15"),
    ],
)
def test_an_origin_in_a_territory_of_the_definition_is_blocked(
    territory: str, first: str, last: str, before: str | None, after: str
) -> None:
    def story(on: str) -> list[Event]:
        return [issue("AE000001", "AE", on, origins=[territory])]

    for day in (first, last):
        alert = opened("conflict-diamond", story(day), subject=territory, days=[day])
        assert alert["certificate_number"] == "AE000001"
    for beside in (before, after):
        if beside and beside >= "2003-01-01":
            quiet("conflict-diamond", story(beside))


@pytest.mark.parametrize(
    ("zone", "on", "held"),
    [
        ("Boda", "2016-09-26", False),
        ("bodá", "2016-09-26", False),
        ("Boda", "2016-09-25", True),
        ("Bria", "2020-03-04", True),
        (None, "2020-03-04", True),  # outside every exception
        ("Boda", "2015-07-16", True),  # the exception is the zones measure's, not in force yet
        ("Bria", "2024-11-14", True),
        ("Bria", "2024-11-15", False),
    ],
)
def test_compliant_zones_are_the_exception(zone: str | None, on: str, held: bool) -> None:
    if held:
        opened("conflict-diamond", [_car(on, zone)], subject="CF")
    else:
        quiet("conflict-diamond", [_car(on, zone)])


def test_an_exempt_declaration_exempts_and_another_does_not() -> None:
    def story(kind: str) -> list[Event]:
        return [issue("AE000001", "AE", "2003-06-04", origins=["SL"], declarations=[{"kind": kind, "reference": "D-1"}])]

    quiet("conflict-diamond", story("GOVERNMENT_CERTIFICATE_OF_ORIGIN"))
    opened("conflict-diamond", story("G7_CERTIFICATE"), subject="SL")


def test_two_territories_are_two_alerts_and_a_parcels_origin_counts() -> None:
    mixed = issue("AE000001", "AE", "2014-03-04", mixed_origin=True, **{"origins": ["CI"], **goods("100.00", "20000.00", origins=["CF"])})
    first = opened("conflict-diamond", [mixed], subject="CI")
    second = opened("conflict-diamond", [mixed], subject="CF")
    assert first["alert_id"] != second["alert_id"]


def test_the_issuer_is_no_origin() -> None:
    quiet("conflict-diamond", [issue("CI000001", "CI", "2010-03-04", origins=["BW"])])
    quiet("conflict-diamond", [issue("AE000001", "AE", "2014-03-04", origins=[], mixed_origin=True)])


DRAFT = ("--definition", "expanded-draft")


@pytest.mark.parametrize(
    ("origin", "zone", "on", "expected"),
    [
        ("RU", None, "2022-02-23", "quiet"),
        ("RU", None, "2022-02-24", "violation"),
        ("ZW", "Marange", "2008-10-26", "quiet"),
        ("ZW", "MARANGE", "2008-10-27", "violation"),
        ("ZW", "Marange", "2012-11-29", "violation"),
        ("ZW", "Marange", "2012-11-30", "quiet"),
        ("ZW", "Murowa", "2010-03-04", "quiet"),
        ("ZW", None, "2010-03-04", "undetermined"),
        ("CI", None, "2010-03-04", "violation"),  # it extends the one in force
        ("BW", None, "2024-03-04", "quiet"),
    ],
)
def test_another_definition_judges_by_its_own_text(origin: str, zone: str | None, on: str, expected: str) -> None:
    story = [issue("AE000001", "AE", on, origins=[origin], extraction=None if zone is None else {"zone": zone})]
    if expected == "violation":
        opened("conflict-diamond", story, subject=origin, options=DRAFT)
    else:
        {"quiet": quiet, "undetermined": undetermined}[expected]("conflict-diamond", story, options=DRAFT)
    if origin != "CI":
        quiet("conflict-diamond", story)


def test_a_corrected_origin_resolves() -> None:
    def story(origin: str) -> Event:
        return issue("AE000001", "AE", "2010-03-04", origins=[origin])

    resolved("conflict-diamond", corrected(story("CI"), story("CD"), at="2010-03-05T09:00:00Z"))


def test_a_zones_measure_of_a_later_message_counts_from_its_own_dates() -> None:
    listed: dict[str, Any] = {
        "type": "MeasureListed",
        "id": "test-zones",
        "kind": "ZONES",
        "imposed_by": "KP",
        "territory": "BW",
        "route": "ANY",
        "valid_from": "2024-03-01",
        "basis": "a decision for this test",
        "confidence": "high",
        "allowed_zones": [{"zone": "Orapa", "valid_from": "2024-03-04", "valid_to": "2024-03-06", "confidence": "high"}],
    }

    def story(zone: str, on: str) -> list[Event]:
        return [issue(on=on, extraction={"zone": zone}), listed]

    for day, allowed in (("2024-03-03", False), ("2024-03-04", True), ("2024-03-05", True), ("2024-03-06", False)):
        if allowed:
            lawful(story("orapa", day))
        else:
            opened("zone-not-compliant", story("orapa", day), subject="test-zones")
    opened("zone-not-compliant", story("Jwaneng", "2024-03-04"), subject="test-zones")
