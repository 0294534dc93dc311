"""`kimberley reference`."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from kimberley.commands.options import DAY, near
from kimberley.commands.output import format_option, is_jsonl, print_jsonl
from kimberley.commands.reference_output import (
    difference_json,
    history_json,
    in_force_on,
    participant_json,
    print_differences,
    print_history,
    print_in_force,
    print_record,
    record_json,
)
from kimberley.commands.reference_source import from_option, held_reference, required_reference, wanted_reference
from kimberley.commands.topics import servers_option
from kimberley.model.text import normalise_code
from kimberley.reference.difference import differences
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import Reference, known_codes
from kimberley.settings import load_settings
from kimberley.wire.reference_loader import load_reference


@click.group()
def reference() -> None:
    """The reference data: who was a Participant when, and which measures were in force.

    \b
    Examples:
      kimberley reference show --shipped --on 2024-03-01
      kimberley reference show CF
      kimberley reference diff
      kimberley reference load
    """


@reference.command()
@servers_option
@from_option
def load(bootstrap_servers: str | None, source: Path | None) -> None:
    """Make the topics `participants` and `measures` hold the reference data that ships with this version, or other data.

    Only what differs is sent, then a manifest; workers take the new revision over once all of it has reached them. Notices stay as
    they are unless --from states some: reference events (NoticePublished, …) are added, or replace those of the same id.

    \b
    Examples:
      kimberley reference load
      kimberley reference load --from notices.jsonl
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    loaded = load_reference(settings, wanted_reference(source, held_reference(settings)))
    records = "record" if loaded.changed == 1 else "records"
    click.echo(f"reference revision {loaded.revision}: {loaded.changed} {records} sent, {loaded.removed} removed")


@reference.command()
@click.argument("name", metavar="[CODE|MEASURE-ID|NOTICE-ID]", required=False)
@click.option("--on", type=DAY, help="the date on which it was in force [default: today, UTC]")
@click.option("--shipped", is_flag=True, help="what ships with this version, without Kafka, instead of what the topics hold")
@click.option("--long", "long", is_flag=True, help="with each standing's note and source")
@servers_option
@format_option
def show(name: str | None, on: date | None, shipped: bool, long: bool, bootstrap_servers: str | None, output: str | None) -> None:
    """Show what is in force on a date: each jurisdiction's status, and the measures; of one code its history, of one id all fields.

    All periods are half-open: `until` is the first day on which it no longer held. Exit status 1 where nothing has this name.

    \b
    Examples:
      kimberley reference show --on 2014-03-03
      kimberley reference show GB --shipped
      kimberley reference show eu-russia-origin
    """
    held = shipped_reference() if shipped else required_reference(load_settings(bootstrap_servers=bootstrap_servers))
    when = on or datetime.now(UTC).date()
    if name is not None:
        _show_one(held, name, when, output)
    elif is_jsonl(output):
        codes, measures, notices = in_force_on(held, when)
        print_jsonl(participant_json(held, code, when) for code in codes)
        print_jsonl(map(record_json, measures))
        print_jsonl(map(record_json, notices))
    else:
        print_in_force(held, when, long=long)


@reference.command()
@servers_option
@from_option
@format_option
def diff(bootstrap_servers: str | None, source: Path | None, output: str | None) -> None:
    """Show what `kimberley reference load` with the same --from would change on the topics: added, changed field by field, removed."""
    held = held_reference(load_settings(bootstrap_servers=bootstrap_servers))
    if held is None:
        click.echo("the topics hold no complete reference data yet", err=True)
    before = held or Reference((), ())
    after = wanted_reference(source, held)
    found = differences(before, after)
    if is_jsonl(output):
        print_jsonl(map(difference_json, found))
        return
    print_differences(found)
    counts = ", ".join(f"{sum(each.change == change for each in found)} {change}" for change in ("added", "changed", "removed"))
    click.echo(f"{counts}: the topics hold {before.revision if held else 'no revision'}, this is {after.revision}")


def _show_one(held: Reference, name: str, on: date, output: str | None) -> None:
    code = normalise_code(name)
    if code in held.participants.by_code or code in known_codes():
        if is_jsonl(output):
            print_jsonl([history_json(held, code, on)])
        else:
            print_history(held, code, on)
        return
    record = held.measures.by_id.get(name) or held.notices.get(name)
    if record is None:
        names = near(name, [*held.measures.by_id, *held.notices])
        click.echo(f"{name!r} is no country code, measure or notice{names}; `kimberley reference show` lists what there is", err=True)
        raise SystemExit(1)
    if is_jsonl(output):
        print_jsonl([record_json(record)])
    else:
        print_record(record, on)
