"""What commands print: tables for people, JSON lines for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

format_option = click.option(
    "--format",
    "output",
    type=click.Choice(["table", "jsonl"]),
    default=None,
    help="table (default on a terminal) or one JSON object a line",
)


def is_jsonl(output: str | None) -> bool:
    """Whether to print JSON lines: as told, else wherever the output is not a terminal."""
    return output == "jsonl" if output else not sys.stdout.isatty()


def print_jsonl(rows: Iterable[Any]) -> None:
    """One JSON object a line on standard output."""
    for row in rows:
        click.echo(msgspec.json.encode(row).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str | None] = ()) -> None:
    """A table on standard output, as wide as the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, style=styles[index] if index < len(styles) else None, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(soft_wrap=False)
    console.print(table)


SEVERITY_STYLES = {"BLOCK": "bold red", "HOLD": "bold yellow", "REVIEW": "cyan", "INFO": "dim"}
