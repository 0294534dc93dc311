"""A header's name that is no UTF-8 is read with escapes; all else is read as aiokafka reads it, and nothing twice."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import memory_records
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy, _DefaultRecordBatchPy

from kimberley.pipeline import batch_transport
from kimberley.pipeline.record_reader import PartitionRecords, Records

PLACE = TopicPartition("shipments", 3)
NONE, GZIP = 0, 1
ABORTED, COMMITTED = 901, 902


class Latin(str):
    """A name that goes out in another encoding than UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return super().encode("latin-1")


def batch(offset: int, *names: str, compression: int = NONE, producer: int = -1) -> bytes:
    """A batch of as many records, each with a header of the name; it begins at the offset."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, producer >= 0, producer, 0, 0, 1 << 20)
    for index, name in enumerate(names):
        builder.append(index, 1000 + index, b"key", b"value %d" % (offset + index), [("ce_id", b"one"), (name, None), (name, b"x")])
    data = bytearray(builder.build())
    data[:8] = offset.to_bytes(8, "big")
    return bytes(data)


class PythonRecords(memory_records._MemoryRecordsPy):
    """`Records` where aiokafka was not compiled."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


@pytest.fixture(params=["compiled", "python"], autouse=True)
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka's two readers, of which a platform has one or both."""
    if request.param == "python":
        monkeypatch.setattr(memory_records, "DefaultRecordBatch", _DefaultRecordBatchPy)
        monkeypatch.setattr(f"{__name__}.Records", PythonRecords)


def read(data: bytes, *, start: int = 0, aborted: Sequence[tuple[int, int]] = ()) -> PartitionRecords:
    return PartitionRecords(PLACE, Records(data), list(aborted), start, None, None, True, fetcher.READ_COMMITTED)


def test_the_stream_s_consumer_reads_so() -> None:
    assert fetcher.MemoryRecords is batch_transport.Records
    assert fetcher.PartitionRecords is batch_transport.PartitionRecords


@pytest.mark.parametrize("compression", [NONE, GZIP])
@pytest.mark.parametrize("start", [0, 2, 4, 5])
def test_such_a_name_is_escaped_and_the_records_around_it_are_read_once(compression: int, start: int) -> None:
    umlaut = Latin("absender-ü")
    batches = {2: ("a", "b"), 5: ("c", umlaut, "d"), 7: (umlaut, "é")}
    data = b"".join(batch(end - len(names), *names, compression=compression) for end, names in batches.items() if end > start)
    records = read(data, start=start)
    found = list(records)
    assert [record.offset for record in found] == list(range(start, 7))
    assert records.next_fetch_offset == 7
    names = ["a", "b", "c", r"absender-\xfc", "d", r"absender-\xfc", "é"][start:]
    assert [record.headers for record in found] == [(("ce_id", b"one"), (name, None), (name, b"x")) for name in names]
    assert {(record.topic, record.partition, record.key) for record in found} == {("shipments", 3, b"key")}
    assert [record.value for record in found] == [b"value %d" % record.offset for record in found]


def test_all_of_a_record_is_read_as_aiokafka_reads_it() -> None:
    escaped, good = (list(read(batch(7, "a", name))) for name in (Latin("ü"), r"\xfc"))
    assert escaped == good


def test_what_an_aborted_transaction_wrote_stays_unread() -> None:
    umlaut = Latin("ü")
    data = batch(0, "a", producer=ABORTED) + batch(1, umlaut, producer=COMMITTED) + batch(2, umlaut, producer=ABORTED)
    data += batch(3, "b", producer=COMMITTED)
    assert [record.offset for record in read(data, aborted=[(ABORTED, 0)])] == [1, 3]


def test_a_damaged_batch_is_still_an_error() -> None:
    data = bytearray(batch(0, "a") + batch(1, "b"))
    data[-1] ^= 1
    records = read(bytes(data))
    assert next(records).offset == 0
    with pytest.raises(CorruptRecordException):
        next(records)
