"""Contenders and limits, one after the other on the same topics of one broker: events a second, by the timestamps of their answers.

All judge the same events with the same core and codec; the pipeline exactly once (a transaction a batch), the others at least once.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import kafka_streams
from benchmarks.figures import Found
from benchmarks.harness import Watched, answer_of, create_topics, python, rate_of, ready_at, send, trade, tried, wait_for_records
from benchmarks.quix.environment import quix_python
from benchmarks.sizes import MOST_SECONDS, Sizes
from kimberley.settings import Settings
from kimberley.wire.topics import CERTIFICATES, SHIPMENTS
from support.kafka import RealKafka
from support.stream import prepared
from support.worker import WorkerProcess, environment

PIPELINE, PLAIN_FAUST, QUIX, STREAMS, LIBRDKAFKA = "pipeline", "plain Faust", "Quix Streams", "Kafka Streams", "librdkafka"
CLIENTS = "clients"
CONTENDERS = (PLAIN_FAUST, QUIX, PIPELINE, STREAMS, LIBRDKAFKA)
_TEN_RULES = Path(__file__).parent / "ten_rules.toml"
_OUTPUTS = ("decisions", "flagged-shipments", "open-alerts", "dead-letters", "kimberley-lineage", "kimberley-rerouted")
_RATIOS = {PLAIN_FAUST: "ratio_plain_faust", QUIX: "ratio_quix", STREAMS: "ratio_kafka_streams"}


def measure(sizes: Sizes) -> Found:
    """One round of all contenders, by the whole catalogue."""
    found = _round(sizes, CONTENDERS, None)
    rates = {name: values[0] for name, values in found.rates.items()}
    for name, key in _RATIOS.items():
        if PIPELINE in rates and name in rates:
            found.figures[key] = [rates[PIPELINE] / rates[name]]
    return found


def measure_ten_rules(sizes: Sizes) -> Found:
    """One round of the pipeline and the plain agent by the ten rules of the first release."""
    found = _round(sizes, (PLAIN_FAUST, PIPELINE), _TEN_RULES)
    rates = {name: values[0] for name, values in found.rates.items()}
    named = Found(rates={f"{name}, ten rules": [each] for name, each in rates.items()})
    named.failures = {f"{name}, ten rules": why for name, why in found.failures.items()}
    if len(rates) == 2:
        named.figures["ratio_plain_faust_ten_rules"] = [rates[PIPELINE] / rates[PLAIN_FAUST]]
    return named


def _round(sizes: Sizes, contenders: Sequence[str], rulebook: Path | None) -> Found:
    """The slow ones are first, while there is only their share of the events; then the rest is published for the others."""
    found = Found()
    records = trade(sizes.events)
    slow = {PLAIN_FAUST: _plain_faust, QUIX: _quix}
    fast = {PIPELINE: _pipeline, STREAMS: _streams, LIBRDKAFKA: _librdkafka}
    with tempfile.TemporaryDirectory() as name, RealKafka() as kafka:
        settings, folder = prepared(kafka.bootstrap_servers, rulebook=rulebook), Path(name)
        send(kafka.bootstrap_servers, records[: sizes.share])
        for runs, events in ((slow, sizes.share), (fast, sizes.events)):
            for contender, run in runs.items():
                if contender not in contenders:
                    continue
                with tried(found, contender, MOST_SECONDS):
                    found.rates[contender] = [run(settings, folder, events)]
                    click.echo(f"  {contender}: {found.rates[contender][0]:,.0f} events/s")
            if runs is slow:
                send(kafka.bootstrap_servers, records[sizes.share :])
        if contenders is CONTENDERS:
            with tried(found, CLIENTS, MOST_SECONDS):
                found.costs[CLIENTS] = [_clients(kafka.bootstrap_servers, sizes.share)]
    return found


def _pipeline(settings: Settings, folder: Path, events: int) -> float:
    with WorkerProcess(settings, folder) as worker:
        wait_for_records(settings.bootstrap_servers, "decisions", settings.partitions, events, [worker])
        worker.terminate(15)
    return rate_of(settings.bootstrap_servers, "decisions", events, ready_at(worker))


def _plain_faust(settings: Settings, folder: Path, events: int) -> float:
    arguments = python("-m", "faust", "-A", "benchmarks.plain_faust", "worker", "-l", "warn", "--without-web")
    return _peer(arguments, settings, folder, "plain", events)


def _quix(settings: Settings, folder: Path, events: int) -> float:
    return _peer([str(quix_python()), str(Path(__file__).parent / "quix" / "contender.py")], settings, folder, "quix", events)


def _peer(arguments: Sequence[str], settings: Settings, folder: Path, name: str, events: int) -> float:
    create_topics(settings.bootstrap_servers, [f"{name}-{topic}" for topic in _OUTPUTS], settings.partitions)
    more = {"KIMBERLEY_TEST_OUTPUT": name, "KIMBERLEY_TEST_FOLDER": str(folder / name)}
    return _rate_of(arguments, settings, folder, name, events, f"{name}-decisions", **more)


def _streams(settings: Settings, folder: Path, events: int) -> float:
    output = "streams-passed"
    create_topics(settings.bootstrap_servers, [output], settings.partitions)
    arguments = kafka_streams.command(settings.bootstrap_servers, folder / "streams", output, CERTIFICATES, SHIPMENTS)
    return _rate_of(arguments, settings, folder, "streams", events, output)


def _librdkafka(settings: Settings, folder: Path, events: int) -> float:
    output = "librdkafka-passed"
    create_topics(settings.bootstrap_servers, [output], settings.partitions)
    where = (settings.bootstrap_servers, output, str(events), CERTIFICATES, SHIPMENTS)
    with Watched(python("-m", "benchmarks.librdkafka", *where), settings, folder, "librdkafka") as process:
        assert process.process
        if process.process.wait():
            raise RuntimeError(process.text())
    return rate_of(settings.bootstrap_servers, output, events)


def _clients(bootstrap_servers: str, events: int) -> float:
    """Microseconds of processor time an event."""
    settings = prepared(bootstrap_servers, prefix="clients")
    said = answer_of(python("-m", "benchmarks.clients", str(events)), environment(settings))
    return float(said["seconds"]) / int(said["events"]) * 1e6


def _rate_of(arguments: Sequence[str], settings: Settings, folder: Path, name: str, events: int, output: str, **more: str) -> float:
    with Watched(arguments, settings, folder, name, **more) as process:
        wait_for_records(settings.bootstrap_servers, output, settings.partitions, events, [process])
    return rate_of(settings.bootstrap_servers, output, events)
