"""What is known of each authority's own rules: certificate numbers, tolerances, deadlines (issuer-profiles.toml)."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from kimberley.errors import ConfigurationError


class Tolerance(msgspec.Struct, frozen=True):
    """The larger of a relative and an absolute part is what a figure may be off."""

    relative: Decimal
    absolute: Decimal

    def of(self, figure: Decimal) -> Decimal:
        """What may be off of a certificate's figure, in that figure's unit."""
        return max(self.relative * abs(figure), self.absolute)


class Profile(msgspec.Struct, frozen=True):
    """One Participant's own rules, defaults filled in."""

    number: str
    prefixes: tuple[str, ...]
    carats_tolerance: Tolerance
    value_tolerance: Tolerance
    confirmation_days: int | None
    confirmation_working_days: int | None
    holidays: frozenset[date]
    arrival_days: int
    unknown_certificate_days: int
    validity_months: int | None
    validity_days: int | None

    def number_fits(self, number: str) -> bool:
        """Whether a normalised certificate number has the form that this issuer uses."""
        return _pattern(self.number).search(number) is not None


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    number: str | None = None
    prefixes: tuple[str, ...] | None = None
    validity: dict[str, int] | None = None
    confirmation_days: int | None = None
    confirmation_working_days: int | None = None
    holidays: tuple[date, ...] = ()
    arrival_days: int | None = None
    unknown_certificate_days: int | None = None
    value_tolerance: Tolerance | None = None
    carats_tolerance: Tolerance | None = None


class Profiles:
    """Profiles by Participant's code."""

    def __init__(self, tables: dict[str, Any], where: str) -> None:
        try:
            self._tables = msgspec.convert(tables, dict[str, _Table], strict=True)
        except msgspec.ValidationError as problem:
            raise ConfigurationError(f"{where}: {problem}") from None
        if "default" not in self._tables:
            raise ConfigurationError(f"{where}: no [default] profile")
        self._made: dict[str, Profile] = {}
        self._prefix_owners = {prefix: code for code, table in self._tables.items() for prefix in table.prefixes or ()}
        for code in self._tables:
            try:
                re.compile(self.of(code).number)
            except re.error as problem:
                raise ConfigurationError(f"{where}: [{code}] number: {problem}") from None

    def of(self, code: str) -> Profile:
        """The profile of a Participant; values that it lacks come from `default`."""
        made = self._made.get(code)
        if made is None:
            default, own = self._tables["default"], self._tables.get(code) or _Table()
            working_days = own.confirmation_working_days
            validity = own.validity or default.validity or {}
            made = self._made[code] = Profile(
                number=_first(own.number, default.number),
                prefixes=own.prefixes or (code,),
                carats_tolerance=_first(own.carats_tolerance, default.carats_tolerance),
                value_tolerance=_first(own.value_tolerance, default.value_tolerance),
                confirmation_days=None if working_days is not None else _first(own.confirmation_days, default.confirmation_days),
                confirmation_working_days=working_days,
                holidays=frozenset(own.holidays or default.holidays),
                arrival_days=_first(own.arrival_days, default.arrival_days),
                unknown_certificate_days=_first(own.unknown_certificate_days, default.unknown_certificate_days),
                validity_months=validity.get("months"),
                validity_days=validity.get("days"),
            )
        return made

    @property
    def tables(self) -> Mapping[str, Any]:
        """What each profile states of its own, for the bundle's hash."""
        return self._tables

    @property
    def default(self) -> Profile:
        """The profile of nobody in particular."""
        return self.of("default")

    def prefix_owner(self, prefix: str) -> str:
        """The code that a number's two-letter prefix names: `EC` is the EU's former prefix, not Ecuador's."""
        return self._prefix_owners.get(prefix, prefix)


def load_profiles(file: Path) -> Profiles:
    """Profiles of a TOML file. Raises ConfigurationError that says what is wrong where."""
    try:
        return Profiles(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(f"{file.name}: {problem}") from None


@cache
def _pattern(number: str) -> re.Pattern[str]:
    return re.compile(number)


def _first(own: Any, default: Any) -> Any:
    return default if own is None else own
