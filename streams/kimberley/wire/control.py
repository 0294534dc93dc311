"""Records of the control topic: the stream's clock, and the reference revision by which it judges from then on."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Protocol

import msgspec

from kimberley.errors import UnreadableRecordError

FIRST, LAST = -2_208_988_800_000, 7_258_118_400_000
"""The years 1900 to 2199, as of events."""


class Control(msgspec.Struct, frozen=True):
    """`time`: what the clock shows, milliseconds since the epoch, UTC. `revision`: of the reference data; empty: as before."""

    time: int
    revision: str = ""


class Tick(msgspec.Struct, frozen=True):
    """A control record as it is written. `time` None: when the broker took it in, so that no worker's clock counts."""

    time: int | None
    revision: str = ""


class Stamped(Protocol):
    """What is read of a consumed record. `timestamp`: the broker's, milliseconds since the epoch."""

    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


_decoder = msgspec.json.Decoder(Tick)


def control_value(control: Control | Tick) -> bytes:
    """The record's value: JSON, for it is read by people too."""
    return msgspec.json.encode(control)


def read_control(record: Stamped) -> Control:
    """The control record of a record. Raises UnreadableRecordError.

    A time later than the record's own timestamp is cut to that: whoever wrote it had a wrong clock, and the stream's never goes back.
    """
    try:
        tick = _decoder.decode(record.value or b"")
    except msgspec.MsgspecError as problem:
        raise UnreadableRecordError("decode", f"no control record: {problem}") from None
    time = record.timestamp if tick.time is None else min(tick.time, record.timestamp)
    if not FIRST <= time < LAST:
        raise UnreadableRecordError("decode", f"a control record's time, {time}, lies outside the years 1900 to 2199")
    return Control(time, tick.revision)


def readable_controls(records: Iterable[Stamped]) -> Iterator[Control]:
    """The control records among records."""
    for record in records:
        with suppress(UnreadableRecordError):
            yield read_control(record)


def latest(controls: Iterable[Control]) -> Control:
    """What several control records, in their order, come to: the clock never goes back, the last revision named counts."""
    time, revision = FIRST, ""
    for control in controls:
        time, revision = max(time, control.time), control.revision or revision
    return Control(time, revision)
