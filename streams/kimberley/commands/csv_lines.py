"""The rows of a CSV file, each with the line on which it begins; a broken one costs itself and no other."""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from kimberley.commands.event_files import UnreadableLineError
from kimberley.errors import ConfigurationError

Row = list[str] | UnreadableLineError

_DELIMITERS = (",", ";", "\t", "|")
_MOST_LINES = 50
"""Lines that one quoted cell may span: an unclosed quote must not swallow the rest of a file."""
_UNCLOSED = "unexpected end of data"


class CsvFile:
    """A file (`-`: standard input) opened; `header` is its first row. Rows are read as they come.

    Raises ConfigurationError where there is no header, or the file is not UTF-8 as a whole.
    """

    def __init__(self, file: Path, name: str, delimiter: str | None) -> None:
        self.name = name
        self._lines = self._read(file)
        self._ahead: deque[tuple[int, str | UnreadableLineError]] = deque()
        first = self._next()
        while first is not None and isinstance(first[1], str) and not first[1].strip():
            first = self._next()
        if first is None:
            raise ConfigurationError(f"{name} is empty: its first line must name the columns")
        text = first[1]
        if isinstance(text, UnreadableLineError):
            raise ConfigurationError(f"{name}, line {first[0]}: {text}")
        self._delimiter = delimiter or max(_DELIMITERS, key=text.count)
        header = self._parse([text])
        if not isinstance(header, list):
            raise ConfigurationError(f"{name}, line {first[0]}: the header is no CSV: {header}")
        self.header = header

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """Each row that is not empty, with its line."""
        while (found := self._next()) is not None:
            number, line = found
            row = line if isinstance(line, UnreadableLineError) else self._row(line)
            if isinstance(row, UnreadableLineError) or any(cell.strip() for cell in row):
                yield number, row

    def _row(self, line: str) -> Row:
        row = self._parse([line])
        if row is not None:
            return self._fitting(row)
        taken = [line]
        looked_at: list[tuple[int, str | UnreadableLineError]] = []
        while len(taken) < _MOST_LINES and (found := self._next()) is not None:
            looked_at.append(found)
            if isinstance(found[1], UnreadableLineError):
                break
            taken.append(found[1])
            row = self._parse(taken)
            if isinstance(row, list) and len(row) == len(self.header):
                return row
            if row is not None:
                break
        self._ahead.extendleft(reversed(looked_at))
        return UnreadableLineError('a quote is opened and not closed: close it, or double it ("") where it belongs to the text')

    def _fitting(self, row: Row) -> Row:
        if isinstance(row, UnreadableLineError) or len(row) == len(self.header) or not any(cell.strip() for cell in row):
            return row
        cells = f"{len(row)} {'cell' if len(row) == 1 else 'cells'} where the header has {len(self.header)}"
        remedy = (
            f"put a cell that holds {self._delimiter!r} in quotes" if len(row) > len(self.header) else "write every cell, empty ones too"
        )
        return UnreadableLineError(f"{cells}: {remedy}")

    def _parse(self, lines: list[str]) -> Row | None:
        """The cells of a row, None where a quote is open at its end."""
        try:
            rows = list(csv.reader([f"{line}\n" for line in lines], delimiter=self._delimiter, strict=True))
        except csv.Error as problem:
            if _UNCLOSED in str(problem):
                return None
            return UnreadableLineError(f'no CSV: {problem}: put a cell with quotes in quotes, and double ("") each that it holds')
        return rows[0] if rows else []

    def _next(self) -> tuple[int, str | UnreadableLineError] | None:
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

    def _read(self, file: Path) -> Iterator[tuple[int, str | UnreadableLineError]]:
        with click.open_file(str(file), "rb") as source:
            for number, raw in enumerate(source, start=1):
                if number == 1:
                    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                        raise ConfigurationError(f"{self.name} is UTF-16: save it as CSV UTF-8")
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                try:
                    yield number, raw.decode().rstrip("\r\n")
                except UnicodeDecodeError as problem:
                    yield number, UnreadableLineError(f"not UTF-8 at byte {problem.start}: save the file as CSV UTF-8")
