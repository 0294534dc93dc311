"""What record headers say: CloudEvents' attributes, traces that pass through, where a re-routed record came from, why a record is dead."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from kimberley.errors import UnreadableRecordError
from kimberley.model.case import Origin
from kimberley.model.events import instant_text

Headers = list[tuple[str, bytes]]

CONTENT_TYPE = ("content-type", b"application/avro")
SPEC_VERSION = ("ce_specversion", b"1.0")
PASSED_THROUGH = ("traceparent", "tracestate")
ORIGIN_HEADERS = ("__kimberley.origin.topic", "__kimberley.origin.partition", "__kimberley.origin.offset", "__kimberley.origin.timestamp")
ERRORS = "__kimberley.errors."
"""Begins the name of every header that says why and where a record died."""
REPLAY = "__kimberley.replay."
"""Begins the name of the headers by which a record that was sent again says of which dead letter it is."""
MOST_LETTER_BYTES = 7 << 20
"""A record that is larger, with key and headers, is cut before it goes on: its topic takes 8 MB."""
_MOST_CUT = 1 << 20
_MOST_HEADERS = 1000
_MOST_PASSED = 8
_LONGEST_COUNT = 9
_LONGEST_PASSED = 1024
"""What passes through goes to each output; the traces' standard asks for 512 characters."""
_LONGEST_WORDS = {"topic": 300, "message": 2_000, "stacktrace": 20_000}
_MOST_INT, _MOST_LONG = (1 << 31) - 1, (1 << 63) - 1
_MOST_TIME = 1 << 53
_WORD = re.compile(r"[A-Z][a-z]+")


def header(headers: Iterable[tuple[str, bytes]], name: str) -> str | None:
    """The last value of a header as text, None where it is absent or no UTF-8."""
    found: str | None = None
    for key, value in headers:
        if key == name:
            found = _text(value)
    return found


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def claims(headers: Iterable[tuple[str, bytes | None]]) -> tuple[str | None, Headers]:
    """What the last `ce_id` says (None: no UTF-8, or absent), and the headers that go on to every output."""
    claimed: str | None = None
    passed: Headers = []
    for name, value in headers:
        if name == "ce_id":
            claimed = _text(value)
        elif name in PASSED_THROUGH and value is not None and len(value) <= _LONGEST_PASSED and len(passed) < _MOST_PASSED:
            passed.append((name, value))
    return claimed, passed


@cache
def event_type(type_name: str) -> str:
    """CloudEvents' type of an event: `kp.certificate.issued.v1` of `CertificateIssued`."""
    return f"kp.{'.'.join(word.lower() for word in _WORD.findall(type_name))}.v1"


def event_headers(type_name: str, fields: Mapping[str, Any]) -> Headers:
    """CloudEvents attributes (binary mode) of an event."""
    authority, office = fields["authority"], fields.get("office")
    source = f"/kp/{authority}/{office}" if office else f"/kp/{authority}"
    time = instant_text(fields["occurred_at"], fields.get("utc_offset_minutes", 0))
    return [
        SPEC_VERSION,
        ("ce_id", fields["event_id"].encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type(type_name).encode()),
        ("ce_time", time.encode()),
        CONTENT_TYPE,
    ]


def origin_headers(origin: Origin, timestamp: int) -> Headers:
    """Where a record that is forwarded came from; `timestamp` in milliseconds since the epoch."""
    values = (origin.topic, origin.partition, origin.offset, timestamp)
    return [(name, str(value).encode()) for name, value in zip(ORIGIN_HEADERS, values, strict=True)]


def parse_origin(headers: Sequence[tuple[str, bytes]]) -> tuple[Origin, int]:
    """The origin and timestamp of a forwarded record. Raises UnreadableRecordError (stage envelope) where they are not stated."""
    topic, *numbers = (header(headers, name) for name in ORIGIN_HEADERS)
    try:
        partition, offset, timestamp = (int(number or "") for number in numbers)
    except ValueError:
        topic = None
    if not topic or not (0 <= partition <= _MOST_INT and 0 <= offset <= _MOST_LONG and abs(timestamp) <= _MOST_TIME):
        raise UnreadableRecordError("envelope", "a forwarded record without the headers that say where it came from")
    return Origin(topic, partition, offset), timestamp


def dead_letter_headers(
    topic: str, partition: int, offset: int, stage: str, problem: BaseException, trace: str, attempts: int = 1
) -> Headers:
    """Why and where a record died, all strings (the contract)."""
    values = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "stage": stage,
        "exception": type(problem).__name__,
        "message": problem,
        "stacktrace": trace,
        "attempts": attempts,
    }
    return [(f"{ERRORS}{name}", str(value)[: _LONGEST_WORDS.get(name)].encode(errors="replace")) for name, value in values.items()]


def without_own(headers: Iterable[tuple[str, bytes]]) -> tuple[Headers, int]:
    """A record's headers as its sender set them, and how often it died before."""
    kept = [(key, value) for key, value in headers if key not in ORIGIN_HEADERS and not key.startswith(ERRORS)]
    before = header(headers, f"{ERRORS}attempts")
    return kept, int(before) if before and len(before) <= _LONGEST_COUNT and before.isascii() and before.isdigit() else 0


def record_size(record: Any) -> int:
    """Bytes of a record's key, value and headers."""
    headers = sum([len(name) + len(value or b"") for name, value in record.headers])
    return len(record.key or b"") + len(record.value or b"") + headers


def fitting(record: Any, headers: Headers) -> tuple[bytes | None, bytes | None, Headers, int]:
    """Key, value and headers (given) of a record as its dead letter has them, and about their bytes.

    They are the record's own, unless these do not fit the topic, as a record may be that was packed tightly: then only their beginning is
    kept, and two headers say what the whole value was, its size in bytes and its SHA-256.
    """
    key, value = record.key, record.value
    size = record_size(record)
    if size <= MOST_LETTER_BYTES:
        return key, value, headers, size
    whole = value or b""
    said = [(f"{ERRORS}value_size", str(len(whole)).encode()), (f"{ERRORS}value_sha256", sha256(whole).hexdigest().encode())]
    few = [(name[:_LONGEST_PASSED], (given or b"")[:_LONGEST_PASSED]) for name, given in headers[:_MOST_HEADERS]]
    return key and key[:_LONGEST_PASSED], value and value[:_MOST_CUT], [*few, *said], 2 * _MOST_CUT


def replay_headers(headers: Iterable[tuple[str, Any]], origin: Origin, letter: Origin, attempts: int) -> list[tuple[str, Any]]:
    """A dead record's headers as its sender set them, then where it lay, where its dead letter lies, and how often it has died."""
    kept = [(key, value) for key, value in without_own(headers)[0] if not key.startswith(REPLAY)]
    links = ((f"{REPLAY}of", origin), (f"{REPLAY}letter", letter))
    added = [(name, f"{place.topic}/{place.partition}/{place.offset}".encode()) for name, place in links]
    return [*kept, *added, (f"{ERRORS}attempts", str(attempts).encode())]
