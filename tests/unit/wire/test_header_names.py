"""Header names that are no UTF-8, read and written by kafka-python."""

from typing import Any

import pytest
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords

from kimberley.wire.header_names import RawName, _Batch, _Records


class Latin1(str):
    """A name that a sender writes in another encoding."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return super().encode("latin-1")


ROWS: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
    (1_000, b"k", b"one", [("sound-ü", b"x")]),
    (1_005, None, b"two", [("a", b"b"), (Latin1("absender-ü"), b"x"), (Latin1("ÿ"), None), ("a", b"c")]),
    (1_003, b"", None, []),
    (9_000, b"k" * 300, b"v" * 3_000, [(Latin1("é" * 200), b"y" * 200)]),
]


def written(compression: int, rows: list[Any]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 1 << 20)
    for index, (timestamp, key, value, headers) in enumerate(rows):
        builder.append(index, timestamp, key, value, headers)
    return bytes(builder.build())


@pytest.mark.parametrize("compression", [DefaultRecordBatch.CODEC_NONE, DefaultRecordBatch.CODEC_GZIP])
def test_every_record_is_read_whole_and_names_keep_their_bytes(compression: int) -> None:
    read = list(_Records(written(compression, ROWS) + written(0, ROWS[:1])))
    assert [type(batch) for batch in read] == [_Batch, _Batch]
    records = list(read[0])
    for index, (record, (timestamp, key, value, headers)) in enumerate(zip(records, ROWS, strict=True)):
        assert (record.offset, record.timestamp, record.key, record.value) == (index, timestamp, key, value)
        assert [(name.encode("utf-8"), content) for name, content in record.headers] == [(n.encode("utf-8"), c) for n, c in headers]
    assert records[1].headers[1][0] == r"absender-\xfc", "to read"
    assert [record.value for record in read[1]] == [b"one"]


def test_what_is_written_again_is_the_same_bytes() -> None:
    once = written(0, ROWS)
    (batch,) = _Records(once)
    assert written(0, [(each.timestamp, each.key, each.value, each.headers) for each in batch]) == once


def test_without_it_the_reader_gives_up() -> None:
    """When this fails kafka-python reads such names itself, and this module can go."""
    (batch,) = MemoryRecords(written(0, ROWS))
    with pytest.raises(Exception, match="utf-8"):
        list(batch)


def test_sound_names_are_plain_text() -> None:
    (batch,) = _Records(written(0, ROWS))
    kinds = [[type(name) for name, _ in record.headers] for record in batch]
    assert kinds == [[str], [str, RawName, RawName, str], [], [RawName]]
