"""Lag in records and in seconds: right while behind, while idle, at a transaction's marker, and gone with the partition."""

from dataclasses import dataclass

import pytest

from kimberley.pipeline.progress import Progress, Reading

PLACE = ("shipments", 3)


@dataclass
class Clock:
    """A clock that a test moves; wall and monotonic at once."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    @property
    def ms(self) -> int:
        return int(self.now * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    """Partition 3 of one topic, recovered, with nothing read yet."""
    progress = Progress(clock, clock)
    progress.assigned([PLACE])
    progress.recovering(3).done(0, {PLACE: 0})
    return progress


def reading(progress: Progress) -> Reading:
    progress.look()
    return progress.readings[PLACE]


def lag(progress: Progress) -> tuple[int, float]:
    found = reading(progress)
    return found.lag, round(found.lag_seconds(progress.wall_clock()), 3)


def test_what_waits_counts_from_the_first_record_that_is_not_applied(progress: Progress, clock: Clock) -> None:
    sent = clock.ms
    progress.fetched(PLACE, 0, sent, sent, 100)
    progress.fetched(PLACE, 100, sent + 2000, sent + 3000, 150)
    progress.seen(PLACE, 150, 400, 400)
    clock.now += 10
    assert lag(progress) == (400, 10.0)
    progress.applied(PLACE)
    assert lag(progress) == (300, 8.0)
    progress.applied(PLACE)
    assert lag(progress) == (250, 7.0), "what is not read yet is younger than the last that was applied"


def test_an_idle_partition_has_no_lag_and_its_old_last_record_makes_none(progress: Progress, clock: Clock) -> None:
    progress.fetched(PLACE, 0, clock.ms, clock.ms, 1)
    progress.applied(PLACE)
    progress.seen(PLACE, 1, 1, 1)
    clock.now += 3 * 86_400
    assert lag(progress) == (0, 0.0)
    progress.ends({PLACE: 2})
    clock.now += 4
    assert lag(progress) == (1, 4.0), "since it was last seen with nothing left, not since three days"


def test_the_marker_at_the_end_of_a_transaction_is_no_record_that_waits(progress: Progress, clock: Clock) -> None:
    progress.fetched(PLACE, 0, clock.ms, clock.ms, 5)
    progress.applied(PLACE)
    progress.ends({PLACE: 6})
    assert reading(progress).lag == 1, "it might be a record"
    progress.seen(PLACE, 6, 6, 6)
    assert lag(progress) == (0, 0.0)


def test_a_transaction_that_is_open_elsewhere_is_lag_but_keeps_nobody_from_working(progress: Progress) -> None:
    progress.seen(PLACE, 10, 25, 10)
    found = reading(progress)
    assert (found.lag, found.waiting) == (15, 0)


def test_a_backlog_is_as_old_as_its_records_also_between_two_fetches(progress: Progress, clock: Clock) -> None:
    hours_ago = clock.ms - 7_200_000
    progress.ends({PLACE: 5000})
    progress.fetched(PLACE, 0, hours_ago, hours_ago, 1000)
    assert lag(progress) == (5000, 7200.0)
    progress.applied(PLACE)
    assert lag(progress) == (4000, 7200.0)


def test_before_anything_is_read_the_committed_offset_is_where_reading_starts(clock: Clock) -> None:
    progress = Progress(clock, clock)
    progress.assigned([PLACE])
    recovery = progress.recovering(3)
    progress.ends({PLACE: 700})
    assert reading(progress).lag == 0, "nothing is known yet"
    recovery.done(12, {PLACE: 500})
    clock.now += 2
    assert lag(progress) == (200, 2.0), "at least since it came here"


def test_the_ends_of_a_fetch_never_take_back_what_was_asked_for(progress: Progress) -> None:
    """A consumer that has no room keeps the ends of its last fetch."""
    progress.ends({PLACE: 900})
    progress.seen(PLACE, 100, 300, None)
    assert reading(progress).lag == 800


def test_a_revoked_partition_is_gone_and_what_is_told_of_it_later_is_not_kept(progress: Progress, clock: Clock) -> None:
    progress.fetched(PLACE, 0, clock.ms, clock.ms, 10)
    progress.revoked([PLACE])
    assert not progress.readings
    assert not progress.recoveries
    assert not progress.is_assigned
    progress.applied(PLACE)
    progress.fetched(PLACE, 0, clock.ms, clock.ms, 10)
    progress.seen(PLACE, 10, 10, 10)
    progress.ends({PLACE: 10})
    assert not progress.readings
    progress.assigned([PLACE])
    assert reading(progress).applied is None, "it starts anew"
    assert progress.rebalances == 2
