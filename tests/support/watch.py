"""What a group has committed, looked at all the time: how long after a fault each partition number moves again."""

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from kimberley.settings import Settings
from kimberley.wire.topics import EVENT_TOPICS, InternalNames
from support.stream import wait_until

_LOOK_SECONDS = 0.1


class Watch:
    """Looks by the broker's own address, not by a proxy. While a broker is away it knows nothing new.

    Committed offsets are what counts: a transaction that is aborted moves no offset, and one that is committed moves all at once.
    """

    def __init__(self, settings: Settings, bootstrap_servers: str) -> None:
        self._settings = settings
        self._bootstrap = bootstrap_servers
        self._group = InternalNames(settings.prefix).group
        self._places = [TopicPartition(topic, number) for topic in EVENT_TOPICS for number in range(settings.partitions)]
        self.committed: Counter[int] = Counter()
        self.ends: Counter[int] = Counter()
        self.looked_at = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(30)

    @property
    def read(self) -> int:
        """Records of the event topics that are committed, all together."""
        with self._lock:
            return self.committed.total()

    @property
    def waiting(self) -> set[int]:
        """Partition numbers whose records wait."""
        with self._lock:
            return {number for number, end in self.ends.items() if end > self.committed[number]}

    def moved_again(self, since: float, seconds: float, what: str) -> float:
        """How long after `since` (monotonic, just now) until every partition number has moved past where it was then.

        Raises AssertionError with `what` where one does not within so many seconds; records must go on coming in.
        """
        while self.looked_at < since:  # what was on its way out before the fault is no recovery
            if time.monotonic() - since > seconds:
                raise AssertionError(f"{what}: the broker does not say where the group is")
            time.sleep(_LOOK_SECONDS / 10)
        with self._lock:
            before = self.committed.copy()
        while still := self._resting(before):
            if time.monotonic() - since > seconds:
                raise AssertionError(f"{what}: partitions {sorted(still)} did not move within {seconds:.0f} s")
            time.sleep(_LOOK_SECONDS / 2)
        return time.monotonic() - since

    def _resting(self, before: Counter[int]) -> set[int]:
        with self._lock:
            return {number for number in range(self._settings.partitions) if self.committed[number] <= before[number]}

    def reaches(self, records: int, seconds: float, what: str, detail: Any = str) -> None:
        """Return once so many records are committed. Raises AssertionError with `what` after so many seconds."""
        wait_until(lambda: self.read >= records, seconds, what, lambda: f"{self.read:,} of {records:,} records\n{detail()}")

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                with KafkaAdminClient(
                    bootstrap_servers=self._bootstrap, bootstrap_timeout_ms=2000, request_timeout_ms=5000, reconnect_backoff_max_ms=200
                ) as admin:
                    while not self._over.wait(_LOOK_SECONDS):
                        self._look(admin)
            except (KafkaError, OSError):
                self._over.wait(_LOOK_SECONDS)

    def _look(self, admin: Any) -> None:
        began = time.monotonic()
        committed = admin.list_group_offsets({self._group: self._places})[self._group]
        ends = admin.list_partition_offsets(dict.fromkeys(self._places, -1))
        with self._lock:
            self.looked_at = began
            self.committed = _by_number({place: max(0, found.offset) for place, found in committed.items()})
            self.ends = _by_number({place: found.offset for place, found in ends.items()})


def _by_number(offsets: dict[Any, int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for place, offset in offsets.items():
        found[place.partition] += offset
    return found
