"""Events from CSV: a row an event, a column a field. Which row and column said what is kept, so that a fault can be told by them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kimberley.commands.column_map import ColumnMap, FieldColumn, columns_of
from kimberley.commands.csv_lines import CsvFile
from kimberley.commands.event_files import UnreadableLineError

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NONE_FOUND = "[]"


class CsvEvent(NamedTuple):
    """An event in its JSON form, and the column of each field by its path."""

    parsed: dict[str, Any]
    columns: Mapping[str, str]


class _Cell(NamedTuple):
    column: str
    value: Any


def csv_events(file: Path, name: str, chosen: ColumnMap, type_name: str | None) -> Iterator[tuple[int, CsvEvent | UnreadableLineError]]:
    """Each row's event with the line on which it begins, and what is none in its place. `type_name`: where no column says the type.

    Raises ConfigurationError on a header that can't be understood.
    """
    source = CsvFile(file, name, chosen.delimiter)
    columns = columns_of(source.header, chosen, name, type_name)
    constants = list(chosen.constants.values())
    by_path = {column.path: column.name for column in columns if column is not None}
    for line, row in source:
        if isinstance(row, UnreadableLineError):
            yield line, row
        else:
            yield line, _event([*row, *constants], columns, by_path, chosen.list_separator, type_name)


def _event(
    cells: list[str], columns: list[FieldColumn | None], by_path: Mapping[str, str], separator: str, type_name: str | None
) -> CsvEvent:
    tree: dict[Any, Any] = {"type": _Cell("", type_name)} if type_name else {}
    for column, cell in zip(columns, cells, strict=True):
        if column is None or not cell.strip():
            continue
        place = tree
        for step in column.steps[:-1]:
            place = place.setdefault(step, {})
        place[column.steps[-1]] = _Cell(column.name, _value(cell.strip(), column, separator))
    found = dict(by_path)
    return CsvEvent(_plain(tree, "", found), found)


def _value(cell: str, column: FieldColumn, separator: str) -> Any:
    """What a cell says; what it does not say well stays text, which the event's check then names."""
    match column.kind:
        case "list":
            return [] if cell == _NONE_FOUND else [each.strip() for each in cell.removesuffix(separator).split(separator)]
        case "integer" if _INTEGER.fullmatch(cell):
            return int(cell)
        case "boolean":
            return _BOOLEANS.get(cell.lower(), cell)
    return cell


def _plain(tree: dict[Any, Any], path: str, columns: dict[str, str]) -> Any:
    """The tree with lists in the place of numbered steps, an unused number skipped; `columns` learns where each cell came to lie."""
    if path and all(isinstance(step, int) for step in tree):
        return [_leaf(tree[step], f"{path}[{index}]", columns) for index, step in enumerate(sorted(tree))]
    return {step: _leaf(each, f"{path}.{step}" if path else step, columns) for step, each in tree.items()}


def _leaf(each: Any, path: str, columns: dict[str, str]) -> Any:
    if isinstance(each, _Cell):
        if each.column:
            columns[path] = each.column
        return each.value
    return _plain(each, path, columns)
