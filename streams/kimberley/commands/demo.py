"""`kimberley demo`."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kimberley.child_processes import die_with_parent, end
from kimberley.commands.output import SEVERITY_STYLES
from kimberley.commands.topics import servers_option
from kimberley.errors import KimberleyError, ServiceUnavailableError
from kimberley.history.simulated_faults import NOTICES
from kimberley.history.simulation import simulate
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings, load_settings
from kimberley.wire.admin import apply_topics, require_topics
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.control import Control, control_value
from kimberley.wire.event_records import event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.reference_loader import load_reference
from kimberley.wire.security import client_options
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS, FLAGGED_SHIPMENTS, SHIPMENTS, InternalNames

_EMBEDDED_PARTITIONS = 4
_MOST_SECONDS = 110.0
_WIDTHS = (8, 11, 27)
_STOP_SECONDS = 10.0
_QUIET_SECONDS = 1.5
_STATUS_MARKS = {"OPENED": "", "UPDATED": "updated", "RESOLVED": "resolved"}
_BROKEN = (b"certificate BW004417, 2 parcels", b"\x00\x3b\x9a\xca\x00\x10garbled on a bad line")


@dataclass(slots=True)
class Tally:
    """What the demo has seen so far."""

    published: int = 0
    all_published: bool = False
    decisions: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    dead_letters: int = 0
    problem: BaseException | None = None
    seen_at: float = 0.0

    @property
    def answered(self) -> int:
        """Events that have their decision or are dead letters."""
        return self.decisions.total() + self.dead_letters


@click.command()
@servers_option
@click.option("--seed", default=1, show_default=True, help="another seed, another trade")
@click.option("--days", default=42, show_default=True, type=click.IntRange(1, 400), help="days of trade, from 7 October 2024 on")
@click.option("--rate", default=300, show_default=True, type=click.IntRange(1, 100_000), help="events published per second")
@click.option("--port", type=click.IntRange(1, 65_535), help="port of the embedded broker [default: a free one]")
def demo(bootstrap_servers: str | None, seed: int, days: int, rate: int, port: int | None) -> None:
    """Play some weeks of realistic trade and show each alert as it is raised.

    Starts an embedded broker (a demo's broker: everything in memory, no transactions) and a worker, creates the topics, loads the
    reference data, and publishes certificates and shipments: mostly lawful, with every rule broken at least once, some in error and
    then corrected. On a terminal it stays up until Ctrl-C; otherwise it ends by itself. It leaves nothing behind.

    --bootstrap-servers plays the same on a Kafka of yours, whose topics it leaves filled, with a notice that it makes up. While it is
    up, other verbs look at it by the address that it prints.

    \b
    Examples:
      kimberley demo --days 10 --rate 100
      kimberley case BW012124 --bootstrap-servers 127.0.0.1:PORT
    """
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    with contextlib.ExitStack() as stack:
        signal.signal(signal.SIGTERM, _interrupt)
        settings = _broker(stack, bootstrap_servers, port, console)
        states = apply_topics(settings)
        require_topics(settings)
        loaded = load_reference(settings, shipped_reference().replace(NOTICES))
        console.print(
            f"[dim]{len(states)} topics; reference data {loaded.revision}; rulebook {shipped_rulebook().id}; starting a worker …[/]"
        )
        worker = stack.enter_context(_worker(settings))
        tally = Tally()
        stopping = threading.Event()
        watcher = threading.Thread(target=_guard, args=(_watch, tally, settings, tally, stopping, console), name="watch", daemon=True)
        publisher = threading.Thread(
            target=_guard, args=(_publish, tally, settings, tally, stopping, seed, days, rate), name="publish", daemon=True
        )
        watcher.start()
        publisher.start()
        try:
            _show(tally, worker, console)
        except KeyboardInterrupt:
            console.print()
        finally:
            stopping.set()
            publisher.join(5)
            watcher.join(5)
        _summarise(tally, console)


def _broker(stack: contextlib.ExitStack, bootstrap_servers: str | None, port: int | None, console: Console) -> Settings:
    if bootstrap_servers:
        return load_settings(bootstrap_servers=bootstrap_servers)
    from kimberley.embedded import EmbeddedBroker

    broker = stack.enter_context(EmbeddedBroker(port))
    console.print(
        f"[bold]Kimberley demo[/] on an embedded broker at {broker.bootstrap_servers} (a demo's broker: in memory, at least once)"
    )
    return load_settings(
        bootstrap_servers=broker.bootstrap_servers, partitions=_EMBEDDED_PARTITIONS, session_timeout=6.0, security_protocol="PLAINTEXT"
    )


@contextlib.contextmanager
def _worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in its own process, ended with ours; its last words are told if it fails."""
    with tempfile.TemporaryDirectory(prefix="kimberley-demo-") as folder:
        log = Path(folder) / "worker.log"
        environment = {
            **os.environ,
            "KIMBERLEY_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "KIMBERLEY_PARTITIONS": str(settings.partitions),
            "KIMBERLEY_SESSION_TIMEOUT": str(settings.session_timeout),
            "KIMBERLEY_SECURITY_PROTOCOL": settings.security_protocol,
            "KIMBERLEY_LOG_FORMAT": "console",
            "KIMBERLEY_MONITOR_PORT": "0",
            "KIMBERLEY_TICK_SECONDS": "0",  # the clock is the trade's, told by who publishes it
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "kimberley", "worker"],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        try:
            yield process
            failed = process.poll() is not None
        except BaseException:
            failed = process.poll() is not None
            raise
        finally:
            end(process, _STOP_SECONDS)
            if failed:
                click.echo("".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:]), err=True)


def _publish(settings: Settings, tally: Tally, stopping: threading.Event, seed: int, days: int, rate: int) -> None:
    """Publish the trade at a steady rate, and among it two records that no one can read; once a second the time that it is there."""
    from kafka import KafkaProducer, TopicPartition

    codec = make_codec(settings)
    producer = KafkaProducer(client_id="kimberley-demo", acks="all", linger_ms=20, **client_options(settings))
    control = InternalNames(settings.prefix).control
    clock = 0
    told_at = time.monotonic()

    def tell() -> dict[Any, int]:
        """Set the stream's clock; the offset behind it of each partition."""
        value = control_value(Control(clock))
        told = [producer.send(control, value=value, partition=number).get(30) for number in range(settings.partitions)]
        return {TopicPartition(each.topic, each.partition): each.offset + 1 for each in told}

    try:
        started = time.monotonic()
        for number, event in enumerate(simulate(seed=seed, days=days), start=1):
            type_name, fields = record_from_json(event)
            record = event_record(codec, type_name, fields)
            producer.send(record.topic, key=record.key, value=record.value, headers=record.headers)
            tally.published += 1
            clock = max(clock, fields.get("occurred_at") or 0)
            if time.monotonic() - told_at >= 1:
                told_at = time.monotonic()
                tell()
            if number % 2000 == 1000 and number // 2000 < len(_BROKEN):
                producer.send(SHIPMENTS, key=b"BW004417", value=_BROKEN[number // 2000])
                tally.published += 1
            ahead = started + number / rate - time.monotonic()
            if (ahead > 0.02 and stopping.wait(ahead)) or stopping.is_set():
                return
        producer.flush(30)
        _wait_for_group(settings, tell(), stopping)
        tally.all_published = True
    finally:
        producer.close(5)


def _wait_for_group(settings: Settings, ends: dict[Any, int], stopping: threading.Event) -> None:
    """Return once the workers have committed so far."""
    from kafka import KafkaConsumer

    group = InternalNames(settings.prefix).group
    consumer = KafkaConsumer(group_id=group, enable_auto_commit=False, client_id="kimberley-demo", **client_options(settings))
    try:
        while not all((consumer.committed(place) or 0) >= end for place, end in ends.items()):
            if stopping.wait(0.5):
                return
    finally:
        consumer.close()


def _watch(settings: Settings, tally: Tally, stopping: threading.Event, console: Console) -> None:
    """Read what comes out: count decisions and dead letters, show alerts."""
    from kafka import KafkaConsumer, TopicPartition

    codec = make_codec(settings)
    consumer = KafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="latest",
        isolation_level="read_committed",
        client_id="kimberley-demo",
        **client_options(settings),
    )
    try:
        places = [TopicPartition(topic, n) for topic in (DECISIONS, FLAGGED_SHIPMENTS, DEAD_LETTERS) for n in range(settings.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        seen: set[str] = set()
        while not stopping.is_set():
            for place, records in consumer.poll(timeout_ms=200, max_records=2000).items():
                for record in records:
                    _count(place.topic, record, codec, tally, seen, console)
    finally:
        consumer.close()


def _count(topic: str, record: Any, codec: Codec, tally: Tally, seen: set[str], console: Console) -> None:
    """One record of the outputs; what comes twice (the embedded broker has no transactions) counts once."""
    tally.seen_at = time.monotonic()
    if topic == DEAD_LETTERS:
        tally.dead_letters += 1
        return
    headers = dict(record.headers)
    identity = headers["ce_id"].decode()
    if identity in seen:
        return
    seen.add(identity)
    if topic == DECISIONS:
        tally.decisions[headers["kp_outcome"].decode()] += 1
        return
    _, alert = codec.decode(topic, record.value)
    if alert["status"] == "OPENED":
        tally.opened[alert["rule_id"]] += 1
    elif alert["status"] == "RESOLVED":
        tally.resolved[alert["rule_id"]] += 1
    if alert["status"] != "UPDATED":
        console.print(alert_line(alert, folds=console.is_terminal))


def alert_line(alert: dict[str, Any], *, folds: bool) -> Text | Table:
    """An alert as one line: severity, certificate, rule, sentence. Where it folds, the sentence keeps its own column."""
    resolved = alert["status"] == "RESOLVED"
    cells = (
        Text("RESOLVED" if resolved else alert["severity"], style="green" if resolved else SEVERITY_STYLES[alert["severity"]]),
        Text(alert["certificate_number"], style="bold"),
        Text(alert["rule_id"], style="dim"),
        Text(alert["message"].removeprefix("Resolved: "), style="dim" if resolved else ""),
    )
    if not folds:
        line = Text()
        for cell, width in zip(cells, _WIDTHS, strict=False):
            cell.pad_right(max(0, width - len(cell)))
            line.append_text(cell).append(" ")
        return line.append_text(cells[-1])
    row = Table.grid(padding=(0, 1, 0, 0))
    for width in _WIDTHS:
        row.add_column(width=width)
    row.add_column()
    row.add_row(*cells)
    return row


def _guard(work: Any, tally: Tally, *arguments: Any) -> None:
    """Run a thread's work; its failure is the demo's."""
    try:
        work(*arguments)
    except Exception as problem:
        tally.problem = problem


def _show(tally: Tally, worker: subprocess.Popen[bytes], console: Console) -> None:
    """The status line, until all is answered (on a terminal: until Ctrl-C). Raises what went wrong in a thread or in the worker."""
    began = last_at = time.monotonic()
    last = 0
    rate = 0.0
    stays = console.is_terminal
    live = Live(console=console, refresh_per_second=4, transient=True) if stays else contextlib.nullcontext()
    told = False
    with live:
        while True:
            time.sleep(0.25)
            if tally.problem:
                raise (
                    tally.problem
                    if isinstance(tally.problem, KimberleyError)
                    else ServiceUnavailableError(f"the demo failed: {tally.problem!r}")
                )
            if worker.poll() is not None:
                raise ServiceUnavailableError("the worker ended early; its last words:")
            now = time.monotonic()
            if now - last_at >= 1:
                rate, last, last_at = (tally.answered - last) / (now - last_at), tally.answered, now
            finished = tally.all_published and tally.answered >= tally.published
            if isinstance(live, Live):
                live.update(_status(tally, rate, finished))
                if finished and not told:
                    told = True
            elif finished and now - tally.seen_at > _QUIET_SECONDS:  # the last deadlines' alerts come after the last decision
                return
            if not stays and now - began > _MOST_SECONDS:
                raise ServiceUnavailableError(f"after {_MOST_SECONDS:.0f} s only {tally.answered} of {tally.published} events are answered")


def _status(tally: Tally, rate: float, finished: bool) -> Text:
    open_now = tally.opened.total() - tally.resolved.total()
    line = Text("\n")
    line.append(f" {rate:,.0f} events/s ", style="bold white on blue")
    line.append(f"  all {tally.answered:,}" if finished else f"  {tally.answered:,} of {tally.published:,}")
    line.append(f" events answered   {open_now} alert{'' if open_now == 1 else 's'} open, {tally.resolved.total()} resolved")
    line.append(f"   {_dead_letters(tally)}")
    line.append("   Ctrl-C ends the demo", style="dim")
    return line


def _summarise(tally: Tally, console: Console) -> None:
    table = Table(title="What happened", title_justify="left", box=None, pad_edge=False)
    for column in ("rule", "severity", "opened", "resolved"):
        table.add_column(column, justify="right" if column in ("opened", "resolved") else "left")
    for rule, severity in shipped_rulebook().rules:
        style = SEVERITY_STYLES[severity]
        table.add_row(rule.id, f"[{style}]{severity}[/]", str(tally.opened[rule.id]), str(tally.resolved[rule.id]))
    console.print()
    console.print(table)
    outcomes = ", ".join(f"{count:,} {outcome.lower()}" for outcome, count in tally.decisions.most_common())
    console.print(f"{tally.published:,} events published, {tally.decisions.total():,} decisions ({outcomes}), {_dead_letters(tally)}")


def _dead_letters(tally: Tally) -> str:
    return f"{tally.dead_letters} dead letter{'' if tally.dead_letters == 1 else 's'}"


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
