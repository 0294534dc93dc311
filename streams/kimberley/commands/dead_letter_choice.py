"""Which dead letters a verb is about: filters that list, replay and drop share, and reading those there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from kafka import TopicPartition

from kimberley.commands.options import INSTANT
from kimberley.commands.progress import watched
from kimberley.errors import ServiceUnavailableError
from kimberley.model.case import Origin
from kimberley.model.text import normalise_code
from kimberley.settings import Settings
from kimberley.wire.audit import Ledger, readable_audit
from kimberley.wire.avro import Codec
from kimberley.wire.dead_letters import STAGES, DeadLetter, dead_letter, parse_place
from kimberley.wire.log_reader import log_consumer, places_of, read_to_end
from kimberley.wire.topics import DEAD_LETTERS, InternalNames

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Place(click.ParamType):
    """Where a record lies: `topic-partition@offset`, or a decision's id, `topic/partition/offset`."""

    name = "PLACE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Origin:
        if isinstance(value, Origin):
            return value
        place = parse_place(str(value))
        if place is None:
            self.fail(f"{value!r} is no place of a record, such as shipments-3@1042", param, ctx)
        return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Filters that must all hold. `places`: where the dead records lay; `since`, `until`: milliseconds, the latter no more included."""

    places: Sequence[Origin] = ()
    stage: str | None = None
    topic: str | None = None
    authority: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is filtered."""
        return not self.places and all(each is None for each in (self.stage, self.topic, self.authority, self.since, self.until))

    def of(self, letters: Sequence[DeadLetter], codec: Codec) -> list[DeadLetter]:
        """Those of some dead letters that are meant, in their order."""
        return [letter for letter in letters if self._means(letter, codec)]

    def _means(self, letter: DeadLetter, codec: Codec) -> bool:
        return (
            (not self.places or letter.origin in self.places)
            and (self.stage is None or letter.stage == self.stage)
            and (self.topic is None or letter.origin.topic == self.topic)
            and (self.since is None or letter.timestamp >= self.since)
            and (self.until is None or letter.timestamp < self.until)
            and (self.authority is None or sender_of(letter, codec) == normalise_code(self.authority))
        )


def choosing(command: _Command) -> _Command:
    """Give a command the filters: parameters `places`, `stage`, `topic`, `authority`, `since` and `until`."""
    for decorate in (
        click.option("--until", type=INSTANT, help="only older ones: an instant, or a date for its midnight in UTC"),
        click.option("--since", type=INSTANT, help="no older ones: an instant, or a date for its midnight in UTC"),
        click.option("--authority", metavar="CODE", help="who sent it, where its header ce_source or what can be decoded tells"),
        click.option("--topic", help="the topic on which the record lay, such as shipments"),
        click.option("--stage", type=click.Choice(STAGES), help="where reading failed"),
        click.argument("places", type=Place(), nargs=-1),
    ):
        command = decorate(command)
    return command


def read_letters(settings: Settings) -> tuple[list[DeadLetter], Ledger]:
    """Every dead letter, oldest first, and what was done to them. Of several about one record (a broker without transactions) the last."""
    names = InternalNames(settings.prefix)
    with log_consumer(settings) as consumer:
        ends: dict[TopicPartition, int] = {}
        records = watched(read_to_end(consumer, places_of(consumer, DEAD_LETTERS), ends), ends, f"reading {DEAD_LETTERS}")
        letters = {letter.origin: letter for letter in map(dead_letter, records)}
        ledger = Ledger(readable_audit(read_to_end(consumer, places_of(consumer, names.audit))))
    ordered = sorted(letters.values(), key=lambda each: (each.timestamp, each.origin.topic, each.origin.partition, each.origin.offset))
    return ordered, ledger


def sender_of(letter: DeadLetter, codec: Codec) -> str:
    """Who sent it, as far as its headers or what can be decoded tell."""
    if letter.sender:
        return letter.sender
    try:
        authority = codec.decode_partly(letter.value)[1].get("authority")
    except ServiceUnavailableError:
        return ""
    return normalise_code(authority) if isinstance(authority, str) else ""
