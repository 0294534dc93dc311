"""Regimes, by the catalogue and measures.toml: zones that may export, approvals that come first, production that stays barred."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, issue, judge, missing, outcomes, withdrawal

ZONE, APPROVAL, STOCKPILE = "zone-not-compliant", "approval-missing", "suspension-stockpile"
ZONES_MEASURE, TEAM, STOCK = "kp-car-compliant-zones", "kp-car-monitoring-team", "kp-car-stockpile"


def car(
    on: str = "2020-03-02", zone: str | None = "Carnot", *, produced: str | None = "2019-11-01", issuer: str = "CF", **fields: Any
) -> Event:
    """Stones of the Central African Republic, lawful but for what is said otherwise."""
    stated: dict[str, Any] = {"origins": ["CF"], "extraction": {"zone": zone, "produced_on": produced}, **fields}
    return issue(f"{issuer}000001", issuer, on, **stated)


def measure(kind: str, **fields: Any) -> Event:
    """A measure of the scheme on stones of Lesotho, known from the start."""
    stated = {"kind": kind, "imposed_by": "KP", "territory": "LS", "valid_from": "2024-01-01", "basis": "a decision", "confidence": "high"}
    return {"type": "MeasureListed", "measure_id": "test-measure", **stated, **fields}


def lesotho(on: str = "2024-03-04", issuer: str = "LS", **fields: Any) -> Event:
    """Stones of Lesotho."""
    return issue(f"{issuer}000001", issuer, on, **{"origins": ["LS"], **fields})


def approval(kind: str, granted_on: str | None = "2016-09-01") -> dict[str, Any]:
    """An approvals field with one."""
    return {"approvals": [{"kind": kind, "reference": "R 1", "granted_on": granted_on}]}


# Zones that may export


@pytest.mark.parametrize(
    ("zone", "on", "allowed"),
    [
        ("Boda", "2016-09-25", False),
        ("Boda", "2016-09-26", True),
        ("Carnot", "2016-09-25", False),
        ("Nola", "2016-09-26", True),
        ("Gadzi", "2018-12-30", False),
        ("Gadzi", "2018-12-31", True),
        ("Berbérati", "2016-05-26", False),
        ("Berbérati", "2016-05-27", True),
        ("Bria", "2016-09-26", False),
        ("Bria", "2024-11-14", False),
        ("Bria", "2024-11-15", True),  # all zones are free since the plenary of November 2024
        ("Carnot", "2015-07-17", False),  # the regime begins, no zone is approved yet
        ("Carnot", "2015-07-16", True),  # suspended altogether: another rule's matter
        (None, "2020-03-02", False),
        (None, "2024-11-15", True),
    ],
)
def test_only_stones_of_zones_approved_by_the_date_of_issue_may_be_certified(zone: str | None, on: str, allowed: bool) -> None:
    found = judge(car(on, zone))
    assert (ZONE in found.rules) is not allowed, found.rows
    if not allowed:
        alert = found.one(ZONE)
        assert (alert["subject"], alert["status"], alert["participants"]) == (ZONES_MEASURE, "OPENED", ["CF"])


def test_the_alert_says_which_zone_on_which_day_and_which_were_allowed() -> None:
    certificate = car("2016-10-03", "Bria")
    alert = judge(certificate).one(ZONE)
    assert (alert["severity"], alert["confidence"]) == ("BLOCK", "high")
    for word in ("Bria", "Boda", "Carnot", "Nola", "CF000001", "Central African Republic (CF)"):
        assert word in alert["message"]
    assert "Gadzi" not in alert["message"], "approved two years later"
    assert says_day(alert["message"], "2016-10-03")
    assert "Operational Framework" in alert["message"]
    zone, in_force = alert["evidence"]
    assert (zone["field"], zone["value"], zone["event_id"]) == ("extraction.zone", "Bria", certificate["event_id"])
    assert {"Boda", "Carnot", "Nola"} <= set(zone["expected"].split(", "))
    assert ZONES_MEASURE in in_force["field"]


def test_a_zone_that_was_approved_later_is_said_with_its_day_and_rests_on_that_row_s_confidence() -> None:
    """Gadzi's day is only approximate: a BLOCK that rests on low data is raised as HOLD."""
    alert = judge(car("2018-12-30", "Gadzi")).one(ZONE)
    assert says_day(alert["message"], "2018-12-31")
    assert (alert["severity"], alert["confidence"]) == ("HOLD", "low")
    assert "low confidence" in alert["message"]
    assert judge(car("2016-09-25", "Boda")).one(ZONE)["confidence"] == "medium"


@pytest.mark.parametrize("stated", [None, {}, {"zone": None}, {"zone": ""}, {"zone": "  "}, {"produced_on": "2019-11-01"}])
def test_a_zone_stated_nowhere_is_no_allowed_zone(stated: dict[str, Any] | None) -> None:
    alert = judge(car(extraction=stated)).one(ZONE)
    assert alert["evidence"][0]["value"] == "not stated"
    assert "zone" in alert["message"]


@pytest.mark.parametrize("written", ["Berbérati", "BERBÉRATI", "berberati", " Berberati ", "Berbe\u0301rati", "BERBERATI"])
def test_accents_and_case_of_a_zone_are_forgiven(written: str) -> None:
    assert ZONE not in judge(car(zone=written)).rules


@pytest.mark.parametrize("written", ["Berberat", "Berbérati 2", "Carnot/Boda"])
def test_another_name_is_another_zone(written: str) -> None:
    assert ZONE in judge(car(zone=written)).rules


def test_when_no_zone_may_export_the_sentence_says_so() -> None:
    assert "no zone" in judge(car("2015-08-03", "Carnot")).one(ZONE)["message"]


@pytest.mark.parametrize(
    ("fields", "reached"),
    [
        ({"issuer": "AE"}, True),  # route ANY: a stated origin
        ({"issuer": "AE", "origins": ["BW", "CF"], "mixed_origin": True}, True),
        ({"issuer": "AE", "origins": ["BW"]}, False),
        ({"origins": []}, True),  # the issuer is its territory
        ({"origins": ["BW"]}, True),
        (
            {
                "issuer": "AE",
                "origins": [],
                "parcels": [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["CF"]}],
            },
            True,
        ),
        ({"issuer": "AE", "origins": ["BW"], "provenance": "CF"}, False),
        ({"destination": None}, True),
    ],
)
def test_a_zone_regime_is_on_who_issues_and_on_stated_origins(fields: dict[str, Any], reached: bool) -> None:
    assert (ZONE in judge(car(zone="Bria", **fields)).rules) is reached


def test_a_direct_regime_reaches_only_what_its_territory_issues() -> None:
    regime = measure("ZONES", route="DIRECT", allowed_zones=[{"zone": "Kao", "valid_from": "2024-01-01"}])
    assert ZONE in judge(regime, lesotho(extraction={"zone": "Liqhobong"})).rules
    assert ZONE not in judge(regime, lesotho(extraction={"zone": "kao"})).rules
    assert ZONE not in judge(regime, lesotho(issuer="AE", extraction={"zone": "Liqhobong"})).rules


@pytest.mark.parametrize(("destination", "bound"), [("EU", True), ("BE", True), ("AE", False)])
def test_a_regime_of_one_importer_binds_what_goes_there(destination: str, bound: bool) -> None:
    regime = measure("ZONES", imposed_by="EU")
    assert (ZONE in judge(regime, lesotho(destination=destination, extraction={"zone": "Kao"})).rules) is bound


def test_an_allowed_zone_s_period_is_half_open() -> None:
    regime = measure("ZONES", allowed_zones=[{"zone": "Kao", "valid_from": "2024-02-01", "valid_to": "2024-03-04"}])
    for on, allowed in (("2024-01-31", False), ("2024-02-01", True), ("2024-03-03", True), ("2024-03-04", False)):
        assert (ZONE not in judge(regime, lesotho(on, extraction={"zone": "Kao"})).rules) is allowed, on


def test_without_a_regime_on_the_goods_or_without_a_certificate_it_is_not_applicable() -> None:
    assert ZONE not in outcomes(issue())
    assert ZONE not in outcomes(car("2024-11-15", None))


def test_the_zone_put_right_resolves_the_alert() -> None:
    wrong = car(zone="Bria")
    right = {**car(zone="Nola"), "occurred_at": "2020-03-03T09:00:00Z"}
    found = judge(wrong, withdrawal(wrong, "2020-03-03T08:00:00Z"), right, options=("--all",))
    assert (found.one(ZONE)["status"], found.one(ZONE)["revision"]) == ("RESOLVED", 2)


# Approvals that must come first


@pytest.mark.parametrize(
    ("on", "granted", "late"),
    [
        ("2016-10-03", "2016-10-03", False),  # on the very day
        ("2016-10-03", "2016-10-02", False),
        ("2016-10-03", "2016-10-04", True),
        ("2019-11-21", "2019-11-22", True),
        ("2019-11-22", "2020-01-01", False),  # dropped by the plenary of New Delhi
    ],
)
def test_an_approval_is_granted_no_later_than_the_date_of_issue(on: str, granted: str, late: bool) -> None:
    found = judge(car(on, **approval("KP_MONITORING_TEAM", granted)))
    assert (APPROVAL in found.rules) is late, found.rows
    if late:
        message = found.one(APPROVAL)["message"]
        assert says_day(message, on)
        assert says_day(message, granted), "the day on which it came"


def test_the_alert_says_which_approval_is_missing_by_which_decision() -> None:
    certificate = car("2016-10-03")
    alert = judge(certificate).one(APPROVAL)
    assert (alert["severity"], alert["subject"], alert["confidence"], alert["participants"]) == ("BLOCK", TEAM, "medium", ["CF"])
    assert "KP_MONITORING_TEAM" in alert["message"]
    assert "Operational Framework" in alert["message"]
    assert says_day(alert["message"], "2016-10-03")
    evidence = alert["evidence"][0]
    assert "KP_MONITORING_TEAM" in evidence["field"]
    assert (evidence["value"], evidence["event_id"]) == ("not stated", certificate["event_id"])
    assert "2016-10-03" in evidence["expected"]


def test_an_approval_of_another_kind_is_none() -> None:
    assert APPROVAL in judge(car("2016-10-03", **approval("KP_MONITOR"))).rules


def test_of_several_approvals_one_in_time_is_enough() -> None:
    both = [{"kind": "KP_MONITORING_TEAM", "reference": f"R {day}", "granted_on": f"2016-10-0{day}"} for day in (9, 1)]
    assert APPROVAL not in judge(car("2016-10-03", approvals=both)).rules


def test_an_approval_without_a_day_is_undetermined() -> None:
    assert outcomes(car("2016-10-03", **approval("KP_MONITORING_TEAM", None)))[APPROVAL] == "undetermined"


@pytest.mark.parametrize(
    ("zone", "approvals", "outcome"),
    [
        ("Marange", {}, "violation"),
        ("MARANGE", {}, "violation"),
        ("Marange", approval("KP_MONITOR", "2010-03-01"), None),
        ("Murowa", {}, None),
        (None, {}, "undetermined"),
        (None, approval("KP_MONITOR", "2010-03-01"), None),
        ("  ", {}, "undetermined"),
    ],
)
def test_marange_goods_need_the_monitor_and_a_zone_not_stated_leaves_it_open(
    zone: str | None, approvals: dict[str, Any], outcome: str | None
) -> None:
    certificate = issue("ZW000001", "ZW", "2010-03-02", extraction={"zone": zone}, **approvals)
    assert outcomes(certificate).get(APPROVAL) == outcome
    if outcome == "violation":
        alert = judge(certificate).one(APPROVAL)
        assert (alert["severity"], alert["subject"]) == ("BLOCK", "kp-marange-monitor")
        assert zone in alert["message"]


@pytest.mark.parametrize(("on", "needed"), [("2009-11-04", False), ("2009-11-05", True), ("2012-11-29", True), ("2012-11-30", False)])
def test_the_monitor_was_needed_from_swakopmund_to_washington(on: str, needed: bool) -> None:
    assert (APPROVAL in judge(issue("ZW000001", "ZW", on, extraction={"zone": "Marange"})).rules) is needed


def test_what_is_missing_is_named() -> None:
    assert missing(APPROVAL, issue("ZW000001", "ZW", "2010-03-02")) == ["extraction.zone"]
    assert missing(APPROVAL, car("2016-10-03", **approval("KP_MONITORING_TEAM", None))) == ["approvals.granted_on"]
    assert missing(STOCKPILE, car(produced=None)) == ["extraction.produced_on"]


@pytest.mark.parametrize(
    ("issuer", "on", "needed"),
    [("GH", "2006-11-24", True), ("GH", "2007-06-13", True), ("GH", "2007-06-14", False), ("AE", "2007-01-05", False)],
)
def test_ghana_s_own_exports_needed_an_expert_and_the_days_are_only_approximate(issuer: str, on: str, needed: bool) -> None:
    found = judge(issue(f"{issuer}000001", issuer, on, origins=["GH"]))
    assert (APPROVAL in found.rules) is needed
    if needed:
        alert = found.one(APPROVAL)
        assert (alert["severity"], alert["confidence"], alert["subject"]) == ("HOLD", "low", "kp-ghana-expert-approval")
        assert "low confidence" in alert["message"]


def test_the_approval_sent_along_after_all_resolves_the_alert() -> None:
    wrong = car("2016-10-03")
    right = {**car("2016-10-03", **approval("KP_MONITORING_TEAM")), "occurred_at": "2016-10-05T09:00:00Z"}
    found = judge(wrong, withdrawal(wrong, "2016-10-05T08:00:00Z"), right, options=("--all",))
    assert found.one(APPROVAL)["status"] == "RESOLVED"


# Production that stays barred


@pytest.mark.parametrize(
    ("produced", "barred"),
    [
        ("2013-05-22", False),
        ("2013-05-23", True),
        ("2015-07-16", True),
        ("2015-07-17", False),
    ],
)
def test_what_was_mined_while_trade_was_suspended_stays_barred(produced: str, barred: bool) -> None:
    found = judge(car(produced=produced))
    assert (STOCKPILE in found.rules) is barred, found.rows
    if barred:
        alert = found.one(STOCKPILE)
        assert (alert["severity"], alert["subject"], alert["confidence"], alert["participants"]) == ("BLOCK", STOCK, "medium", ["CF"])
        for day in (produced, "2013-05-23", "2015-07-17", "2020-03-02"):
            assert says_day(alert["message"], day), day
        assert "FORENSIC_AUDIT" in alert["message"]
        assert {"extraction.produced_on", "approval FORENSIC_AUDIT"} <= {each["field"] for each in alert["evidence"]}


@pytest.mark.parametrize(("on", "barred"), [("2015-07-16", False), ("2015-07-17", True), ("2024-11-14", True), ("2024-11-15", False)])
def test_it_stays_barred_until_the_plenary_of_november_2024(on: str, barred: bool) -> None:
    assert (STOCKPILE in judge(car(on, produced="2014-06-01")).rules) is barred


@pytest.mark.parametrize(
    ("approvals", "barred"),
    [
        (approval("FORENSIC_AUDIT", "2019-01-01"), False),
        (approval("FORENSIC_AUDIT", "2025-01-01"), False),  # that it exists is enough
        (approval("FORENSIC_AUDIT", None), False),
        (approval("KP_MONITORING_TEAM"), True),
    ],
)
def test_an_audit_frees_it(approvals: dict[str, Any], barred: bool) -> None:
    assert (STOCKPILE in judge(car(produced="2014-06-01", **approvals)).rules) is barred


@pytest.mark.parametrize("stated", [None, {"zone": "Carnot"}])
def test_a_day_of_production_not_stated_is_undetermined(stated: dict[str, Any] | None) -> None:
    assert outcomes(car(extraction=stated))[STOCKPILE] == "undetermined"
    assert STOCKPILE not in outcomes(car(extraction=stated, **approval("FORENSIC_AUDIT")))
    assert STOCKPILE not in outcomes(issue()), "no such measure is on these goods"


def test_another_hub_s_certificate_of_such_stones_is_barred_too() -> None:
    alert = judge(car(issuer="AE", produced="2014-06-01")).one(STOCKPILE)
    assert alert["participants"] == ["AE", "CF"]


def test_a_stockpile_without_an_end_reaches_on() -> None:
    stock = measure("STOCKPILE", produced_from="2023-01-01", approval_kind="AUDIT")
    assert STOCKPILE in judge(stock, lesotho(extraction={"produced_on": "2024-03-01"})).rules
    assert STOCKPILE not in judge(stock, lesotho(extraction={"produced_on": "2022-12-31"})).rules


def test_a_low_confidence_measure_makes_it_a_hold() -> None:
    stock = measure("STOCKPILE", produced_from="2023-01-01", approval_kind="AUDIT", confidence="low")
    alert = judge(stock, lesotho(extraction={"produced_on": "2024-03-01"})).one(STOCKPILE)
    assert (alert["severity"], alert["confidence"]) == ("HOLD", "low")


def test_the_day_of_production_put_right_resolves_the_alert() -> None:
    wrong = car(produced="2014-06-01")
    right = {**car(), "occurred_at": "2020-03-03T09:00:00Z"}
    found = judge(wrong, withdrawal(wrong, "2020-03-03T08:00:00Z"), right, options=("--all",))
    assert found.one(STOCKPILE)["status"] == "RESOLVED"


def test_a_lawful_export_of_the_first_approved_zones_raises_nothing() -> None:
    """In the time of the Monitoring Team, with its approval; 167 US$ a carat."""
    assert judge(car("2016-10-03", produced="2016-09-01", **approval("KP_MONITORING_TEAM"))).rows == []
