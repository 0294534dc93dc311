"""What a partition number knows besides its cases; kept with them."""

import msgspec

STATE_KEY = b"\x00state"
"""Its key in the cases' changelog; no certificate number has such a character."""


class PartitionState(msgspec.Struct, frozen=True):
    """`clock`: event time, milliseconds since the epoch; it never goes back. `revision`: of the reference data that judges here.

    `is_reevaluated`: every case has been judged anew by that revision. `applied`: by input topic, the offset after the last record that
    is in the cases: known also when the group's own offsets have expired. `is_whole`: every case is there; False while a rebuild is under
    way, and after one that was interrupted.
    """

    clock: int = 0
    revision: str = ""
    is_reevaluated: bool = True
    applied: dict[str, int] = {}
    is_whole: bool = True


_decoder = msgspec.json.Decoder(PartitionState)


def pack_state(state: PartitionState) -> bytes:
    """The state as bytes."""
    return msgspec.json.encode(state)


def unpack_state(packed: bytes) -> PartitionState:
    """The state of `pack_state`. Raises msgspec.MsgspecError on other bytes."""
    return _decoder.decode(packed)
