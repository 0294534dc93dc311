"""What a certificate must state, by the catalogue: names, weight, value, parcels, origin, and goods that the scheme covers."""

from typing import Any

import pytest

from support.messages import says_day
from support.stories import arrival, export, issue, judge, outcomes, withdrawal

MISSING, ORIGIN, HS_CODE = "required-field-missing", "origin-missing", "hs-code-out-of-scope"


# Required fields


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        ({"exporter": None}, "exporter.name"),
        ({"exporter": {}}, "exporter.name"),
        ({"exporter": {"name": None, "id": "TAX-1"}}, "exporter.name"),
        ({"exporter": {"name": ""}}, "exporter.name"),
        ({"exporter": {"name": " \t"}}, "exporter.name"),
        ({"importer": None}, "importer.name"),
        ({"importer": {"name": " "}}, "importer.name"),
        ({"carats": "0.00"}, "carats"),
        ({"carats": "-0.01"}, "carats"),
        ({"carats": None}, "carats"),
        ({"value_usd": "0"}, "value_usd"),
        ({"value_usd": "-5.00"}, "value_usd"),
        ({"value_usd": None}, "value_usd"),
        ({"parcel_count": 0}, "parcel_count"),
        ({"parcel_count": -1}, "parcel_count"),
        ({"parcel_count": None}, "parcel_count"),
    ],
)
def test_a_certificate_that_lacks_what_it_must_state_is_held(stated: dict[str, Any], field: str) -> None:
    alert = judge(issue(parcels=[], **stated)).one(MISSING)
    assert (alert["severity"], alert["subject"], alert["basis"]) == ("HOLD", "", "CORE Annex I(A)")
    assert [each["field"] for each in alert["evidence"]] == [field]
    assert says_day(alert["message"], "2024-03-04")
    assert "BW000001" in alert["message"]
    assert alert["participants"] == ["BW"]


@pytest.mark.parametrize(
    "stated",
    [
        {"exporter": {"name": "E"}},
        {"carats": "0.001"},
        {"value_usd": "0.01"},
        {"parcel_count": 1},
        {"parcel_count": 40},
        {"parcels": None},  # the list may be empty, the count may not
    ],
)
def test_the_least_that_states_it_is_enough(stated: dict[str, Any]) -> None:
    assert MISSING not in judge(issue(**{"parcels": [], **stated})).rules


def test_all_that_is_lacking_is_one_alert() -> None:
    alert = judge(issue(exporter=None, importer=None, carats=None, value_usd="0", parcel_count=None, parcels=[])).one(MISSING)
    assert [each["field"] for each in alert["evidence"]] == ["exporter.name", "importer.name", "carats", "value_usd", "parcel_count"]


def test_only_the_certificate_is_asked_not_a_later_issue() -> None:
    assert MISSING not in judge(issue(), issue(at="2024-03-05T09:00:00Z", exporter=None)).rules
    assert MISSING in judge(issue(exporter=None), issue(at="2024-03-05T09:00:00Z")).rules


def test_without_a_certificate_nothing_is_required_of_it() -> None:
    assert MISSING not in outcomes(export(), arrival())


def test_a_corrected_certificate_resolves_it() -> None:
    wrong = issue(exporter=None)
    assert judge(wrong, withdrawal(wrong), issue(), options=("--all",)).one(MISSING)["status"] == "RESOLVED"


# Origin


def of(*origins: str) -> dict[str, Any]:
    """A parcel with origins of its own."""
    return {"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": list(origins)}


@pytest.mark.parametrize(
    ("mixed", "origins", "parcels", "missing"),
    [
        (False, ["BW"], [], False),
        (False, [], [], True),
        (False, ["BW", "ZA"], [], True),
        (True, [], [], False),  # what paper writes as ***
        (True, ["BW"], [], True),
        (True, ["BW", "ZA"], [], False),
        # stated origins are the certificate's and its parcels' together
        (False, [], [of("BW")], False),
        (False, ["BW"], [of("BW")], False),
        (False, ["BW"], [of("ZA")], True),
        (False, [], [of("BW", "ZA")], True),
        (True, [], [of("BW")], True),
        (True, ["BW"], [of("ZA")], False),
        (True, ["BW", "BW"], [], True),  # one origin, told twice
        (False, ["BW", "bw"], [], False),
    ],
)
def test_an_origin_is_stated_as_the_goods_require(mixed: bool, origins: list[str], parcels: list[Any], missing: bool) -> None:
    found = judge(issue(mixed_origin=mixed, origins=origins, parcels=parcels))
    assert (ORIGIN in found.rules) is missing, found.rows
    if missing:
        alert = found.one(ORIGIN)
        assert (alert["severity"], alert["subject"], alert["participants"]) == ("HOLD", "", ["BW"])
        assert "BW000001" in alert["message"]
        (fact,) = alert["evidence"]
        assert (fact["field"], fact["event_id"]) == ("origins", found.one(ORIGIN)["event_id"])


def test_the_sentence_names_the_origins() -> None:
    message = judge(issue(origins=["BW", "ZA"])).one(ORIGIN)["message"]
    assert "Botswana (BW)" in message
    assert "South Africa (ZA)" in message


def test_provenance_is_no_origin() -> None:
    assert ORIGIN in judge(issue(origins=[], provenance="BW")).rules


def test_whether_it_is_mixed_must_be_said() -> None:
    assert outcomes(issue(mixed_origin=None))[ORIGIN] == "undetermined"
    assert outcomes(issue(mixed_origin=None, origins=[]))[ORIGIN] == "undetermined"


def test_without_a_certificate_no_origin_is_asked_for() -> None:
    assert ORIGIN not in outcomes(export())


def test_a_certificate_sent_again_with_its_origin_resolves_it() -> None:
    wrong = issue(origins=[])
    assert judge(wrong, withdrawal(wrong), issue(), options=("--all",)).one(ORIGIN)["status"] == "RESOLVED"


# HS codes


def coded(*codes: str | None) -> dict[str, Any]:
    """A certificate with a parcel of each code."""
    parcels = [{"hs_code": code, "carats": "10.00", "value_usd": "1000.00"} for code in codes]
    count = len(codes)
    return issue(parcels=parcels, parcel_count=count, carats=f"{10 * count}", value_usd=f"{1000 * count}")


@pytest.mark.parametrize("code", ["7102.10", "7102.21", "7102.31", "710210", "7102 31", " 7102.21 "])
def test_rough_diamonds_are_covered_however_the_code_is_written(code: str) -> None:
    assert judge(coded(code)).rows == []


@pytest.mark.parametrize("code", ["7102.39", "7102.29", "710239", "7103.10", "7102", "7102.3", "7102.31.00", "0", "rough"])
def test_another_code_is_out_of_scope(code: str) -> None:
    alert = judge(coded("7102.31", code)).one(HS_CODE)
    assert (alert["severity"], alert["subject"], alert["basis"]) == ("HOLD", "", "CORE I")
    assert says_day(alert["message"], "2024-03-04")
    (fact,) = alert["evidence"]
    assert fact["expected"] == "7102.10, 7102.21, 7102.31"
    assert fact["value"] in alert["message"]
    assert "1 parcel " in alert["message"], "the one beside it is lawful"


def test_each_code_out_of_scope_is_evidence_and_the_parcels_are_counted() -> None:
    alert = judge(coded("7102.39", "7102.39", "7113.19", "7102.10")).one(HS_CODE)
    assert [fact["value"] for fact in alert["evidence"]] == ["7102.39", "7113.19"]
    assert "3 parcels" in alert["message"]


@pytest.mark.parametrize("absent", [None, "", " . "])
def test_a_parcel_without_a_code_is_undetermined(absent: str | None) -> None:
    assert outcomes(coded("7102.31", absent))[HS_CODE] == "undetermined"


def test_a_code_out_of_scope_is_out_of_scope_whatever_another_parcel_lacks() -> None:
    assert HS_CODE in judge(coded(None, "7102.39")).rules


def test_without_parcels_there_is_no_code_to_judge() -> None:
    assert HS_CODE not in outcomes(issue(parcels=[]))
    assert HS_CODE not in outcomes(export())


def test_a_corrected_code_resolves_it() -> None:
    wrong = coded("7102.39")
    assert judge(wrong, withdrawal(wrong), issue(), options=("--all",)).one(HS_CODE)["status"] == "RESOLVED"
