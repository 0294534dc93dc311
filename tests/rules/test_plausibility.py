"""Plausibility: origins that mine no diamonds, and prices that such stones do not have."""

from decimal import Decimal
from typing import Any

import pytest

from support.messages import figures, says_day
from support.stories import Event, issue, judge, missing, outcomes, withdrawal

NO_MINE, PRICE = "origin-without-production", "price-out-of-band"


def stones(*origins: str, on: str = "2024-03-04", issuer: str = "AE", **fields: Any) -> Event:
    """Stones of some stated origins, certified in Dubai with their source."""
    stated: dict[str, Any] = {"origins": list(origins), "mixed_origin": len(origins) != 1, "source_certificates": ["BW000009"]}
    return issue(f"{issuer}000001", issuer, on, **{**stated, **fields})


def priced(value: str | None, weight: str | None = "100.00", *origins: str, **fields: Any) -> Event:
    """Stones of Botswana (or of other origins) at a price; the certificate lists no parcels."""
    return stones(*(origins or ("BW",)), carats=weight, value_usd=value, parcels=[], **fields)


# Origins that mine no diamonds


@pytest.mark.parametrize(
    ("origin", "on", "idle"),
    [
        ("AU", "2020-12-31", False),
        ("AU", "2021-01-01", True),  # Argyle closed in November 2020
        ("BW", "2024-03-04", False),
        ("NA", "2024-03-04", False),  # Namibia, no missing value
        ("AE", "2024-03-04", True),
        ("BE", "2024-03-04", True),
        ("EU", "2024-03-04", True),
        ("HK", "2024-03-04", True),
        ("GA", "2024-03-04", False),
        ("BW", "2003-01-01", False),
        ("BE", "2003-01-01", True),
        ("BE", "2002-12-31", False),  # of days before the scheme nothing is known
    ],
)
def test_a_stated_origin_is_a_producer_on_the_date_of_issue(origin: str, on: str, idle: bool) -> None:
    found = judge(stones(origin, on=on))
    assert (NO_MINE in found.rules) is idle, found.rows
    if idle:
        alert = found.one(NO_MINE)
        assert (alert["severity"], alert["subject"], alert["confidence"]) == ("REVIEW", origin, "high")
        assert alert["participants"] == sorted({"AE", origin})
        assert f"({origin})" in alert["message"]
        assert says_day(alert["message"], on)


def test_of_a_mine_that_closed_the_day_is_said() -> None:
    certificate = stones("AU", on="2022-05-02")
    alert = judge(certificate).one(NO_MINE)
    assert says_day(alert["message"], "2021-01-01")
    assert alert["evidence"] == [
        {"field": "origins", "value": "AU", "expected": "a producer on 2022-05-02", "event_id": certificate["event_id"]}
    ]


def test_each_origin_is_an_alert_of_its_own() -> None:
    found = judge(stones("BW", "BE", "AE"))
    assert {alert["subject"] for alert in found.of(NO_MINE)} == {"AE", "BE"}
    assert len({alert["alert_id"] for alert in found.of(NO_MINE)}) == 2


def test_a_parcel_s_origin_is_stated_too_and_provenance_is_none() -> None:
    parcels = [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00", "origins": ["BE"]}]
    assert NO_MINE in judge(stones("BW", parcels=parcels)).rules
    assert NO_MINE not in judge(stones("BW", provenance="BE")).rules
    assert NO_MINE not in outcomes(stones())


def test_an_origin_s_typing_error_put_right_resolves_the_alert() -> None:
    wrong, right = stones("BY"), {**stones("BW"), "occurred_at": "2024-03-05T09:00:00Z"}
    found = judge(wrong, withdrawal(wrong, "2024-03-05T08:00:00Z"), right, options=("--all",))
    assert found.one(NO_MINE)["status"] == "RESOLVED"


# Prices. Botswana's band is 50 to 325 US$ a carat: a third of the low is 16.666…, five times the high 1,625


@pytest.mark.parametrize(
    ("value", "weight", "out"),
    [
        ("11700.00", "100.00", False),
        ("1666.66", "100.00", True),  # under a third, by two thirds of a cent in all
        ("1666.67", "100.00", False),
        ("2000.00", "120.00", False),  # a third, exactly
        ("1999.99", "120.00", True),
        ("162500.00", "100.00", False),  # five times, exactly
        ("162500.01", "100.00", True),
        ("16250.00", "10.00", False),
        ("20000.00", "10.00", True),  # from 10 carats on
        ("20000.00", "9.999", False),
        ("6200000.00", "9.99", False),
        ("6200000.00", "153.44", True),  # a stone of Sierra Leone's kind
        ("0.01", "100.00", True),
        ("0.00", "100.00", False),  # no value: another rule's matter
        ("-5.00", "100.00", False),
    ],
)
def test_a_price_lies_between_a_third_of_the_low_and_five_times_the_high(value: str, weight: str, out: bool) -> None:
    found = judge(priced(value, weight))
    assert (PRICE in found.rules) is out, found.rows
    if out:
        alert = found.one(PRICE)
        assert (alert["severity"], alert["subject"], alert["confidence"]) == ("REVIEW", "", "medium")


def test_the_sentence_has_value_weight_price_and_band() -> None:
    certificate = priced("250000.00")
    alert = judge(certificate).one(PRICE)
    assert {Decimal(250000), Decimal(100), Decimal(2500), Decimal(50), Decimal(325), Decimal(5)} <= figures(alert["message"])
    assert "Botswana (BW)" in alert["message"]
    assert says_day(alert["message"], "2024-03-04")
    assert alert["participants"] == ["AE", "BW"]
    assert {each["field"]: each["value"] for each in alert["evidence"]} == {
        "value_usd": "250,000",
        "carats": "100",
        "usd_per_carat": "2,500",
    }
    assert {each["event_id"] for each in alert["evidence"]} == {certificate["event_id"]}
    assert Decimal(3) in figures(judge(priced("1000.00")).one(PRICE)["message"].replace("1/3", "3"))


@pytest.mark.parametrize(
    ("origin", "value", "out"),
    [
        ("CD", "133.00", True),  # 4 to 22
        ("CD", "134.00", False),
        ("CD", "11000.00", False),
        ("CD", "11000.01", True),
        ("GH", "1333.00", True),  # no figures: the artisanal default, 40 to 600
        ("GH", "1334.00", False),
        ("GH", "300000.01", True),
        ("BR", "350000.01", True),  # 100 to 700, one point only
    ],
)
def test_every_origin_has_its_band_or_the_default(origin: str, value: str, out: bool) -> None:
    found = judge(priced(value, "100.00", origin))
    assert (PRICE in found.rules) is out, found.rows
    if out and origin in ("GH", "BR"):
        alert = found.one(PRICE)
        assert alert["confidence"] == "low"
        assert "low confidence" in alert["message"]
        assert alert["severity"] == "REVIEW"


def test_several_origins_or_none_have_no_band() -> None:
    assert PRICE not in judge(priced("0.01", "100.00", "BW", "ZA")).rules
    assert PRICE not in outcomes(priced(None, "100.00", "BW", "ZA"))
    assert PRICE not in judge(priced("0.01", origins=[], mixed_origin=True)).rules
    assert PRICE in judge(priced("0.01", mixed_origin=True)).rules, "one stated origin, whatever else is said"


def test_a_missing_weight_or_value_is_undetermined_where_it_could_matter() -> None:
    assert missing(PRICE, priced(None)) == ["value_usd"]
    assert missing(PRICE, priced("100.00", None)) == ["carats"]
    assert missing(PRICE, priced(None, None)) == ["carats", "value_usd"]
    assert PRICE not in outcomes(priced(None, "9.00")), "too light anyway"
    assert PRICE not in outcomes(priced("0.00", None)), "no value anyway"


def test_before_there_are_bands_it_is_not_applicable() -> None:
    assert PRICE not in judge(priced("0.01", on="2002-12-31")).rules
    assert PRICE in judge(priced("0.01", on="2003-01-01")).rules


def test_the_limits_are_the_rulebook_s_to_set(tmp_path: Any) -> None:
    book = tmp_path / "mine.toml"
    book.write_text(
        'id = "mine"\n[rules.price-out-of-band]\nseverity = "INFO"\n'
        'parameters = { least_carats = 50, below_low = "1.5", above_high = 2 }\n',
        encoding="utf-8",
    )
    options = ("--rulebook", str(book))
    assert judge(priced("65000.01"), options=options).one(PRICE)["severity"] == "INFO"
    assert judge(priced("65000.00"), options=options).rows == []
    assert judge(priced("3333.33"), options=options).rules == {PRICE}
    assert judge(priced("3333.34"), options=options).rows == []
    assert judge(priced("65000.00", "49.99"), options=options).rows == []


def test_a_decimal_point_put_right_resolves_the_alert() -> None:
    """Namibia's 2,385 thousand carats as two news items had them: tenfold."""
    wrong = priced("12000.00", "1192.50", "NA")
    right = {**priced("12000.00", "119.25", "NA"), "occurred_at": "2024-03-05T09:00:00Z"}
    assert PRICE in judge(wrong).rules
    found = judge(wrong, withdrawal(wrong, "2024-03-05T08:00:00Z"), right, options=("--all",))
    assert found.one(PRICE)["status"] == "RESOLVED"
