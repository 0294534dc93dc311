"""The rulebook: which rules are in force, how severe each is, with which parameters, from when to when. Versioned policy, read as data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.events import EVENT_TYPES
from kimberley.model.findings import SEVERITIES, Severity
from kimberley.model.kept import Kept
from kimberley.reference.reference import DATA
from kimberley.reference.toml_places import line_of
from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.dossier import PRESENT
from kimberley.rules.published import published_rulebooks
from kimberley.rules.rule import CONFLICTS, LINEAGE, Judge, Parameters, Rule

SHIPPED = DATA / "rulebook.toml"
Asked = tuple[int, Judge, Rule, Severity]
"""A rule as it is asked: its place in the rulebook, its function, itself, its severity there."""


@dataclass(frozen=True)
class Rulebook:
    """A named set of rules with severities; `rules` holds those that are on, each on the rulebook's terms.

    `content_hash`: SHA-256 of what the file means. `definition`: the id of what counts as a conflict diamond; None: the one in force.
    """

    id: str
    content_hash: str
    rules: tuple[tuple[Rule, Severity], ...]
    definition: str | None = None

    @cached_property
    def asked(self) -> Mapping[tuple[str | None, int], tuple[tuple[Asked, ...], tuple[int, ...]]]:
        """Whom to ask, by what is news (None: everything, so every rule) and by which facts are present (`Dossier.present`).

        The readers of that news that have what they need, and the places of those that lack it, and so are not applicable.
        """
        return Kept(self._whom_to_ask)

    def readers_of(self, news: str) -> tuple[int, ...]:
        """The places, in `rules`, of those that another event of a type, or news of `sources`, `uses` or `conflicts`, may bring to another
        verdict.
        """
        return self._readers.get(news, ())

    def _whom_to_ask(self, news_and_present: tuple[str | None, int]) -> tuple[tuple[Asked, ...], tuple[int, ...]]:
        news, present = news_and_present
        asked: list[Asked] = []
        silent: list[int] = []
        for place in range(len(self.rules)) if news is None else self.readers_of(news):
            rule, severity = self.rules[place]
            if all(PRESENT[need] & present for need in rule.needs):
                asked.append((place, rule.judge, rule, severity))
            else:
                silent.append(place)
        return tuple(asked), tuple(silent)

    @cached_property
    def reads_lineage(self) -> bool:
        """Whether a rule reads sources or uses. Where none does, cases need not tell each other of them."""
        return any(rule.lineage for rule, _ in self.rules)

    def with_definition(self, definition: str) -> "Rulebook":
        """This rulebook with another definition. It is not the one that was published, so its id says so."""
        if definition == self.definition:
            return self
        return replace(self, id=f"{self.id}+{definition}", definition=definition)

    @cached_property
    def _readers(self) -> dict[str, tuple[int, ...]]:
        return {
            name: tuple(index for index, (rule, _) in enumerate(self.rules) if name in rule.event_types or name in rule.reads)
            for name in (*EVENT_TYPES, *LINEAGE, CONFLICTS)
        }


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rulebook says of one rule."""

    severity: str
    on: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    parameters: dict[str, Any] = {}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    rules: dict[str, Any]
    definition: str | None = None


def load_rulebook(file: Path) -> Rulebook:
    """The rulebook of a TOML file: `id`, `definition`, and a table `[rules]` of severities, or of tables with more.

    Raises ConfigurationError that names the file, the line and what is wrong; and where the id is a published rulebook's (`published`)
    but the contents are not.
    """
    book = read_rulebook(file)
    published = published_rulebooks().get(book.id)
    if published is not None and published.rulebook != book.content_hash:
        raise ConfigurationError(
            f"rulebook {file}: {book.id} was published with other contents (hash {published.rulebook[:12]}; this file's is "
            f"{book.content_hash[:12]}): what was published does not change, so give the altered rulebook an id of its own"
        )
    return book


@cache
def shipped_rulebook() -> Rulebook:
    """The rulebook that ships with this version."""
    return load_rulebook(SHIPPED)


def read_rulebook(file: Path) -> Rulebook:
    """The rulebook of a file, without asking whether its id was published with these contents. Raises ConfigurationError."""
    return _Reader(file).read()


class _Reader:
    """Reads one file, and knows the line of whatever is wrong."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._text = file.read_text(encoding="utf-8")
            self._tables = tomllib.loads(self._text, parse_float=Decimal)
        except OSError as problem:
            raise ConfigurationError(f"rulebook {file}: {problem.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ConfigurationError(f"rulebook {file}: {problem}") from None

    def read(self) -> Rulebook:
        try:
            book = msgspec.convert(self._tables, _File)
        except msgspec.ValidationError as problem:
            form = 'a rulebook has id = "…", definition = "…" where it names one, and a table [rules]'
            self._refuse(_field(problem), f"{problem}: {form}")
        if not book.id.strip():
            self._refuse(["id"], "the id is empty")
        entries = {rule_id: self._entry(rule_id, stated) for rule_id, stated in book.rules.items()}
        terms = {rule_id: self._on_terms(rule_id, entry) for rule_id, entry in entries.items()}
        rules = tuple((terms[rule_id], severity) for rule_id, entry in entries.items() if entry.on and (severity := _severity(entry)))
        return Rulebook(book.id, _content_hash(book, entries, terms), rules, book.definition)

    def _entry(self, rule_id: str, stated: Any) -> _Entry:
        if rule_id not in CATALOGUE:
            near = get_close_matches(rule_id, CATALOGUE, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            self._refuse(["rules", rule_id], f"there is no rule {rule_id!r}{hint}; `kimberley rules list` lists them")
        try:
            entry = msgspec.convert({"severity": stated} if isinstance(stated, str) else stated, _Entry)
        except msgspec.ValidationError as problem:
            self._refuse(["rules", rule_id, *_field(problem)], f"{rule_id}: {problem}")
        if _severity(entry) is None:
            self._refuse(["rules", rule_id, "severity"], f"{rule_id}: {entry.severity!r} is none of {', '.join(SEVERITIES)}")
        if entry.valid_from and entry.valid_to and entry.valid_to <= entry.valid_from:
            self._refuse(["rules", rule_id, "valid_to"], f"{rule_id}: valid_to is not after valid_from")
        return entry

    def _on_terms(self, rule_id: str, entry: _Entry) -> Rule:
        rule = CATALOGUE[rule_id]
        known = {each.name for each in rule.stated_parameters}
        for name in entry.parameters:
            if name not in known:
                has = f"it has {', '.join(sorted(known))}" if known else "it has none"
                self._refuse(["rules", rule_id, "parameters", name], f"{rule_id} has no parameter {name!r}; {has}")
        if rule.parameters is None:
            return rule.on_terms(None, entry.valid_from, entry.valid_to)
        try:
            parameters: Parameters = msgspec.convert(entry.parameters, type(rule.parameters))
        except msgspec.ValidationError as problem:
            self._refuse(["rules", rule_id, "parameters", *_field(problem)], f"{rule_id}: parameters: {problem}")
        return rule.on_terms(parameters, entry.valid_from, entry.valid_to)

    def _refuse(self, path: list[str], message: str) -> NoReturn:
        raise ConfigurationError(f"rulebook {self._file}, line {line_of(self._text, path)}: {message}")


def _field(problem: msgspec.ValidationError) -> list[str]:
    """The field that a problem is about."""
    _, _, path = str(problem).partition("`$.")
    name = path.rstrip("`").partition(".")[0]
    if name:
        return [name]
    _, _, unknown = str(problem).partition("unknown field `")
    return [unknown.partition("`")[0]] if unknown else []


def _severity(entry: _Entry) -> Severity | None:
    return next((severity for severity in SEVERITIES if severity == entry.severity), None)


def _content_hash(book: _File, entries: Mapping[str, _Entry], terms: Mapping[str, Rule]) -> str:
    """SHA-256 of what a rulebook states. What it leaves to a rule's defaults is no part of it, so a published one states everything."""
    rules = {
        rule_id: {
            "severity": entry.severity,
            "on": entry.on,
            "valid_from": entry.valid_from,
            "valid_to": entry.valid_to,
            "parameters": {name: _meaning(getattr(terms[rule_id].parameters, name)) for name in entry.parameters},
        }
        for rule_id, entry in entries.items()
    }
    meaning = {"id": book.id, "definition": book.definition, "rules": rules}
    return sha256(msgspec.json.encode(meaning, order="sorted")).hexdigest()


def _meaning(value: Any) -> Any:
    """A value in one form: 10 carats are 10.0 carats."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value
