"""`kimberley publish`."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import click

from kimberley.client import KimberleyError, Publisher, RefusedEventError, ServiceUnavailableError, check_event
from kimberley.client.publisher import Sent
from kimberley.client.receipt import Receipt
from kimberley.commands.column_map import read_map
from kimberley.commands.event_files import UnreadableLineError
from kimberley.commands.output import format_option, is_jsonl
from kimberley.commands.progress import bar
from kimberley.commands.publish_lines import Line, count_lines, lines_of
from kimberley.commands.publish_output import Report
from kimberley.commands.topics import servers_option
from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.settings import load_settings
from kimberley.wire.records import json_from_record

_WINDOW = 5_000
"""Lines that are on their way at a time."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--input",
    "kind",
    type=click.Choice(["auto", "json", "csv"]),
    default="auto",
    show_default=True,
    help="the files' form; auto: CSV by the endings .csv and .tsv, or where --columns is given, else JSON",
)
@click.option("--columns", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="a TOML file that maps CSV columns to fields")
@click.option("--type", "type_name", type=click.Choice(list(EVENT_TYPES)), help="the type of CSV rows where no column says it")
@click.option("--dry-run", is_flag=True, help="only validate, without Kafka; with --format jsonl the good events are printed as JSON lines")
@click.option("--wait", is_flag=True, help="wait for the decision on each event, and say what was refused by the stream")
@click.option(
    "--timeout",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="with --wait: seconds without any decision to give up",
)
@servers_option
@format_option
def publish(
    files: tuple[Path, ...],
    kind: str,
    columns: Path | None,
    type_name: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float,
    bootstrap_servers: str | None,
    output: str | None,
) -> None:
    """Validate events from FILES and publish them: JSON lines, a JSON array, or CSV; `-` is standard input.

    A line with faults is named on standard error, with its column, field and what to do, and is not published; the others are. Each
    event is acknowledged by all replicas in sync before its receipt is printed. Publishing a file again is harmless: events that are
    there are answered as duplicates.

    Exit status 0: all published (with --wait: and none refused); 1: some refused; 2: wrong usage; 3: Kafka or a decision did not come.

    \b
    CSV: the first line names the columns, each by its field (docs/events.md), parts by dots, list items by number:
      event_id, occurred_at, authority, certificate_number, exporter.name, parcels[0].carats, parcels[0].hs_code, …
    A column `type`, or --type, says which event a row is. Lists in one cell are separated by `;` (origins, seal_numbers); `[]` is
    "looked, none found" of seals. An empty cell is "not stated". Dates are 2024-03-07, instants 2024-03-07T12:00:00+02:00, amounts
    1234.56; true and false may be yes and no. Fields are separated by `,`, `;`, a tab or `|`, whichever the header has most.

    \b
    Other names are mapped by --columns map.toml:
      type = "CertificateIssued"            # as --type
      delimiter = ";"                       # list_separator = "|" where lists are not separated by ;
      [columns]
      "Cert. No." = "certificate_number"
      "Weight (ct)" = "parcels[0].carats"
      "Clerk" = ""                          # left out
      [constants]
      authority = "BW"

    \b
    Examples:
      kimberley publish events.jsonl --wait
      kimberley publish issued.csv --type CertificateIssued --columns map.toml
      kimberley publish arrivals.csv --type ShipmentArrived --dry-run --format jsonl | kimberley check -
      kimberley publish - --format jsonl < events.jsonl | jq .decision_id
    """
    chosen = read_map(columns)
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    form = "csv" if kind == "auto" and columns else kind
    report = Report(jsonl=is_jsonl(output), waits=wait and not dry_run)
    lines = (line for file in files for line in lines_of(file, form, chosen, type_name or chosen.type))
    counts = [count_lines(file) for file in files]
    total = None if None in counts else sum(count or 0 for count in counts)
    with bar("checking" if dry_run else "publishing", total, "lines") as move:
        if dry_run:
            _check(_moving(lines, move), report, settings.clock_skew_minutes * 60_000)
        else:
            with Publisher(settings) as publisher:
                _publish(_moving(lines, move), publisher, report, timeout if wait else None)
    report.end(dry=dry_run)
    if not report.is_clean:
        raise SystemExit(1)


def _moving(lines: Iterable[Line], move: Callable[[int], None]) -> Iterator[Line]:
    """The lines, each moving the bar."""
    before, file, last = 0, "", 0
    for line in lines:
        if line.file != file:
            before, file = before + last, line.file
        last = line.number
        move(before + last)
        yield line


def _check(lines: Iterable[Line], report: Report, skew: int) -> None:
    for line in lines:
        try:
            if isinstance(line.found, UnreadableLineError):
                raise line.found
            checked = check_event(line.found, int(time.time() * 1000) + skew)
        except (RefusedEventError, UnreadableLineError) as problem:
            report.faulty(line, problem)
        else:
            report.would_publish(TOPICS_OF[checked.type_name][0], json_from_record(checked.type_name, checked.fields))


def _publish(lines: Iterator[Line], publisher: Publisher, report: Report, timeout: float | None) -> None:
    """Window by window: send, await every receipt, then (where asked) every decision."""
    while window := list(islice(lines, _WINDOW)):
        try:
            delivered = _deliver(window, publisher, report)
            if timeout is not None:
                for decision in publisher.wait_for_decisions([receipt for _, receipt in delivered.values()], timeout):
                    report.decision(*delivered[decision.decision_id], decision)
        except ServiceUnavailableError as problem:
            first = window[0]
            raise ServiceUnavailableError(
                f"{problem}\n{report.delivered:,} events are published, the last ones from {first.file}, line {first.number} on; publish "
                "the files again once it is mended: what is there counts once"
            ) from None


def _deliver(window: Iterable[Line], publisher: Publisher, report: Report) -> dict[str, tuple[Line, Receipt]]:
    sent: list[tuple[Line, Sent]] = []
    for line in window:
        try:
            if isinstance(line.found, UnreadableLineError):
                raise line.found
            sent.append((line, publisher.send(line.found)))
        except (RefusedEventError, UnreadableLineError) as problem:
            report.faulty(line, problem)
    delivered = {}
    problems: list[KimberleyError] = []
    for line, each in sent:
        try:
            receipt = each.receipt()
        except KimberleyError as problem:
            problems.append(problem)
            continue
        delivered[receipt.decision_id] = line, receipt
        report.receipt(line, receipt)
    if problems:
        raise problems[0]
    return delivered
