"""Lineage messages on their topic: JSON, for they are read by people too; internal, so no schema of the contract."""

import msgspec

from kimberley.errors import UnreadableRecordError
from kimberley.model.lineage import LineageMessage

_decoder = msgspec.json.Decoder(LineageMessage)


def lineage_value(message: LineageMessage) -> bytes:
    """The record's value."""
    return msgspec.json.encode(message)


def read_lineage(value: bytes | None) -> LineageMessage:
    """The message of a value. Raises UnreadableRecordError."""
    try:
        return _decoder.decode(value or b"")
    except msgspec.MsgspecError as problem:
        raise UnreadableRecordError("decode", f"no lineage message: {problem}") from None
