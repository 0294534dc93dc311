"""How far a worker is: what of each partition is read and applied, what waits, and how recovery goes. No Kafka client here.

The consumer, the partition tasks and a follower of the partitions' ends tell it what they see; metrics and health are read from it. A
partition exists here from its assignment to its revocation and no longer.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Place = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(slots=True)
class Chunk:
    """Records at hand that are not applied yet: their first offset, and the timestamps (milliseconds) of the first and the last."""

    offset: int
    first_timestamp: int
    last_timestamp: int


@dataclass(slots=True)
class Reading:
    """One partition of one topic. `read`: the next offset to read; whatever lies below was handed over, or is no record.

    `end` is the offset behind the last record, `readable_end` the one behind the last that a consumer of committed records may have.
    `moved_at` (monotonic seconds): when a record was last applied, or nothing was left to apply. `caught_up_at` and `since` (seconds
    since the epoch): when nothing was left, if ever, and when the partition came here.
    """

    moved_at: float
    since: float
    read: int | None = None
    end: int = 0
    readable_end: int = 0
    at_hand: deque[Chunk] = field(default_factory=deque)
    last_timestamp: int | None = None
    caught_up_at: float | None = None

    @property
    def applied(self) -> int | None:
        """The first offset that is not applied; None before anything is known of it.

        Where nothing is at hand this is where reading goes on, not behind the last record: a partition may end in the marker of a
        transaction, which nobody is handed.
        """
        return self.at_hand[0].offset if self.at_hand else self.read

    @property
    def lag(self) -> int:
        """Records (and markers among them) that are not applied."""
        return max(0, max(self.end, self.read or 0) - self.applied) if self.applied is not None else 0

    @property
    def waiting(self) -> int:
        """As `lag`, of what may be read now: a transaction that is open elsewhere keeps nobody here from working."""
        return max(0, max(self.readable_end, self.read or 0) - self.applied) if self.applied is not None else 0

    def lag_seconds(self, now: float) -> float:
        """The age of the oldest record that is not applied, 0 where none is.

        Before it is read its age is not known; it is younger than the last applied record and than the moment when nothing was left.
        """
        if not self.lag:
            return 0.0
        if self.at_hand:
            return max(0.0, now - self.at_hand[0].first_timestamp / 1000)
        if self.last_timestamp is None:
            return max(0.0, now - (self.caught_up_at or self.since))
        return max(0.0, now - max(self.last_timestamp / 1000, self.caught_up_at or 0.0))


@dataclass(slots=True)
class Recovery:
    """Reading one partition number's cases back. `seconds` is None until it is done; `moved_at`: when it last came on (monotonic)."""

    started_at: float
    moved_at: float
    clock: Callable[[], float] = time.monotonic
    records: int = 0
    cases: int = 0
    seconds: float | None = None
    starts: Mapping[Place, int] = field(default_factory=dict)

    def moved(self, records: int = 0) -> None:
        """It has come on, by so many records of the changelog."""
        self.records += records
        self.moved_at = self.clock()

    def done(self, cases: int, starts: Mapping[Place, int]) -> None:
        """So many cases are back; reading starts at these offsets."""
        self.moved()
        self.cases = cases
        self.starts = starts
        self.seconds = self.moved_at - self.started_at


class Progress:
    """All partitions that are assigned to this worker."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall_clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.wall_clock = wall_clock
        self.readings: dict[Place, Reading] = {}
        self.recoveries: dict[int, Recovery] = {}
        self.excuses: dict[int, str] = {}
        """What partition numbers wait for that is not this worker's to mend."""
        self.rebalances = 0
        self.is_assigned = False
        """Whether the group gave this worker its share, be it none."""
        self.assignment_changed_at = clock()
        self.asked_at = -math.inf
        """When the partitions' ends were asked for last (monotonic); `asked_ends` were they then."""
        self.asked_ends: dict[Place, int] = {}

    @property
    def numbers(self) -> list[int]:
        """The partition numbers of the assigned partitions."""
        return sorted({number for _, number in self.readings})

    def assigned(self, places: Iterable[Place]) -> None:
        """The group has given this worker its share."""
        now, wall = self.clock(), self.wall_clock()
        for place in places:
            self.readings.setdefault(place, Reading(moved_at=now, since=wall))
        self.rebalances += 1
        self.is_assigned = True
        self.assignment_changed_at = now

    def revoked(self, places: Iterable[Place]) -> None:
        """These partitions are no longer ours; the next assignment is on its way."""
        for place in places:
            self.readings.pop(place, None)
            self.recoveries.pop(place[1], None)
        self.is_assigned = False
        self.assignment_changed_at = self.clock()

    def recovering(self, number: int) -> Recovery:
        """The recovery of a partition number, which begins now; who recovers tells it how it goes."""
        now = self.clock()
        self.recoveries[number] = Recovery(now, now, self.clock)
        return self.recoveries[number]

    def is_recovered(self, number: int) -> bool:
        """Whether a partition number's cases are back."""
        recovery = self.recoveries.get(number)
        return recovery is not None and recovery.seconds is not None

    def fetched(self, place: Place, offset: int, first_timestamp: int, last_timestamp: int, next_offset: int) -> None:
        """A chunk of records was handed over: its first offset, timestamps, and the offset behind it."""
        if reading := self.readings.get(place):
            reading.at_hand.append(Chunk(offset, first_timestamp, last_timestamp))
            reading.read = next_offset

    def applied(self, place: Place) -> None:
        """The oldest chunk at hand is applied: its results are committed."""
        if (reading := self.readings.get(place)) and reading.at_hand:
            reading.last_timestamp = reading.at_hand.popleft().last_timestamp
            reading.moved_at = self.clock()

    def seen(self, place: Place, position: int, end: int | None, readable_end: int | None) -> None:
        """What the consumer knows, when all that it handed out is told: where it reads on, and the ends that the last fetch named."""
        if reading := self.readings.get(place):
            reading.read = position
            reading.end = max(reading.end, end or 0)
            reading.readable_end = max(reading.readable_end, readable_end or 0)

    def ends(self, ends: Mapping[Place, int], asked_at: float | None = None) -> None:
        """The offsets behind the last readable record, asked for by themselves: they go on growing when fetching does not.

        `asked_at`: when, monotonic; default: now.
        """
        asked_at = self.clock() if asked_at is None else asked_at
        for place, end in ends.items():
            if reading := self.readings.get(place):
                reading.end = max(reading.end, end)
                reading.readable_end = max(reading.readable_end, end)
        self.asked_at, self.asked_ends = asked_at, dict(ends)
        self.look()

    def has_applied(self, ends: Mapping[Place, int]) -> bool:
        """Whether everything before these offsets is applied."""
        readings = [(self.readings.get(place), end) for place, end in ends.items()]
        return all(reading is not None and reading.applied is not None and reading.applied >= end for reading, end in readings)

    @contextmanager
    def excused(self, number: int, why: str) -> Iterator[None]:
        """What a partition number waits for meanwhile is none of this worker's fault, nor mended by starting it anew."""
        self.excuses[number] = why
        try:
            yield
        finally:
            self.excuses.pop(number, None)
            for (_, each), reading in self.readings.items():
                if each == number:
                    reading.moved_at = self.clock()

    def look(self) -> None:
        """Note which partitions have nothing left. Before each use of `moved_at` and `lag_seconds`."""
        now, wall = self.clock(), self.wall_clock()
        for (topic, number), reading in self.readings.items():
            recovery = self.recoveries.get(number)
            if reading.read is None and recovery is not None:
                reading.read = recovery.starts.get((topic, number))
            if not reading.waiting or recovery is None or recovery.seconds is None:
                reading.moved_at = now
            if reading.read is not None and not reading.lag:
                reading.caught_up_at = wall
