"""`make bench`: one worker beside a plain Faust agent with a Table, the same job on the same real Kafka in the same run.

Both judge the same events with the same core and codec, compiled as in the image (deploy/compiled_build.py; `--pure`: as an ordinary
installation has them); the worker exactly once (a transaction a batch), the plain agent at least once at best. The rate is what lies
between the first and the last thousandth of the decisions, by the decisions' own timestamps, so that start-up counts for neither. Rates
depend on the machine and on what else runs there; the ratio is what is promised (at least 6, by the rules of the first release).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import click
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from kimberley.history.simulation import simulate  # noqa: E402
from kimberley.settings import Settings  # noqa: E402
from kimberley.wire.avro import make_codec  # noqa: E402
from support.compiled import build_compiled  # noqa: E402
from support.kafka import RealKafka  # noqa: E402
from support.stream import event_records, prepared, publish, read_topic  # noqa: E402
from support.worker import WorkerProcess, environment  # noqa: E402

_CONTENDER = "plain"
_OUTPUTS = ("decisions", "flagged-shipments", "open-alerts", "dead-letters", "kimberley-lineage")
_MOST_SECONDS = 300
_RULES = {"the ten rules of the first release": Path(__file__).parent / "spine.toml", "the whole catalogue": None}


@click.command()
@click.option("--events", default=160_000, show_default=True, help="events for the worker; the plain agent gets an eighth of them")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20), help="rounds, each on topics made anew; medians count")
@click.option("--pure", is_flag=True, help="without the compiled core, as an ordinary installation runs")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="write the figures as JSON here, too")
def run(events: int, rounds: int, pure: bool, output: Path | None) -> None:
    """Measure both in turn by each set of rules, and the core alone; print median rates and their ratios."""
    with tempfile.TemporaryDirectory() as name:
        if not pure:
            click.echo("compiling the core …")
            os.environ["PYTHONPATH"] = str(build_compiled(Path(name)))  # the contenders are processes of their own
        found = {words: _compare(words, rulebook, events, rounds) for words, rulebook in _RULES.items()}
        core = _core()
    for words, figures in found.items():
        click.echo(f"\n{words}")
        click.echo(f"  worker, exactly once:  {figures['worker']:>8,.0f} events/s")
        click.echo(f"  plain Faust agent:     {figures['plain_faust']:>8,.0f} events/s")
        click.echo(f"  ratio:                 {figures['ratio_plain_faust']:>8.1f}")
    steps = ", ".join(f"{step} {spent}" for step, spent in core.items() if step not in ("events", "core"))
    click.echo(f"\nthe core alone, the whole catalogue: {core['core']} us an event ({steps})")
    if output:
        output.write_text(json.dumps({**found, "core_us": core}, indent=2) + "\n", encoding="utf-8")


def _compare(words: str, rulebook: Path | None, events: int, rounds: int) -> dict[str, Any]:
    figures = []
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as name, RealKafka() as kafka:
            figures.append(_measure(kafka.bootstrap_servers, rulebook, events, Path(name)))
        rates = ", ".join(f"{contender} {rate:,.0f} events/s" for contender, rate in figures[-1].items())
        click.echo(f"{words}, round {number}: {rates}")
    worker, plain = (median(each[name] for each in figures) for name in ("worker", "plain Faust agent"))
    ratio = median(each["worker"] / each["plain Faust agent"] for each in figures)
    return {"worker": worker, "plain_faust": plain, "ratio_plain_faust": ratio, "rounds": figures}


def _core() -> dict[str, float]:
    done = subprocess.run([sys.executable, str(Path(__file__).parent / "core.py")], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure(bootstrap_servers: str, rulebook: Path | None, events: int, folder: Path) -> dict[str, float]:
    settings = prepared(bootstrap_servers, rulebook=rulebook)
    _create_outputs(settings)
    records = event_records(make_codec(settings), islice(_trade(), events))
    publish(bootstrap_servers, records[: events // 8])
    plain = _plain_faust(settings, folder, events // 8)
    publish(bootstrap_servers, records[events // 8 :])
    return {"worker": _worker(settings, folder, events), "plain Faust agent": plain}


def _create_outputs(settings: Settings) -> None:
    """The plain agent's own output topics; Faust makes its changelog itself."""
    admin = KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    try:
        names = [f"{_CONTENDER}-{topic}" for topic in _OUTPUTS]
        admin.create_topics(
            {name: {"num_partitions": settings.partitions, "replication_factor": 1} for name in names}, wait_for_metadata=True
        )
    finally:
        admin.close()


def _trade() -> Iterator[dict[str, Any]]:
    yield from simulate(days=400, certificates_per_day=200)


def _worker(settings: Settings, folder: Path, events: int) -> float:
    with WorkerProcess(settings, folder) as worker:
        _wait_for(settings.bootstrap_servers, "decisions", events, lambda: not worker.is_alive, worker.text)
        worker.terminate(15)
    return _rate(settings.bootstrap_servers, "decisions", events)


def _plain_faust(settings: Settings, folder: Path, events: int) -> float:
    servers, topic = settings.bootstrap_servers, f"{_CONTENDER}-decisions"
    log = folder / "plain.log"
    more = {"KIMBERLEY_TEST_OUTPUT": _CONTENDER, "KIMBERLEY_TEST_FOLDER": str(folder / "plain")}
    arguments = [sys.executable, "-m", "faust", "-A", "plain_faust", "worker", "-l", "warn", "--without-web"]
    with log.open("wb") as written:
        process = subprocess.Popen(
            arguments, cwd=Path(__file__).parent, env={**os.environ, **environment(settings, **more)}, stdout=written, stderr=written
        )
    try:
        _wait_for(servers, topic, events, lambda: process.poll() is not None, lambda: log.read_text(errors="replace")[-3000:])
    finally:
        process.kill()
        process.wait()
    return _rate(servers, topic, events)


def _wait_for(bootstrap_servers: str, topic: str, records: int, is_over: Callable[[], bool], detail: Callable[[], str]) -> None:
    """Return once a topic's partitions reach so far, all together (transactions' markers included), or the contender is over.

    One consumer, asked twice a second: whoever watches must not take the cores from those who run.
    """
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers)
    deadline = time.monotonic() + _MOST_SECONDS
    try:
        while not is_over():
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            if places and sum(consumer.end_offsets(places).values()) >= records:
                return
            if time.monotonic() > deadline:
                raise click.ClickException(f"not within {_MOST_SECONDS} s: {records} records in {topic}\n{detail()}")
            time.sleep(0.5)
    finally:
        consumer.close()


def _rate(bootstrap_servers: str, topic: str, events: int) -> float:
    stamps = sorted(record.timestamp for record in read_topic(bootstrap_servers, topic))
    if len(stamps) < events:
        raise click.ClickException(f"{topic}: {len(stamps)} decisions on {events} events")
    cut = max(1, len(stamps) // 1000)
    return (len(stamps) - 2 * cut) / max(0.001, (stamps[-cut - 1] - stamps[cut]) / 1000)


if __name__ == "__main__":
    run()
