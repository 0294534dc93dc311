"""A worker that starts with a million cases: how long until it works, and how much memory it takes."""

import tempfile
import time
from operator import gt
from pathlib import Path

import click

from benchmarks.cases import templates, write_changelog
from benchmarks.figures import Found
from benchmarks.harness import ends, limited, resident_bytes, send, trade, tried, wait
from benchmarks.sizes import MOST_SECONDS, Sizes
from kimberley.settings import Settings
from kimberley.wire.event_records import EventRecord
from kimberley.wire.partitioner import partition_of
from kimberley.wire.topics import DECISIONS
from support.kafka import RealKafka
from support.stream import prepared, read_topic
from support.worker import WorkerProcess

_SETTLE_SECONDS = 3.0
_PER = 1_000_000


def measure(sizes: Sizes) -> Found:
    """One round: a worker without cases, one with a record a case, one with three; each with a prefix, so a changelog, of its own."""
    found = Found()
    with tempfile.TemporaryDirectory() as name, RealKafka() as kafka:
        none, memory_of_none = _start(kafka.bootstrap_servers, "none", 0, 1, Path(name))
        once, memory = _start(kafka.bootstrap_servers, "once", sizes.cases, 1, Path(name))
        found.figures["recovery_s_per_million"] = [_per_million(none, once, sizes.cases)]
        found.figures["bytes_per_case"] = [(memory - memory_of_none) / sizes.cases]
        found.facts["recovery_seconds_without_cases"] = round(none, 2)
        with tried(found, "recovery, three records", MOST_SECONDS):
            thrice, _ = _start(kafka.bootstrap_servers, "thrice", sizes.cases, 3, Path(name))
            found.figures["recovery_s_per_million_three_records"] = [_per_million(none, thrice, sizes.cases)]
    return found


def _per_million(none: float, some: float, cases: int) -> float:
    """Seconds that a start with a million cases takes: at a million what was measured, else by what it takes without any."""
    return none + max(0.0, some - none) * _PER / cases


def _start(bootstrap_servers: str, prefix: str, cases: int, records: int, folder: Path) -> tuple[float, int]:
    """Seconds from the process's start until it has answered an event on every partition, and its memory then, in bytes."""
    settings = prepared(bootstrap_servers, prefix=prefix)
    if cases:
        write_changelog(settings, templates(), cases, records)
    send(bootstrap_servers, _one_a_partition(settings))
    with (
        limited(MOST_SECONDS, f"recovery of {cases:,} cases"),
        ends(bootstrap_servers, DECISIONS, settings.partitions) as reached,
    ):
        before, began = reached(), time.time()
        with WorkerProcess(settings, folder, prefix) as worker:
            wait(lambda: all(map(gt, reached(), before)), "an answer on each partition", [worker], MOST_SECONDS)
            time.sleep(_SETTLE_SECONDS)
            memory = resident_bytes(worker.process.pid)
            worker.terminate(15)
    answered: dict[int, int] = {}
    for record in read_topic(bootstrap_servers, DECISIONS):
        if record.timestamp >= began * 1000:
            answered[record.partition] = min(record.timestamp, answered.get(record.partition, record.timestamp))
    seconds = max(answered.values()) / 1000 - began
    click.echo(f"  {cases:,} cases, {records} records each: {seconds:.1f} s, {memory / 2**20:,.0f} MiB")
    return seconds, memory


def _one_a_partition(settings: Settings) -> list[EventRecord]:
    by_partition = {partition_of(record.key.decode(), settings.partitions): record for record in trade(200)}
    return list(by_partition.values())
