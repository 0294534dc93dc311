"""The time of day of one worker jumps while events flow: nothing is lost, and no deadline passes before its time."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.topics import InternalNames
from support.clock import JumpingClock
from support.compared import compare, open_now
from support.faulty import Faulty
from support.stream import wait_until
from support.trade import Feed, make_trade
from support.watch import Watch
from support.worker import WorkerProcess

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.faketime, pytest.mark.slow]


def control_records(settings: Settings, broker: str) -> int:
    """How many control records there are on partition 0."""
    consumer = KafkaConsumer(bootstrap_servers=broker)
    place = TopicPartition(InternalNames(settings.prefix).control, 0)
    end: int = consumer.end_offsets([place])[place]
    consumer.close()
    return end


def test_a_worker_s_clock_jumps_a_year_ahead_and_days_back_and_neither_alerts_nor_events_go_wrong(faulty: Faulty, tmp_path: Path) -> None:
    settings = faulty.settings(tick_seconds=1.0)
    today = datetime.now(UTC).date()
    trade = make_trade(make_codec(settings), 3_000, start=today - timedelta(days=40), as_of=int(time.time() * 1000))
    clock = JumpingClock(tmp_path)
    feed = Feed(settings, faulty.broker, trade)
    with (
        Watch(settings, faulty.broker) as watch,
        WorkerProcess(settings, tmp_path, **clock.environment) as worker,
        feed.running(),
    ):
        for third, days in enumerate((0, 400, -2), 1):
            clock.jump(days)
            told = control_records(settings, faulty.broker)
            feed.go_on_to(len(trade) * third // 3)
            watch.reaches(len(trade) * third // 3, 60, f"events flow {days} days from now", worker.text)
            wait_until(lambda told=told: control_records(settings, faulty.broker) >= told + 2, 30, "the clock is told on", worker.text)
        wait_until(lambda: open_now(faulty.broker).keys() == trade.open_ids, 30, "the open alerts of check", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    assert {line["timestamp"][:4] for line in worker.says("dead_letter")} >= {str((today + timedelta(days=400)).year)}, "it did jump"
    assert not compare(settings, faulty.broker, trade, is_ticking=True).problems
