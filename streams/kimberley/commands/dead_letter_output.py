"""A dead letter for people, and as JSON: why it died, its headers, its bytes, and what can be read of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from kimberley.commands.event_words import without_private
from kimberley.commands.output import console, plain
from kimberley.errors import ServiceUnavailableError, UnreadableRecordError
from kimberley.model.events import instant_text
from kimberley.wire.audit import AuditRecord
from kimberley.wire.avro import Codec
from kimberley.wire.dead_letters import DeadLetter, place_text
from kimberley.wire.records import TYPE_NAMES, json_from_record

_DUMPED = 1024
_A_LINE = 16
_MAGIC = 0


class Reading(NamedTuple):
    """What can be read of a value. `how`: how far that goes, and what to do; `fields`: in JSON form where the type is known."""

    how: str
    type_name: str = ""
    fields: dict[str, Any] = {}  # noqa: RUF012


def summary_json(letter: DeadLetter, sender: str, state: str, last: AuditRecord | None) -> dict[str, Any]:
    """A dead letter without its bytes, and what was done to it last; instants are RFC 3339."""
    return {
        "place": place_text(letter.origin),
        "topic": letter.origin.topic,
        "partition": letter.origin.partition,
        "offset": letter.origin.offset,
        "dead_letter": place_text(letter.place),
        "timestamp": instant_text(letter.timestamp),
        "stage": letter.stage,
        "exception": letter.exception,
        "message": letter.message,
        "attempts": letter.attempts,
        "state": state,
        "replay_of": None if letter.replay_of is None else place_text(letter.replay_of),
        "audit": last,
        "authority": sender or None,
        "key": _text(letter.key),
        "bytes": None if letter.value is None else len(letter.value),
    }


def audit_line(record: AuditRecord) -> str:
    """What was done, by whom, when and why, in one line."""
    died = f"stage {record.stage or 'unknown'}, {record.attempts} {'attempt' if record.attempts == 1 else 'attempts'}"
    why = f": {record.reason}" if record.reason else ""
    done = {
        "replay": f"replayed {record.letter} ({died}) to {record.replayed_to}",
        "replay-begun": f"began to replay {record.letter} ({died}); whether it was sent is not recorded",
        "drop": f"dropped {record.letter} ({died})",
    }[record.action]
    from_letter = "; the record itself lies there no more, its bytes are the dead letter's" if record.source == "letter" else ""
    return f"{record.at} {record.by} {done}{from_letter}{why}"


def letter_json(letter: DeadLetter, summary: Mapping[str, Any], answer: str | None, codec: Codec, *, names: bool) -> dict[str, Any]:
    """A dead letter with its headers, its bytes in hexadecimal, and what can be read of them. `answer`: what its replay came to."""
    reading = read_value(letter, codec, names=names)
    return {
        **summary,
        "answer": answer,
        "stacktrace": letter.stacktrace,
        "headers": [{"name": name, "value": _text(value)} for name, value in letter.headers],
        "value_hex": None if letter.value is None else letter.value.hex(),
        "reading": {"how": reading.how, "type": reading.type_name, "fields": reading.fields},
    }


def print_letter(letter: DeadLetter, done: Sequence[str], codec: Codec, *, everything: bool, names: bool) -> None:
    """A dead letter on standard output. `done`: what was done about it, a sentence each."""
    out = console()
    out.print(
        Text.assemble(plain(place_text(letter.origin), "bold"), ("   dead letter at ", "dim"), plain(place_text(letter.place), "dim"))
    )
    out.print()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("stage", plain(letter.stage, "bold red"))
    grid.add_row("why", plain(letter.message))
    grid.add_row("exception", plain(letter.exception))
    grid.add_row("attempts", str(letter.attempts))
    if letter.replay_of is not None:
        grid.add_row("replay of", plain(place_text(letter.replay_of)))
    for index, sentence in enumerate(done):
        grid.add_row("" if index else "done", plain(sentence))
    grid.add_row("when", instant_text(letter.timestamp))
    grid.add_row("key", plain(_text(letter.key) or "none"))
    for index, (name, value) in enumerate(letter.headers):
        grid.add_row("headers" if index == 0 else "", Text.assemble(plain(name), "  ", plain(_text(value) or "")))
    if not letter.headers:
        grid.add_row("headers", Text("none", style="dim"))
    out.print(grid)
    if letter.stacktrace:
        out.print()
        out.print(plain(letter.stacktrace.rstrip(), "dim"))
    out.print()
    if letter.value is None:
        out.print(Text("No value", style="bold"))
    else:
        out.print(Text(f"Value, {len(letter.value):,} bytes", style="bold"))
        for line in dump(letter.value if everything else letter.value[:_DUMPED]):
            out.print(line, soft_wrap=True)
        if not everything and len(letter.value) > _DUMPED:
            out.print(Text(f"{len(letter.value) - _DUMPED:,} bytes more; --all dumps them", style="dim"))
    out.print()
    _print_reading(read_value(letter, codec, names=names))


def dump(value: bytes) -> Iterator[Text]:
    """Sixteen bytes a line: offset, hexadecimal, and the letters of ASCII."""
    for start in range(0, len(value), _A_LINE):
        row = value[start : start + _A_LINE]
        halves = "  ".join(row[half : half + 8].hex(" ") for half in (0, 8) if row[half : half + 8])
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield Text.assemble((f"{start:08x}", "dim"), f"  {halves:<49} ", (f"|{letters}|", "cyan"))


def read_value(letter: DeadLetter, codec: Codec, *, names: bool) -> Reading:
    """What a dead letter's value says, as far as it can be read."""
    value = letter.value
    if value is None:
        return Reading("there is nothing to read")
    if len(value) < 5 or value[0] != _MAGIC:
        return Reading(_other_form(value))
    schema_id = int.from_bytes(value[1:5], "big")
    try:
        try:
            type_name, fields = codec.decode(letter.origin.topic, value)
            how = f"the whole record can be read, by schema {schema_id}"
        except UnreadableRecordError:
            type_name, fields = codec.decode_partly(value)
            if not type_name:
                return Reading(f"framing of Confluent's kind with schema id {schema_id}, which nobody has")
            how = f"{len(fields)} leading fields can be read by schema {schema_id}; the more is broken, the less they mean"
    except ServiceUnavailableError as problem:
        return Reading(f"schema id {schema_id}; the registry can't be asked: {problem}")
    shown = _json_form(type_name, fields)
    return Reading(how, type_name, shown if names else without_private(shown))


def _json_form(type_name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """An event's JSON form; a broken one's fields as they were read where they have none."""
    if type_name in TYPE_NAMES:
        try:
            return json_from_record(type_name, fields)
        except (ValueError, TypeError, AttributeError, OverflowError):
            pass
    return {name: value if isinstance(value, int | bool) else str(value) for name, value in fields.items() if value is not None}


def _other_form(value: bytes) -> str:
    """What a value without framing looks like, and what to do about it."""
    advice = "encode it with Avro in Confluent framing, as `kimberley publish` does"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"no framing: it does not begin with 0x00 and a schema id; {advice}"
    try:
        kind = "JSON" if isinstance(json.loads(text), dict | list) else "text"
    except ValueError:
        kind = "text"
    return f"no framing, but {kind}: {advice}"


def _print_reading(reading: Reading) -> None:
    out = console()
    out.print(Text("What it says", style="bold"))
    out.print(plain(reading.how))
    if not reading.fields:
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in reading.fields.items():
        grid.add_row(plain(name), plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)))
    out.print(grid)


def _text(value: bytes | None) -> str | None:
    """Bytes as text, what is no UTF-8 escaped."""
    return None if value is None else value.decode(errors="backslashreplace")
