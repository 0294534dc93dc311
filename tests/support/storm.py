"""Faults one after another while events flow: what was done, how often, and how long until every partition moved again."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from kimberley.settings import Settings
from support.compared import Compared, compare, settle
from support.faulty import Faulty
from support.stream import wait_until
from support.supervisor import Supervisor
from support.trade import Feed, Trade
from support.watch import Watch
from support.worker import WorkerProcess

_SOON = 1.0
"""Within so many seconds after its events begin to be published a fault is dealt."""
MOST_SECONDS = 120.0
"""Within which every partition must move again, whatever was done."""


@dataclass
class Blow:
    """One kind of fault: the seconds until the stream had recovered, each time that it was dealt."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Half of the times it was quicker."""
        return median(self.seconds)


@dataclass
class Report:
    """A storm's outcome. `kills`: workers killed; `statuses`: what the others ended with."""

    blows: dict[str, Blow]
    compared: Compared
    kills: int
    statuses: Counter[int]
    seconds: float
    logs: str = ""


class Storm:
    """Deals blows to workers and their broker while a trade is published."""

    def __init__(self, faulty: Faulty, settings: Settings, trade: Trade, folder: Path, *, workers: int = 2, seed: int = 1) -> None:
        self.blows: dict[str, Blow] = {}
        self.proxy = faulty.proxy
        self._faulty = faulty
        self._settings = settings
        self._trade = trade
        self._random = random.Random(seed)
        self._workers = workers
        self.feed = Feed(settings, faulty.broker, trade)
        self.watch = Watch(settings, faulty.broker)
        self.supervisor = Supervisor(settings, folder, workers)

    def run(self, plan: Mapping[str, int], say: Callable[[str], object] = str) -> Report:
        """Deal each kind of blow so often, in a random order; then compare. Raises AssertionError where the stream does not recover."""
        began = time.monotonic()
        order = [kind for kind, times in plan.items() for _ in range(times)]
        self._random.shuffle(order)
        share = len(self._trade) / (len(order) + 1)
        with self.watch, self.supervisor, self.feed.running():
            self._flow(1, share, _SOON)
            self.watch.reaches(int(share / 2), MOST_SECONDS, "the stream's start", self.supervisor.text)
            for number, kind in enumerate(order, 2):
                self._flow(number, share, FAULTS[kind].flow_seconds)
                time.sleep(self._random.uniform(0.1, _SOON))
                seconds = self._deal(kind)
                done = f"{number - 1:3} of {len(order)}  {kind:<15} moves again after {seconds:4.1f} s"
                say(f"{time.monotonic() - began:6.0f} s  {done}  {self.watch.read:,} records read")
            self.feed.go_on_to(len(self._trade))
            self.watch.reaches(len(self._trade), MOST_SECONDS * 2, "everything read", self.supervisor.text)
            settle(self._settings, self._faulty.broker, self._trade, MOST_SECONDS, self.supervisor.text)
            self.supervisor.stop()
        statuses = Counter(each.status for each in self.supervisor.ended if each.status != -signal.SIGKILL)
        compared = compare(self._settings, self._faulty.broker, self._trade)
        kills = sum(each.status == -signal.SIGKILL for each in self.supervisor.ended)
        return Report(self.blows, compared, kills, statuses, time.monotonic() - began, self.supervisor.text())

    def _flow(self, number: int, share: float, seconds: float) -> None:
        self.feed.go_on_to(min(len(self._trade), int(number * share)), per_second=share / seconds)

    def _deal(self, kind: str) -> float:
        try:
            seconds = FAULTS[kind].deal(self)
        except AssertionError as problem:
            raise AssertionError(f"after {kind}: {problem}\n{self.supervisor.text()}") from problem
        self.blows.setdefault(kind, Blow()).seconds.append(seconds)
        return seconds

    def _recovered(self, since: float) -> float:
        return self.watch.moved_again(since, MOST_SECONDS, "recovery")

    def _all(self) -> list[WorkerProcess]:
        """The workers, once as many run as should."""

        def running() -> list[WorkerProcess]:
            alive = [worker for worker in self.supervisor.workers if worker.is_alive]
            return alive if len(alive) >= self._workers else []

        found: list[WorkerProcess] = wait_until(running, MOST_SECONDS, "all workers run", self.supervisor.text)
        return found

    def _one(self) -> WorkerProcess:
        return self._random.choice(self._all())

    def _one_at_work(self) -> WorkerProcess:

        def at_work() -> WorkerProcess | None:
            worker = self._one()
            return worker if worker.says("cases_recovered") else None

        found: WorkerProcess = wait_until(at_work, MOST_SECONDS, "a worker at work", self.supervisor.text)
        return found

    def kill(self) -> float:
        """Any one, whatever it is at."""
        worker, since = self._one(), time.monotonic()
        worker.kill()
        return self._recovered(since)

    def kill_all(self) -> float:
        """Nobody is left."""
        workers, since = self._all(), time.monotonic()
        for worker in workers:
            worker.kill()
        return self._recovered(since)

    def kill_again(self) -> float:
        """One, and another while the group has not got over it: in a rebalance, or reading cases back."""
        self._one().kill()
        time.sleep(self._random.uniform(0.0, self._settings.session_timeout))
        return self.kill()

    def stop(self) -> float:
        """A clean stop: status 0 within ten seconds; another takes its place."""
        worker, since = self._one_at_work(), time.monotonic()
        status = self.supervisor.leave(worker)
        assert status == 0, f"{worker.name} ended with status {status} after SIGTERM"
        self.supervisor.join()
        return self._recovered(since)

    def join(self) -> float:
        """One more for a while."""
        since = time.monotonic()
        worker = self.supervisor.join()
        wait_until(lambda: worker.says("cases_recovered") or not worker.is_alive, MOST_SECONDS, "it has a share", worker.text)
        assert worker.is_alive, worker.text()
        self._recovered(time.monotonic())
        seconds = time.monotonic() - since
        self.supervisor.leave(worker)
        return seconds

    def freeze(self) -> float:
        """Stopped for longer than its session lasts, and while another has its share; then it goes on where it was."""
        worker, since = self._one_at_work(), time.monotonic()
        worker.pause()
        try:
            seconds = self._recovered(since)
        finally:
            worker.resume()
        return seconds

    def restart(self, *, kill: bool) -> float:
        """The broker, on the data that it has."""
        return self._recovered(self._faulty.restart(kill=kill))

    def pause_broker(self) -> float:
        """It stands still, its connections stand."""
        self._faulty.kafka.pause()
        time.sleep(self._settings.session_timeout)
        self._faulty.kafka.resume()
        return self._recovered(time.monotonic())

    def cut(self) -> float:
        """Every connection breaks, and may be made anew at once."""
        since = time.monotonic()
        self.proxy.cut()
        return self._recovered(since)

    def outage(self, break_it: Callable[[], None]) -> float:
        """No way to the broker for longer than a session lasts."""
        break_it()
        time.sleep(self._settings.session_timeout + 1)
        self.proxy.pass_on()
        return self._recovered(time.monotonic())


class Fault(NamedTuple):
    """A kind of fault: in words, from when on its recovery is counted, and how it is dealt, which returns those seconds.

    `flow_seconds`: over which its share of the events is published; they must still come in when it is over.
    """

    words: str
    counted_from: str
    deal: Callable[[Storm], float]
    flow_seconds: float = 2.0


FAULTS = {
    "kill": Fault("`kill -9` of a worker", "the kill", Storm.kill),
    "kill-all": Fault("`kill -9` of all workers at once", "the kill", Storm.kill_all),
    "kill-again": Fault("`kill -9` of a worker while the group recovers from another's", "the second", Storm.kill_again, 6.0),
    "stop": Fault("SIGTERM to a worker (ends within 10 s, status 0)", "SIGTERM", Storm.stop, 6.0),
    "join": Fault("a worker joins, and leaves again", "its start", Storm.join, 12.0),
    "freeze": Fault("SIGSTOP of a worker until others have its share, then SIGCONT", "SIGSTOP", Storm.freeze),
    "broker-restart": Fault("broker stopped and restarted", "it answers again", lambda storm: storm.restart(kill=False)),
    "broker-kill": Fault("broker killed and restarted", "it answers again", lambda storm: storm.restart(kill=True)),
    "broker-pause": Fault("broker paused for a session timeout", "it goes on", Storm.pause_broker),
    "cut": Fault("every connection to the broker cut", "the cut", Storm.cut),
    "refused": Fault("connections refused for longer than a session", "it is reachable", lambda storm: storm.outage(storm.proxy.refuse)),
    "silence": Fault("broker silent for longer than a session", "it is reachable", lambda storm: storm.outage(storm.proxy.black_hole)),
}
