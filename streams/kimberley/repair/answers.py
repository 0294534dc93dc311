"""What decisions and dead letters say of the input records that they answer."""

from array import array
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from kimberley.errors import UnreadableRecordError
from kimberley.model.case import Origin
from kimberley.wire.avro import Codec
from kimberley.wire.dead_letters import dead_letter
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS

DEAD = "DEAD"
"""The outcome of a record that became a dead letter."""
_OUTCOMES = ("ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED", DEAD, "other")
_NONE = -1
_UNTOLD = 0
_CHECKSUMS = 1 << 20


class Answer(NamedTuple):
    """`outcome`: a decision's, DEAD, or `other` where a later version says what this one does not know. `place`: grows from answer to
    answer of one partition number, in the order in which they were given.
    """

    outcome: str
    place: int
    checksum: int

    def may_answer(self, event_id: str) -> bool:
        """Whether it was given to that event, as far as it tells; else the topic was made anew, and it answers what lay there before."""
        return self.checksum in (_UNTOLD, _checksum(event_id))


class Answers:
    """The answers that one partition number gave, some eight bytes each. Of several to one record the last counts: without transactions
    a worker may answer, die before it stores what that came to, and answer anew.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._near: dict[str, array[int]] = {}
        self._far: dict[Origin, int] = {}
        self._given = 0

    def add(self, origin: Origin, outcome: str, event_id: str = "") -> None:
        """Note an answer; `event_id`: the event that it names, empty where it names none."""
        packed = self._given * len(_OUTCOMES) + _OUTCOMES.index(outcome if outcome in _OUTCOMES else "other")
        packed = packed * _CHECKSUMS + (_checksum(event_id) if event_id else _UNTOLD)
        self._given += 1
        if origin.partition != self._number:  # re-routed: few, and of high offsets
            self._far[origin] = packed
            return
        known = self._near.setdefault(origin.topic, array("q"))
        if origin.offset >= len(known):
            known.extend([_NONE] * (origin.offset + 1 - len(known)))
        known[origin.offset] = packed

    def to(self, origin: Origin) -> Answer | None:
        """The answer to a record, None where there is none."""
        if origin.partition != self._number:
            packed = self._far.get(origin, _NONE)
        else:
            known = self._near.get(origin.topic)
            packed = known[origin.offset] if known is not None and origin.offset < len(known) else _NONE
        if packed == _NONE:
            return None
        packed, checksum = divmod(packed, _CHECKSUMS)
        place, outcome = divmod(packed, len(_OUTCOMES))
        return Answer(_OUTCOMES[outcome], place, checksum)

    def count(self, *outcomes: str) -> int:
        """How many records were answered so."""
        wanted = {_OUTCOMES.index(outcome) for outcome in outcomes}
        packed = chain(self._far.values(), *self._near.values())
        return sum(1 for each in packed if each != _NONE and each // _CHECKSUMS % len(_OUTCOMES) in wanted)


def _checksum(event_id: str) -> int:
    return 1 + crc32(event_id.encode(errors="replace")) % (_CHECKSUMS - 1)


def read_answer(record: Any, codec: Codec) -> tuple[Origin, str, str] | None:
    """The input record that a record of `decisions` or `dead-letters` answers, the outcome, and the event's id (empty: not told).

    None: it answers none that can be told.
    """
    if record.topic == DEAD_LETTERS:
        letter = dead_letter(record)
        return None if letter.origin.topic == DEAD_LETTERS else (letter.origin, DEAD, "")
    decision_id, outcome, event_id = b"", b"", b""
    for name, value in record.headers:
        if name == "ce_id":
            decision_id = value
        elif name == "kp_outcome":
            outcome = value
        elif name == "kp_event_id":
            event_id = value
    parts = decision_id.rsplit(b"/", 2)
    if outcome and len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return (
            Origin(parts[0].decode(errors="replace"), int(parts[1]), int(parts[2])),
            outcome.decode(errors="replace"),
            event_id.decode(errors="replace"),
        )
    try:
        fields = codec.decode(DECISIONS, record.value)[1]
    except UnreadableRecordError:
        return None
    return Origin(fields["input_topic"], fields["input_partition"], fields["input_offset"]), fields["outcome"], fields["event_id"]
