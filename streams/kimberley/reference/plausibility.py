"""What the scheme's statistics lead one to expect: who mines diamonds (producers.csv), and at what price (price-bands.csv)."""

import csv
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.findings import Confidence
from kimberley.model.period import covers
from kimberley.model.text import normalise_code
from kimberley.reference.reference import known_codes

ANY_ORIGIN = "*"


class _Period(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    country_code: str
    valid_from: date
    valid_to: date | None = None
    confidence: Confidence = "high"
    note: str = ""


class Production(_Period, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A period in which a country mined diamonds."""


class PriceBand(_Period, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Between which US$ per carat a country's rough is exported, over a year."""

    low_usd_per_carat: Decimal
    high_usd_per_carat: Decimal


P = TypeVar("P", bound=_Period)


class Producers:
    """Who mined diamonds, when."""

    def __init__(self, rows: Iterable[Production]) -> None:
        self.rows = tuple(rows)
        self._of = _by_code(self.rows)
        self.known_from = min((row.valid_from for row in self.rows), default=date.max)
        """Before this date nothing is known of anyone."""

    def is_producer(self, origin: str, on: date) -> bool:
        """Whether a country mined diamonds on a date."""
        for row in self._of.get(origin, ()):  # noqa: SIM110 (asked of every certificate: a loop takes a third of the time)
            if covers(row, on):
                return True
        return False

    def of(self, origin: str) -> tuple[Production, ...]:
        """The periods of a country, oldest first."""
        return self._of.get(origin, ())


class PriceBands:
    """What a carat of an origin is worth."""

    def __init__(self, rows: Iterable[PriceBand]) -> None:
        self.rows = tuple(rows)
        self._of = _by_code(self.rows)

    def of(self, origin: str, on: date) -> PriceBand | None:
        """The band of an origin on a date, else the one for all others (`*`); None before there is any."""
        for code in (origin, ANY_ORIGIN):
            for row in self._of.get(code, ()):
                if covers(row, on):
                    return row
        return None


def load_producers(file: Path) -> Producers:
    """Producers of a CSV file. Raises ConfigurationError with file, line and what to do."""
    return Producers(_read(file, Production))


def load_price_bands(file: Path) -> PriceBands:
    """Price bands of a CSV file. Raises ConfigurationError with file, line and what to do."""
    rows = _read(file, PriceBand, besides=ANY_ORIGIN)
    for row in rows:
        if not 0 < row.low_usd_per_carat <= row.high_usd_per_carat:
            raise ConfigurationError(f"{file.name}: {row.country_code} from {row.valid_from}: low is above zero and not above high")
    return PriceBands(rows)


def _read(file: Path, kind: type[P], besides: str | None = None) -> list[P]:
    rows: list[P] = []
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            for stated in reader:
                rows.append(_row(stated, kind, besides, f"{file.name}, line {reader.line_num}"))
    except OSError as problem:
        raise ConfigurationError(f"{file}: {problem.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise ConfigurationError(f"{file.name}: {problem}") from None
    for code, periods in _by_code(rows).items():
        for one, following in pairwise(periods):
            if one.valid_to is None or one.valid_to > following.valid_from:
                raise ConfigurationError(
                    f"{file.name}: {code}: the period from {one.valid_from} runs into the one from {following.valid_from}: end it before"
                )
    return rows


def _row(stated: dict[str, str], kind: type[P], besides: str | None, where: str) -> P:
    fields = {key: value.strip() for key, value in stated.items() if key and isinstance(value, str) and value.strip()}
    if None in stated or any(value is None for value in stated.values()):
        raise ConfigurationError(f"{where}: a row has as many fields as the first line names")
    try:
        row = msgspec.convert(fields, kind)
    except msgspec.ValidationError as problem:
        raise ConfigurationError(f"{where}: {problem}") from None
    code = normalise_code(row.country_code)
    if code not in known_codes() and code != besides:
        raise ConfigurationError(f"{where}: {row.country_code!r} is no ISO 3166-1 alpha-2 code")
    if row.valid_to is not None and row.valid_to <= row.valid_from:
        raise ConfigurationError(f"{where}: valid_to is not after valid_from")
    return msgspec.structs.replace(row, country_code=code)


def _by_code(rows: Iterable[P]) -> dict[str, tuple[P, ...]]:
    found: dict[str, tuple[P, ...]] = {}
    for row in sorted(rows, key=lambda each: each.valid_from):
        found[row.country_code] = (*found.get(row.country_code, ()), row)
    return found
