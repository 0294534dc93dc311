"""Dead letters as they lie on their topic: what died, where and why."""

import re
from dataclasses import dataclass
from typing import Any

from kimberley.model.case import Origin
from kimberley.wire.envelope import ERRORS, REPLAY, Headers, header, without_own

_MOST_DIGITS = 20
STAGES = ("frame", "schema", "decode", "envelope", "signature", "process")
"""Where a record can die, in the order in which it is read."""

_PLACE = re.compile(r"(?P<topic>[A-Za-z0-9._-]+)(?:-(?P<p1>\d+)@(?P<o1>\d+)|/(?P<p2>\d+)/(?P<o2>\d+))")


def place_text(place: Origin) -> str:
    """`shipments-3@1042`."""
    return f"{place.topic}-{place.partition}@{place.offset}"


def parse_place(text: str) -> Origin | None:
    """Where a record lies, of `topic-partition@offset` or a decision's id, `topic/partition/offset`; None of anything else."""
    found = _PLACE.fullmatch(text.strip())
    return Origin(found["topic"], int(found["p1"] or found["p2"]), int(found["o1"] or found["o2"])) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One dead letter. `origin`: the record that died; `place`: the letter's own. `headers`: as the sender set them.

    `timestamp` is the dead record's, milliseconds since the epoch, UTC; `attempts` counts its deaths, and `replay_of` is where it lay
    when it died before.
    """

    origin: Origin
    place: Origin
    timestamp: int
    stage: str
    exception: str
    message: str
    stacktrace: str
    attempts: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    replay_of: Origin | None = None

    @property
    def sender(self) -> str:
        """The authority that the header `ce_source` names, empty where it names none."""
        parts = (header(self.headers, "ce_source") or "").split("/")
        return parts[2].upper() if len(parts) > 2 and parts[1] == "kp" else ""


def dead_letter(record: Any) -> DeadLetter:
    """The dead letter of a record of the topic. What its headers do not say is empty; its origin is then its own place."""
    place = Origin(record.topic, record.partition, record.offset)
    headers: Headers = list(record.headers or ())
    sent, deaths = without_own(headers)

    def why(name: str) -> str:
        return header(headers, f"{ERRORS}{name}") or ""

    topic, partition, offset = why("topic"), why("partition"), why("offset")
    known = topic and all(len(number) < _MOST_DIGITS and number.isascii() and number.isdigit() for number in (partition, offset))
    return DeadLetter(
        origin=Origin(topic, int(partition), int(offset)) if known else place,
        place=place,
        timestamp=record.timestamp,
        stage=why("stage"),
        exception=why("exception"),
        message=why("message"),
        stacktrace=why("stacktrace"),
        attempts=deaths,
        key=record.key,
        value=record.value,
        headers=[each for each in sent if not each[0].startswith(REPLAY)],
        replay_of=parse_place(header(sent, f"{REPLAY}of") or ""),
    )
