"""What all verbs share in printing: tables that fit, text that a terminal does not obey, a bar for people only; and their help."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from kimberley.commands import VERBS, main, progress
from kimberley.commands.options import DAY, INSTANT, near
from kimberley.commands.output import Column, make_table, plain
from kimberley.commands.progress import watched
from support.stories import arrival, issue


def printed(table: Any, width: int) -> list[str]:
    out = Console(width=width, record=True, highlight=False)
    with out.capture() as captured:
        out.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


ROWS = [("certificates-11@1234567", "2024-10-07", "a sentence of several words " * 6, "a basis of several words " * 4)]


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_table_fits_keeps_ids_whole_and_gives_sentences_room(width: int) -> None:
    lines = printed(make_table([Column("place", whole=True), Column("when", whole=True), "message", "basis"], ROWS), width)
    assert max(map(len, lines)) <= width
    assert any("certificates-11@1234567  2024-10-07" in line for line in lines)
    assert len(lines) <= 14


def test_text_from_outside_is_shown_and_not_obeyed() -> None:
    text = plain("a [red]b[/] \x1b[31mc\x07 \u202e\nsecond line é 中")
    assert text.plain == "a [red]b[/] \\x1b[31mc\\x07 \\x202e\nsecond line é 中"
    assert text.spans == []


def test_check_shows_what_looks_like_markup_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    events = [issue(), {**arrival(carats="9"), "shipment_id": "[/x] \x1b[31m"}]
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    for options in ((), ("--decisions",)):
        result = CliRunner().invoke(main, ["check", str(file), "--format", "table", *options])
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.stdout
    assert "[/x] \\x1b[31m" in " ".join(CliRunner().invoke(main, ["check", str(file), "--format", "table"]).stdout.split())


@dataclass
class Record:
    topic: str = "t"
    partition: int = 0
    offset: int = 0


def slow(count: int) -> Iterator[Record]:
    for offset in range(count):
        time.sleep(0.01)
        yield Record(offset=offset)


def watch(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, after: float) -> str:
    """What the bar wrote while ten slow records passed."""
    out = Console(force_terminal=terminal, width=80, record=True)
    monkeypatch.setattr(progress, "_AFTER_SECONDS", after)
    monkeypatch.setattr(progress, "_EVERY", 2)
    monkeypatch.setattr(progress, "Console", lambda stderr: out)
    with out.capture() as captured:
        found = list(watched(slow(10), {("t", 0): 10}, "reading t-0"))
    assert [record.offset for record in found] == list(range(10))
    return captured.get()


def test_a_bar_is_for_terminals_and_only_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "reading t-0" in watch(monkeypatch, terminal=True, after=0.0)
    assert watch(monkeypatch, terminal=True, after=60.0) == ""
    assert watch(monkeypatch, terminal=False, after=0.0) == ""


def test_an_instant_may_be_a_bare_date() -> None:
    assert INSTANT.convert("2024-03-07", None, None) == INSTANT.convert("2024-03-07T02:00:00+02:00", None, None)
    assert DAY.convert("2024-02-29", None, None).isoformat() == "2024-02-29"
    for text in ("2024-02-30", "20240229", "yesterday", ""):
        with pytest.raises(click.BadParameter):
            INSTANT.convert(text, None, None)
        with pytest.raises(click.BadParameter):
            DAY.convert(text, None, None)


def test_near_names_are_suggested_and_far_ones_are_not() -> None:
    known = ("import-banned", "import-mismatch", "trade-suspended")
    assert near("import-baned", known) == " (did you mean import-banned?)"
    assert near("SUSPENDED", known) == " (did you mean trade-suspended?)"
    assert near("xyz", known) == ""


def commands() -> Iterator[tuple[str, ...]]:
    """Every verb of this version with its own verbs."""
    for verb in VERBS:
        try:
            command = main.get_command(click.Context(main), verb)
        except ModuleNotFoundError:
            continue  # not there yet
        yield (verb,)
        if isinstance(command, click.Group):
            yield from ((verb, name) for name in command.commands)


@pytest.mark.parametrize("arguments", list(commands()), ids=" ".join)
def test_help_says_what_it_does_and_names_every_option(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert result.exit_code == 0
    words = result.stdout.split("Options:")
    assert len(words[0].split()) > 12, "a sentence at least"
    command: Any = main
    for name in arguments:
        command = command.get_command(click.Context(command), name)
    undescribed = [each.name for each in command.params if isinstance(each, click.Option) and not each.help]
    assert not undescribed


@pytest.mark.parametrize(
    "verb", ["alerts", "case", "dead-letters", "reference", "rules", "settings", "topics", "schemas", "worker", "check", "demo"]
)
def test_help_has_an_example_that_begins_with_the_program(verb: str) -> None:
    text = CliRunner().invoke(main, [verb, "--help"]).stdout
    assert "Example" in text
    assert f"kimberley {verb}" in text.split("Example")[1]
