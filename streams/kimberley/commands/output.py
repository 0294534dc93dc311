"""What commands print: tables for people, JSON lines for programs."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

format_option = click.option(
    "--format",
    "output",
    type=click.Choice(["table", "jsonl"]),
    default=None,
    help="table (default on a terminal) or one JSON object a line",
)

SEVERITY_STYLES = {"BLOCK": "bold red", "HOLD": "bold yellow", "REVIEW": "cyan", "INFO": "dim"}
_LEAST_WIDTH = 12
"""Cells that a column which folds keeps at least, so that no table has one letter a line."""

Cell = str | Text
"""A table's cell: a `str` may hold rich's markup; what came from outside goes through `plain`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is no plain one. `whole`: ids, dates and figures that are never broken. `right`: flush right."""

    name: str
    whole: bool = False
    right: bool = False
    style: str | None = None


def is_jsonl(output: str | None) -> bool:
    """Whether to print JSON lines: as told, else wherever the output is not a terminal."""
    return output == "jsonl" if output else not sys.stdout.isatty()


def print_jsonl(rows: Iterable[Any]) -> None:
    """One JSON object a line on standard output."""
    for row in rows:
        click.echo(msgspec.json.encode(row).decode())


def console() -> Console:
    """Standard output for people."""
    return Console(highlight=False, soft_wrap=False)


def print_table(columns: Sequence[str | Column], rows: Iterable[Sequence[Cell]], *, title: str | None = None) -> None:
    """A table on standard output, as wide as the terminal; what does not fit its column folds."""
    console().print(make_table(columns, rows, title=title))


def make_table(columns: Sequence[str | Column], rows: Iterable[Sequence[Cell]], *, title: str | None = None) -> Table:
    """A table for rich to print."""
    cells = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        spec = column if isinstance(column, Column) else Column(column)
        longest = max((_width(row[index]) for row in cells), default=0)
        table.add_column(
            spec.name,
            style=spec.style,
            justify="right" if spec.right else "left",
            overflow="fold",
            no_wrap=spec.whole,
            min_width=max(cell_len(spec.name), longest if spec.whole else min(longest, _LEAST_WIDTH)),
        )
    for row in cells:
        table.add_row(*row)
    return table


def plain(text: object, style: str | Style = "") -> Text:
    """Text from outside as it is, without markup; what a terminal would obey instead of showing is made visible."""
    return Text("".join(letter if letter.isprintable() or letter == "\n" else f"\\x{ord(letter):02x}" for letter in str(text)), style=style)


def severity_text(severity: str) -> Text:
    """A severity in its colour."""
    return Text(severity, style=SEVERITY_STYLES.get(severity, ""))


def _width(cell: Cell) -> int:
    text = cell if isinstance(cell, Text) else Text.from_markup(cell)
    return max((cell_len(line) for line in text.plain.split("\n")), default=0)
