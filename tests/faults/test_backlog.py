"""A backlog waits in Kafka and not in memory, however slow the broker takes in what is made of it."""

from pathlib import Path

import pytest

from support.backlog import MOST_BYTES, measure_backlog
from support.faulty import Faulty

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.slow, pytest.mark.endurance]


def test_a_backlog_behind_a_slow_broker_does_not_grow_memory_beyond_its_bound(faulty: Faulty, tmp_path: Path) -> None:
    measured = measure_backlog(faulty, faulty.settings(), 100_000, tmp_path, print)
    print(measured)
    assert measured.added_bytes < MOST_BYTES
