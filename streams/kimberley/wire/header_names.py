"""kafka-python's reading of fetched records, but for one thing: a header's name may be any bytes, as Kafka has it and some clients send it.

kafka-python takes names for UTF-8 and gives up a partition at the first that is not. Good records cost what they did.
"""

from typing import Any

from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords

from kimberley.wire.raw_records import read_raw_record


class RawName(str):
    """A header's name that is no UTF-8: text with escapes (`\\xfc`) to read, and its own bytes wherever a producer encodes it."""

    __slots__ = ("raw",)

    raw: bytes

    def __new__(cls, raw: bytes) -> "RawName":
        name = super().__new__(cls, raw.decode(errors="backslashreplace"))
        name.raw = raw
        return name

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The bytes as they came, whatever the encoding."""
        return self.raw


def read_any_names(consumer: Any) -> None:
    """Have a KafkaConsumer, before it has read anything, hand out header names that are no UTF-8 as `RawName`."""
    consumer._fetcher.PartitionRecords = _PartitionRecords


class _Batch(DefaultRecordBatch):  # type: ignore[misc]
    _pos: int

    def _read_msg(self, *arguments: Any) -> Any:
        start = self._pos
        try:
            return super()._read_msg(*arguments)
        except UnicodeDecodeError:
            self._pos = start
            return self._read_any_names()

    def _read_any_names(self) -> DefaultRecord:
        raw = read_raw_record(self._buffer, self._pos)
        self._pos = raw.ends
        timestamp = self.max_timestamp if self.timestamp_type == self.LOG_APPEND_TIME else self.first_timestamp + raw.since_first
        headers = [(_name(name), value) for name, value in raw.headers]
        return DefaultRecord(raw.length, self.base_offset + raw.offset, timestamp, self.timestamp_type, raw.key, raw.value, headers)


class _Records(MemoryRecords):  # type: ignore[misc]
    def next_batch(self, *arguments: Any) -> Any:
        whole = self._next_slice
        batch = super().next_batch(*arguments)
        return _Batch(whole) if isinstance(batch, DefaultRecordBatch) else batch


class _PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    def __init__(self, fetch_offset: int, tp: Any, records: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(fetch_offset, tp, _Records(records._buffer), *arguments, **options)


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return RawName(raw)
