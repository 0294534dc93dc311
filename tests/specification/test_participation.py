"""Who may trade on which day: the three `…-not-participant` rules, suspensions and embargoes, from the catalogue's text."""

import json

import pytest

from support.specified import complete, corrected, goods, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, event, export, issue, judge

NUMBERS = {"GB": "EU00000001", "CZ": "EU00000001", "BE": "EU00000001", "GL": "EU00000001"}


def _issued(issuer: str, on: str) -> Event:
    destination = "AE" if issuer in {"EU", "BE", "GB", "CZ", "GL"} else "EU"
    return issue(NUMBERS.get(issuer, f"{issuer}000001"), issuer, on, destination=destination)


OUTSIDE = [
    ("BF", "2003-08-31"),  # tolerance is over that day
    ("KG", "2021-11-11"),
    ("UZ", "2024-11-14"),
    ("GA", "2017-12-13"),
    ("GA", "2017-12-14"),  # a candidate
    ("GA", "2018-11-15"),
    ("CG", "2004-07-09"),  # removed
    ("CG", "2007-11-07"),
    ("CZ", "2004-04-30"),
    ("MO", "2019-09-30"),  # before it belongs to China it stands for itself
    ("GL", "2015-01-31"),
    ("FJ", "2024-03-04"),  # never joined
]
INSIDE = [
    ("BF", "2003-08-30"),
    ("KG", "2021-11-12"),
    ("UZ", "2024-11-15"),
    ("GA", "2018-11-16"),
    ("CG", "2004-07-08"),
    ("CG", "2007-11-08"),
    ("CZ", "2004-05-01"),
    ("MO", "2019-10-01"),
    ("GL", "2015-02-01"),
    ("GB", "2020-12-31"),
    ("GB", "2021-01-01"),
    ("HK", "2024-03-04"),
    ("TW", "2024-03-04"),
    ("CF", "2014-03-04"),  # suspended is another rule's matter
    ("VE", "2010-03-04"),  # so is self-suspended
    ("CF", "2016-03-04"),  # restricted may trade
    ("BR", "2006-03-01"),
]


@pytest.mark.parametrize(("code", "day"), OUTSIDE)
def test_an_issuer_that_was_no_participant_on_the_day_of_issue_is_blocked(code: str, day: str) -> None:
    alert = opened("issuer-not-participant", [_issued(code, day)], days=[day])
    assert code in alert["participants"]


@pytest.mark.parametrize(("code", "day"), INSIDE)
def test_an_issuer_that_was_a_participant_or_tolerated_is_not(code: str, day: str) -> None:
    quiet("issuer-not-participant", [_issued(code, day)])


@pytest.mark.parametrize(("code", "day"), OUTSIDE)
def test_a_destination_that_was_no_participant_on_the_export_date_is_blocked(code: str, day: str) -> None:
    opened("destination-not-participant", [issue(on=day, destination=code), export(f"{day}T12:00:00Z", destination=code)], days=[day])
    opened("destination-not-participant", [issue(on=day, destination=code)], days=[day])
    opened("destination-not-participant", [export(f"{day}T12:00:00Z", destination=code)], days=[day])


@pytest.mark.parametrize(("code", "day"), INSIDE)
def test_a_destination_that_was_a_participant_or_tolerated_is_not(code: str, day: str) -> None:
    quiet("destination-not-participant", [issue(on=day, destination=code), export(f"{day}T12:00:00Z", destination=code)])
    quiet("destination-not-participant", [issue(on=day, destination=code)])


@pytest.mark.parametrize(("code", "day"), OUTSIDE)
def test_an_importing_authority_that_was_no_participant_on_the_day_of_arrival_is_blocked(code: str, day: str) -> None:
    opened("importer-not-participant", [arrival(f"{day}T12:00:00Z", code)], days=[day])


@pytest.mark.parametrize(("code", "day"), INSIDE)
def test_an_importing_authority_that_was_a_participant_or_tolerated_is_not(code: str, day: str) -> None:
    quiet("importer-not-participant", [arrival(f"{day}T12:00:00Z", code)])


def test_status_is_that_of_the_export_date_and_not_of_the_issue() -> None:
    issued = issue(on="2024-11-10", destination="UZ")
    opened("destination-not-participant", [issued, export("2024-11-14T23:00:00Z", destination="UZ")], days=["2024-11-14"])
    lawful([issued, export("2024-11-15T00:30:00Z", destination="UZ")])
    opened("destination-not-participant", [issued], days=["2024-11-10"])


def test_the_earliest_export_gives_the_export_date() -> None:
    early, late = export("2024-11-14T12:00:00Z", destination="UZ"), export("2024-11-15T12:00:00Z", destination="UZ")
    for order in ([early, late], [late, early]):
        opened("destination-not-participant", [issue(on="2024-11-10", destination="UZ"), *order], days=["2024-11-14"])


@pytest.mark.parametrize(
    ("at", "admitted"),
    [
        ("2024-11-14T20:00:00-08:00", False),  # already the 15th in UTC
        ("2024-11-15T00:30:00+05:00", True),  # still the 14th in UTC
    ],
)
def test_an_event_stands_for_its_local_date(at: str, admitted: bool) -> None:
    shipment = [issue(on="2024-11-10", destination="UZ"), export(at, destination="UZ")]
    landed = [arrival(at, "UZ")]
    if admitted:
        quiet("destination-not-participant", shipment)
        quiet("importer-not-participant", landed)
    else:
        opened("destination-not-participant", shipment, days=["2024-11-14"])
        opened("importer-not-participant", landed, days=["2024-11-14"])


def test_the_destination_is_the_certificates_and_only_without_one_the_exports() -> None:
    quiet("destination-not-participant", [issue(), export(destination="FJ")])
    opened("destination-not-participant", [issue(destination="FJ"), export()])


def test_every_arrival_is_judged_by_its_own_authority() -> None:
    opened("importer-not-participant", [*complete(), arrival("2024-03-09T12:00:00Z", "FJ")], days=["2024-03-09"])


def test_a_destination_stated_nowhere_is_undetermined() -> None:
    undetermined("destination-not-participant", [issue(destination=None)])


@pytest.mark.parametrize("rule", ["issuer-not-participant", "destination-not-participant", "importer-not-participant"])
def test_nothing_to_judge_is_not_applicable(rule: str) -> None:
    kind = {"importer-not-participant": [issue(), export()], "issuer-not-participant": [export()]}
    quiet(rule, kind.get(rule, [arrival()]))


@pytest.mark.parametrize("day", ["2004-04-05", "2005-09-19"])
def test_a_removal_whose_day_is_not_sure_holds_instead_of_blocking_and_says_so(day: str) -> None:
    alert = opened("issuer-not-participant", [_issued("LB", day)], low=True, days=[day])
    plain = opened("issuer-not-participant", [_issued("CG", "2005-01-01")])
    assert len(alert["message"]) > len(plain["message"]) - 20
    opened("destination-not-participant", [issue(on=day, destination="LB")], low=True)
    opened("importer-not-participant", [arrival(f"{day}T12:00:00Z", "LB")], low=True)


@pytest.mark.parametrize("day", ["2004-04-04", "2005-09-20"])
def test_the_days_beside_that_removal_are_lawful(day: str) -> None:
    quiet("issuer-not-participant", [_issued("LB", day)])


def test_corrections_resolve_what_a_wrong_code_or_date_opened() -> None:
    resolved("issuer-not-participant", corrected(_issued("UZ", "2024-11-14"), _issued("UZ", "2024-11-15"), at="2024-11-16T09:00:00Z"))
    resolved("destination-not-participant", corrected(issue(destination="FJ"), issue()))
    resolved("importer-not-participant", corrected(arrival(authority="FJ"), arrival()))


def test_a_status_history_that_arrives_late_judges_old_cases_anew() -> None:
    periods = [
        {"kind": "participant", "status": "non_participant", "valid_from": "2003-01-01", "valid_to": "2024-03-01", "confidence": "high"},
        {"kind": "participant", "status": "participant", "valid_from": "2024-03-01", "confidence": "high"},
    ]
    listed = {"type": "ParticipantListed", "code": "FJ", "name": "Fiji", "kind": "participant", "periods": periods}
    story = [issue(destination="FJ"), export(destination="FJ")]
    opened("destination-not-participant", story)
    resolved("destination-not-participant", [*story, listed])
    removed = {**listed, "periods": [{**periods[0], "valid_to": None}]}
    opened("destination-not-participant", [*story, listed, removed])


# Suspensions and embargoes


@pytest.mark.parametrize(
    ("issuer", "origin", "day"),
    [
        ("CF", "CF", "2013-05-23"),
        ("CF", "CF", "2015-07-16"),
        ("VE", "VE", "2008-06-19"),  # of its own will
        ("VE", "VE", "2016-11-16"),
        ("CI", "CI", "2005-12-15"),
        ("CI", "CI", "2014-04-28"),
        ("LR", "LR", "2007-04-26"),
        ("LR", "SL", "2005-03-04"),  # the issuer is the territory, whatever the origin
        ("SL", "SL", "2003-06-04"),  # in the tolerance period too
        ("AE", "CF", "2014-03-04"),  # any route
        ("AE", "CI", "2006-03-04"),
        ("AE", "VE", "2010-03-04"),
    ],
)
def test_goods_of_a_suspended_participant_or_origin_are_blocked(issuer: str, origin: str, day: str) -> None:
    story = [issue(f"{issuer}000001", issuer, day, origins=[origin])]
    opened("trade-suspended", story, days=[day])
    opened("trade-suspended", [*story, export(f"{day}T12:00:00Z", issuer, f"{issuer}000001")], days=[day])


@pytest.mark.parametrize(
    ("issuer", "origin", "day"),
    [
        ("CF", "CF", "2013-05-22"),
        ("CF", "CF", "2015-07-17"),
        ("VE", "VE", "2008-06-18"),
        ("VE", "VE", "2016-11-17"),
        ("CI", "CI", "2005-12-14"),
        ("CI", "CI", "2014-04-29"),
        ("LR", "LR", "2007-04-27"),
        ("SL", "SL", "2003-06-05"),
        ("AE", "LR", "2005-03-04"),  # direct only
        ("AE", "SL", "2003-03-04"),
        ("AE", "BR", "2006-03-04"),
        ("BW", "BW", "2014-03-04"),
    ],
)
def test_the_day_beside_and_goods_that_only_come_by_another_route_are_not(issuer: str, origin: str, day: str) -> None:
    story = [issue(f"{issuer}000001", issuer, day, origins=[origin])]
    quiet("trade-suspended", [*story, export(f"{day}T12:00:00Z", issuer, f"{issuer}000001")])


@pytest.mark.parametrize(("code", "first", "last"), [("CF", "2013-05-23", "2015-07-16"), ("VE", "2008-06-19", "2016-11-16")])
def test_a_suspended_destination_is_blocked(code: str, first: str, last: str) -> None:
    for day in (first, last):
        opened("trade-suspended", [issue(on=day, destination=code)], days=[day])
        quiet("destination-not-participant", [issue(on=day, destination=code)])


def test_the_export_date_decides_and_not_the_issue() -> None:
    before, after = export("2013-05-22T12:00:00Z", "CF", "CF000001"), export("2013-05-23T12:00:00Z", "CF", "CF000001")
    issued = issue("CF000001", "CF", "2013-05-20")
    quiet("trade-suspended", [issued, before])
    opened("trade-suspended", [issued, after], days=["2013-05-23"])
    late = issue("CF000001", "CF", "2015-07-10")
    opened("trade-suspended", [late])
    resolved("trade-suspended", [late, export("2015-07-17T12:00:00Z", "CF", "CF000001")])


def test_an_origin_that_only_a_parcel_states_is_stated() -> None:
    mixed = issue("AE000001", "AE", "2014-03-04", origins=["BW"], mixed_origin=True, **goods("100.00", "20000.00", origins=["CF"]))
    opened("trade-suspended", [mixed])


def test_one_alert_names_all_measures() -> None:
    mixed = issue("AE000001", "AE", "2014-03-04", origins=["CF", "CI"], mixed_origin=True)
    alert = opened("trade-suspended", [mixed])
    evidence = json.dumps(alert["evidence"])
    assert "kp-car-suspension" in evidence
    assert "un-1643-cote-divoire" in evidence


def test_a_declaration_that_the_embargo_exempts_lifts_it_and_another_does_not() -> None:
    def story(kind: str) -> list[Event]:
        return [issue("SL000001", "SL", "2003-06-04", declarations=[{"kind": kind, "reference": "D-1"}])]

    lawful(story("GOVERNMENT_CERTIFICATE_OF_ORIGIN"))
    opened("trade-suspended", story("GRANDFATHERED"))


@pytest.mark.parametrize(("day", "stopped"), [("2006-01-31", False), ("2006-02-01", True), ("2006-08-31", True), ("2006-09-01", False)])
def test_a_stop_whose_days_are_not_sure_holds_instead_of_blocking(day: str, stopped: bool) -> None:
    story = [issue("BR000001", "BR", day)]
    if stopped:
        opened("trade-suspended", story, low=True)
    else:
        lawful(story)
    lawful([issue(on=day, destination="BR")])


def test_a_withdrawn_wrong_origin_resolves_the_suspension() -> None:
    def issued(origin: str) -> Event:
        return issue("AE000001", "AE", "2014-03-04", origins=[origin])

    resolved("trade-suspended", corrected(issued("CF"), issued("CD"), at="2014-03-05T12:00:00Z"))


def test_a_measure_that_arrives_late_blocks_old_goods_and_its_successor_frees_them() -> None:
    measure = {
        "type": "MeasureListed",
        "id": "test-suspension",
        "kind": "SUSPENSION",
        "imposed_by": "KP",
        "territory": "BW",
        "route": "ANY",
        "valid_from": "2024-03-05",
        "basis": "a decision for this test",
        "confidence": "high",
    }
    story = complete()
    lawful(story)
    opened("trade-suspended", [*story, measure], days=["2024-03-05"])
    lawful([*story, {**measure, "valid_from": "2024-03-06"}])
    resolved("trade-suspended", [*story[:2], measure, story[2], {**measure, "valid_from": "2024-03-06"}, story[3]])
    opened("trade-suspended", [*story, {**measure, "confidence": "low"}], low=True)


def test_authorities_of_one_participant_are_one() -> None:
    lawful([issue(destination="BE"), export(destination="EU"), arrival(authority="NL")])
    lawful([issue(destination="EU"), export(destination="DE"), arrival(authority="BE")])


def test_a_code_that_is_none_refuses_the_event() -> None:
    for wrong in (issue(destination="XX"), issue(origins=["QQ"]), arrival(authority="ZZ"), export(route=["A1"])):
        judged = judge(wrong)
        assert judged.exit_status == 1
        assert judged.rows == []
        assert "line 1" in judged.errors or ":1" in judged.errors, judged.errors


def test_codes_are_forgiven_their_case_and_blanks() -> None:
    lawful([issue(authority="BW", destination=" eu ", origins=["bw"]), export(destination="eu"), event_in_lower_case()])


def event_in_lower_case() -> Event:
    """An arrival as a careless system writes it."""
    return event("ShipmentArrived", "2024-03-07T12:00:00Z", "eu", "bw-000 001", shipment_id="SH-1", carats="100.00", parcel_count=1)


def test_a_finding_that_rests_on_sure_and_unsure_facts_has_the_lowest_confidence() -> None:
    mixed = issue("BR000001", "BR", "2006-03-01", origins=["BR", "CI"], mixed_origin=True)
    opened("trade-suspended", [mixed], low=True)
    sure = issue("AE000001", "AE", "2006-03-01", origins=["BR", "CI"], mixed_origin=True)
    assert opened("trade-suspended", [sure])["confidence"] in {"high", "medium"}
