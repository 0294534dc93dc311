"""Where reference data comes from: what ships, files in the same form, or reference events; and what the topics hold."""

from pathlib import Path

import click

from kimberley.cases.check import ReferenceInput, RefusedInput
from kimberley.commands.event_files import read_inputs
from kimberley.errors import ConfigurationError
from kimberley.reference.files import read_measures, read_participants, shipped_reference
from kimberley.reference.reference import Reference
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.reference_revisions import complete_references, newest_reference
from kimberley.wire.topics import REFERENCE_TOPICS

_NOTHING = Reference((), ())

from_option = click.option(
    "--from",
    "source",
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE|FOLDER",
    help="participants.csv, measures.toml, reference events (.jsonl), or a folder that holds them, instead of what ships",
)


def held_reference(settings: Settings) -> Reference | None:
    """The newest complete revision on the topics, None where there is none; records at fault are named on standard error."""
    return newest_reference(settings, make_codec(settings), _tell)


def required_reference(settings: Settings) -> Reference:
    """The newest complete revision on the topics. Raises ConfigurationError that says what to run where there is none."""
    return required_revisions(settings)[-1]


def required_revisions(settings: Settings) -> list[Reference]:
    """Every complete revision on the topics, in order. Raises ConfigurationError that says what to run where there is none."""
    found = complete_references(settings, make_codec(settings), _tell)
    if not found:
        raise ConfigurationError(
            f"the topics {', '.join(REFERENCE_TOPICS)} hold no complete reference data: run `kimberley reference load`"
        )
    return found


def wanted_reference(source: Path | None, held: Reference | None) -> Reference:
    """What the topics would hold after a load: the source's records, and what it says nothing of as the topics have it.

    What ships has no notices, so they stay. Reference events are added, or replace those of the same code or id; a file of
    participants or measures is all of its kind. Raises ConfigurationError with file and place.
    """
    if source is None:
        shipped = shipped_reference()
        return _with(held, participants=shipped, measures=shipped)
    files = [source] if source.is_file() else [source / name for name in ("participants.csv", "measures.toml", "notices.jsonl")]
    present = [file for file in files if file.is_file()]
    if not present:
        raise ConfigurationError(f"{source} holds none of participants.csv, measures.toml and notices.jsonl")
    for file in present:
        held = _taken_from(file, held)
    assert held is not None
    return held


def _taken_from(file: Path, held: Reference | None) -> Reference:
    try:
        match file.suffix:
            case ".csv":
                return _with(held, participants=Reference(read_participants(file), ()))
            case ".toml":
                return _with(held, measures=Reference((), read_measures(file)))
            case ".jsonl" | ".json":
                return _with_events(file, held)
    except (UnicodeDecodeError, OSError) as problem:
        raise ConfigurationError(f"{file}: {problem}") from None
    raise ConfigurationError(f"{file}: give a .csv of participants, a .toml of measures, or a .jsonl of reference events")


def _with_events(file: Path, held: Reference | None) -> Reference:
    inputs, unreadable = read_inputs([file])
    records = []
    for each in inputs:
        match each:
            case ReferenceInput():
                records.append(each.record)
            case RefusedInput():
                unreadable += 1
                for fault in each.faults:
                    click.echo(f"{file}, line {each.origin.offset}: {fault.field or 'event'}: {fault.message}", err=True)
            case _:
                unreadable += 1
                click.echo(f"{file}, line {each.origin.offset}: {type(each.event).__name__} is no reference event", err=True)
    if unreadable:
        raise ConfigurationError(f"{file}: {unreadable} of its lines can't be taken in; nothing was done")
    return (held or _NOTHING).replace(records)


def _with(held: Reference | None, *, participants: Reference | None = None, measures: Reference | None = None) -> Reference:
    """What is held, with all participants or measures of another state in the place of its own."""
    base = held or _NOTHING
    return Reference(
        (participants or base).participants.by_code.values(), (measures or base).measures.by_id.values(), base.notices.values()
    )


def _tell(name: str, **details: object) -> None:
    click.echo(f"{name.replace('_', ' ')}: {', '.join(f'{key} {value}' for key, value in details.items())}", err=True)
