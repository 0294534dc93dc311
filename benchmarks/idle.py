"""A worker with cases and nothing to do, its clock ticking as it does by default: what it takes of a core."""

import tempfile
import time
from pathlib import Path

from benchmarks.cases import templates, write_changelog
from benchmarks.figures import Found
from benchmarks.harness import processor_seconds, wait
from benchmarks.scale import share_of
from benchmarks.sizes import MOST_SECONDS, Sizes
from kimberley.settings import Settings
from support.kafka import RealKafka
from support.stream import prepared
from support.worker import WorkerProcess

_SETTLE_SECONDS = 5.0
_TICK_SECONDS: float = Settings.model_fields["tick_seconds"].default


def measure(sizes: Sizes) -> Found:
    """One round. Its cases wait for nothing, or the first tick would make all that is overdue by now its work."""
    with tempfile.TemporaryDirectory() as name, RealKafka() as kafka:
        settings = prepared(kafka.bootstrap_servers, tick_seconds=_TICK_SECONDS)
        write_changelog(settings, [each for each in templates() if not each.waits], sizes.idle_cases, 1)
        with WorkerProcess(settings, Path(name)) as worker:
            wait(lambda: len(share_of(worker)) == settings.partitions, "its cases at hand", [worker], MOST_SECONDS)
            time.sleep(_SETTLE_SECONDS)
            before, began = processor_seconds(worker.process.pid), time.monotonic()
            time.sleep(sizes.idle_seconds)
            share = (processor_seconds(worker.process.pid) - before) / (time.monotonic() - began)
            worker.terminate(15)
    return Found(figures={"idle_cpu": [share]}, facts={"idle_cases": sizes.idle_cases})
