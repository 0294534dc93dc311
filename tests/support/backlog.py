"""How much memory a backlog takes in a worker behind a slow broker."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from kafka import KafkaProducer

from kimberley.history.simulation import simulate
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from support.faulty import Faulty
from support.stream import event_records, wait_until
from support.watch import Watch
from support.worker import WorkerProcess

BYTES_PER_SECOND = 4 << 20
MOST_BYTES = 768 << 20
"""The bound on what a backlog adds to the memory of a worker that holds the same cases: what waits (`kimberley.pipeline.worker`: records
and bytes of a partition number), batches on their way, and cases at hand, unpacked (`kimberley.pipeline.processor`: half a gigabyte).
"""
_PORTION = 20_000


@dataclass
class Backlog:
    """`peak_bytes`: the most memory that the worker had until the backlog was done; `resting_bytes`: the most that another took to read
    back the same cases, with no backlog.
    """

    events: int
    bytes_per_second: int
    peak_bytes: int
    resting_bytes: int
    seconds: float

    @property
    def added_bytes(self) -> int:
        """What the backlog took."""
        return self.peak_bytes - self.resting_bytes


def publish_events(settings: Settings, broker: str, events: int, say: Callable[[str], object] = str) -> None:
    """So many events of a simulated trade, in portions, so that they need no room here."""
    codec = make_codec(settings)
    trade = simulate(seed=41, days=400, certificates_per_day=max(120, events // 600))
    producer = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=5, batch_size=200_000)
    try:
        for start in range(0, events, _PORTION):
            rows = event_records(codec, islice(trade, min(_PORTION, events - start)))
            futures = [producer.send(row.topic, key=row.key, value=row.value, headers=row.headers) for row in rows]
            for future in futures:
                future.get(120)
            say(f"published {start + len(rows):,}")
    finally:
        producer.close()


def measure_backlog(faulty: Faulty, settings: Settings, events: int, folder: Path, say: Callable[[str], object] = str) -> Backlog:
    """Publish a backlog, slow the broker down, start a worker and measure it until it has read everything."""
    publish_events(settings, faulty.broker, events, say)
    faulty.proxy.slow(BYTES_PER_SECOND)
    began = time.monotonic()
    with Watch(settings, faulty.broker) as watch, WorkerProcess(settings, folder, "behind") as worker:
        peak = 0
        while watch.read < events and worker.is_alive:
            peak = max(peak, worker.peak_bytes)
            say(f"{time.monotonic() - began:6.0f} s  {watch.read:,} read, peak {peak / 2**20:.0f} MiB")
            time.sleep(5 if events > 200_000 else 1)
        assert worker.is_alive, worker.text()
        peak, seconds = worker.peak_bytes, time.monotonic() - began
        faulty.proxy.pass_on()
        assert worker.terminate(10) == 0, worker.text()
    with WorkerProcess(settings, folder, "resting") as worker:
        wait_until(lambda: len(worker.says("cases_recovered")) == settings.partitions, 120, "all cases read back", worker.text)
        resting = worker.peak_bytes
        assert worker.terminate(10) == 0, worker.text()
    return Backlog(events, BYTES_PER_SECOND, peak, resting, seconds)
