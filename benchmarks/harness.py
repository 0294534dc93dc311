"""What measures share: simulated events, publishing, processes that are watched and end with us, rates, memory and processor time."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from benchmarks import ROOT
from benchmarks.figures import Found, rate
from benchmarks.sizes import MOST_SECONDS
from kimberley.child_processes import die_with_parent
from kimberley.history.simulation import simulate
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.event_records import EventRecord
from support.stream import count_records, event_records, read_topic
from support.worker import WorkerProcess, environment

_LAST_CHARACTERS = 1500
_LOOK_SECONDS = 0.5
_START_SECONDS = 60.0


class MeasureFailedError(Exception):
    """A measure or a contender did not come to a figure; why, in words, with the last lines of its log."""


@contextmanager
def limited(seconds: float, what: str) -> Iterator[None]:
    """Raises MeasureFailedError in the main thread when a block takes longer. May be nested; whichever limit is reached first counts."""
    rest = signal.getitimer(signal.ITIMER_REAL)[0]
    seconds = min(seconds, rest or seconds)

    def too_late(number: int, frame: object) -> None:
        raise MeasureFailedError(f"{what}: not done within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    began = time.monotonic()
    try:
        yield
    finally:
        # an outer limit that is up by now is told of soon after
        signal.setitimer(signal.ITIMER_REAL, max(0.1, rest - (time.monotonic() - began)) if rest else 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def tried(found: Found, name: str, seconds: float) -> Iterator[None]:
    """A measure or contender whose failure is written down under its name, so that the others go on."""
    try:
        with limited(seconds, name):
            yield
    except Exception as problem:
        said = str(problem) if isinstance(problem, MeasureFailedError) else f"{type(problem).__name__}: {problem}"
        found.failures[name] = said[-_LAST_CHARACTERS:]
        click.echo(f"  {name} failed: {said[-_LAST_CHARACTERS:]}", err=True)


@cache
def _codec() -> Any:
    return make_codec(Settings.model_construct(partitions=1))


_made: list[EventRecord] = []


def trade(count: int) -> list[EventRecord]:
    """The records of so many events of one simulated trade, always the same."""
    if len(_made) < count:
        _made[:] = event_records(_codec(), islice(simulate(days=400, certificates_per_day=200), count))
    return _made[:count]


def send(bootstrap_servers: str, records: Iterable[tuple[str, bytes | None, bytes | None, Sequence[Any]]]) -> None:
    """Publish records, each on the partition of its key, as fast as librdkafka does. Raises MeasureFailedError where one was not taken."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "partitioner": "murmur2_random", "linger.ms": 20, "acks": "all"})
    problems: list[str] = []

    def sent(problem: Any, message: Any) -> None:
        if problem is not None:
            problems.append(str(problem))

    for index, (topic, key, value, headers) in enumerate(records):
        while True:
            try:
                producer.produce(topic, key=key, value=value, headers=list(headers), on_delivery=sent)
                break
            except BufferError:
                producer.poll(0.05)
        if index % 1000 == 0:
            producer.poll(0)
    left = producer.flush(60)
    if problems or left:
        raise MeasureFailedError(f"{len(problems) + left} records were not published: {problems[:1]}")


def create_topics(bootstrap_servers: str, names: Iterable[str], partitions: int) -> None:
    """A contender's own output topics. Their timestamps are the broker's: some contenders hand on their input's."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        config = {"message.timestamp.type": "LogAppendTime"}
        topics = {name: {"num_partitions": partitions, "replication_factor": 1, "configs": config} for name in names}
        admin.create_topics(topics, wait_for_metadata=True)
    finally:
        admin.close()


class Watched:
    """A process of a contender, with its log in a file; killed at the end of the context if it still runs."""

    def __init__(self, arguments: Sequence[str], settings: Settings, folder: Path, name: str, **more: str) -> None:
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self._environment = {**os.environ, **environment(settings, **more)}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self._arguments,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")


def wait(condition: Callable[[], bool], what: str, processes: Sequence[Any], seconds: float = _START_SECONDS, look: float = 0.1) -> None:
    """Return once a condition holds. Raises MeasureFailedError with the logs' ends when a process dies before, or time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        over = [process for process in processes if not process.is_alive]
        if over or time.monotonic() > deadline:
            why = "the process ended" if over else f"not within {seconds:.0f} s"
            logs = "\n".join(process.text()[-_LAST_CHARACTERS:] for process in over or processes)
            raise MeasureFailedError(f"{what}: {why}\n{logs}")
        time.sleep(look)


@contextmanager
def ends(bootstrap_servers: str, topic: str, partitions: int) -> Iterator[Callable[[], list[int]]]:
    """Asks how far each partition of a topic reaches, transactions' markers included."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    try:
        yield lambda: list(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def wait_for_records(bootstrap_servers: str, topic: str, partitions: int, records: int, processes: Sequence[Any]) -> None:
    """Return once a topic has so many records, read committed.

    Its ends are asked for twice a second, and the records are counted when they are near: whoever watches must not take the cores from
    those who run.
    """
    what = f"{records} records in {topic}"
    with ends(bootstrap_servers, topic, partitions) as reached:
        wait(lambda: sum(reached()) >= records, what, processes, MOST_SECONDS, _LOOK_SECONDS)
    wait(lambda: count_records(bootstrap_servers, topic) >= records, what, processes, MOST_SECONDS, _LOOK_SECONDS)


def rate_of(bootstrap_servers: str, topic: str, events: int, since: float | None = None) -> float:
    """Events a second by the timestamps of the records that answer them; `since` as `rate` has it, in seconds since the epoch.

    Raises MeasureFailedError where some are missing.
    """
    stamps = [record.timestamp for record in read_topic(bootstrap_servers, topic)]
    if len(stamps) < events:
        raise MeasureFailedError(f"{topic}: {len(stamps)} records on {events} events")
    return rate(stamps, None if since is None else since * 1000)


def ready_at(worker: WorkerProcess) -> float:
    """When a worker had read back the last of its partitions and could begin, by its log; seconds since the epoch."""
    lines = (json.loads(line) for line in worker.text().splitlines() if '"cases_recovered"' in line and line.endswith("}"))
    times = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]
    if not times:
        raise MeasureFailedError(f"the worker has no partitions:\n{worker.text()[-_LAST_CHARACTERS:]}")
    return max(times)


def answer_of(command: Sequence[str], more: Mapping[str, str] | None = None) -> Any:
    """What a process of ours prints as JSON. Raises MeasureFailedError with its last lines where it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(more or {})}, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    if done.returncode:
        raise MeasureFailedError(f"{shlex.join(command[1:])}: exit status {done.returncode}\n{done.stderr[-_LAST_CHARACTERS:]}")
    return json.loads(done.stdout.splitlines()[-1])


def python(*arguments: str) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *arguments]


def resident_bytes(pid: int) -> int:
    """What of a process is in memory now. Linux alone tells it so."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise MeasureFailedError(f"process {pid} has no memory of its own")


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken, its own and the system's for it. Linux alone tells it so."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
