"""`kimberley check` on files that a test writes."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from kimberley.commands import main
from support.stories import Event


def check(*arguments: str | Path, given: str | None = None) -> Result:
    """Run the command."""
    result = CliRunner().invoke(main, ["check", *map(str, arguments)], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(result: Result) -> list[dict[str, Any]]:
    """The printed JSON lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def rules(result: Result) -> set[str]:
    """The rules of the printed alerts."""
    return {row["rule_id"] for row in rows(result)}


def lines(*events: Event) -> str:
    """Events as JSON lines."""
    return "".join(json.dumps(each) + "\n" for each in events)


def checked(file: Path, *events: Event, options: tuple[str, ...] = ()) -> Result:
    """The command on a file with these events."""
    file.write_text(lines(*events), encoding="utf-8")
    return check(file, "--format", "jsonl", *options)


def raw(certificate: Event, **written: str) -> str:
    """A line of JSON with some fields' values as written here, to the letter."""
    line = json.dumps({**certificate, **{name: f"@{name}@" for name in written}})
    for name, value in written.items():
        line = line.replace(f'"@{name}@"', value)
    return line + "\n"


def complaint(result: Result, file: Path) -> str:
    """What standard error says besides the folder, whose name is the test's own."""
    return result.stderr.replace(str(file.parent), "")
