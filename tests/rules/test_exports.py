"""What is exported, by the catalogue: as certified, within the issuer's tolerance, by the issuer, for the destination."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.messages import figures, says_day
from support.profiles import with_profiles
from support.stories import arrival, export, issue, judge, outcomes, withdrawal

MISMATCH = "export-mismatch"


@pytest.mark.parametrize(
    ("certified", "exported", "differs"),
    [
        ("100.00", "100.00", False),
        ("100.00", "100.10", False),
        ("100.00", "100.101", True),
        ("100.00", "99.90", False),
        ("100.00", "99.899", True),
        ("10.00", "10.05", False),  # the absolute part below 50 ct
        ("10.00", "10.051", True),
        ("1001.000", "1002.001", False),  # relative to the certificate's figure
        ("1001.000", "1002.002", True),
    ],
)
def test_carats_may_differ_by_the_issuer_s_tolerance(certified: str, exported: str, differs: bool) -> None:
    found = judge(issue(carats=certified, parcels=[]), export(carats=exported))
    assert (MISMATCH in found.rules) is differs, found.rows
    if differs:
        alert = found.one(MISMATCH)
        assert (alert["severity"], alert["subject"], alert["shipment_id"]) == ("HOLD", "SH-1", "SH-1")
        assert {Decimal(certified), Decimal(exported)} <= figures(alert["message"])
        assert says_day(alert["message"], "2024-03-05")
        assert [each["field"] for each in alert["evidence"]] == ["carats"]
        assert alert["basis"] == "CORE III(a), Annex II"


def test_the_tolerance_is_the_issuer_s_not_the_destination_s(tmp_path: Path) -> None:
    wide = 'carats_tolerance = { relative = "0.05", absolute = "0" }\n'

    def judged(owner: str, carats: str) -> bool:
        return MISMATCH in judge(issue(), export(carats=carats), options=with_profiles(tmp_path, f"[{owner}]\n{wide}")).rules

    assert [judged("BW", carats) for carats in ("105.00", "105.001", "95.00", "94.999")] == [False, True, False, True]
    assert judged("EU", "105.00")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"parcel_count": 2}, "parcel_count"),
        ({"value_usd": "20000.01"}, "value_usd"),  # a value has no tolerance here
        ({"value_usd": "19999.99"}, "value_usd"),
        ({"destination": "IN"}, "destination"),
        ({"authority": "ZA"}, "authority"),
    ],
)
def test_what_else_differs_is_held_and_said(fields: dict[str, Any], field: str) -> None:
    alert = judge(issue(), export(**fields)).one(MISMATCH)
    (fact,) = alert["evidence"]
    assert fact["field"] == field
    assert fact["value"].replace(",", "") in alert["message"].replace(",", "")
    assert fact["expected"].replace(",", "") in alert["message"].replace(",", "")


def test_all_that_differs_stands_in_one_sentence() -> None:
    alert = judge(issue(), export(authority="ZA", parcel_count=3, carats="98", value_usd="1500", destination="IN")).one(MISMATCH)
    assert [each["field"] for each in alert["evidence"]] == ["parcel_count", "carats", "value_usd", "destination", "authority"]
    assert {Decimal(3), Decimal(98), Decimal(100), Decimal(1500), Decimal(20000)} <= figures(alert["message"])
    for name in ("India (IN)", "the European Union (EU)", "South Africa (ZA)", "Botswana (BW)", "SH-1", "BW000001"):
        assert name in alert["message"]
    assert alert["participants"] == ["BW", "ZA"]


@pytest.mark.parametrize(
    ("certified", "stated", "on", "differs"),
    [
        ("EU", "BE", "2024-03-05", False),  # destinations compare as Participants
        ("BE", "EU", "2024-03-05", False),
        ("FR", "BE", "2024-03-05", False),
        ("CN", "HK", "2024-03-05", False),
        ("EU", "GB", "2024-03-05", True),
        ("EU", "GB", "2020-12-31", False),
        ("EU", "GB", "2021-01-01", True),  # on the day of the export
        ("GB", "GB", "2021-01-01", False),  # equal codes, whatever their Participants
        ("EU", "GL", "2015-01-31", True),
        ("EU", "GL", "2015-02-01", False),
    ],
)
def test_destinations_compare_as_participants_on_the_day_of_export(certified: str, stated: str, on: str, differs: bool) -> None:
    story = issue(on=f"{int(on[:4]) - 1}-12-20", destination=certified), export(f"{on}T12:00:00Z", destination=stated)
    assert (MISMATCH in judge(*story).rules) is differs


@pytest.mark.parametrize(
    ("number", "issuer", "exporter", "differs"),
    [
        ("EU12345678", "EU", "BE", False),
        ("EU12345678", "BE", "EU", False),
        ("EU12345678", "BE", "NL", False),
        ("HK000001", "HK", "CN", False),
        ("EU12345678", "EU", "CH", True),
    ],
)
def test_the_exporter_is_the_issuer_s_participant(number: str, issuer: str, exporter: str, differs: bool) -> None:
    story = issue(number, issuer, destination="US", origins=["BW"]), export(number=number, authority=exporter, destination="US")
    assert (MISMATCH in judge(*story).rules) is differs


def test_each_authority_is_the_same_on_the_date_of_its_own_event() -> None:
    """The United Kingdom's last certificates as a part of the Union were exported by itself."""
    story = issue("EU12345678", "GB", "2020-12-31", destination="US", origins=["BW"])
    assert MISMATCH not in judge(story, export("2021-01-04T12:00:00Z", "GB", "EU12345678", destination="US")).rules
    assert MISMATCH not in judge(story, export("2021-01-04T12:00:00Z", "EU", "EU12345678", destination="US")).rules
    later = issue("EU12345678", "GB", "2020-12-31", destination="US", origins=["BW"], at="2021-01-02T12:00:00Z")
    assert MISMATCH in judge(later, export("2021-01-04T12:00:00Z", "EU", "EU12345678", destination="US")).rules


def test_each_shipment_has_its_own_alert_and_every_export_of_it_is_judged() -> None:
    story = [
        issue(),
        export(carats="98"),
        export("2024-03-06T12:00:00Z", carats="97"),
        export("2024-03-07T12:00:00Z", shipment="SH-2", parcel_count=2),
        export("2024-03-08T12:00:00Z", shipment="SH-3"),
    ]
    found = {alert["subject"]: alert for alert in judge(*story).of(MISMATCH)}
    assert set(found) == {"SH-1", "SH-2"}
    assert [each["value"] for each in found["SH-1"]["evidence"]] == ["98", "97"]
    assert says_day(found["SH-1"]["message"], "2024-03-05")
    assert says_day(found["SH-1"]["message"], "2024-03-06")


def test_a_shipment_without_an_id_is_one_too() -> None:
    alert = judge(issue(), export(shipment="", carats="98")).one(MISMATCH)
    assert (alert["subject"], alert["shipment_id"]) == ("", "")


@pytest.mark.parametrize("absent", ["parcel_count", "carats", "value_usd", "destination"])
def test_what_the_export_does_not_say_is_undetermined(absent: str) -> None:
    assert outcomes(issue(), export(**_without(absent)))[MISMATCH] == "undetermined"


@pytest.mark.parametrize("absent", ["parcel_count", "carats", "value_usd", "destination"])
def test_what_the_certificate_does_not_say_is_undetermined(absent: str) -> None:
    assert outcomes(issue(parcels=[], **_without(absent)), export())[MISMATCH] == "undetermined"


def test_what_differs_differs_whatever_else_is_missing() -> None:
    assert MISMATCH in judge(issue(), export(carats=None, parcel_count=2)).rules
    assert MISMATCH in judge(issue(value_usd=None), export(destination="IN")).rules


def test_without_a_certificate_it_is_undetermined_and_without_an_export_it_does_not_apply() -> None:
    assert outcomes(export(carats="98"))[MISMATCH] == "undetermined"
    assert MISMATCH not in outcomes(issue(), arrival(carats="98"))


def test_a_correction_resolves_it() -> None:
    wrong = export(carats="98")
    found = judge(issue(), wrong, withdrawal(wrong), export(), options=("--all",))
    assert (found.one(MISMATCH)["status"], found.one(MISMATCH)["revision"]) == ("RESOLVED", 2)


def test_a_corrected_certificate_is_the_yardstick() -> None:
    wrong = issue(carats="98", parcels=[])
    assert judge(wrong, export(), withdrawal(wrong), issue(), options=("--all",)).one(MISMATCH)["status"] == "RESOLVED"


def _without(field: str) -> dict[str, Any]:
    return {field: None}
