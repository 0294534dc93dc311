"""Workers that are started again when they end, as systemd or Kubernetes would, and what they ended with."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from kimberley.settings import Settings
from support.stream import wait_until
from support.worker import WorkerProcess

_LOOK_SECONDS = 0.05
_RESTART_SECONDS = 0.2
_START_SECONDS = 60.0


class Ended(NamedTuple):
    """A worker that ended, told to or not: its name, its exit status (negative: the signal), when (monotonic)."""

    name: str
    status: int
    at: float


class Supervisor:
    """So many workers, each in a place of its own; whoever ends is followed by another within a moment."""

    def __init__(self, settings: Settings, folder: Path, workers: int = 2, **more: str) -> None:
        self.ended: list[Ended] = []
        self._settings = settings
        self._folder = folder
        self._more = more
        self._wanted = workers
        self._lives = 0
        self._workers: list[WorkerProcess] = []
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        for _ in range(self._wanted):
            self.join()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        for worker in self._workers:
            worker.__exit__(kind, problem, trace)

    @property
    def workers(self) -> list[WorkerProcess]:
        """Those that should run now."""
        with self._lock:
            return list(self._workers)

    def join(self) -> WorkerProcess:
        """One more."""
        with self._lock:
            self._lives += 1
            worker = WorkerProcess(self._settings, self._folder, f"worker-{self._lives}", **self._more)
            self._workers.append(worker.__enter__())
            return worker

    def leave(self, worker: WorkerProcess, seconds: float = 10) -> int:
        """Tell one to stop, for good, once it has started; its exit status."""
        wait_until(lambda: not worker.is_alive or worker.says("worker_started"), _START_SECONDS, "its start", worker.text)
        with self._lock:
            if worker not in self._workers:  # it has just ended by itself, and was noted
                return worker.process.returncode
            self._workers.remove(worker)
        status = worker.terminate(seconds)
        self.ended.append(Ended(worker.name, status, time.monotonic()))
        return status

    def stop(self, seconds: float = 10) -> list[int]:
        """Tell all to stop, for good; their exit statuses. One that had just ended by itself has its follower stopped."""
        statuses = []
        while workers := self.workers:
            if workers[0].is_alive:
                statuses.append(self.leave(workers[0], seconds))
            time.sleep(_LOOK_SECONDS)
        return statuses

    @contextmanager
    def all_down(self) -> Iterator[None]:
        """No worker runs meanwhile: told to stop, and started again after it."""
        number = len(self.workers)
        assert set(self.stop()) == {0}, self.text()
        yield
        for _ in range(number):
            self.join()

    def holder(self, number: int) -> WorkerProcess | None:
        """The worker that took a partition number over last and still should run."""
        found = [
            (str(line["timestamp"]), index)
            for index, worker in enumerate(self.workers)
            for line in worker.says("cases_recovered")
            if line["partition"] == number
        ]
        return self.workers[max(found)[1]] if found else None

    def text(self) -> str:
        """The ends of all logs so far, oldest first."""
        logs = sorted(self._folder.glob("worker-*.log"), key=lambda log: int(log.stem.split("-")[1]))
        return "\n".join(f"--- {log.stem}\n{log.read_text(errors='replace')[-3000:]}" for log in logs[-6:]) + f"\n{self.ended}"

    def _tend(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            with self._lock:
                gone = [worker for worker in self._workers if not worker.is_alive]
            if not gone:
                continue
            self._over.wait(_RESTART_SECONDS)
            with self._lock:
                for worker in gone:
                    if worker in self._workers:  # not told to leave meanwhile
                        self._workers.remove(worker)
                        self.ended.append(Ended(worker.name, worker.process.returncode, time.monotonic()))
                        self.join()
