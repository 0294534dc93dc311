"""The rulebook: which rules are in force and how severe each is. Versioned policy, read as data."""

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import cast

from kimberley.errors import ConfigurationError
from kimberley.model.events import EVENT_TYPES
from kimberley.model.findings import SEVERITIES, Severity
from kimberley.reference.reference import DATA
from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.rule import Rule


@dataclass(frozen=True)
class Rulebook:
    """A named set of rules with severities. `content_hash`: SHA-256 of the file."""

    id: str
    content_hash: str
    rules: tuple[tuple[Rule, Severity], ...]

    def readers_of(self, event_type: str) -> tuple[int, ...]:
        """The places, in `rules`, of those that another event of a type may bring to another verdict."""
        return self._readers.get(event_type, ())

    @cached_property
    def _readers(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(index for index, (rule, _) in enumerate(self.rules) if name in rule.event_types) for name in EVENT_TYPES}


def load_rulebook(file: Path) -> Rulebook:
    """The rulebook of a TOML file. Raises ConfigurationError that names the line's rule and what is wrong."""
    try:
        raw = file.read_bytes()
        table = tomllib.loads(raw.decode())
    except OSError as problem:
        raise ConfigurationError(f"rulebook {file}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"rulebook {file}: {problem}") from None
    if not isinstance(table.get("id"), str) or not isinstance(table.get("rules"), dict):
        raise ConfigurationError(f'rulebook {file}: needs id = "…" and a [rules] table')
    rules: list[tuple[Rule, Severity]] = []
    for rule_id, severity in table["rules"].items():
        if rule_id not in CATALOGUE:
            raise ConfigurationError(f"rulebook {file}: there is no rule {rule_id!r}")
        if severity not in SEVERITIES:
            raise ConfigurationError(f"rulebook {file}: {rule_id}: {severity!r} is none of {', '.join(SEVERITIES)}")
        rules.append((CATALOGUE[rule_id], cast(Severity, severity)))
    return Rulebook(table["id"], sha256(raw).hexdigest(), tuple(rules))


@cache
def shipped_rulebook() -> Rulebook:
    """The rulebook that ships with this version."""
    return load_rulebook(DATA / "rulebook.toml")
