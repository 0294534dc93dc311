"""Two workers against one, on this machine: each on a broker of its own, with their shares in hand before the first event comes."""

import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click

from benchmarks.capacity import Costs
from benchmarks.figures import Found
from benchmarks.harness import processor_seconds, rate_of, send, trade, wait, wait_for_records
from benchmarks.sizes import Sizes
from kimberley.wire.topics import DECISIONS
from support.kafka import RealKafka
from support.stream import prepared
from support.worker import WorkerProcess

WORKER, BROKER = "worker's processor", "broker's processor"
_WARM = 4
"""One in so many of the events comes before the rest, not counted: for the broker's compiler."""


def measure(sizes: Sizes) -> Found:
    """One round. The costs are those of one worker and its broker."""
    (one, costs), (two, _) = (_rate(sizes.scale_events, workers) for workers in (1, 2))
    click.echo(f"  one worker: {one:,.0f} events/s, two: {two:,.0f}")
    figures, rates = {"worker2_gain": [two / one]}, {"two workers": [two]}
    return Found(figures=figures, rates=rates, costs={WORKER: [costs.worker], BROKER: [costs.broker]})


def _rate(events: int, workers: int) -> tuple[float, Costs]:
    """Events a second, and what one costs."""
    records = trade(events)
    warm = events // _WARM
    with tempfile.TemporaryDirectory() as name, RealKafka() as kafka, ExitStack() as stack:
        settings = prepared(kafka.bootstrap_servers)
        running = [stack.enter_context(WorkerProcess(settings, Path(name), f"worker-{number}")) for number in range(workers)]

        def have_shares() -> bool:
            shares = [len(share_of(worker)) for worker in running]
            return all(shares) and sum(shares) == settings.partitions

        wait(have_shares, "a share of the partitions for each worker", running)
        send(kafka.bootstrap_servers, records[:warm])
        wait_for_records(kafka.bootstrap_servers, DECISIONS, settings.partitions, warm, running)
        workers_before, broker_before = _seconds(running), processor_seconds(kafka.pid)
        began = time.time()
        send(kafka.bootstrap_servers, records[warm:])
        wait_for_records(kafka.bootstrap_servers, DECISIONS, settings.partitions, events, running)
        counted = (events - warm) / 1e6
        costs = Costs((_seconds(running) - workers_before) / counted, (processor_seconds(kafka.pid) - broker_before) / counted)
        for worker in running:
            worker.terminate(15)
        return rate_of(kafka.bootstrap_servers, DECISIONS, events, began), costs


def _seconds(workers: Sequence[WorkerProcess]) -> float:
    return sum(processor_seconds(worker.process.pid) for worker in workers)


def share_of(worker: WorkerProcess) -> list[int]:
    """The partition numbers whose cases a worker has at hand; none as long as some of them are not."""
    try:
        with urlopen(f"{worker.monitor()}/health/ready", timeout=2) as answer:
            found: list[int] = json.load(answer)["partitions"]
            return found
    except (URLError, OSError, ValueError):  # not up yet, or it says 503: not ready
        return []
