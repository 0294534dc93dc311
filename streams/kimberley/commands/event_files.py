"""Reading events in their JSON form from files: JSON lines, or one JSON array."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from kimberley.cases.check import EventInput, Input, ReferenceInput, RefusedInput
from kimberley.cases.intake import take_in
from kimberley.errors import ConfigurationError, RefusedEventError
from kimberley.model.case import Origin
from kimberley.model.decisions import Refusal
from kimberley.wire.records import record_from_json
from kimberley.wire.reference_records import TYPE_OF, reference_record


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
REFERENCE_TYPES = frozenset(TYPE_OF.values())


class _UnreadableError(Exception):
    """A line that is no JSON object."""


def read_inputs(files: Iterable[Path]) -> tuple[list[Input], int]:
    """Every input of the files in order, and how many lines were no JSON at all (each named on standard error).

    A `-` stands for standard input.
    """
    inputs: list[Input] = []
    unreadable = 0
    for file in files:
        name = "standard input" if str(file) == "-" else str(file)
        for line, found in _objects(_text(file)):
            if isinstance(found, _UnreadableError):
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
    except ConfigurationError as problem:
        return RefusedInput(type_name, record, origin, (Refusal("reference", "", str(problem)),))


def _text(file: Path) -> str:
    try:
        return click.get_text_stream("stdin", encoding="utf-8").read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{file}: not UTF-8 at byte {problem.start}: save it as UTF-8") from None


def _objects(text: str) -> Iterator[tuple[int, dict[str, Any] | _UnreadableError]]:
    """Each JSON object with the line on which it begins."""
    if text.lstrip()[:1] == "[":
        yield from _of_array(text)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _parse(line)


def _parse(line: str) -> dict[str, Any] | _UnreadableError:
    try:
        found = _decoder.decode(line.strip())
    except (ValueError, RecursionError) as problem:
        return _UnreadableError(f"no JSON: {problem}")
    return found if isinstance(found, dict) else _UnreadableError("a JSON object is expected, one a line")


def _of_array(text: str) -> Iterator[tuple[int, dict[str, Any] | _UnreadableError]]:
    """The objects of one array, each parsed by itself so that a fault is told with its line. After broken JSON all is lost."""
    position, line = text.index("[") + 1, 1
    counted = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        line += text.count("\n", counted, position)
        counted = position
        if position >= len(text):
            yield line, _UnreadableError("the array has no end: ] is missing")
            return
        if text[position] == "]":
            return
        try:
            found, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as problem:
            yield line, _UnreadableError(f"no JSON from here on: {problem}")
            return
        yield line, found if isinstance(found, dict) else _UnreadableError("the array must hold JSON objects")
