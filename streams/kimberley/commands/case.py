"""`kimberley case`."""

from pathlib import Path

import click
import msgspec

from kimberley.cases.check import Report
from kimberley.cases.check import check as check_inputs
from kimberley.cases.judge import Policy
from kimberley.cases.story import Story, tell
from kimberley.commands.event_files import read_inputs
from kimberley.commands.options import INSTANT
from kimberley.commands.output import format_option, is_jsonl, print_jsonl
from kimberley.commands.progress import watched
from kimberley.commands.reference_source import required_reference
from kimberley.commands.rules import rulebook_in_force, rulebook_option
from kimberley.commands.story_output import print_story, story_json
from kimberley.commands.topics import servers_option
from kimberley.errors import ConfigurationError
from kimberley.model.case import Case, unpack_case
from kimberley.model.partition_state import STATE_KEY, PartitionState, unpack_state
from kimberley.model.text import normalise_number
from kimberley.reference.bundle import read_bundle, shipped_bundle
from kimberley.reference.files import read_reference, shipped_reference
from kimberley.rules.rulebook import Rulebook
from kimberley.settings import Settings, load_settings
from kimberley.wire.log_reader import log_consumer, places_of, read_to_end
from kimberley.wire.partitioner import partition_of
from kimberley.wire.topics import InternalNames


@click.command()
@click.argument("number")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@servers_option
@click.option("--names", is_flag=True, help="show who exports and imports, and remarks, which are left out otherwise")
@click.option("--long", "long", is_flag=True, help="add event ids, the records that brought them, and the ids of alerts")
@click.option(
    "--as-of", type=INSTANT, help="with FILES: the clock at the end, such as 2024-03-07T12:00:00Z [default: the latest occurred_at]"
)
@rulebook_option
@click.option(
    "--reference",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="with FILES: a folder with other reference data in the form of what ships (participants.csv, measures.toml, …)",
)
@format_option
def case(
    number: str,
    files: tuple[Path, ...],
    bootstrap_servers: str | None,
    names: bool,
    long: bool,
    as_of: int | None,
    file: Path | None,
    reference: Path | None,
    output: str | None,
) -> None:
    """Tell the whole story of certificate NUMBER: what was reported, what was taken back, who took part, every alert and every rule.

    Reads what the stream keeps of it from the changelog of cases, and judges it by the reference data on the topics; events that were
    refused are no part of a case. With FILES (events as `kimberley check` reads them) the same story is told without Kafka.

    Exit status 1 where nothing is known of the number, 3 where Kafka cannot be reached.

    \b
    Examples:
      kimberley case BW-000417
      kimberley case BW000417 --long --names
      kimberley case BW000417 events.jsonl --as-of 2024-03-31
      kimberley case BW000417 --format jsonl | jq '.rules[] | select(.outcome == "undetermined")'
    """
    normalised = normalise_number(number)
    if not normalised:
        raise click.BadParameter(f"{number!r} is no certificate number", param_hint="NUMBER")
    if not files and (as_of is not None or reference):
        raise click.UsageError("--as-of and --reference go with FILES; without them the stream's clock and reference data count")
    book = rulebook_in_force(file)
    refused = False
    if files:
        story, refused = _from_files(normalised, files, as_of, book, reference)
    else:
        story = _from_topics(number, normalised, load_settings(bootstrap_servers=bootstrap_servers), book)
    if is_jsonl(output):
        print_jsonl([story_json(story, names=names)])
    else:
        print_story(story, names=names, long=long)
    if refused:
        raise SystemExit(1)


def _from_files(number: str, files: tuple[Path, ...], as_of: int | None, book: Rulebook, reference: Path | None) -> tuple[Story, bool]:
    """The story by the events of files, and whether a line was refused that is this number's or no one's."""
    policy = Policy(
        read_reference(reference) if reference else shipped_reference(), read_bundle(reference) if reference else shipped_bundle(), book
    )
    inputs, unreadable = read_inputs(files)
    report = check_inputs(inputs, policy, as_of)
    refused = _say_refusals(report, number)
    if report.left_out:
        click.echo(f"{report.left_out} {'event' if report.left_out == 1 else 'events'} later than the clock left out", err=True)
    found = report.cases.get(number)
    if found is None:
        click.echo(f"no event of certificate {number} was taken in from {', '.join(map(str, files))}", err=True)
        raise SystemExit(1)
    return tell(found, report.policy, report.as_of), bool(refused or unreadable)


def _say_refusals(report: Report, number: str) -> int:
    """Name the refused events that state this number, or none, on standard error; their count."""
    count = 0
    for decision in report.decisions:
        if decision.outcome == "REFUSED" and normalise_number(decision.certificate_number) in (number, ""):
            name, _, line = decision.decision_id.rsplit("/", 2)
            for error in decision.errors:
                click.echo(f"{name}, line {line}: {error.field or 'event'}: {error.message}", err=True)
            count += 1
    return count


def _from_topics(asked: str, number: str, settings: Settings, book: Rulebook) -> Story:
    """The story of a case as the stream keeps it. Ends the program with status 1 where it keeps none."""
    found, clock = _read_case(asked, number, settings)
    return tell(found, Policy(required_reference(settings), shipped_bundle(), book), clock)


def _read_case(asked: str, number: str, settings: Settings) -> tuple[Case, int]:
    """The case, and the stream's clock in its partition."""
    topic = InternalNames(settings.prefix).cases
    key, records = number.encode(), 0
    last = None
    state = PartitionState()
    with log_consumer(settings, max_partition_fetch_bytes=8 << 20) as consumer:
        places = places_of(consumer, topic)
        place = places[partition_of(number, len(places))]
        ends: dict[object, int] = {}
        for record in watched(read_to_end(consumer, [place], ends), ends, f"reading {topic}-{place.partition}"):
            if record.key == STATE_KEY:
                state = unpack_state(record.value) if record.value else PartitionState()
                continue
            records += 1
            if record.key == key:
                last = record
    if last is None or last.value is None:
        other = "" if asked == number else f" (normalised from {asked!r})"
        click.echo(
            f"nothing is known of certificate {number}{other}: partition {place.partition} of the {len(places)} of {topic}, "
            f"where it belongs, has {records} records and none of that number.\n"
            "Check the number on the paper; whether its events were refused (decisions) or unreadable (`kimberley dead-letters list`); and "
            "whether a worker runs and has caught up.",
            err=True,
        )
        raise SystemExit(1)
    try:
        return unpack_case(last.value), state.clock
    except (ValueError, msgspec.MsgspecError) as problem:
        where = f"{topic}-{place.partition}@{last.offset}"
        raise ConfigurationError(f"case {number} at {where} can't be read: {problem}; ask the version that wrote it") from None
