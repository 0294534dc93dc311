"""Import and transit bans and the duty to disclose origins: who, from where, when, which stones, and what is exempt."""

from typing import Any

import pytest

from support.specified import corrected, goods, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, export, issue, judge, transit


def _landed(
    importer: str, day: str, issuer: str = "AE", origins: tuple[str, ...] = ("RU",), shipped: str | None = None, **fields: Any
) -> list[Event]:
    """Goods issued and exported some days before, and their arrival."""
    left = shipped or "2022-01-05"
    number = f"{issuer}000001"
    issued = issue(number, issuer, "2022-01-04", destination=importer, origins=list(origins), **fields)
    return [
        issued,
        export(f"{left}T12:00:00Z", issuer, number, destination=importer),
        arrival(f"{day}T12:00:00Z", importer, number),
    ]


DECLARED = {
    "GRANDFATHERED": [{"kind": "GRANDFATHERED", "reference": "G-1"}],
    "G7_CERTIFICATE": [{"kind": "G7_CERTIFICATE", "reference": "G-2"}],
}

# import-banned


@pytest.mark.parametrize(
    ("measure", "importer", "issuer", "origin", "day", "fields"),
    [
        ("eu-russia-origin", "EU", "AE", "RU", "2024-01-01", {}),
        ("eu-russia-origin", "BE", "AE", "RU", "2024-01-01", {}),
        ("eu-russia-origin", "EU", "RU", "RU", "2024-01-01", {}),
        ("eu-russia-origin", "EU", "RU", "BW", "2024-01-01", {}),  # any route: the issuer too
        ("eu-russia-origin", "EU", "AE", "RU", "2024-06-23", {"declarations": DECLARED["GRANDFATHERED"]}),
        ("eu-russia-origin", "EU", "AE", "RU", "2024-06-24", {"declarations": DECLARED["G7_CERTIFICATE"]}),
        ("eu-belarus", "EU", "AE", "BY", "2024-07-01", {}),
        ("us-russia-non-industrial", "US", "AE", "RU", "2022-03-11", {}),
        ("us-russia-unsorted", "US", "AE", "RU", "2024-03-01", goods("100.00", "10000.00", hs_code="7102.10")),
        ("gb-russia-direct", "GB", "RU", "RU", "2024-01-01", {}),
        ("gb-russia-direct", "GB", "RU", "BW", "2024-01-01", {}),
        ("gb-russia-third-country-1ct", "GB", "AE", "RU", "2024-03-01", {"max_stone_carats": "1.000"}),
        ("gb-russia-third-country-1ct", "GB", "AE", "RU", "2024-08-31", {"max_stone_carats": "1.000"}),
        ("gb-russia-third-country-half-ct", "GB", "AE", "RU", "2024-09-01", {"max_stone_carats": "0.500"}),
        ("ca-russia-third-country-1ct", "CA", "AE", "RU", "2024-03-01", {"max_stone_carats": "2.000"}),
        ("ca-russia-third-country-half-ct", "CA", "AE", "RU", "2024-09-01", {"max_stone_carats": "0.500"}),
        ("jp-russia-direct", "JP", "RU", "RU", "2024-01-01", {}),
    ],
)
def test_banned_goods_are_blocked(measure: str, importer: str, issuer: str, origin: str, day: str, fields: dict[str, Any]) -> None:
    opened("import-banned", _landed(importer, day, issuer, (origin,), **fields), subject=measure, days=[day])


@pytest.mark.parametrize(
    ("importer", "issuer", "origin", "day", "fields"),
    [
        ("EU", "AE", "RU", "2023-12-31", {}),
        ("EU", "AE", "BW", "2024-01-01", {}),
        ("AE", "RU", "RU", "2024-06-01", {}),  # nobody's ban
        ("EU", "AE", "RU", "2024-06-24", {"declarations": DECLARED["GRANDFATHERED"]}),
        ("EU", "AE", "BY", "2024-06-30", {}),
        ("US", "AE", "RU", "2022-03-10", {}),
        ("US", "AE", "RU", "2024-02-29", goods("100.00", "10000.00", hs_code="7102.10")),
        ("US", "AE", "RU", "2024-06-01", goods("100.00", "10000.00", hs_code="7102.21")),
        ("GB", "RU", "RU", "2023-12-31", {}),
        ("GB", "AE", "RU", "2024-02-29", {}),  # third-country goods only later
        ("GB", "AE", "RU", "2024-03-01", {"max_stone_carats": "0.999"}),
        ("GB", "AE", "RU", "2024-08-31", {"max_stone_carats": "0.999"}),
        ("GB", "AE", "RU", "2024-09-01", {"max_stone_carats": "0.499"}),
        ("CA", "RU", "RU", "2023-12-27", {}),
        ("CA", "AE", "RU", "2024-03-01", {"max_stone_carats": "2.000", "declarations": DECLARED["GRANDFATHERED"]}),
        ("CA", "AE", "RU", "2024-09-01", {"max_stone_carats": "2.000", "declarations": DECLARED["GRANDFATHERED"]}),
        ("JP", "AE", "RU", "2024-06-01", {}),
    ],
)
def test_goods_on_the_other_side_of_each_condition_are_not(
    importer: str, issuer: str, origin: str, day: str, fields: dict[str, Any]
) -> None:
    quiet("import-banned", _landed(importer, day, issuer, (origin,), **fields))


def test_a_ban_on_an_uncertain_day_holds() -> None:
    opened("import-banned", _landed("CA", "2023-12-28", "RU"), subject="ca-russia-direct", low=True)


@pytest.mark.parametrize(
    ("importer", "day", "fields"),
    [
        ("US", "2024-06-01", {"parcels": []}),
        ("US", "2022-03-11", {"parcels": None}),
        ("GB", "2024-03-01", {}),
        ("GB", "2024-09-01", {"min_stone_carats": "0.100"}),
        ("CA", "2024-03-01", {}),
    ],
)
def test_unknown_parcels_or_stones_are_undetermined(importer: str, day: str, fields: dict[str, Any]) -> None:
    undetermined("import-banned", _landed(importer, day, **fields))


def test_any_parcel_of_a_named_code_and_any_stated_origin_suffices() -> None:
    parcels = [
        {"hs_code": "7102.21", "carats": "50.00", "value_usd": "5000.00", "origins": ["BW"]},
        {"hs_code": "7102.31", "carats": "50.00", "value_usd": "15000.00", "origins": ["RU"]},
    ]
    story = _landed("US", "2022-03-11", origins=(), mixed_origin=True, parcels=parcels, parcel_count=2)
    opened("import-banned", story, subject="us-russia-non-industrial")


def test_before_arrival_the_destination_on_the_export_date_counts() -> None:
    def story(day: str) -> list[Event]:
        issued = issue("AE000001", "AE", "2023-12-20", origins=["RU"])
        return [issued, export(f"{day}T12:00:00Z", "AE", "AE000001")]

    quiet("import-banned", story("2023-12-31"))
    opened("import-banned", story("2024-01-01"), subject="eu-russia-origin", days=["2024-01-01"])
    opened("import-banned", [issue("AE000001", "AE", "2024-01-01", origins=["RU"])], subject="eu-russia-origin")
    quiet("import-banned", [issue("AE000001", "AE", "2023-12-31", origins=["RU"])])
    resolved("import-banned", [*story("2024-01-01"), arrival("2024-01-04T12:00:00Z", "AE", "AE000001")])
    opened("import-banned", [*story("2023-12-31"), arrival("2024-01-01T12:00:00Z", "EU", "AE000001")], subject="eu-russia-origin")


def test_each_arrival_counts_by_its_own_date_and_participant() -> None:
    story = [issue("AE000001", "AE", "2023-12-20", origins=["RU"]), export("2023-12-21T12:00:00Z", "AE", "AE000001")]
    first, second = arrival("2023-12-31T12:00:00Z", "EU", "AE000001"), arrival("2024-01-02T12:00:00Z", "BE", "AE000001")
    quiet("import-banned", [*story, first])
    opened("import-banned", [*story, first, second], subject="eu-russia-origin", days=["2024-01-02"])
    opened("import-banned", [*story, second, first], subject="eu-russia-origin", days=["2024-01-02"])


@pytest.mark.parametrize(
    ("at", "banned"),
    [("2023-12-31T20:00:00-05:00", False), ("2024-01-01T00:30:00+05:30", True)],
)
def test_an_arrival_stands_for_its_local_date(at: str, banned: bool) -> None:
    story = [issue("AE000001", "AE", "2023-12-20", origins=["RU"]), export("2023-12-21T12:00:00Z", "AE", "AE000001")]
    landed = [*story, arrival(at, "EU", "AE000001")]
    if banned:
        opened("import-banned", landed, subject="eu-russia-origin")
    else:
        quiet("import-banned", landed)


def test_two_bans_are_two_alerts() -> None:
    story = _landed("GB", "2024-03-01", "RU", max_stone_carats="3.000")
    opened("import-banned", story, subject="gb-russia-direct")
    opened("import-banned", story, subject="gb-russia-third-country-1ct")


LISTED: dict[str, Any] = {
    "type": "MeasureListed",
    "id": "test-ban",
    "kind": "IMPORT_BAN",
    "imposed_by": "EU",
    "territory": "BW",
    "route": "ANY",
    "valid_from": "2024-03-07",
    "basis": "an act for this test",
    "confidence": "high",
}


@pytest.mark.parametrize(
    ("changed", "banned"),
    [
        ({}, True),
        ({"valid_from": "2024-03-08"}, False),
        ({"valid_to": "2024-03-08"}, True),
        ({"valid_from": "2024-03-01", "valid_to": "2024-03-07"}, False),
        ({"exempt_exported_before": "2024-03-05"}, True),
        ({"exempt_exported_before": "2024-03-06"}, False),
        ({"imposed_by": "AE"}, False),
        ({"imposed_by": "BE"}, True),
        ({"hs_codes": ["7102.31"]}, True),
        ({"hs_codes": ["710210"]}, False),
        ({"route": "DIRECT"}, True),
        ({"territory": "ZA"}, False),
    ],
    ids=str,
)
def test_a_ban_that_arrives_late_counts_on_an_old_case_by_its_own_conditions(changed: dict[str, Any], banned: bool) -> None:
    story = [issue(), export(), arrival(), {**LISTED, **changed}]
    if banned:
        opened("import-banned", story, subject="test-ban")
    else:
        quiet("import-banned", story)


def test_a_low_ban_holds_and_says_so() -> None:
    sure = opened("import-banned", [issue(), export(), arrival(), LISTED], subject="test-ban")
    unsure = opened("import-banned", [issue(), export(), arrival(), {**LISTED, "confidence": "low"}], subject="test-ban", low=True)
    assert len(unsure["message"]) > len(sure["message"])


def test_a_declaration_or_another_origin_in_the_correction_resolves() -> None:
    def issued(origin: str, **fields: Any) -> Event:
        return issue("AE000001", "AE", "2024-07-01", origins=[origin], **fields)

    at = "2024-07-02T09:00:00Z"
    resolved("import-banned", corrected(issued("RU"), issued("RU", declarations=DECLARED["GRANDFATHERED"]), at=at))
    resolved("import-banned", corrected(issued("RU"), issued("BW"), at=at))


def test_bans_on_the_united_kingdom_do_not_bind_while_it_was_the_eus() -> None:
    eu = {**LISTED, "valid_from": "2020-01-01"}
    story = [issue(destination="GB", on="2020-12-01"), export("2020-12-02T12:00:00Z", destination="GB")]
    opened("import-banned", [*story, arrival("2020-12-31T12:00:00Z", "GB"), eu], subject="test-ban")
    quiet("import-banned", [*story, arrival("2021-01-01T12:00:00Z", "GB"), eu])


# transit-banned


@pytest.mark.parametrize(
    ("passed", "banned"),
    [
        ({"at": "2023-12-31T12:00:00+03:00"}, False),
        ({"at": "2024-01-01T00:30:00+03:00"}, True),  # still 31 December in UTC
        ({"at": "2023-12-31T22:00:00-05:00"}, False),  # already 1 January in UTC
        ({"at": "2023-12-31T12:00:00+03:00", "left_at": "2023-12-31T23:00:00+03:00"}, False),
        ({"at": "2023-12-31T12:00:00+03:00", "left_at": "2024-01-01T01:00:00+03:00"}, True),
        ({"at": "2024-02-01T12:00:00+03:00"}, True),
        ({"at": "2024-02-01T12:00:00+03:00", "country": "TR"}, False),
    ],
    ids=str,
)
def test_a_transit_through_a_banned_territory_is_blocked_on_any_of_its_days(passed: dict[str, Any], banned: bool) -> None:
    story = [issue(on="2023-12-28"), export("2023-12-29T12:00:00Z"), transit(**{"country": "RU", **passed})]
    if banned:
        opened("transit-banned", story, subject="eu-russia-transit")
    else:
        quiet("transit-banned", story)


@pytest.mark.parametrize(("day", "banned"), [("2023-12-31", False), ("2024-01-01", True)])
def test_a_stated_route_counts_on_the_export_date(day: str, banned: bool) -> None:
    def story(route: list[str], destination: str = "EU") -> list[Event]:
        issued = issue(on="2023-12-20", destination=destination)
        return [issued, export(f"{day}T12:00:00Z", destination=destination, route=route)]

    if banned:
        opened("transit-banned", story(["TR", "RU"]), subject="eu-russia-transit", days=[day])
        opened("transit-banned", story(["RU"], "BE"), subject="eu-russia-transit")
    else:
        quiet("transit-banned", story(["TR", "RU"]))
    quiet("transit-banned", story(["TR"]))
    quiet("transit-banned", story(["RU"], "AE"))


def test_a_ban_that_ended_while_the_goods_were_there_still_counts_for_its_last_day() -> None:
    ban = {**LISTED, "kind": "TRANSIT_BAN", "territory": "ZA", "valid_from": "2024-03-01", "valid_to": "2024-03-06"}
    stayed = {"left_at": "2024-03-09T12:00:00Z"}
    opened("transit-banned", [issue(), transit("2024-03-05T12:00:00Z", **stayed), ban], subject="test-ban")
    quiet("transit-banned", [issue(), transit("2024-03-06T00:00:00Z", **stayed), ban])


def test_a_withdrawn_transit_resolves_and_none_is_not_applicable() -> None:
    wrong, right = transit("2024-03-06T12:00:00Z", "RU"), transit("2024-03-06T12:00:00Z", "TR")
    resolved("transit-banned", [issue(), export(), *corrected(wrong, right)])
    quiet("transit-banned", [issue(), export()])


# origin-undisclosed


def _blend(issuer: str = "AE", **fields: Any) -> Event:
    stated: dict[str, Any] = {"mixed_origin": True, "origins": [], **fields}
    return issue(f"{issuer}000001", issuer, "2025-02-20", **stated)


@pytest.mark.parametrize(
    ("fields", "day", "held"),
    [
        ({}, "2025-02-28", False),
        ({}, "2025-03-01", True),
        ({"origins": ["BW", "ZA"]}, "2025-03-01", False),
        (goods("100.00", "20000.00", origins=["BW", "ZA"]), "2025-03-01", False),
        ({"declarations": DECLARED["G7_CERTIFICATE"]}, "2025-03-01", False),
        ({"declarations": DECLARED["GRANDFATHERED"]}, "2025-03-01", True),
        ({"mixed_origin": False}, "2025-03-01", False),
        ({"mixed_origin": False, "origins": ["BW"]}, "2025-03-01", False),
        ({"destination": "AE"}, "2025-03-01", False),
        ({"destination": "BE"}, "2025-03-01", True),
    ],
    ids=str,
)
def test_mixed_goods_name_their_origins_where_the_destination_asks(fields: dict[str, Any], day: str, held: bool) -> None:
    destination = fields.get("destination", "EU")
    exported = [_blend(**fields), export(f"{day}T12:00:00Z", "AE", "AE000001", destination=destination)]
    landed = [
        _blend(**fields),
        export("2025-02-21T12:00:00Z", "AE", "AE000001", destination=destination),
        arrival(f"{day}T12:00:00Z", destination, "AE000001"),
    ]
    for story in (exported, landed):
        if held:
            opened("origin-undisclosed", story, subject="eu-origin-disclosure")
        else:
            quiet("origin-undisclosed", story)


def test_whether_goods_are_mixed_may_be_undetermined() -> None:
    undetermined("origin-undisclosed", [_blend(mixed_origin=None), export("2025-03-01T12:00:00Z", "AE", "AE000001")])


def test_origins_in_the_correction_resolve() -> None:
    story = corrected(_blend(), _blend(origins=["BW", "ZA"]), at="2025-03-04T09:00:00Z")
    resolved("origin-undisclosed", [export("2025-03-01T12:00:00Z", "AE", "AE000001"), *story])


def test_nothing_else_is_said_of_lawful_russian_goods_elsewhere() -> None:
    story = [
        issue("RU000001", "RU", destination="IN", **goods("100.00", "9000.00")),
        export(authority="RU", number="RU000001", destination="IN"),
    ]
    story[1]["value_usd"] = "9000.00"
    assert judge(*story).rules == set()
    lawful([*story, arrival(authority="IN", number="RU000001")])
