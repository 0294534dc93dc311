"""Lineage messages on their topic: JSON, for they are read by people too; internal, so no schema of the contract."""

import msgspec

from kimberley.cases.intake import EARLIEST, LATEST
from kimberley.cases.limits import LONGEST_NUMBER
from kimberley.errors import UnreadableRecordError
from kimberley.model.lineage import LineageMessage
from kimberley.model.text import normalise_number, shown

_MOST_VERSION = 1 << 62

_decoder = msgspec.json.Decoder(LineageMessage)


def lineage_value(message: LineageMessage) -> bytes:
    """The record's value."""
    return msgspec.json.encode(message)


def read_lineage(value: bytes | None) -> LineageMessage:
    """The message of a value. Raises UnreadableRecordError."""
    try:
        message = _decoder.decode(value or b"")
    except msgspec.MsgspecError as problem:
        raise UnreadableRecordError("decode", f"no lineage message: {problem}") from None
    # of another form it would be another certificate's case, or none at all
    if any(not 0 < len(number) <= LONGEST_NUMBER or number != normalise_number(number) for number in (message.to, message.by)):
        raise UnreadableRecordError("decode", f"no lineage message: from {shown(message.by)} to {shown(message.to)}")
    if not (EARLIEST <= message.at < LATEST and 0 <= message.version < _MOST_VERSION):
        raise UnreadableRecordError("decode", f"no lineage message: at {message.at}, version {message.version}")
    return message
