"""Reading the reference data that ships, and files of the same form."""

import csv
import tomllib
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.reference_data import Measure, Participant, StatusPeriod
from kimberley.model.text import normalise_code, normalise_hs_code
from kimberley.reference.profiles import Profiles, load_profiles
from kimberley.reference.reference import DATA, Reference

_CARATS = Decimal("0.001")


def read_participants(file: Path) -> list[Participant]:
    """Histories of participants.csv, one participant a code. Raises ConfigurationError with file and line."""
    periods: dict[str, list[StatusPeriod]] = {}
    names: dict[str, str] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            try:
                code = normalise_code(row.pop("code"))
                names[code] = row.pop("name")
                periods.setdefault(code, []).append(msgspec.convert({key: value for key, value in row.items() if value}, StatusPeriod))
            except (KeyError, msgspec.ValidationError) as problem:
                raise ConfigurationError(f"{file.name}, line {number}: {problem}") from None
    return [make_participant(code, names[code], periods[code], f"{file.name}: {code}") for code in sorted(periods)]


def make_participant(code: str, name: str, periods: list[StatusPeriod], where: str) -> Participant:
    """A participant of its periods in any order. Raises ConfigurationError where two overlap."""
    ordered = sorted(periods, key=lambda period: period.valid_from)
    for one, following in pairwise(ordered):
        if one.valid_to is None or one.valid_to > following.valid_from:
            raise ConfigurationError(f"{where}: the period from {one.valid_from} runs into the one from {following.valid_from}")
    return Participant(code=code, name=name, kind=ordered[-1].kind, periods=tuple(ordered))


def read_measures(file: Path) -> list[Measure]:
    """Measures of measures.toml. Raises ConfigurationError that names the measure at fault."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("measure", [])
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(f"{file.name}: {problem}") from None
    return [make_measure(table, f"{file.name}: measure {table.get('id', '?')}") for table in tables]


def make_measure(table: dict[str, Any], where: str) -> Measure:
    """A measure of a table with the fields of measures.toml. Raises ConfigurationError."""
    record = {"measure_id": table.get("id"), **{key: value for key, value in table.items() if key != "id"}}
    unknown = sorted(set(record) - set(Measure.__struct_fields__))
    if unknown:
        raise ConfigurationError(f"{where}: no such field: {', '.join(unknown)}")
    record["territory"] = normalise_code(str(record.get("territory", "")))
    record["hs_codes"] = tuple(normalise_hs_code(code) for code in record.get("hs_codes", ()))
    try:
        measure = msgspec.convert(record, Measure)
    except msgspec.ValidationError as problem:
        raise ConfigurationError(f"{where}: {problem}") from None
    if measure.min_stone_carats is None:
        return measure
    # as the wire has it, so that a file and a topic of the same content have the same revision
    return msgspec.structs.replace(measure, min_stone_carats=measure.min_stone_carats.quantize(_CARATS))


@cache
def shipped_reference() -> Reference:
    """The participants and measures that ship with this version."""
    return Reference(read_participants(DATA / "participants.csv"), read_measures(DATA / "measures.toml"))


@cache
def shipped_profiles() -> Profiles:
    """The issuer profiles that ship with this version."""
    return load_profiles(DATA / "issuer-profiles.toml")
