"""Reading the reference data that ships, and files of the same form."""

import csv
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kimberley.errors import ConfigurationError, RefusedEventError
from kimberley.model.reference_data import Measure, Participant
from kimberley.model.text import normalise_code
from kimberley.reference.bundle import shipped_unless_in
from kimberley.reference.reference import DATA, Reference
from kimberley.reference.validation import take_in_measure, take_in_participant

T = TypeVar("T")


def read_participants(file: Path) -> list[Participant]:
    """Histories of participants.csv, one participant a code. Raises ConfigurationError with the file and the code at fault."""
    rows: dict[str, list[dict[str, str]]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            if not row.get("code") or not row.get("name"):
                raise ConfigurationError(f"{file.name}, line {number}: a row has a code and a name")
            rows.setdefault(normalise_code(row["code"]), []).append({key: value for key, value in row.items() if key and value})
    return [_taken_in(f"{file.name}: {code}", take_in_participant, _history(code, rows[code])) for code in sorted(rows)]


def read_measures(file: Path) -> list[Measure]:
    """Measures of measures.toml. Raises ConfigurationError that names the measure at fault."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("measure", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{file.name}: {problem}") from None
    return [_measure(table, f"{file.name}: measure {table.get('id', '?')}") for table in tables]


def _history(code: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    periods = [{key: value for key, value in row.items() if key not in ("code", "name")} for row in rows]
    return {"code": code, "name": rows[-1]["name"], "periods": periods}


def _measure(table: dict[str, Any], where: str) -> Measure:
    record = {"measure_id": table.get("id"), **{key: value for key, value in table.items() if key != "id"}}
    unknown = sorted(set(record) - set(Measure.__struct_fields__))
    if unknown:
        raise ConfigurationError(f"{where}: no such field: {', '.join(unknown)}")
    return _taken_in(where, take_in_measure, record)


def _taken_in(where: str, take_in: Callable[[dict[str, Any]], T], fields: dict[str, Any]) -> T:
    try:
        return take_in(fields)
    except RefusedEventError as problem:
        raise ConfigurationError(f"{where}: {problem}") from None


@cache
def shipped_reference() -> Reference:
    """The participants and measures that ship with this version."""
    return read_reference(DATA)


def read_reference(folder: Path) -> Reference:
    """The participants and measures of a folder in the form of what ships; a file that it lacks is the shipped one."""
    participants, measures = (shipped_unless_in(folder, name) for name in ("participants.csv", "measures.toml"))
    return Reference(read_participants(participants), read_measures(measures))
