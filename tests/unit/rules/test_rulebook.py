"""The rulebook's file: which rules, how severe, with which parameters, from when to when; what was published does not change."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest

from kimberley.errors import ConfigurationError
from kimberley.model.events import EVENT_TYPES
from kimberley.reference.bundle import shipped_bundle
from kimberley.rules import published, rulebook
from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.dossier import Dossier
from kimberley.rules.published import Published, published_rulebooks
from kimberley.rules.rule import PASS, Parameters, Verdict, rule, stated
from kimberley.rules.rulebook import SHIPPED, Rulebook, load_rulebook, shipped_rulebook
from support.stories import export, issue, judge, outcomes

Loader = Callable[..., Rulebook]


class Limits(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the rule of these tests may be told."""

    least: Annotated[Decimal, stated("carats", "lighter goods are left alone")] = Decimal(10)
    days: Annotated[int, stated("days", "how long to wait")] = 3

    def __post_init__(self) -> None:
        if self.least < 0:
            raise ValueError("least is a weight, zero or more")


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """A rule with parameters that says what it was given."""

    @rule("told", title="Told", basis="none", reads=("CertificateIssued",), parameters=Limits)
    def told(dossier: Dossier, parameters: Limits) -> Verdict:
        """Never."""
        given.append(parameters)
        return PASS

    given.clear()
    yield
    del CATALOGUE["told"]


given: list[Limits] = []


@pytest.fixture
def written(tmp_path: Path) -> Loader:
    """A function that loads a rulebook of some lines."""

    def load(*lines: str, name: str = "mine") -> Rulebook:
        file = tmp_path / "mine.toml"
        file.write_text("\n".join((f'id = "{name}"', *lines)) + "\n", encoding="utf-8")
        return load_rulebook(file)

    return load


def test_an_entry_is_a_severity_or_a_table_of_more(written: Loader) -> None:
    book = written(
        'definition = "expanded-draft"',
        "[rules]",
        'number-reused = "HOLD"',
        'import-mismatch = { severity = "INFO", on = false }',
        "[rules.import-banned]",
        'severity = "REVIEW"',
        "valid_from = 2024-01-01",
        "valid_to = 2025-01-01",
    )
    assert book.definition == "expanded-draft"
    assert [(each.id, severity) for each, severity in book.rules] == [("number-reused", "HOLD"), ("import-banned", "REVIEW")]
    banned = book.rules[1][0]
    assert (banned.valid_from, banned.valid_to) == (date(2024, 1, 1), date(2025, 1, 1))


@pytest.mark.parametrize("text", ['"12.5"', "12.5", "12.50"])
def test_a_rule_is_asked_with_the_rulebook_s_parameters_and_else_with_its_own(written: Loader, text: str) -> None:
    book = written("[rules]", f'told = {{ severity = "HOLD", parameters = {{ least = {text} }} }}')
    ((told, _),) = book.rules
    told.judge(None)  # type: ignore[arg-type]
    CATALOGUE["told"].judge(None)  # type: ignore[arg-type]
    assert given == [Limits(least=Decimal("12.5"), days=3), Limits()]
    assert [(each.name, each.value, each.default, each.unit) for each in told.stated_parameters] == [
        ("least", Decimal("12.5"), Decimal(10), "carats"),
        ("days", 3, 3, "days"),
    ]
    assert told.description == "Never."


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (["[rules]", "", 'import-baned = "HOLD"'], 4, "did you mean import-banned?"),
        (["[rules]", "# a remark", 'import-banned = "LOUD"'], 4, "LOUD"),
        (["[rules.import-banned]", 'severity = "LOUD"'], 3, "LOUD"),
        (["[rules]", 'import-banned = { severity = "HOLD", serverity = "HOLD" }'], 3, "serverity"),
        (["[rules.import-banned]", 'severity = "HOLD"', 'until = "2024-01-01"'], 4, "until"),
        (["[rules]", "import-banned = { on = true }"], 3, "severity"),
        (["[rules]", 'import-banned = { severity = "HOLD", on = "no" }'], 3, "bool"),
        (["[rules.import-banned]", 'severity = "HOLD"', "valid_from = 2024-01-01", "valid_to = 2024-01-01"], 5, "valid_to"),
        (["[rules]", 'import-banned = { severity = "HOLD", parameters = { least = 1 } }'], 3, "it has none"),
        (["[rules.told]", 'severity = "HOLD"', "[rules.told.parameters]", "days = 4", "most = 1"], 6, "it has days, least"),
        (["[rules.told]", 'severity = "HOLD"', "[rules.told.parameters]", "days = 4", 'least = "much"'], 6, "least"),
        (["[rules.told]", 'severity = "HOLD"', "parameters.days = true"], 4, "int"),
        (["[rules.told]", 'severity = "HOLD"', "parameters.days = 1.5"], 4, "int"),
        (["[rules.told]", 'severity = "HOLD"', "parameters.least = -1"], 2, "a weight, zero or more"),
        (['definitions = "kpcs-2003"', "[rules]"], 2, "definitions"),
        (["[rules]", "import-banned = 7"], 3, "import-banned"),
    ],
)
def test_what_is_wrong_is_refused_with_the_line(written: Loader, lines: list[str], line: int, said: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"mine\.toml, line {line}: ") as refused:
        written(*lines)
    assert said in str(refused.value)


@pytest.mark.parametrize("lines", [["[rules"], ["rules = 1"], []])
def test_what_is_no_rulebook_is_refused_in_words(written: Loader, lines: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"rulebook .*mine\.toml"):
        written(*lines)


# What it means, and what was published


def test_comments_order_and_spelling_leave_the_hash_as_it_is(written: Loader) -> None:
    one = written("[rules]", 'number-reused = "HOLD"', 'told = { severity = "HOLD", parameters = { least = 10 } }')
    same = written(
        "# why",
        "[rules.told]",
        "on = true",
        'severity = "HOLD"',
        'parameters.least = "10.00"',
        "[rules.number-reused]",
        'severity = "HOLD"',
    )
    assert one.content_hash == same.content_hash


@pytest.mark.parametrize(
    "entry",
    [
        'told = "REVIEW"',
        'told = { severity = "HOLD", on = false }',
        'told = { severity = "HOLD", valid_from = 2024-01-01 }',
        'told = { severity = "HOLD", valid_to = 2024-01-01 }',
        'told = { severity = "HOLD", parameters = { least = 11 } }',
        'told = "HOLD"\nnumber-reused = "HOLD"',
    ],
)
def test_whatever_changes_the_meaning_changes_the_hash(written: Loader, entry: str) -> None:
    assert written("[rules]", entry).content_hash != written("[rules]", 'told = "HOLD"').content_hash
    assert written("[rules]", 'told = "HOLD"').content_hash != written('definition = "kpcs-2003"', "[rules]", 'told = "HOLD"').content_hash


def test_a_published_rulebook_that_was_altered_is_refused_in_words(written: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    original = written("[rules]", 'told = "HOLD"', name="2030-01")
    record = {**published_rulebooks(), "2030-01": Published(original.content_hash, "any")}
    monkeypatch.setattr(rulebook, "published_rulebooks", lambda: record)
    assert written("# a remark", "[rules]", 'told = "HOLD"', name="2030-01").content_hash == original.content_hash
    with pytest.raises(ConfigurationError, match=r"2030-01 was published with other contents .* id of its own"):
        written("[rules]", 'told = "INFO"', name="2030-01")
    assert written("[rules]", 'told = "INFO"', name="2030-01-ours").id == "2030-01-ours"


def test_the_rulebook_that_ships_is_on_record_with_its_bundle() -> None:
    """Before a release: `make rulebook`. After it: give the altered rulebook a new id."""
    book = shipped_rulebook()
    assert published_rulebooks()[book.id] == Published(book.content_hash, shipped_bundle().content_hash)


def test_recording_writes_the_entry_and_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "published.toml"
    file.write_text('["2001-01"]\nrulebook = "a"\nbundle = "b"\n', encoding="utf-8")
    monkeypatch.setattr(published, "RECORD", file)
    published_rulebooks.cache_clear()
    try:
        published.record()
        published_rulebooks.cache_clear()
        assert published_rulebooks() == {
            "2001-01": Published("a", "b"),
            shipped_rulebook().id: Published(shipped_rulebook().content_hash, shipped_bundle().content_hash),
        }
    finally:
        published_rulebooks.cache_clear()


def test_the_rulebook_that_ships_names_its_definition_and_states_every_parameter() -> None:
    """What it left to a default would change with the default."""
    text = SHIPPED.read_text(encoding="utf-8")
    book = shipped_rulebook()
    assert book.definition == "kpcs-2003"
    for each, _ in book.rules:
        (entry,) = [line for line in text.splitlines() if line.startswith(f"{each.id} =")]
        for parameter in each.stated_parameters:
            assert f"{parameter.name} = " in entry, each.id


# Effective dates


DATED = '[rules]\nnumber-malformed = { severity = "HOLD", valid_from = 2024-03-01, valid_to = 2024-04-01 }\n'


@pytest.mark.parametrize(("on", "asked"), [("2024-02-29", False), ("2024-03-01", True), ("2024-03-31", True), ("2024-04-01", False)])
def test_a_rule_is_not_applicable_to_what_was_issued_outside_its_effective_dates(tmp_path: Path, on: str, asked: bool) -> None:
    book = tmp_path / "mine.toml"
    book.write_text(f'id = "mine"\n{DATED}', encoding="utf-8")
    late = issue("ZA1", on=on, at="2024-05-02T09:00:00Z")
    assert bool(judge(late, options=("--rulebook", str(book))).rows) is asked


def test_without_a_certificate_the_earliest_event_s_date_counts(tmp_path: Path) -> None:
    book = tmp_path / "mine.toml"
    book.write_text('id = "mine"\n[rules]\ntrade-suspended = { severity = "HOLD", valid_from = 2010-03-02 }\n', encoding="utf-8")
    options = ("--rulebook", str(book))
    early, late = export("2010-03-01T23:00:00Z", destination="VE"), export("2010-03-02T01:00:00Z", destination="VE")
    assert judge(late, options=options).rules == {"trade-suspended"}
    assert judge(late, early, options=options).rules == set()
    assert judge({**late, "occurred_at": "2010-03-01T20:00:00-05:00"}, options=options).rules == set(), "its own calendar's day"


def test_a_rule_with_dates_is_asked_again_whatever_comes(written: Loader) -> None:
    """Any event may be the earliest."""
    ((dated, _),) = written(DATED).rules
    assert dated.event_types == frozenset(EVENT_TYPES)


# The tolerance period is a parameter


def test_the_end_of_the_tolerance_period_is_the_rulebook_s_to_say(tmp_path: Path) -> None:
    book = tmp_path / "mine.toml"
    book.write_text(
        'id = "mine"\n[rules]\nissuer-not-participant = { severity = "HOLD", parameters = { tolerated_before = 2024-03-05 } }\n',
        encoding="utf-8",
    )
    assert judge(issue("KE000001", "KE", "2024-03-04"), options=("--rulebook", str(book))).rows == []
    assert judge(issue("KE000001", "KE", "2024-03-05"), options=("--rulebook", str(book))).rules == {"issuer-not-participant"}
    assert "issuer-not-participant" in outcomes(issue("KE000001", "KE", "2024-03-04"))
