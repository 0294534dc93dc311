"""The released bundle: who mines, at what price, what counts as a conflict diamond; errors that say where."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kimberley.errors import ConfigurationError
from kimberley.reference.bundle import Bundle, read_bundle, shipped_bundle
from kimberley.reference.reference import DATA
from kimberley.reference.toml_places import line_of

NEW_YEAR = date(2021, 1, 1)
PRODUCERS = "country_code,valid_from,valid_to,confidence,note\n"
BANDS = "country_code,low_usd_per_carat,high_usd_per_carat,valid_from,valid_to,confidence,note\n"
DEFINITION = '[[definition]]\nid = "one"\nstatus = "in_force"\nvalid_from = 2003-01-01\nterritories = [\n'


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Bundle]:
    """A function that reads the bundle with one file of other contents."""

    def read(name: str, text: str) -> Bundle:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_bundle(tmp_path)

    return read


def test_australia_was_a_producer_until_argyle_closed() -> None:
    producers = shipped_bundle().producers
    assert producers.is_producer("AU", date(2020, 12, 31))
    assert not producers.is_producer("AU", NEW_YEAR)
    assert producers.is_producer("NA", NEW_YEAR), "Namibia's code is no missing value"
    assert not producers.is_producer("AE", NEW_YEAR)


def test_an_origin_without_a_band_has_the_artisanal_default() -> None:
    bands = shipped_bundle().price_bands
    russia, ghana = bands.of("RU", NEW_YEAR), bands.of("GH", NEW_YEAR)
    assert russia
    assert ghana
    assert (russia.low_usd_per_carat, russia.high_usd_per_carat, russia.confidence) == (Decimal(40), Decimal(160), "medium")
    assert (ghana.country_code, ghana.confidence) == ("*", "low")
    assert bands.of("RU", date(2002, 12, 31)) is None


def test_the_expanded_draft_says_what_the_definition_in_force_says_and_more() -> None:
    bundle = shipped_bundle()
    in_force, draft = bundle.definition(None), bundle.definition("expanded-draft")
    assert in_force.id == "kpcs-2003"
    assert [each.territory for each in in_force.territories] == ["SL", "LR", "CI", "CF"]
    assert [each.territory for each in draft.territories] == ["SL", "LR", "CI", "CF", "RU", "ZW"]
    assert not in_force.territories_of("RU", date(2024, 1, 1))
    assert draft.territories_of("RU", date(2022, 2, 24))
    assert not draft.territories_of("RU", date(2022, 2, 23))


def test_a_definition_says_nothing_of_days_before_its_own_first() -> None:
    assert not shipped_bundle().definition("kpcs-2003").territories_of("SL", date(2002, 12, 31))
    assert shipped_bundle().definition("kpcs-2003").territories_of("SL", date(2003, 1, 1))


def test_a_definition_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'mine'; there are expanded-draft, kpcs-2003"):
        shipped_bundle().definition("mine")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("producers.csv", PRODUCERS + "BW,2003-01-01,,high,\nXX,2003-01-01,,high,\n", r"producers.csv, line 3: 'XX'"),
        ("producers.csv", PRODUCERS + "BW,yesterday,,high,\n", r"line 2: .*valid_from"),
        ("producers.csv", PRODUCERS + "BW,2003-01-01,,sure,\n", r"line 2: .*confidence"),
        ("producers.csv", PRODUCERS + "BW,2003-01-01\n", r"line 2: .*as many fields"),
        ("producers.csv", PRODUCERS + "BW,2003-01-01,,high,,more\n", r"line 2: .*as many fields"),
        ("producers.csv", PRODUCERS + ",2003-01-01,,high,\n", r"line 2: .*country_code"),
        ("producers.csv", PRODUCERS + "BW,2003-01-01,2003-01-01,high,\n", r"line 2: valid_to is not after"),
        ("producers.csv", PRODUCERS + "BW,2003-01-01,,high,\nBW,2010-01-01,,high,\n", r"BW: the period from 2003-01-01 runs into"),
        ("producers.csv", "country_code,since\nBW,2003-01-01\n", r"line 2: .*"),
        ("price-bands.csv", BANDS + "BW,50,325,2003-01-01,,high,\nCA,low,9,2003-01-01,,high,\n", r"line 3: .*low_usd_per_carat"),
        ("price-bands.csv", BANDS + "BW,500,325,2003-01-01,,high,\n", r"BW from 2003-01-01: low is above zero and not above high"),
        ("price-bands.csv", BANDS + "BW,0,325,2003-01-01,,high,\n", r"BW from 2003-01-01: low is above zero"),
        ("definitions.toml", DEFINITION + '{ territory = "XX", valid_from = 2003-01-01 }]\n', r"line 1: definition one: territory 'XX'"),
        ("definitions.toml", DEFINITION + '{ territory = "SL", valid_from = 2003-01-01, zone = "Kono" }]\n', r"definition one: .*zone"),
        ("definitions.toml", DEFINITION + '{ territory = "SL" }]\n', r"definition one: .*valid_from"),
        ("definitions.toml", DEFINITION + "]\n" + DEFINITION + "]\n", r"line 7: definition one: there are two"),
        ("definitions.toml", DEFINITION.replace("in_force", "old") + "]\n", r"definition one: .*status"),
        ("definitions.toml", DEFINITION.replace('"one"', '"one"\nextends = "two"') + "]\n", r"one extends 'two', which the file does not"),
        ("definitions.toml", DEFINITION.replace('"one"', '"one"\nextends = "one"') + "]\n", r"one extends itself in a circle"),
        ("definitions.toml", "definition = 1\n", r"definitions.toml: .*\[\[definition\]\]"),
        ("definitions.toml", "[[definition\n", r"definitions.toml: .*line 1"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(altered: Callable[..., Bundle], name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        altered(name, text)


def test_where_no_definition_or_two_are_in_force_the_rulebook_must_name_one(altered: Callable[..., Bundle]) -> None:
    with pytest.raises(ConfigurationError, match="2 definitions are in force"):
        altered("definitions.toml", DEFINITION + "]\n" + DEFINITION.replace("one", "two") + "]\n").definition(None)


@pytest.mark.parametrize("name", ["producers.csv", "price-bands.csv", "definitions.toml", "issuer-profiles.toml"])
def test_remarks_leave_the_hash_as_it_is_and_contents_do_not(altered: Callable[..., Bundle], name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    remark = "# a remark\n" + text if name.endswith(".toml") else text.replace("\n", "\r\n")
    assert altered(name, remark).content_hash == shipped_bundle().content_hash
    changes: dict[str, Any] = {
        "producers.csv": text + "EC,2003-01-01,,low,\n",
        "price-bands.csv": text.replace("RU,40,", "RU,41,"),
        "definitions.toml": text.replace("2022-02-24", "2022-02-25"),
        "issuer-profiles.toml": text.replace("arrival_days = 30", "arrival_days = 31"),
    }
    assert altered(name, changes[name]).content_hash != shipped_bundle().content_hash


TOML = """\
id = "x"  # first
# [rules]
[rules]
a = { severity = "HOLD" }
"b".severity = "HOLD"
[rules.c.parameters]
d = 1
[[entry]]
e = 1
[[entry]]
e = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["id"], 1),
        (["rules"], 3),
        (["rules", "a"], 4),
        (["rules", "a", "severity"], 4),
        (["rules", "b", "severity"], 5),
        (["rules", "c", "parameters", "d"], 7),
        (["rules", "c", "parameters", "z"], 6),
        (["entry", 0, "e"], 9),
        (["entry", 1], 10),
        (["entry", 1, "e"], 11),
        (["nowhere"], 1),
    ],
)
def test_the_line_of_a_place_in_a_toml_text_is_found(path: list[str | int], line: int) -> None:
    assert line_of(TOML, path) == line
