"""The lines of the files that `publish` reads, whatever their form, and the faults of a line in words."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kimberley.commands.column_map import ColumnMap
from kimberley.commands.csv_events import CsvEvent, csv_events
from kimberley.commands.event_files import UnreadableLineError, objects_of

_CSV_ENDINGS = (".csv", ".tsv")
_REMEDIES = {
    "missing": "fill it in",
    "unknown-code": "use the two-letter code, such as GB for the United Kingdom, or EU",
    "unknown-field": "leave it out",
    "range": "correct it",
    "type": "correct it",
    "ce-id": "send one id",
}


class Line(NamedTuple):
    """A line that holds an event, or what is none. `columns`: in CSV, each field's column."""

    file: str
    number: int
    found: Mapping[str, Any] | UnreadableLineError
    columns: Mapping[str, str] = {}


def lines_of(file: Path, kind: str, chosen: ColumnMap, type_name: str | None) -> Iterator[Line]:
    """The lines of a file (`-`: standard input). `kind`: json, csv, or auto, by the file's ending."""
    name = "standard input" if str(file) == "-" else str(file)
    if kind == "csv" or (kind == "auto" and file.suffix.lower() in _CSV_ENDINGS):
        for number, found in csv_events(file, name, chosen, type_name):
            yield Line(name, number, found.parsed, found.columns) if isinstance(found, CsvEvent) else Line(name, number, found)
    else:
        for number, parsed in objects_of(file):
            yield Line(name, number, parsed)


def count_lines(file: Path) -> int | None:
    """How many lines a file has, for a progress bar; None where it can't be read twice."""
    if not file.is_file():
        return None
    with file.open("rb") as source:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: source.read(1 << 20), b""))


def told(line: Line, code: str, field: str, message: str) -> str:
    """A fault with its file, line, column and field, and what to do."""
    place = f"{line.file}, line {line.number}"
    if column := _column(line.columns, field):
        place += f", column {column!r}"
    remedy = _REMEDIES.get(code)
    return f"{place}: {field or 'event'}: {message}{f': {remedy}' if remedy else ''}"


def _column(columns: Mapping[str, str], field: str) -> str | None:
    """The column that a field came from, or the list or part that it belongs to."""
    while field:
        if field in columns:
            return columns[field]
        field = field.rpartition("[" if field.endswith("]") else ".")[0]
    return None
