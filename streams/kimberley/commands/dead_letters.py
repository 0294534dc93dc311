"""`kimberley dead-letters`."""

import getpass
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import click

from kimberley.commands.dead_letter_answer import answer_to
from kimberley.commands.dead_letter_choice import Choice, Place, choosing, read_letters, sender_of
from kimberley.commands.dead_letter_output import audit_line, letter_json, print_letter, summary_json
from kimberley.commands.event_words import moment
from kimberley.commands.output import Cell, Column, format_option, is_jsonl, plain, print_jsonl, print_table
from kimberley.commands.topics import servers_option
from kimberley.errors import ConfigurationError
from kimberley.model.case import Origin
from kimberley.settings import load_settings
from kimberley.wire.audit import STATES, AuditRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.dead_letters import DeadLetter, place_text
from kimberley.wire.letter_actions import LetterActions, RefusedActionError, letter_actions

_TO_DO = ("waiting", "unclear")
"""States in which there is something left to do."""

by_option = click.option("--by", metavar="NAME", help="who does it, for the audit record [the user of this computer]")
all_option = click.option(
    "--all", "everything", is_flag=True, help="all that are still to do; needed where no PLACE and no filter is given"
)


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that could not be read: list them, look into one, send them again or drop them.

    \b
    Examples:
      kimberley dead-letters list --since 2024-10-01 --stage decode
      kimberley dead-letters show shipments-3@1042
      kimberley dead-letters replay --stage schema --authority BW
      kimberley dead-letters drop shipments-3@1042 --reason "cut on the way, sent anew" --yes
    """


@dead_letters.command(name="list")
@choosing
@click.option(
    "--state",
    type=click.Choice([*STATES, "all"]),
    help="what was done about them; by default those that are still to do: waiting, and unclear (a replay that may have been sent)",
)
@servers_option
@format_option
def list_(
    state: str | None,
    bootstrap_servers: str | None,
    output: str | None,
    **filters: Any,
) -> None:
    """List dead letters, all or those at PLACEs, by where each record lay, oldest first; `when` is the record's own timestamp."""
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    choice = Choice(**filters)
    codec = make_codec(settings)
    letters, ledger = read_letters(settings)
    wanted = _TO_DO if state is None else STATES if state == "all" else (state,)
    found = [letter for letter in choice.of(letters, codec) if ledger.state(letter) in wanted]
    if is_jsonl(output):
        print_jsonl(summary_json(each, sender_of(each, codec), ledger.state(each), ledger.last(each)) for each in found)
        return
    states = [ledger.state(letter) for letter in found]
    if found:
        whole = [Column(name, whole=True) for name in ("place", "when", "stage")]
        columns: list[str | Column] = [*whole, "message", Column("attempts", right=True)]
        rows = [_row(letter) for letter in found]
        if set(states) - {"waiting"}:
            columns.append(Column("state", whole=True))
            rows = [[*row, each] for row, each in zip(rows, states, strict=True)]
        print_table(columns, rows)
    click.echo(_counted(found))


@dead_letters.command()
@click.argument("place", type=Place())
@click.option("--all", "everything", is_flag=True, help="dump the whole value, not only its first 1,024 bytes")
@click.option("--names", is_flag=True, help="show who exports and imports in what can be decoded (the dump shows every byte)")
@servers_option
@format_option
def show(place: Origin, everything: bool, names: bool, bootstrap_servers: str | None, output: str | None) -> None:
    """Look into the dead letter of the record at PLACE (topic-partition@offset): why it died, its headers, its bytes, and what they say;
    and, where it was replayed or dropped, by whom and what came of it.

    Exit status 1 where no dead letter is of that place.
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    letters, ledger = read_letters(settings)
    letter = next((each for each in letters if each.origin == place), None)
    if letter is None:
        click.echo(f"{_unknown(place)}; `kimberley dead-letters list --topic {place.topic}` lists what there is", err=True)
        raise SystemExit(1)
    codec = make_codec(settings)
    last = ledger.last(letter)
    answer = answer_to(last, letters, settings) if last is not None and last.action == "replay" else None
    if is_jsonl(output):
        summary = summary_json(letter, sender_of(letter, codec), ledger.state(letter), last)
        print_jsonl([letter_json(letter, summary, answer, codec, names=names)])
    else:
        done = [each for each in (last and audit_line(last), answer) if each]
        print_letter(letter, done, codec, everything=everything, names=names)


@dead_letters.command()
@choosing
@all_option
@click.option("--again", is_flag=True, help="also what was dropped, and what a replay that ended half-way may have sent already")
@click.option("--reason", help="why, for the audit record")
@by_option
@servers_option
@format_option
def replay(
    everything: bool,
    again: bool,
    reason: str | None,
    by: str | None,
    bootstrap_servers: str | None,
    output: str | None,
    **filters: Any,
) -> None:
    """Send dead records again, those at PLACEs or those that filters choose: byte for byte, each once, to where it lay.

    Mend first what made them unreadable, or they die again: `attempts` counts that. Each replay leaves an audit record, in one transaction
    with the record itself; what was replayed is not sent a second time. Exit status 1 where something named was not sent.

    \b
    Examples:
      kimberley dead-letters replay shipments-3@1042
      kimberley dead-letters replay --stage schema --since 2024-10-01 --reason "the registry has the schema now"
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    choice = Choice(**filters)
    _require_choice(choice, everything)
    with letter_actions(settings, _who(by)) as actions:
        letters, _ = read_letters(settings)
        found = choice.of(letters, make_codec(settings))
        states = _TO_DO if again else ("waiting",)
        chosen = [letter for letter in found if choice.places or actions.ledger.state(letter) in states]
        # in the order in which they lay
        chosen.sort(key=lambda each: (each.origin.topic, each.origin.partition, each.origin.offset))
        count, refused = _each(chosen, lambda letter: actions.replay(letter, reason, again=again), output)
        _say_unclear(found, actions)
    _end("replayed", count, refused + _say_unknown(choice, letters), output)


@dead_letters.command()
@choosing
@all_option
@click.option("--reason", required=True, help="why, for the audit record")
@click.option("--yes", is_flag=True, help="do it; without it, this says what would be dropped")
@by_option
@servers_option
@format_option
def drop(
    everything: bool,
    reason: str,
    yes: bool,
    by: str | None,
    bootstrap_servers: str | None,
    output: str | None,
    **filters: Any,
) -> None:
    """Record that nothing is to be done about dead letters, those at PLACEs or those that filters choose; `list` no longer shows them.

    Nothing is deleted: the bytes stay on the topic for their 90 days, and `replay --again` sends them all the same. Without --yes this
    drops nothing and ends with status 2. Each drop leaves an audit record and prints it.

    \b
    Example:
      kimberley dead-letters drop --stage frame --authority ZW --reason "test messages, the sender confirms" --yes
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    choice = Choice(**filters)
    _require_choice(choice, everything)
    if not reason.strip():
        raise click.UsageError("--reason is empty: say why, for whoever asks later")
    if not yes:
        letters, ledger = read_letters(settings)
        chosen = [letter for letter in choice.of(letters, make_codec(settings)) if ledger.state(letter) in _TO_DO]
        click.echo(f"{_counted(chosen)} would be dropped. Nothing is dropped without --yes.", err=True)
        raise SystemExit(2)
    with letter_actions(settings, _who(by)) as actions:
        letters, _ = read_letters(settings)
        found = choice.of(letters, make_codec(settings))
        chosen = [letter for letter in found if choice.places or actions.ledger.state(letter) in _TO_DO]
        count, refused = _each(chosen, lambda letter: actions.drop(letter, reason.strip()), output)
    _end("dropped", count, refused + _say_unknown(choice, letters), output)


def _who(by: str | None) -> str:
    """Who acts, for the audit record."""
    if by is not None and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        raise ConfigurationError("this computer's user has no name: say with --by who acts, for the audit record") from None


def _require_choice(choice: Choice, everything: bool) -> None:
    if choice.is_all and not everything:
        raise click.UsageError("name PLACEs or filters, or give --all for every dead letter that is still to do")
    if everything and not choice.is_all:
        raise click.UsageError("--all goes with no PLACE and no filter")


def _each(chosen: Sequence[DeadLetter], act: Callable[[DeadLetter], AuditRecord], output: str | None) -> tuple[int, int]:
    """Act on dead letters in turn, and print each audit record as soon as it is true; how many were acted on, how many refused."""
    refused = 0
    for letter in chosen:
        try:
            record = act(letter)
        except RefusedActionError as problem:
            click.echo(f"kimberley: {problem}", err=True)
            refused += 1
            continue
        if is_jsonl(output):
            print_jsonl([record])
        else:
            click.echo(plain(audit_line(record)).plain)
    return len(chosen) - refused, refused


def _end(done: str, count: int, refused: int, output: str | None) -> None:
    if not is_jsonl(output):
        click.echo(f"{_number(count)} {done}")
    if refused:
        raise SystemExit(RefusedActionError.exit_status)


def _say_unknown(choice: Choice, letters: Sequence[DeadLetter]) -> int:
    """How many places are of no dead letter; each is told."""
    unknown = set(choice.places) - {letter.origin for letter in letters}
    for place in sorted(unknown, key=place_text):
        click.echo(f"kimberley: {_unknown(place)}", err=True)
    return len(unknown)


def _say_unclear(found: Sequence[DeadLetter], actions: LetterActions) -> None:
    left = sum(actions.ledger.state(letter) == "unclear" for letter in found)
    if left:
        click.echo(f"kimberley: {_number(left)} may have been sent by a replay that ended half-way; `list --state unclear`", err=True)


def _unknown(place: Origin) -> str:
    return f"no dead letter is of {place_text(place)}: it was read, is not there yet, or is older than 90 days"


def _number(count: int) -> str:
    return f"{count} {'dead letter' if count == 1 else 'dead letters'}"


def _counted(letters: Sequence[DeadLetter]) -> str:
    """How many, and of which stages."""
    counts = Counter(letter.stage or "unknown" for letter in letters)
    stages = f": {', '.join(f'{count} {name}' for name, count in counts.most_common())}" if letters else ""
    return f"{_number(len(letters))}{stages}"


def _row(letter: DeadLetter) -> list[Cell]:
    when = moment(letter.timestamp, 0, between="\n")
    return [plain(place_text(letter.origin)), when, plain(letter.stage), plain(letter.message), str(letter.attempts)]
