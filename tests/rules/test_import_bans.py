"""Import bans, by the catalogue and by what measures.toml holds: whose goods may not come in, where, and from which day on."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, arrival, event, export, issue, judge, outcomes, withdrawal

BANNED = "import-banned"
NON_INDUSTRIAL, UNSORTED, INDUSTRIAL = "7102.31", "7102.10", "7102.21"


def goods(
    issuer: str = "RU", destination: str = "EU", on: str = "2023-12-01", *, hs: tuple[str, ...] = (NON_INDUSTRIAL,), **fields: Any
) -> Event:
    """Rough from Russia, or as fields say."""
    parcels = [{"hs_code": code, "carats": "100.00", "value_usd": "20000.00"} for code in hs]
    totals = {"parcel_count": len(hs), "carats": f"{100 * len(hs)}.00", "value_usd": f"{20000 * len(hs)}.00"}
    return issue(f"{issuer}000001", issuer, on, **{"destination": destination, "origins": ["RU"], "parcels": parcels, **totals, **fields})


def landing(certificate: Event, authority: str, on: str, shipment: str = "SH-1") -> Event:
    """The goods arrive at noon of a day."""
    found = {"carats": certificate["carats"], "parcel_count": certificate["parcel_count"]}
    return arrival(f"{on}T12:00:00Z", authority, certificate["certificate_number"], shipment, **found)


def leaving(certificate: Event, on: str, shipment: str = "SH-1") -> Event:
    """The goods are exported at noon of a day."""
    stated = {name: certificate[name] for name in ("destination", "carats", "parcel_count", "value_usd")}
    return export(f"{on}T12:00:00Z", certificate["authority"], certificate["certificate_number"], shipment, **stated)


def bans(*events: Event) -> set[str]:
    """The measures that bar these goods."""
    return {alert["subject"] for alert in judge(*events).of(BANNED)}


def measure(measure_id: str = "test-ban", **fields: Any) -> Event:
    """A ban of the EU on goods of Lesotho, known from the start."""
    stated = {"kind": "IMPORT_BAN", "imposed_by": "EU", "territory": "LS", "route": "ANY", "valid_from": "2024-01-01", "basis": "an act"}
    return {"type": "MeasureListed", "measure_id": measure_id, "confidence": "high", **stated, **fields}


# Days, routes and Participants, as measures.toml has them


@pytest.mark.parametrize(
    ("authority", "on", "fields", "expected"),
    [
        # the EU: any stone of Russian origin, by any route
        ("EU", "2023-12-31", {}, set()),
        ("EU", "2024-01-01", {}, {"eu-russia-origin"}),
        ("BE", "2024-01-01", {}, {"eu-russia-origin"}),
        ("BE", "2023-12-31", {}, set()),
        ("GL", "2024-01-01", {}, {"eu-russia-origin"}),
        ("EU", "2024-01-01", {"hs": (INDUSTRIAL,)}, {"eu-russia-origin"}),
        ("EU", "2024-01-01", {"issuer": "AE"}, {"eu-russia-origin"}),
        ("EU", "2024-01-01", {"origins": ["BW"]}, {"eu-russia-origin"}),  # sent from Russia, wherever mined
        ("EU", "2024-01-01", {"issuer": "AE", "origins": ["BW"]}, set()),
        ("EU", "2024-06-30", {"issuer": "BY", "origins": ["ZA"]}, set()),
        ("EU", "2024-07-01", {"issuer": "BY", "origins": ["ZA"]}, {"eu-belarus"}),
        ("EU", "2024-07-01", {"issuer": "BY"}, {"eu-belarus", "eu-russia-origin"}),
        # the United States: by HS code
        ("US", "2022-03-10", {}, set()),
        ("US", "2022-03-11", {}, {"us-russia-non-industrial"}),
        ("US", "2022-03-11", {"issuer": "AE"}, {"us-russia-non-industrial"}),
        ("US", "2024-02-29", {"hs": (UNSORTED,)}, set()),
        ("US", "2024-03-01", {"hs": (UNSORTED,)}, {"us-russia-unsorted"}),
        ("US", "2024-03-01", {"hs": (INDUSTRIAL,)}, set()),
        ("US", "2024-03-01", {"hs": (INDUSTRIAL, NON_INDUSTRIAL)}, {"us-russia-non-industrial"}),
        ("US", "2024-03-01", {"hs": (UNSORTED, NON_INDUSTRIAL)}, {"us-russia-non-industrial", "us-russia-unsorted"}),
        ("US", "2024-03-01", {"hs": ("710231",)}, {"us-russia-non-industrial"}),
        ("US", "2024-03-01", {"hs": (" 7102 31 ",)}, {"us-russia-non-industrial"}),
        # the United Kingdom: straight from Russia any stone, through third countries by weight
        ("GB", "2023-12-31", {"max_stone_carats": "5"}, set()),
        ("GB", "2024-01-01", {"max_stone_carats": "5"}, {"gb-russia-direct"}),
        ("GB", "2024-01-01", {"origins": ["BW"], "max_stone_carats": "0.1"}, {"gb-russia-direct"}),
        ("GB", "2024-02-29", {"issuer": "AE", "max_stone_carats": "5"}, set()),
        ("GB", "2024-03-01", {"issuer": "AE", "max_stone_carats": "5"}, {"gb-russia-third-country-1ct"}),
        ("GB", "2024-03-01", {"issuer": "AE", "max_stone_carats": "1.000"}, {"gb-russia-third-country-1ct"}),
        ("GB", "2024-03-01", {"issuer": "AE", "max_stone_carats": "0.999"}, set()),
        ("GB", "2024-03-01", {"max_stone_carats": "0.999"}, {"gb-russia-direct"}),
        ("GB", "2024-03-01", {"max_stone_carats": "1"}, {"gb-russia-direct", "gb-russia-third-country-1ct"}),
        ("GB", "2024-08-31", {"issuer": "AE", "max_stone_carats": "0.5"}, set()),
        ("GB", "2024-08-31", {"issuer": "AE", "max_stone_carats": "1"}, {"gb-russia-third-country-1ct"}),
        ("GB", "2024-09-01", {"issuer": "AE", "max_stone_carats": "1"}, {"gb-russia-third-country-half-ct"}),
        ("GB", "2024-09-01", {"issuer": "AE", "max_stone_carats": "0.500"}, {"gb-russia-third-country-half-ct"}),
        ("GB", "2024-09-01", {"issuer": "AE", "max_stone_carats": "0.499"}, set()),
        # Canada
        ("CA", "2023-12-27", {"max_stone_carats": "5"}, set()),
        ("CA", "2023-12-28", {"max_stone_carats": "5"}, {"ca-russia-direct"}),
        ("CA", "2024-02-29", {"issuer": "AE", "max_stone_carats": "5"}, set()),
        ("CA", "2024-03-01", {"issuer": "AE", "max_stone_carats": "1"}, {"ca-russia-third-country-1ct"}),
        ("CA", "2024-09-01", {"issuer": "AE", "max_stone_carats": "0.5"}, {"ca-russia-third-country-half-ct"}),
        ("CA", "2024-09-01", {"issuer": "AE", "max_stone_carats": "0.49"}, set()),
        # Japan: straight from Russia only
        ("JP", "2023-12-31", {}, set()),
        ("JP", "2024-01-01", {}, {"jp-russia-direct"}),
        ("JP", "2024-01-01", {"origins": ["ZA"]}, {"jp-russia-direct"}),
        ("JP", "2024-01-01", {"issuer": "AE"}, set()),
        # lawful wherever no ban holds
        ("IN", "2024-02-01", {"max_stone_carats": "5"}, set()),
        ("AE", "2025-02-01", {"max_stone_carats": "5"}, set()),
        ("CN", "2025-02-01", {"max_stone_carats": "5"}, set()),
    ],
)
def test_a_ban_holds_for_its_importer_its_route_its_goods_and_from_its_day(
    authority: str, on: str, fields: dict[str, Any], expected: set[str]
) -> None:
    certificate = goods(**{"destination": authority, "on": "2022-03-01" if on < "2023" else "2023-12-01", **fields})
    assert bans(certificate, landing(certificate, authority, on)) == expected


def test_the_alert_says_which_measure_bars_what_and_since_when() -> None:
    certificate = goods("AE", mixed_origin=True, origins=["BW", "RU"])
    alert = judge(certificate, landing(certificate, "EU", "2024-02-07")).one(BANNED)
    assert (alert["severity"], alert["subject"], alert["status"], alert["confidence"]) == ("BLOCK", "eu-russia-origin", "OPENED", "high")
    assert says_day(alert["message"], "2024-02-07"), "the day of arrival"
    assert says_day(alert["message"], "2024-01-01"), "the day from which the ban holds"
    assert "833/2014" in alert["message"] + alert["basis"]
    assert "RU" in alert["message"]
    assert "EU" in alert["message"]
    assert {"AE", "EU"} <= set(alert["participants"])
    assert any("eu-russia-origin" in str(each) for each in alert["evidence"])


def test_two_measures_are_two_alerts() -> None:
    certificate = goods("BY")
    alerts = judge(certificate, landing(certificate, "EU", "2024-07-01")).of(BANNED)
    assert {(alert["subject"], alert["confidence"]) for alert in alerts} == {("eu-belarus", "medium"), ("eu-russia-origin", "high")}
    assert len({alert["alert_id"] for alert in alerts}) == 2


def test_a_day_that_is_only_approximate_makes_it_a_hold() -> None:
    certificate = goods(destination="CA", max_stone_carats="0.3")
    alert = judge(certificate, landing(certificate, "CA", "2024-01-15")).one(BANNED)
    assert (alert["subject"], alert["severity"], alert["confidence"]) == ("ca-russia-direct", "HOLD", "low")
    assert "low confidence" in alert["message"]


# What matches


def test_a_parcel_s_origin_is_a_stated_origin_too() -> None:
    parcels = [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["RU"]}]
    certificate = goods("AE", origins=[], parcels=parcels)
    assert bans(certificate, landing(certificate, "EU", "2024-02-01")) == {"eu-russia-origin"}


def test_a_mixed_parcel_that_names_no_origin_is_not_barred_unless_it_comes_straight_from_there() -> None:
    certificate = goods("AE", origins=[], mixed_origin=True)
    assert bans(certificate, landing(certificate, "EU", "2024-02-01")) == set()
    certificate = goods("RU", origins=[], mixed_origin=True)
    assert bans(certificate, landing(certificate, "EU", "2024-02-01")) == {"eu-russia-origin"}


def test_provenance_is_no_origin() -> None:
    certificate = goods("AE", origins=["BW"], provenance="RU")
    assert bans(certificate, landing(certificate, "EU", "2024-02-01")) == set()


def test_a_ban_of_one_s_participant_binds_its_territories() -> None:
    certificate = goods("LS", "CN", origins=["LS"])
    assert bans(measure(imposed_by="CN"), certificate, landing(certificate, "HK", "2024-02-01")) == {"test-ban"}
    assert bans(measure(imposed_by="CN"), certificate, landing(certificate, "JP", "2024-02-01")) == set()


def test_the_united_kingdom_was_bound_by_the_union_s_bans_only_while_it_belonged() -> None:
    ban, certificate = measure(valid_from="2020-01-01"), goods("LS", "GB", "2020-12-01", origins=["LS"])
    assert bans(ban, certificate, landing(certificate, "GB", "2020-12-31")) == {"test-ban"}
    assert bans(ban, certificate, landing(certificate, "GB", "2021-01-01")) == set()


@pytest.mark.parametrize("changed", [{"imposed_by": "eu"}, {"imposed_by": " EU "}, {"territory": "ls"}, {"imposed_by": "BE"}])
def test_a_measure_s_codes_are_compared_as_all_codes_are(changed: dict[str, Any]) -> None:
    certificate = goods("LS", origins=["LS"])
    assert bans(measure(**changed), certificate, landing(certificate, "EU", "2024-02-01")) == {"test-ban"}


def test_what_the_united_nations_ban_is_banned_everywhere() -> None:
    """KP and UN bind every Participant."""
    certificate = goods("LS", "IN", origins=["LS"])
    assert bans(measure(imposed_by="UN"), certificate, landing(certificate, "IN", "2024-02-01")) == {"test-ban"}


def test_a_ban_holds_to_the_day_before_its_end() -> None:
    ban, certificate = measure(valid_to="2024-05-01"), goods("LS", origins=["LS"])
    assert bans(ban, certificate, landing(certificate, "EU", "2024-04-30")) == {"test-ban"}
    assert bans(ban, certificate, landing(certificate, "EU", "2024-05-01")) == set()


@pytest.mark.parametrize("kind", ["TRANSIT_BAN", "ORIGIN_DISCLOSURE"])
def test_other_measures_are_no_import_bans(kind: str) -> None:
    certificate = goods("LS", origins=["LS"])
    assert bans(measure(kind=kind), certificate, landing(certificate, "EU", "2024-02-01")) == set()


# Which day counts


@pytest.mark.parametrize(
    ("arrived", "banned"),
    [
        ("2023-12-31T23:30:00-05:00", False),  # already January in UTC
        ("2024-01-01T00:30:00+02:00", True),  # still December in UTC
    ],
)
def test_the_arrival_s_own_calendar_gives_its_day(arrived: str, banned: bool) -> None:
    certificate = goods()
    landed = {**landing(certificate, "EU", "2024-01-01"), "occurred_at": arrived}
    assert bool(bans(certificate, landed)) is banned


def test_each_arrival_is_judged_by_its_own_day_and_place() -> None:
    certificate = goods("AE", "IN")
    india = landing(certificate, "IN", "2024-01-10")
    before, after = landing(certificate, "EU", "2023-12-31", "SH-2"), landing(certificate, "EU", "2024-01-02", "SH-3")
    america = landing(certificate, "US", "2024-01-12", "SH-4")
    assert bans(certificate, india, before) == set()
    assert bans(certificate, india, before, after) == {"eu-russia-origin"}
    assert bans(certificate, india, before, after, america) == {"eu-russia-origin", "us-russia-non-industrial"}
    message = judge(certificate, before, after).one(BANNED)["message"]
    assert says_day(message, "2024-01-02")
    assert not says_day(message, "2023-12-31"), "that arrival was lawful"


def test_two_barred_arrivals_are_one_alert_with_both_in_it() -> None:
    certificate = goods()
    landed = landing(certificate, "EU", "2024-01-02"), landing(certificate, "BE", "2024-01-09", "SH-2")
    alert = judge(certificate, *landed).one(BANNED)
    assert {each["event_id"] for each in landed} <= {each["event_id"] for each in alert["evidence"]}


@pytest.mark.parametrize(("exported", "banned"), [("2023-12-31", False), ("2024-01-01", True)])
def test_before_arrival_the_destination_on_the_export_date_counts(exported: str, banned: bool) -> None:
    certificate = goods()
    later = event("ShipmentReleased", "2024-02-01T12:00:00Z", "EU", certificate["certificate_number"], shipment_id="SH-1")
    assert bool(bans(certificate, leaving(certificate, exported), later)) is banned
    if banned:
        assert says_day(judge(certificate, leaving(certificate, exported)).one(BANNED)["message"], exported)


@pytest.mark.parametrize(("issued", "banned"), [("2023-12-31", False), ("2024-01-01", True)])
def test_without_an_export_the_date_of_issue_counts(issued: str, banned: bool) -> None:
    assert bool(bans(goods(on=issued))) is banned
    if banned:
        assert "exported on" not in judge(goods(on=issued)).one(BANNED)["message"], "nothing was exported yet"


def test_a_member_as_destination_is_its_participant() -> None:
    assert bans(goods(destination="BE", on="2024-01-01")) == {"eu-russia-origin"}


def test_goods_under_way_when_a_ban_begins_are_barred_on_arrival() -> None:
    certificate = goods()
    story = certificate, leaving(certificate, "2023-12-30"), landing(certificate, "EU", "2024-01-03")
    assert bans(*story[:2]) == set()
    assert bans(*story) == {"eu-russia-origin"}


def test_goods_that_arrive_elsewhere_are_judged_there_and_no_longer_by_their_destination() -> None:
    certificate = goods()
    story = certificate, leaving(certificate, "2024-01-02"), landing(certificate, "IN", "2024-01-05")
    assert bans(*story[:2]) == {"eu-russia-origin"}
    alert = judge(*story, options=("--all",)).one(BANNED)
    assert alert["status"] == "RESOLVED"
    assert bans(certificate, leaving(certificate, "2024-01-02"), landing(certificate, "JP", "2024-01-05")) == {"jp-russia-direct"}


def test_a_withdrawn_arrival_leaves_the_destination_to_be_judged() -> None:
    certificate = goods(destination="IN")
    landed = landing(certificate, "EU", "2024-01-05")
    assert bans(certificate, landed) == {"eu-russia-origin"}
    assert bans(certificate, landed, withdrawal(landed)) == set()


def test_where_a_ban_gives_way_to_another_the_arrival_s_day_decides_between_them() -> None:
    certificate = goods("AE", "GB", max_stone_carats="1.5")
    story = certificate, leaving(certificate, "2024-08-30"), landing(certificate, "GB", "2024-09-01")
    assert bans(*story[:2]) == {"gb-russia-third-country-1ct"}
    assert bans(*story) == {"gb-russia-third-country-half-ct"}


# Exemptions


@pytest.mark.parametrize(
    ("authority", "on", "kind", "expected"),
    [
        ("EU", "2024-06-23", "GRANDFATHERED", {"eu-russia-origin"}),  # no exemption before 24 June 2024
        ("EU", "2024-06-24", "GRANDFATHERED", set()),
        ("BE", "2024-06-24", "GRANDFATHERED", set()),
        ("EU", "2024-06-24", "G7_CERTIFICATE", {"eu-russia-origin"}),
        ("CA", "2024-03-01", "GRANDFATHERED", set()),
        ("CA", "2024-03-01", "G7_CERTIFICATE", {"ca-russia-third-country-1ct"}),
        ("CA", "2024-09-01", "GRANDFATHERED", set()),
        ("US", "2024-09-01", "GRANDFATHERED", {"us-russia-non-industrial"}),  # a measure that names no exemption
        ("GB", "2024-09-01", "GRANDFATHERED", {"gb-russia-third-country-half-ct"}),
    ],
)
def test_a_declaration_exempts_where_and_from_when_the_measure_says(authority: str, on: str, kind: str, expected: set[str]) -> None:
    declared = {"declarations": [{"kind": kind, "reference": "D 1"}], "max_stone_carats": "2"}
    certificate = goods("AE", authority, **declared)
    assert bans(certificate, landing(certificate, authority, on)) == expected


def test_each_arrival_s_own_day_decides_whether_a_declaration_exempts_yet() -> None:
    certificate = goods("AE", declarations=[{"kind": "GRANDFATHERED", "reference": "D 1"}])
    early, late = landing(certificate, "EU", "2024-06-23"), landing(certificate, "EU", "2024-06-24", "SH-2")
    alert = judge(certificate, early, late).one(BANNED)
    assert late["event_id"] not in {each["event_id"] for each in alert["evidence"]}


def test_before_arrival_the_export_date_decides_whether_a_declaration_exempts_yet() -> None:
    certificate = goods("AE", declarations=[{"kind": "GRANDFATHERED", "reference": "D 1"}])
    assert bans(certificate, leaving(certificate, "2024-06-23")) == {"eu-russia-origin"}
    assert bans(certificate, leaving(certificate, "2024-06-24")) == set()
    assert bans(certificate, leaving(certificate, "2024-06-23"), landing(certificate, "EU", "2024-06-25")) == set()


@pytest.mark.parametrize(("exported", "banned"), [("2024-02-29", False), ("2024-03-01", True), ("2024-03-02", True)])
def test_goods_exported_before_a_measure_s_day_may_still_come_in(exported: str, banned: bool) -> None:
    ban = measure(exempt_exported_before="2024-03-01")
    certificate = goods("LS", on="2024-02-01", origins=["LS"])
    assert bool(bans(ban, certificate, leaving(certificate, exported), landing(certificate, "EU", "2024-03-10"))) is banned
    assert bool(bans(ban, certificate, leaving(certificate, exported))) is banned


def test_any_of_a_measure_s_exemptions_exempts() -> None:
    ban = measure(exempt_declarations=["PERMIT", "SCIENTIFIC_SAMPLE"])
    certificate = goods("LS", on="2024-02-01", origins=["LS"], declarations=[{"kind": "SCIENTIFIC_SAMPLE", "reference": "S 1"}])
    assert bans(ban, certificate) == set()
    assert bans(measure(), certificate) == {"test-ban"}


# What can't be told


def test_unknown_stones_are_undetermined_where_a_measure_goes_by_stone() -> None:
    certificate = goods("AE", "GB")
    assert outcomes(certificate, landing(certificate, "GB", "2024-03-01"))[BANNED] == "undetermined"


def test_no_parcels_are_undetermined_where_a_measure_names_hs_codes() -> None:
    certificate = goods("AE", "US", parcels=[])
    assert outcomes(certificate, landing(certificate, "US", "2024-03-01"))[BANNED] == "undetermined"


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer": "AE", "origins": ["BW"]},  # not of that origin anyway
        {"issuer": "AE", "declarations": [{"kind": "GRANDFATHERED", "reference": "D 1"}]},  # exempt anyway
    ],
)
def test_what_could_not_be_barred_in_any_case_is_not_undetermined(fields: dict[str, Any]) -> None:
    certificate = goods(destination="CA", **fields)
    assert BANNED not in outcomes(certificate, landing(certificate, "CA", "2024-03-01"))


def test_before_a_ban_s_first_day_nothing_is_undetermined() -> None:
    certificate = goods("AE", "GB")
    assert BANNED not in outcomes(certificate, landing(certificate, "GB", "2024-02-29"))


def test_a_ban_that_surely_holds_is_a_violation_whatever_another_can_t_tell() -> None:
    certificate = goods("RU", "GB")
    story = certificate, landing(certificate, "GB", "2024-03-01")
    assert bans(*story) == {"gb-russia-direct"}
    assert outcomes(*story)[BANNED] == "violation"


def test_the_smallest_stone_says_nothing_of_the_largest() -> None:
    certificate = goods("AE", "GB", min_stone_carats="2")
    assert BANNED in outcomes(certificate, landing(certificate, "GB", "2024-03-01"))


def test_a_sorted_parcel_s_weight_is_not_its_stones() -> None:
    """100 carats of melee are no stone of a carat."""
    certificate = goods("AE", "GB", max_stone_carats="0.2")
    assert bans(certificate, landing(certificate, "GB", "2024-03-01")) == set()


def test_russian_rough_to_india_is_lawful_all_the_way() -> None:
    certificate = goods("RU", "IN", max_stone_carats="5")
    assert judge(certificate, leaving(certificate, "2024-02-02"), landing(certificate, "IN", "2024-02-04")).rows == []


# A change of the reference


def test_a_ban_that_becomes_known_late_reaches_old_cases_back_to_its_own_days() -> None:
    certificate = goods("LS", origins=["LS"])
    landed = landing(certificate, "EU", "2024-02-01")
    late = measure(event_id="m1", occurred_at="2024-02-10T00:00:00Z", authority="EU")
    after = event("ShipmentReleased", "2024-02-12T12:00:00Z", "EU", certificate["certificate_number"], shipment_id="SH-1")
    assert bans(certificate, landed, late, after) == {"test-ban"}
    ended = {**late, "event_id": "m2", "occurred_at": "2024-02-13T00:00:00Z", "valid_to": "2024-02-01"}
    at_last = {**after, "event_id": "at-last", "occurred_at": "2024-02-14T12:00:00Z"}
    alert = judge(certificate, landed, late, after, ended, at_last, options=("--all",)).one(BANNED)
    assert (alert["status"], alert["revision"]) == ("RESOLVED", 2)
