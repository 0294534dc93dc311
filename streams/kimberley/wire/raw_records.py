"""A record of Kafka's message format 2 as it lies in its batch, header names as bytes: clients take these for UTF-8, Kafka does not."""

from typing import NamedTuple

Buffer = bytes | bytearray | memoryview


class RawRecord(NamedTuple):
    """`length`: what the record says of its bytes; `begins` and `ends`: where those begin, and where reading ended.

    `since_first`, `offset`: timestamp (milliseconds) and offset, counted from the batch's.
    """

    length: int
    begins: int
    ends: int
    since_first: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[bytes, bytes | None]]


def read_raw_record(buffer: Buffer, position: int) -> RawRecord:
    """The record at a position. Raises IndexError where the buffer ends within a number."""
    length, begins = _number(buffer, position)
    _, position = _number(buffer, begins)  # attributes, of which there are none
    since_first, position = _number(buffer, position)
    offset, position = _number(buffer, position)
    key, position = _bytes(buffer, position)
    value, position = _bytes(buffer, position)
    count, position = _number(buffer, position)
    headers = []
    for _ in range(count):
        name, position = _bytes(buffer, position)
        content, position = _bytes(buffer, position)
        headers.append((name or b"", content))
    return RawRecord(length, begins, position, since_first, offset, key, value, headers)


def _number(buffer: Buffer, position: int) -> tuple[int, int]:
    """A zigzag number of several bytes, seven bits each, least first; and the position behind it."""
    found = shift = 0
    while True:
        byte = buffer[position]
        position += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), position
        shift += 7


def _bytes(buffer: Buffer, position: int) -> tuple[bytes | None, int]:
    size, position = _number(buffer, position)
    return (None, position) if size < 0 else (bytes(buffer[position : position + size]), position + size)
