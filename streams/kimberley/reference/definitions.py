"""What counts as a conflict diamond: versioned policy, read as data (definitions.toml)."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.period import covers
from kimberley.model.text import normalise_code
from kimberley.reference.reference import known_codes
from kimberley.reference.toml_places import line_of


class ConflictTerritory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and when, stones are conflict diamonds: mined in `territory` (in `zones`, where it names any), half-open period.

    `except_measure_zones`: a ZONES measure whose allowed zones are excepted. `exempt_declarations`: kinds that exempt.
    """

    territory: str
    valid_from: date
    valid_to: date | None = None
    actor: str = ""
    zones: tuple[str, ...] = ()
    except_measure_zones: str | None = None
    exempt_declarations: tuple[str, ...] = ()
    basis: str = ""


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One definition; `territories` are its own and, before them, those of the definition that it `extends`."""

    id: str
    status: Literal["in_force", "draft", "superseded"]
    valid_from: date
    valid_to: date | None = None
    text: str = ""
    extends: str | None = None
    territories: tuple[ConflictTerritory, ...] = ()

    def territories_of(self, origin: str, on: date) -> list[ConflictTerritory]:
        """What it says of stones of an origin on a date; mostly nothing."""
        found = self._by_territory.get(origin)
        if found is None or not covers(self, on):
            return []
        return [each for each in found if covers(each, on)]

    @cached_property
    def _by_territory(self) -> dict[str, list[ConflictTerritory]]:
        found: dict[str, list[ConflictTerritory]] = {}
        for each in self.territories:
            found.setdefault(each.territory, []).append(each)
        return found


class _File(msgspec.Struct, forbid_unknown_fields=True):
    definition: tuple[dict[str, Any], ...]


def load_definitions(file: Path) -> dict[str, Definition]:
    """The definitions of a TOML file by id, what they extend filled in.

    Raises ConfigurationError that names the file, the line and the definition at fault.
    """
    try:
        text = file.read_text(encoding="utf-8")
        tables = msgspec.convert(tomllib.loads(text), _File).definition
    except OSError as problem:
        raise ConfigurationError(f"{file}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{file.name}: {problem}") from None
    except msgspec.ValidationError as problem:
        raise ConfigurationError(f"{file.name}: {problem}: a definition is a table [[definition]]") from None
    stated: dict[str, Definition] = {}
    for index, table in enumerate(tables):
        where = f"{file.name}, line {line_of(text, ('definition', index))}: definition {table.get('id', '?')}"
        definition = _definition(table, where)
        if definition.id in stated:
            raise ConfigurationError(f"{where}: there are two of this id; give one of them another")
        stated[definition.id] = definition
    return {each.id: _extended(each, stated, file.name) for each in stated.values()}


def _definition(table: Mapping[str, Any], where: str) -> Definition:
    try:
        definition = msgspec.convert(table, Definition)
    except msgspec.ValidationError as problem:
        raise ConfigurationError(f"{where}: {problem}") from None
    territories = tuple(msgspec.structs.replace(each, territory=normalise_code(each.territory)) for each in definition.territories)
    for territory in territories:
        if territory.territory not in known_codes():
            raise ConfigurationError(f"{where}: territory {territory.territory!r} is no ISO 3166-1 alpha-2 code")
        if territory.valid_to is not None and territory.valid_to <= territory.valid_from:
            raise ConfigurationError(f"{where}: territory {territory.territory}: valid_to is not after valid_from")
    return msgspec.structs.replace(definition, territories=territories)


def _extended(definition: Definition, stated: Mapping[str, Definition], name: str) -> Definition:
    chain = list(_chain(definition, stated, name))
    return msgspec.structs.replace(definition, territories=tuple(territory for each in reversed(chain) for territory in each.territories))


def _chain(definition: Definition, stated: Mapping[str, Definition], name: str) -> Iterator[Definition]:
    """A definition, the one that it extends, and so on."""
    seen = {definition.id}
    yield definition
    while definition.extends is not None:
        if definition.extends not in stated:
            raise ConfigurationError(f"{name}: definition {definition.id} extends {definition.extends!r}, which the file does not have")
        definition = stated[definition.extends]
        if definition.id in seen:
            raise ConfigurationError(f"{name}: definition {definition.id} extends itself in a circle")
        seen.add(definition.id)
        yield definition
