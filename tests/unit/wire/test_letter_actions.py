"""What is told of a replay before anything is sent."""

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from kimberley.wire.header_names import RawName
from kimberley.wire.letter_actions import Sent, _size


@pytest.mark.parametrize("length", [0, 1, 63, 64, 8_191, 8_192, (1 << 20) - 300])
@pytest.mark.parametrize("key", [None, b"", b"BW000001"])
def test_a_records_size_is_that_of_the_batch_which_holds_it_alone(length: int, key: bytes | None) -> None:
    headers: list[tuple[str, bytes | None]] = [("a", b"1"), ("null", None), (RawName(b"\xfc"), b"x" * 100)]
    builder = DefaultRecordBatchBuilder(2, 0, True, 1, 1, 0, 1 << 22)
    builder.append(0, 1_727_740_800_000, key, b"v" * length, headers)
    assert _size(Sent(key, b"v" * length, [], 0, "topic"), headers) == len(builder.build())
