"""`kimberley dead-letters`."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
from kafka import TopicPartition

from kimberley.commands.dead_letter_output import letter_json, place_of, print_letter, summary_json
from kimberley.commands.event_words import moment
from kimberley.commands.options import INSTANT
from kimberley.commands.output import Cell, Column, format_option, is_jsonl, plain, print_jsonl, print_table
from kimberley.commands.progress import watched
from kimberley.commands.topics import servers_option
from kimberley.errors import ServiceUnavailableError
from kimberley.model.case import Origin
from kimberley.model.text import normalise_code
from kimberley.settings import Settings, load_settings
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.dead_letters import STAGES, DeadLetter, dead_letter
from kimberley.wire.log_reader import log_consumer, places_of, read_to_end
from kimberley.wire.topics import DEAD_LETTERS

_PLACE = re.compile(r"(?P<topic>[A-Za-z0-9._-]+)(?:-(?P<p1>\d+)@(?P<o1>\d+)|/(?P<p2>\d+)/(?P<o2>\d+))")


class _Place(click.ParamType):
    """Where a record lies: `topic-partition@offset`, or a decision's id, `topic/partition/offset`."""

    name = "PLACE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Origin:
        found = _PLACE.fullmatch(str(value).strip())
        if not found:
            self.fail(f"{value!r} is no place of a record, such as shipments-3@1042", param, ctx)
        return Origin(found["topic"], int(found["p1"] or found["p2"]), int(found["o1"] or found["o2"]))


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that could not be read: list them, and look into one.

    \b
    Examples:
      kimberley dead-letters list --since 2024-10-01 --stage decode
      kimberley dead-letters show shipments-3@1042
    """


@dead_letters.command(name="list")
@click.option("--stage", type=click.Choice(STAGES), help="where reading failed")
@click.option("--topic", help="the topic on which the record lay, such as shipments")
@click.option("--authority", metavar="CODE", help="who sent it, where its header ce_source or what can be decoded tells")
@click.option("--since", type=INSTANT, help="no older ones: an instant, or a date for its midnight in UTC")
@servers_option
@format_option
def list_(
    stage: str | None, topic: str | None, authority: str | None, since: int | None, bootstrap_servers: str | None, output: str | None
) -> None:
    """List dead letters by the place where each record lay, oldest first; `when` is the record's own timestamp."""
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    codec = make_codec(settings)
    found = [
        (letter, sender)
        for letter in _read(settings)
        if (stage is None or letter.stage == stage)
        and (topic is None or letter.origin.topic == topic)
        and (since is None or letter.timestamp >= since)
        for sender in [_sender(letter, codec)]
        if authority is None or sender == normalise_code(authority)
    ]
    if is_jsonl(output):
        print_jsonl(summary_json(letter, sender) for letter, sender in found)
        return
    if found:
        whole = [Column(name, whole=True) for name in ("place", "when", "stage")]
        print_table([*whole, "message", Column("attempts", right=True)], [_row(letter) for letter, _ in found])
    counts = Counter(letter.stage or "unknown" for letter, _ in found)
    stages = f": {', '.join(f'{count} {name}' for name, count in counts.most_common())}" if found else ""
    click.echo(f"{len(found)} {'dead letter' if len(found) == 1 else 'dead letters'}{stages}")


@dead_letters.command()
@click.argument("place", type=_Place())
@click.option("--all", "everything", is_flag=True, help="dump the whole value, not only its first 1,024 bytes")
@click.option("--names", is_flag=True, help="show who exports and imports in what can be decoded (the dump shows every byte)")
@servers_option
@format_option
def show(place: Origin, everything: bool, names: bool, bootstrap_servers: str | None, output: str | None) -> None:
    """Look into the dead letter of the record at PLACE (topic-partition@offset): why it died, its headers, its bytes, and what they say.

    Exit status 1 where no dead letter is of that place.
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    letter = next((each for each in _read(settings) if each.origin == place), None)
    if letter is None:
        click.echo(
            f"no dead letter is of {place_of(place)}: it was read, is not there yet, or is older than 90 days; "
            f"`kimberley dead-letters list --topic {place.topic}` lists what there is",
            err=True,
        )
        raise SystemExit(1)
    codec = make_codec(settings)
    if is_jsonl(output):
        print_jsonl([letter_json(letter, _sender(letter, codec), codec, names=names)])
    else:
        print_letter(letter, codec, everything=everything, names=names)


def _read(settings: Settings) -> list[DeadLetter]:
    """Every dead letter, oldest first; of several about one record (a broker without transactions) the last."""
    ends: dict[TopicPartition, int] = {}
    with log_consumer(settings) as consumer:
        records: Iterator[Any] = read_to_end(consumer, places_of(consumer, DEAD_LETTERS), ends)
        letters = {letter.origin: letter for letter in map(dead_letter, watched(records, ends, f"reading {DEAD_LETTERS}"))}
    return sorted(letters.values(), key=lambda each: (each.timestamp, each.origin.topic, each.origin.partition, each.origin.offset))


def _row(letter: DeadLetter) -> list[Cell]:
    when = moment(letter.timestamp, 0, between="\n")
    return [plain(place_of(letter.origin)), when, plain(letter.stage), plain(letter.message), str(letter.attempts)]


def _sender(letter: DeadLetter, codec: Codec) -> str:
    """Who sent it, as far as its headers or what can be decoded tell."""
    if letter.sender:
        return letter.sender
    try:
        authority = codec.decode_partly(letter.value)[1].get("authority")
    except ServiceUnavailableError:
        return ""
    return normalise_code(authority) if isinstance(authority, str) else ""
