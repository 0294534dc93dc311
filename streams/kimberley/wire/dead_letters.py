"""Dead letters as they lie on their topic: what died, where and why."""

from dataclasses import dataclass
from typing import Any

from kimberley.model.case import Origin
from kimberley.wire.envelope import ERRORS, Headers, header, without_own

_MOST_DIGITS = 20
STAGES = ("frame", "schema", "decode", "envelope", "signature", "process")
"""Where a record can die, in the order in which it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One dead letter. `origin`: the record that died; `place`: the letter's own. `headers`: as the sender set them.

    `timestamp` is the dead record's, milliseconds since the epoch, UTC; `attempts` counts its deaths.
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
        headers=sent,
    )
