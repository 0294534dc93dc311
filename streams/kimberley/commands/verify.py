"""`kimberley verify`."""

import asyncio
from itertools import islice
from typing import Any

import click

from kimberley.commands.output import Column, format_option, is_jsonl, plain, print_jsonl, print_table
from kimberley.commands.pipeline_extra import of_the_extra, stream_policies
from kimberley.commands.progress import bar
from kimberley.commands.topics import servers_option
from kimberley.settings import load_settings
from kimberley.wire.avro import make_codec


@click.command()
@click.option("--most", default=20, show_default=True, type=click.IntRange(0), help="differences shown in the table's form; JSONL has all")
@servers_option
@format_option
def verify(most: int, bootstrap_servers: str | None, output: str | None) -> None:
    """Look through all topics and tell whether the stream's promises hold; for operators after an incident. Changes nothing.

    Whether every event below the group's offsets has one decision or dead letter; alerts' revisions are 1, 2, 3 …; `open-alerts` holds
    what is open; the open alerts are what the facts say, by the stream's clock, its reference data and this rulebook; and the stored cases
    are what the events say. Workers may run: certificates of which something is under way are left out and counted. Cases are
    made anew in memory, one partition number after the other: about 1.2 GB for a million events.
    It needs the extra `pipeline`: pip install 'kimberley[pipeline]'.

    A check's result is `ok`, `differs`, or `later` where a worker has yet to judge cases anew.

    Exit status 1 where something differs; what to do about it stands beside it.

    \b
    Examples:
      kimberley verify
      kimberley verify --format jsonl | jq 'select(.difference)'
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    verify_topics = of_the_extra("kimberley.repair.verify", "verify_topics")
    policies = stream_policies(settings)
    with bar("reading the topics", None, "records") as moved:
        found = asyncio.run(verify_topics(settings, make_codec(settings), policies, on_read=moved))
    if is_jsonl(output):
        print_jsonl(_check_json(check) for check in found.checks)
        print_jsonl(_difference_json(check, each) for check in found.checks for each in check.differences)
    else:
        _print(found, most)
    if found.under_way or found.waiting:
        click.echo(f"under way: {found.under_way:,} certificates, left out; about {found.waiting:,} records wait to be judged", err=True)
    if any(check.differences for check in found.checks):
        raise SystemExit(1)


def _print(found: Any, most: int) -> None:
    columns: list[str | Column] = ["check", Column("looked at", right=True), Column("", whole=True), Column("", whole=True)]
    has_notes = any(check.notes for check in found.checks)
    rows = [_row(check) for check in found.checks]
    print_table([*columns, "notes"] if has_notes else columns, rows if has_notes else [row[:-1] for row in rows])
    differences = [(check, each) for check in found.checks for each in check.differences]
    for _, each in islice(differences, most):
        click.echo(f"{each.where}: {each.what}; {each.remedy}")
    if len(differences) > most:
        click.echo(f"and {len(differences) - most:,} more: `kimberley verify --format jsonl` lists all")


def _row(check: Any) -> list[Any]:
    count = len(check.differences)
    words = f"{count:,} {'differs' if count == 1 else 'differ'}" if count else check.result
    verdict = plain(words, {"differs": "bold red", "ok": "green", "later": "yellow"}[check.result])
    return [plain(check.name), f"{check.looked_at:,}", check.unit, verdict, plain("; ".join(check.notes), "dim")]


def _check_json(check: Any) -> dict[str, Any]:
    named = {"check": check.name, "looked_at": check.looked_at, "unit": check.unit}
    return {**named, "result": check.result, "differences": len(check.differences), "notes": check.notes}


def _difference_json(check: Any, each: Any) -> dict[str, Any]:
    return {
        "difference": each.what,
        "where": each.where,
        "remedy": each.remedy,
        "certificate_number": each.certificate,
        "check": check.name,
    }
