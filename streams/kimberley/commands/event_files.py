"""Reading events in their JSON form from files: JSON lines, or one JSON array."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from kimberley.cases.check import EventInput, Input, ReferenceInput, RefusedInput
from kimberley.cases.intake import take_in
from kimberley.errors import RefusedEventError
from kimberley.model.case import Origin
from kimberley.model.decisions import Refusal
from kimberley.wire.records import record_from_json
from kimberley.wire.reference_records import TYPE_OF, reference_record


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
REFERENCE_TYPES = frozenset(TYPE_OF.values())


class UnreadableLineError(Exception):
    """A line that is no JSON object."""


def read_inputs(files: Iterable[Path]) -> tuple[list[Input], int]:
    """Every input of the files in order, and how many lines were no JSON at all (each named on standard error).

    A `-` stands for standard input.
    """
    inputs: list[Input] = []
    unreadable = 0
    for file in files:
        name = "standard input" if str(file) == "-" else str(file)
        for line, found in objects_of(file):
            if isinstance(found, UnreadableLineError):
                click.echo(f"{name}, line {line}: {found}", err=True)
                unreadable += 1
            else:
                inputs.append(as_input(found, Origin(name, 0, line)))
    return inputs, unreadable


def as_input(parsed: dict[str, Any], origin: Origin) -> Input:
    """An input of one JSON object (parsed with decimals, never floats)."""
    said = parsed.get("type")
    type_name, record = said if isinstance(said, str) else "", parsed
    try:
        type_name, record = record_from_json(parsed)
        if type_name in REFERENCE_TYPES:
            return ReferenceInput(reference_record(type_name, record), record.get("occurred_at"), origin)
        return EventInput(take_in(type_name, record), origin)
    except RefusedEventError as problem:
        return RefusedInput(type_name, record, origin, tuple(Refusal(*fault) for fault in problem.errors))


def objects_of(file: Path) -> Iterator[tuple[int, dict[str, Any] | UnreadableLineError]]:
    """Each JSON object of a file (`-`: standard input) with the line on which it begins, and what is none in its place.

    JSON lines are read as they come; an array is read whole, and whatever follows it is read on.
    """
    with click.open_file(str(file), "rb") as source:
        lines = enumerate(source, start=1)
        for number, raw in lines:
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.lstrip()[:1] == b"[":
                try:
                    text = (line + b"".join(rest for _, rest in lines)).decode()
                except UnicodeDecodeError as problem:
                    yield number, UnreadableLineError(f"the array is not UTF-8 at its byte {problem.start}: save it as UTF-8")
                    return
                yield from _of_text(text, number)
                return
            if line.strip():
                try:
                    yield number, _parse(line.decode())
                except UnicodeDecodeError as problem:
                    yield number, UnreadableLineError(f"not UTF-8 at byte {problem.start}: save it as UTF-8")


def _of_text(text: str, first: int) -> Iterator[tuple[int, dict[str, Any] | UnreadableLineError]]:
    """Arrays and lines in any order, the first on the line of this number."""
    position, line = 0, first
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end + 1
        if text[position:end].lstrip()[:1] != "[":
            if text[position:end].strip():
                yield line, _parse(text[position:end])
            position, line = end, line + 1
            continue
        reader = _ArrayReader(text, text.index("[", position), line)
        yield from reader
        position, line = reader.position, reader.line


def _parse(line: str) -> dict[str, Any] | UnreadableLineError:
    text = line.strip()
    try:
        found = _decoder.decode(text)
    except (ValueError, RecursionError) as problem:
        if text.startswith("{") and not text.endswith("}"):
            return UnreadableLineError("the object does not end on its line: write each on one, or all as an array, between [ and ]")
        return UnreadableLineError(f"no JSON: {problem}")
    return found if isinstance(found, dict) else UnreadableLineError("a JSON object is expected, one a line")


class _ArrayReader:
    """The objects of one array, each parsed by itself so that a fault is told with its line. After broken JSON all is lost.

    Once iterated, `position` and `line` are those after the array.
    """

    def __init__(self, text: str, position: int, line: int) -> None:
        self.position = position + 1
        self.line = line
        self._text = text
        self._counted = position

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any] | UnreadableLineError]]:
        text = self._text
        while True:
            while self.position < len(text) and text[self.position] in " \t\r\n,":
                self.position += 1
            self.line += text.count("\n", self._counted, self.position)
            self._counted = self.position
            if self.position >= len(text):
                yield self.line, UnreadableLineError("the array has no end: ] is missing")
                return
            if text[self.position] == "]":
                self.position += 1
                return
            try:
                found, self.position = _decoder.raw_decode(text, self.position)
            except (ValueError, RecursionError) as problem:
                yield self.line, UnreadableLineError(f"no JSON from here on: {problem}")
                self.position = len(text)
                return
            yield self.line, found if isinstance(found, dict) else UnreadableLineError("the array must hold JSON objects")
