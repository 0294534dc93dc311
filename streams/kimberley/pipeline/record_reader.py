"""aiokafka's reading of fetched records, but for one thing: a header's name may be any bytes, as Kafka has it and some clients send it.

aiokafka takes names for UTF-8 and raises at the first that is not, with what it had read of other partitions lost on the way; the next
reader fares no better. Here the rest of such an answer is read once more, by the slower reader below. Good records cost what they did.
"""

from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import memory_records
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy

from kimberley.wire.raw_records import read_raw_record


class Records(memory_records.MemoryRecords):  # type: ignore[misc]
    """What was fetched of a partition, batch by batch, and its bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """As aiokafka's. Where a record can't be read it and what follows are tried leniently; what went before is not handed out again."""

    _records: Any
    _records_iterator: Any

    def __next__(self) -> Any:
        try:
            return next(self._records_iterator)
        except StopIteration:
            self._records_iterator = None
            raise
        except (UnicodeDecodeError, CorruptRecordException):  # the latter is what it becomes without the compiled reader
            if isinstance(self._records, _LenientRecords):
                raise
            self._records = _LenientRecords(self._records.data, self.next_fetch_offset)
            self._records_iterator = self._unpack_records()
            return next(self)


class _LenientRecords(memory_records._MemoryRecordsPy):  # type: ignore[misc]
    """What was fetched, from the batch on in which an offset lies."""

    _next_slice: memoryview | None
    _pos: int

    def __init__(self, data: bytes, offset: int) -> None:
        super().__init__(data)
        before = self._next_slice, self._pos
        while (batch := super().next_batch()) is not None and batch.next_offset <= offset:
            before = self._next_slice, self._pos
        self._next_slice, self._pos = before

    def next_batch(self) -> Any:
        whole = self._next_slice
        batch = super().next_batch()
        return batch if whole is None or whole[self.MAGIC_OFFSET] < 2 else _LenientBatch(whole)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch whose header names are read with escapes (`\\xfc`) for what is no UTF-8."""

    _pos: int

    def _read_msg(self) -> Any:
        raw = read_raw_record(self._buffer, self._pos)
        self._pos = raw.ends
        if raw.ends != raw.begins + raw.length:
            raise CorruptRecordException(f"a record of {raw.length} bytes ends {raw.ends - raw.begins - raw.length} bytes after its end")
        timestamp = self.max_timestamp if self.timestamp_type == self.LOG_APPEND_TIME else self.first_timestamp + raw.since_first
        headers = [(name.decode(errors="backslashreplace"), value) for name, value in raw.headers]
        return _DefaultRecordPy(self.base_offset + raw.offset, timestamp, self.timestamp_type, raw.key, raw.value, headers)
