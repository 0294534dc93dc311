"""What is exported and what arrives is what was certified, once, and where it was meant to go."""

from pathlib import Path
from typing import Any

import pytest

from support.specified import complete, corrected, goods, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, confirmation, export, issue, sent_back

# certificate-reused


@pytest.mark.parametrize(
    "story",
    [
        [issue(), export(), export("2024-03-06T12:00:00Z", shipment="SH-2")],
        [issue(), export(), arrival(), sent_back(), export("2024-03-10T12:00:00Z", shipment="SH-2")],  # a return excuses no second one
        [export(), export("2024-03-06T12:00:00Z", shipment="SH-2")],
        [issue(), export(), arrival(authority="AE"), arrival("2024-03-08T12:00:00Z")],
        [issue(), export(), sent_back("2024-03-06T12:00:00Z", "AE"), arrival(authority="AE"), arrival("2024-03-08T12:00:00Z")],
        [issue(), export(), arrival(authority="AE"), arrival("2024-03-08T12:00:00Z"), sent_back("2024-03-09T12:00:00Z")],
        [issue(), arrival("2021-01-01T12:00:00Z", "GB"), arrival("2021-01-02T12:00:00Z", "BE")],
    ],
    ids=["two", "after-a-return", "no-certificate", "two-places", "returned-before", "returned-after", "no-longer-one"],
)
def test_one_certificate_serves_one_shipment_and_one_place(story: list[Event]) -> None:
    opened("certificate-reused", story)


@pytest.mark.parametrize(
    "story",
    [
        [issue(), export(), export("2024-03-06T12:00:00Z"), arrival()],
        [issue(), export(), arrival(authority="EU"), arrival("2024-03-08T12:00:00Z", "BE")],
        [issue(), export(), arrival(authority="AE"), sent_back("2024-03-07T18:00:00Z", "AE"), arrival("2024-03-08T12:00:00Z")],
        [issue(), arrival("2020-12-30T12:00:00Z", "GB"), arrival("2020-12-31T12:00:00Z", "BE")],
        [issue(), export(), arrival(), sent_back(), arrival("2024-03-09T12:00:00Z", "BW")],
        [issue()],
    ],
    ids=["the-same", "one-participant", "returned-between", "still-one", "home-again", "unused"],
)
def test_the_same_shipment_again_or_goods_sent_back_are_no_reuse(story: list[Event]) -> None:
    quiet("certificate-reused", story)


def test_a_withdrawn_second_export_resolves() -> None:
    resolved("certificate-reused", [issue(), export(), *corrected(export(shipment="SH-2"), arrival())])


# export-mismatch


@pytest.mark.parametrize(
    ("left", "amounts"),
    [
        ({"carats": "100.101"}, ["100.101", "100", "0.1"]),
        ({"carats": "99.899"}, ["99.899", "100"]),
        ({"value_usd": "20000.01"}, ["20000.01", "20000"]),
        ({"value_usd": "19999.99"}, ["19999.99", "20000"]),
        ({"parcel_count": 2}, ["2", "1"]),
        ({"destination": "AE"}, []),
        ({"authority": "ZA"}, []),
    ],
    ids=str,
)
def test_an_export_that_differs_from_the_certificate_is_held(left: dict[str, Any], amounts: list[str]) -> None:
    alert = opened("export-mismatch", [issue(), export(**left)], subject="SH-1", amounts=amounts)
    assert alert["shipment_id"] == "SH-1"


@pytest.mark.parametrize("left", [{"carats": "100.1"}, {"carats": "99.9"}, {"carats": "100"}, {"destination": "BE"}, {}], ids=str)
def test_an_export_within_the_tolerance_is_not(left: dict[str, Any]) -> None:
    quiet("export-mismatch", [issue(), export(**left)])


@pytest.mark.parametrize(("left", "held"), [("10.05", False), ("10.051", True), ("9.95", False), ("9.949", True)])
def test_the_larger_part_of_the_tolerance_counts(left: str, held: bool) -> None:
    story = [issue(**goods("10.00", "2000.00")), export(carats=left, value_usd="2000.00")]
    if held:
        opened("export-mismatch", story, subject="SH-1", amounts=[left, "10"])
        opened("import-mismatch", [story[0], arrival(carats=left)], subject="SH-1", amounts=[left, "10"])
    else:
        quiet("export-mismatch", story)
        quiet("import-mismatch", [story[0], arrival(carats=left)])


def test_any_authority_of_the_issuers_participant_exports() -> None:
    issued = issue("EU12345678", "BE", destination="AE", expires_on="2024-04-01", origins=["BW"], source_certificates=["BW000001"])
    lawful([issued, export(authority="NL", number="EU12345678", destination="AE")])
    opened("export-mismatch", [issued, export(authority="GB", number="EU12345678", destination="AE")], subject="SH-1")


@pytest.mark.parametrize("field", ["carats", "value_usd", "parcel_count"])
def test_an_absent_amount_or_count_of_an_export_is_undetermined(field: str) -> None:
    absent: dict[str, Any] = {field: None}
    undetermined("export-mismatch", [issue(), export(**absent)])
    undetermined("export-mismatch", [issue(parcels=[], **absent), export()])


def test_what_is_absent_hides_no_difference() -> None:
    opened("export-mismatch", [issue(), export(carats=None, parcel_count=3)], subject="SH-1", amounts=["3"])
    opened("import-mismatch", [issue(), arrival(carats=None, parcel_count=3)], subject="SH-1", amounts=["3"])


def test_every_export_is_judged_with_a_subject_of_its_own() -> None:
    story = [issue(), export(carats="90.00"), export("2024-03-06T12:00:00Z", shipment="SH-2", carats="80.00")]
    opened("export-mismatch", story, subject="SH-1", amounts=["90"])
    opened("export-mismatch", story, subject="SH-2", amounts=["80"])


def test_an_export_without_a_certificate_is_undetermined_and_a_correction_resolves() -> None:
    undetermined("export-mismatch", [export()])
    quiet("export-mismatch", [issue(), arrival()])
    resolved("export-mismatch", [issue(), *corrected(export(carats="10.00"), export())])
    resolved("export-mismatch", [export(), *corrected(issue(carats="10.00", parcels=[]), issue())])


# import-mismatch


@pytest.mark.parametrize(
    ("found", "amounts"),
    [
        ({"carats": "100.101"}, ["100.101", "100", "0.1"]),
        ({"carats": "99.899"}, ["99.899", "100"]),
        ({"value_usd": "21000.01"}, ["21000.01", "20000"]),
        ({"value_usd": "18999.99"}, ["18999.99", "20000"]),
        ({"parcel_count": 2}, ["2", "1"]),
    ],
    ids=str,
)
def test_what_arrives_otherwise_than_certified_is_held(found: dict[str, Any], amounts: list[str]) -> None:
    opened("import-mismatch", [issue(), export(), arrival(**found)], subject="SH-1", amounts=amounts, days=["2024-03-07"])


@pytest.mark.parametrize("found", [{"carats": "100.1"}, {"carats": "99.9"}, {"value_usd": "21000.00"}, {"value_usd": "19000"}], ids=str)
def test_what_arrives_within_the_tolerance_is_not(found: dict[str, Any]) -> None:
    lawful([issue(), export(), arrival(**found)])


@pytest.mark.parametrize("field", ["carats", "parcel_count"])
def test_an_absent_weight_or_count_of_an_arrival_is_undetermined(field: str) -> None:
    absent: dict[str, Any] = {field: None}
    undetermined("import-mismatch", [issue(), arrival(**absent)])
    undetermined("import-mismatch", [issue(parcels=[], **absent), arrival()])
    undetermined("import-mismatch", [arrival()])
    quiet("import-mismatch", [issue(), export()])


def test_every_arrival_is_judged_and_a_correction_resolves() -> None:
    story = [issue(), export(), arrival(carats="90.00"), arrival("2024-03-08T12:00:00Z", "BE", shipment="SH-2", carats="80.00")]
    opened("import-mismatch", story, subject="SH-1", amounts=["90"])
    opened("import-mismatch", story, subject="SH-2", amounts=["80"])
    resolved("import-mismatch", [issue(), export(), *corrected(arrival(carats="10.00"), arrival())])


def test_the_tolerance_is_the_importers_on_arrival_and_the_issuers_on_export(tmp_path: Path) -> None:
    profiles = """
[default]
number = "^[A-Z]{2}[0-9A-Z]{1,18}$"
confirmation_days = 15
arrival_days = 30
unknown_certificate_days = 3
value_tolerance = { relative = "0.05", absolute = "0" }
carats_tolerance = { relative = "0.001", absolute = "0.05" }

[EU]
carats_tolerance = { relative = "0", absolute = "2" }

[BW]
carats_tolerance = { relative = "0.01", absolute = "0" }
"""
    (tmp_path / "issuer-profiles.toml").write_text(profiles, encoding="utf-8")
    options = ("--reference", str(tmp_path))
    quiet("export-mismatch", [issue(), export(carats="101.00")], options=options)
    opened("export-mismatch", [issue(), export(carats="101.001")], subject="SH-1", options=options)
    quiet("import-mismatch", [issue(), arrival(carats="102.00")], options=options)
    opened("import-mismatch", [issue(), arrival(carats="102.001")], subject="SH-1", options=options)
    quiet("confirmation-incomplete", [issue(), arrival(), confirmation(carats="98.00")], options=options)
    opened("confirmation-incomplete", [issue(), arrival(), confirmation(carats="97.999")], options=options)


# wrong-destination


@pytest.mark.parametrize(
    "story",
    [
        [issue(), export(), arrival(authority="AE")],
        [issue(), export(), arrival(authority="BW")],  # back at the issuer, but never sent back
        [issue(destination="EU"), arrival("2021-01-01T12:00:00Z", "GB")],
        [issue(destination="GB"), arrival("2021-01-01T12:00:00Z", "BE")],
        [export(), arrival(authority="AE")],  # without a certificate, the export's destination
        [issue(), export(), arrival(), sent_back(), arrival("2024-03-09T12:00:00Z", "AE")],
        [issue(), export(destination="AE"), arrival(authority="AE")],  # the certificate's, not the export's
    ],
    ids=["elsewhere", "home-unreturned", "no-longer-one", "not-yet-one", "no-certificate", "third-place", "certified"],
)
def test_goods_that_arrive_elsewhere_are_held(story: list[Event]) -> None:
    opened("wrong-destination", story, subject="SH-1")


@pytest.mark.parametrize(
    "story",
    [
        complete(),
        [issue(), export(), arrival(authority="BE")],
        [issue(destination="BE"), export(), arrival(authority="EU")],
        [issue(destination="EU", on="2020-12-01"), arrival("2020-12-31T12:00:00Z", "GB")],
        [issue(destination="GB", on="2020-12-01"), arrival("2020-12-31T12:00:00Z", "BE")],
        [issue(), export(), sent_back("2024-03-06T12:00:00Z", "EU"), arrival(authority="BW")],
        [issue(), export(), sent_back("2024-03-06T12:00:00Z", "AE"), arrival(authority="BW")],
        [issue(destination="CN"), export(destination="CN"), arrival(authority="HK")],
        [issue(), export()],
    ],
    ids=["there", "member", "for-a-member", "gb-2020", "for-gb-2020", "returned", "returned-by-another", "hk", "nowhere"],
)
def test_goods_that_arrive_where_they_should_or_home_again_are_not(story: list[Event]) -> None:
    quiet("wrong-destination", story)


def test_each_shipment_is_a_subject_and_the_right_code_resolves() -> None:
    story = [issue(), export(), arrival(authority="AE"), arrival("2024-03-08T12:00:00Z", "IN", shipment="SH-2")]
    opened("wrong-destination", story, subject="SH-1")
    opened("wrong-destination", story, subject="SH-2")
    resolved("wrong-destination", [issue(), export(), *corrected(arrival(authority="AE"), arrival())])
    undetermined("wrong-destination", [issue(destination=None), arrival()])
    undetermined("wrong-destination", [arrival(authority="AE")])


# confirmation-incomplete


@pytest.mark.parametrize(
    ("said", "amounts"),
    [
        ({"parcel_count": None}, []),
        ({"carats": None}, []),
        ({"exporter": None}, []),
        ({"importer": None}, []),
        ({"parcel_count": 2}, ["2", "1"]),
        ({"carats": "100.101"}, ["100.101", "100"]),
        ({"carats": "99.899"}, ["99.899", "100"]),
    ],
    ids=str,
)
def test_a_confirmation_that_lacks_or_differs_is_reviewed(said: dict[str, Any], amounts: list[str]) -> None:
    opened("confirmation-incomplete", [issue(), export(), arrival(), confirmation(**said)], amounts=amounts)


@pytest.mark.parametrize("said", [{}, {"carats": "100.1"}, {"carats": "99.9"}, {"confirms_to": "BW"}, {"authority": "BE"}], ids=str)
def test_a_full_confirmation_is_not(said: dict[str, Any]) -> None:
    lawful([issue(), export(), arrival(), confirmation(**said)])


def test_the_latest_confirmation_counts_then_the_greatest_event_id() -> None:
    journey = [issue(), export(), arrival()]
    poor, full = confirmation("2024-03-08T12:00:00Z", carats=None), confirmation("2024-03-09T12:00:00Z")
    for order in ([poor, full], [full, poor]):
        lawful([*journey, *order])
    late = confirmation("2024-03-10T12:00:00Z", carats=None)
    opened("confirmation-incomplete", [*journey, late, full])
    greater = {**full, "event_id": "event-b", "carats": "10.00"}
    smaller = {**full, "event_id": "event-a"}
    for order in ([greater, smaller], [smaller, greater]):
        opened("confirmation-incomplete", [*journey, *order], amounts=["10"])


def test_no_confirmation_is_not_applicable_and_a_full_one_in_its_place_resolves() -> None:
    quiet("confirmation-incomplete", [issue(), export(), arrival()])
    resolved("confirmation-incomplete", [issue(), export(), arrival(), *corrected(confirmation(importer=None), confirmation())])


@pytest.mark.parametrize(
    ("issuer", "exporter", "on", "same"),
    [
        ("BE", "GB", "2020-12-31", True),
        ("BE", "GB", "2021-01-01", False),
        ("GB", "BE", "2021-01-01", True),  # each on the date of its own event
        ("GB", "GB", "2021-01-01", True),  # equal codes
    ],
)
def test_the_exporter_and_the_issuer_compare_each_on_its_own_date(issuer: str, exporter: str, on: str, same: bool) -> None:
    number = "EU12345678"
    issued = issue(
        number, issuer, "2020-12-15", destination="AE", origins=["BW"], expires_on="2021-02-15", source_certificates=["BW000001"]
    )
    story = [issued, export(f"{on}T12:00:00Z", exporter, number, destination="AE")]
    if same:
        quiet("export-mismatch", story)
    else:
        opened("export-mismatch", story, subject="SH-1")
