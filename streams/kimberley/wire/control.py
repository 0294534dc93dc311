"""Records of the control topic: the stream's clock, and the reference revision by which it judges from then on."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from kimberley.errors import UnreadableRecordError

FIRST, LAST = -2_208_988_800_000, 7_258_118_400_000
"""The years 1900 to 2199, as of events."""


class Control(msgspec.Struct, frozen=True):
    """`time`: what the clock shows, milliseconds since the epoch, UTC. `revision`: of the reference data; empty: as before."""

    time: int
    revision: str = ""


_decoder = msgspec.json.Decoder(Control)


def control_value(control: Control) -> bytes:
    """The record's value: JSON, for it is read by people too."""
    return msgspec.json.encode(control)


def read_control(value: bytes | None) -> Control:
    """The control record of a value. Raises UnreadableRecordError."""
    try:
        control = _decoder.decode(value or b"")
    except msgspec.MsgspecError as problem:
        raise UnreadableRecordError("decode", f"no control record: {problem}") from None
    if not FIRST <= control.time < LAST:
        raise UnreadableRecordError("decode", f"a control record's time, {control.time}, lies outside the years 1900 to 2199")
    return control


def readable_controls(values: Iterable[bytes | None]) -> Iterator[Control]:
    """The control records among values."""
    for value in values:
        with suppress(UnreadableRecordError):
            yield read_control(value)


def latest(controls: Iterable[Control]) -> Control:
    """What several control records, in their order, come to: the clock never goes back, the last revision named counts."""
    time, revision = FIRST, ""
    for control in controls:
        time, revision = max(time, control.time), control.revision or revision
    return Control(time, revision)
