"""Two workers against one, on this machine: each on a broker of its own, with their shares in hand before the first event comes."""

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click

from benchmarks.figures import Found
from benchmarks.harness import rate_of, send, trade, wait, wait_for_records
from benchmarks.sizes import Sizes
from kimberley.wire.topics import DECISIONS
from support.kafka import RealKafka
from support.stream import prepared
from support.worker import WorkerProcess


def measure(sizes: Sizes) -> Found:
    """One round."""
    one, two = (_rate(sizes.scale_events, workers) for workers in (1, 2))
    click.echo(f"  one worker: {one:,.0f} events/s, two: {two:,.0f}")
    return Found(figures={"worker2_gain": [two / one]}, rates={"two workers": [two]})


def _rate(events: int, workers: int) -> float:
    records = trade(events)
    with tempfile.TemporaryDirectory() as name, RealKafka() as kafka, ExitStack() as stack:
        settings = prepared(kafka.bootstrap_servers)
        running = [stack.enter_context(WorkerProcess(settings, Path(name), f"worker-{number}")) for number in range(workers)]

        def have_shares() -> bool:
            shares = [len(share_of(worker)) for worker in running]
            return all(shares) and sum(shares) == settings.partitions

        wait(have_shares, "a share of the partitions for each worker", running)
        began = time.time()
        send(kafka.bootstrap_servers, records)
        wait_for_records(kafka.bootstrap_servers, DECISIONS, settings.partitions, events, running)
        for worker in running:
            worker.terminate(15)
        return rate_of(kafka.bootstrap_servers, DECISIONS, events, began)


def share_of(worker: WorkerProcess) -> list[int]:
    """The partition numbers whose cases a worker has at hand; none as long as some of them are not."""
    try:
        with urlopen(f"{worker.monitor()}/health/ready", timeout=2) as answer:
            found: list[int] = json.load(answer)["partitions"]
            return found
    except (URLError, OSError, ValueError):  # not up yet, or it says 503: not ready
        return []
