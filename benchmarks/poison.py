"""What hostile records cost honest trade: the worker on real Kafka with good events alone, and with hostile ones among them.

Printed as JSON: good events a second in both runs and their ratio (at least a half is wanted where as many hostile records come as good
ones), and the worker's highest memory. Time runs from the moment when the worker has its cases until the last decision on a good event.

run: python benchmarks/poison.py [--good 20000] [--hostile 20000] [--large 20] [--no-passing]
"""

import json
import re
import sys
import tempfile
from collections.abc import Collection
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kimberley.history.simulation import simulate
from kimberley.wire.avro import make_codec
from support.hostile import PASSING, Enemy, publish_hostile
from support.kafka import RealKafka
from support.stream import event_records, prepared, read_topic, rests, wait_until
from support.worker import WorkerProcess


@click.command()
@click.option("--good", default=20_000, show_default=True, help="honest events")
@click.option("--hostile", default=20_000, show_default=True, help="hostile records among them, spread evenly")
@click.option("--large", default=20, show_default=True, help="of each kind of large hostile record (up to a megabyte) so many at most")
@click.option("--passing/--no-passing", default=True, show_default=True, help="with hostile records that pass as events and are judged")
def run(good: int, hostile: int, large: int, passing: bool) -> None:
    """Measure both and print."""
    alone, memory_alone = _measure(good, 0, 0)
    among, memory = _measure(good, hostile, large, () if passing else PASSING)
    found = {"alone": round(alone), "among_hostile": round(among), "ratio": round(among / alone, 2)}
    click.echo(json.dumps({**found, "memory_alone_mb": memory_alone, "memory_mb": memory, "good": good, "hostile": hostile}))


def _measure(good: int, hostile: int, large: int, without: Collection[str] = ()) -> tuple[float, int]:
    """Good events a second, and the highest memory in megabytes."""
    with tempfile.TemporaryDirectory() as folder, RealKafka() as kafka:
        settings = prepared(kafka.bootstrap_servers)
        events = list(islice(simulate(seed=5, days=400, certificates_per_day=200), good))
        enemies = list(Enemy(make_codec(settings), 7, without=without).records(hostile, large=large))
        publish_hostile(kafka.bootstrap_servers, _mixed(event_records(make_codec(settings), events), enemies))
        with WorkerProcess(settings, Path(folder)) as worker:
            wait_until(lambda: not worker.is_alive or rests(settings), 300, "everything judged", worker.text)
            status = Path(f"/proc/{worker.process.pid}/status").read_text()
            memory = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]
            worker.terminate(10)
        ids = {event["event_id"].encode() for event in events}
        decided = [
            record.timestamp for record in read_topic(kafka.bootstrap_servers, "decisions") if dict(record.headers)["kp_event_id"] in ids
        ]
        return len(decided) / (max(decided) / 1000 - _ready_at(worker.text())), memory


def _ready_at(log: str) -> float:
    """When the worker began to judge, in seconds since the epoch."""
    lines = (json.loads(line) for line in log.splitlines() if '"cases_recovered"' in line)
    return max(datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines)


def _mixed(records: list[Any], enemies: list[Any]) -> list[Any]:
    places = [(index / len(records), record) for index, record in enumerate(records)]
    places += [((index + 0.5) / len(enemies), record) for index, record in enumerate(enemies)]
    return [record for _, record in sorted(places, key=lambda each: each[0])]


if __name__ == "__main__":
    run()
