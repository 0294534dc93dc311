"""Participation, by the catalogue: who may issue, receive and report on which day; suspensions and embargoes."""

import pytest

from support.stories import arrival, event, export, issue, judge, outcomes

ISSUER, DESTINATION, IMPORTER, SUSPENDED = (
    "issuer-not-participant",
    "destination-not-participant",
    "importer-not-participant",
    "trade-suspended",
)


def test_a_lawful_journey_raises_nothing() -> None:
    assert judge(issue(), export(), arrival()).rows == []


@pytest.mark.parametrize(
    ("code", "on", "barred"),
    [
        ("UZ", "2024-11-14", True),
        ("UZ", "2024-11-15", False),
        ("MZ", "2021-11-11", True),
        ("MZ", "2021-11-12", False),
        ("KE", "2024-03-04", True),  # never took part
        ("KE", "2003-08-30", False),  # tolerance period: the three rules are not applicable before 2003-08-31
        ("KE", "2003-08-31", True),
        ("VE", "2010-01-01", False),  # self-suspended: may not trade, but under trade-suspended
        ("CF", "2014-03-03", False),
        ("CF", "2016-03-03", False),  # restricted: may trade, under its measures
        ("BE", "2024-03-04", False),  # the EU's Participant
        ("GB", "2020-12-31", False),
        ("GB", "2021-01-01", False),
        ("GL", "2024-03-04", False),
        ("HK", "2024-03-04", False),
    ],
)
def test_the_issuer_must_be_a_participant_on_the_day_of_issue(code: str, on: str, barred: bool) -> None:
    found = judge(issue(f"{code}000001", code, on))
    assert (ISSUER in found.rules) is barred, found.rows
    if barred:
        alert = found.one(ISSUER)
        assert (alert["severity"], alert["subject"], alert["status"]) == ("BLOCK", "", "OPENED")
        assert code in alert["message"]
        assert code in alert["participants"]


@pytest.mark.parametrize(
    ("code", "exported", "barred"),
    [
        ("UZ", "2024-11-14", True),
        ("UZ", "2024-11-15", False),
        ("KE", "2024-03-05", True),
        ("BE", "2024-03-05", False),
        ("MO", "2024-03-05", False),
    ],
)
def test_the_destination_must_be_a_participant_on_the_export_date(code: str, exported: str, barred: bool) -> None:
    found = judge(issue(on="2024-03-01", destination=code), export(f"{exported}T12:00:00Z", destination=code))
    assert (DESTINATION in found.rules) is barred, found.rows
    if barred:
        assert found.one(DESTINATION)["severity"] == "BLOCK"


def test_without_an_export_the_date_of_issue_is_the_export_date() -> None:
    assert DESTINATION in judge(issue(on="2024-11-14", destination="UZ")).rules
    assert DESTINATION not in judge(issue(on="2024-11-15", destination="UZ")).rules


def test_of_several_exports_the_earliest_counts() -> None:
    late, early = export("2024-11-20T12:00:00Z", destination="UZ"), export("2024-11-14T12:00:00Z", destination="UZ")
    assert DESTINATION in judge(issue(on="2024-11-01", destination="UZ"), late, early).rules


def test_without_a_certificate_the_export_s_destination_counts() -> None:
    assert DESTINATION in judge(export(destination="KE")).rules


def test_a_certificate_without_a_destination_leaves_it_undetermined() -> None:
    assert outcomes(issue(destination=None))[DESTINATION] == "undetermined"


def test_an_event_s_own_offset_gives_its_date() -> None:
    """An evening in Vancouver is not tomorrow."""
    evening = export("2024-11-14T20:00:00-08:00", destination="UZ")  # 2024-11-15 in UTC
    assert DESTINATION in judge(issue(on="2024-11-01", destination="UZ"), evening).rules
    morning = export("2024-11-15T01:00:00+05:00", destination="UZ")  # 2024-11-14 in UTC
    assert DESTINATION not in judge(issue(on="2024-11-01", destination="UZ"), morning).rules


@pytest.mark.parametrize(
    ("code", "on", "barred"),
    [
        ("UZ", "2024-11-14", True),
        ("UZ", "2024-11-15", False),
        ("KE", "2024-03-05", True),
        ("BE", "2024-03-05", False),
        ("KE", "2003-08-30", False),
    ],
)
def test_who_reports_an_arrival_must_be_a_participant_that_day(code: str, on: str, barred: bool) -> None:
    found = judge(issue(on="2003-03-01" if on < "2004" else "2024-03-01"), arrival(f"{on}T12:00:00Z", code))
    assert (IMPORTER in found.rules) is barred, found.rows


def test_one_alert_names_every_arrival_outside() -> None:
    found = judge(issue(), arrival(authority="KE"), arrival("2024-03-08T12:00:00Z", "UZ", shipment="SH-2"))
    assert found.one(IMPORTER)["participants"] == ["KE", "UZ"]


@pytest.mark.parametrize(
    ("on", "barred"),
    [
        ("2013-05-22", False),
        ("2013-05-23", True),
        ("2015-07-16", True),
        ("2015-07-17", False),
        ("2024-11-14", False),
        ("2024-11-15", False),
    ],
)
def test_the_central_african_republic_s_suspension_holds_from_its_first_day_to_the_last(on: str, barred: bool) -> None:
    found = judge(issue("CF000001", "CF", on))
    assert (SUSPENDED in found.rules) is barred, found.rows
    assert ISSUER not in found.rules, "a suspended Participant is still one"


def test_the_export_date_counts_not_the_date_of_issue() -> None:
    before = issue("CF000001", "CF", "2013-05-20")
    assert SUSPENDED in judge(before, export("2013-05-23T09:00:00+01:00", "CF", "CF000001")).rules
    assert SUSPENDED not in judge(before, export("2013-05-22T09:00:00+01:00", "CF", "CF000001")).rules


def test_a_suspended_destination_is_barred_too() -> None:
    assert SUSPENDED in judge(issue(on="2010-03-01", destination="VE")).rules


def test_goods_that_state_a_suspended_origin_are_barred_wherever_they_come_from() -> None:
    """Route ANY: any stated origin, the certificate's or a parcel's."""
    found = judge(issue("AE000001", "AE", "2014-03-01", mixed_origin=True, origins=["BW", "CF"]))
    assert "CF" in found.one(SUSPENDED)["participants"]
    parcels = [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["CF"]}]
    assert SUSPENDED in judge(issue("AE000001", "AE", "2014-03-01", origins=[], parcels=parcels)).rules


def test_all_reasons_are_one_alert_with_each_in_evidence() -> None:
    found = judge(issue("CF000001", "CF", "2014-03-01"))
    alert = found.one(SUSPENDED)
    assert (alert["severity"], alert["subject"]) == ("BLOCK", "")
    assert len(alert["evidence"]) >= 2, "the status and the measure"


def test_embargoes_hold_in_the_tolerance_period_too() -> None:
    """Tolerance: suspensions and embargoes always apply. Sierra Leone's embargo ended on 2003-06-05."""
    direct = {"declarations": []}
    assert SUSPENDED in judge(issue("SL000001", "SL", "2003-06-04", **direct)).rules
    assert SUSPENDED not in judge(issue("SL000001", "SL", "2003-06-05", **direct)).rules


def test_an_exempt_declaration_exempts_from_a_measure() -> None:
    declared = {"declarations": [{"kind": "GOVERNMENT_CERTIFICATE_OF_ORIGIN", "reference": "GCO 12"}]}
    assert SUSPENDED not in judge(issue("SL000001", "SL", "2003-06-04", **declared)).rules


def test_a_direct_measure_does_not_reach_goods_that_another_exports() -> None:
    assert SUSPENDED not in judge(issue("GB000001", "GB", "2003-06-04", origins=["SL"])).rules


def test_parties_stand_in_the_decision_with_their_status_on_their_dates() -> None:
    rows = judge(
        issue("CF000001", "CF", "2015-07-16"), export("2015-07-17T08:00:00+01:00", "CF", "CF000001"), options=("--decisions",)
    ).rows
    parties = {(each["role"], each["code"], each["participant"], each["status"], each["as_of"]) for each in rows[-1]["participants"]}
    assert ("issuer", "CF", "CF", "suspended", "2015-07-16") in parties
    assert ("destination", "EU", "EU", "participant", "2015-07-17") in parties
    belgium = judge(issue(destination="BE"), options=("--decisions",)).rows[-1]["participants"]
    assert ("BE", "EU") in {(each["code"], each["participant"]) for each in belgium}


def test_a_measure_that_becomes_known_later_opens_alerts_on_old_cases_and_resolves_them_when_taken_back() -> None:
    listed = {
        "type": "MeasureListed",
        "id": "kp-test-suspension",
        "kind": "SUSPENSION",
        "imposed_by": "KP",
        "territory": "BW",
        "valid_from": "2024-03-01",
        "basis": "a decision",
        "event_id": "m1",
        "occurred_at": "2024-03-10T00:00:00Z",
        "authority": "KP",
    }
    other = event("ShipmentReleased", "2024-03-12T00:00:00Z", "EU", "BW999999", shipment_id="S")
    assert judge(issue(), listed, other).rules == {SUSPENDED}
    ended = {**listed, "event_id": "m2", "valid_from": "2024-06-01"}
    assert judge(issue(), listed, ended, other).rows == []
    assert judge(issue(), listed, options=("--as-of", "2024-03-09T00:00:00Z")).rows == [], "not known yet then"


def test_low_confidence_makes_a_block_a_hold_and_says_so() -> None:
    """A BLOCK that rests on low data is raised as HOLD."""
    listed = {
        "type": "MeasureListed",
        "measure_id": "rumour",
        "kind": "SUSPENSION",
        "imposed_by": "KP",
        "territory": "BW",
        "valid_from": "2024-01-01",
        "confidence": "low",
    }
    alert = judge(listed, issue()).one(SUSPENDED)
    assert (alert["severity"], alert["confidence"]) == ("HOLD", "low")
    assert "low confidence" in alert["message"]


def test_a_participant_s_new_history_replaces_the_old() -> None:
    period = {"kind": "participant", "status": "participant", "valid_from": "2024-01-01"}
    listed = {"type": "ParticipantListed", "code": "KE", "name": "Kenya", "kind": "participant", "periods": [period]}
    assert ISSUER not in judge(listed, issue("KE000001", "KE")).rules
    assert ISSUER in judge(issue("KE000001", "KE")).rules
