"""A worker lives while it comes on, and is ready once it has its share; otherwise it says what stands still, and since when."""

from dataclasses import dataclass

import pytest

from kimberley.pipeline.health import Health
from kimberley.pipeline.progress import Progress

PLACES = [("certificates", 0), ("shipments", 0)]


@dataclass
class Clock:
    """A clock that a test moves; wall and monotonic at once. It starts at 2023-11-14T22:13:20Z."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(clock, clock)


@pytest.fixture
def health(progress: Progress) -> Health:
    return Health(progress, stalled_seconds=60, joining_seconds=90)


def assign(progress: Progress) -> None:
    progress.assigned(PLACES)
    progress.recovering(0).done(5, dict.fromkeys(PLACES, 0))
    for place in PLACES:
        progress.seen(place, 0, 0, 0)


def test_nothing_to_read_is_healthy_for_ever(progress: Progress, health: Health, clock: Clock) -> None:
    assign(progress)
    assert health.live().ok
    clock.now += 1_000_000
    answer = health.live()
    assert answer.ok
    assert answer.body["why"] == "working on partition 0: all that came is applied"


def test_records_that_wait_while_none_is_applied_are_unhealthy_after_the_time_and_named(
    progress: Progress, health: Health, clock: Clock
) -> None:
    assign(progress)
    progress.ends({("shipments", 0): 40})
    health.live()
    clock.now += 60
    assert health.live().ok, "the time is not over yet"
    clock.now += 15
    answer = health.live()
    assert not answer.ok
    (still,) = answer.body["standing_still"]
    assert (still["topic"], still["partition"], still["records"], still["seconds"]) == ("shipments", 0, 40, 75)
    assert still["since"] == "2023-11-14T22:13:20+00:00"
    assert answer.body["why"].startswith("shipments-0: 40 records wait and none was applied since 2023-11-14T22:13:20")


def test_one_applied_chunk_a_minute_is_progress_and_the_end_of_it_is_not(progress: Progress, health: Health, clock: Clock) -> None:
    assign(progress)
    place = ("shipments", 0)
    for start in range(0, 500, 100):
        progress.fetched(place, start, 0, 0, start + 100)
    progress.ends({place: 500})
    for _ in range(4):
        clock.now += 59
        progress.applied(place)
        assert health.live().ok
    clock.now += 61
    assert not health.live().ok
    progress.applied(place)
    assert health.live().ok, "and it comes back by itself"


def test_another_partition_s_progress_does_not_hide_the_one_that_stands(progress: Progress, health: Health, clock: Clock) -> None:
    assign(progress)
    busy, stuck = PLACES
    progress.ends({busy: 1000, stuck: 3})
    for start in range(0, 900, 10):
        progress.fetched(busy, start, 0, 0, start + 10)
        clock.now += 1
        progress.applied(busy)
    assert [each["topic"] for each in health.live().body["standing_still"]] == ["shipments"]


def test_recovery_lives_while_records_come_and_stands_still_when_they_do_not(progress: Progress, health: Health, clock: Clock) -> None:
    progress.assigned(PLACES)
    recovery = progress.recovering(0)
    progress.ends(dict.fromkeys(PLACES, 1_000))
    for _ in range(5):
        clock.now += 50
        recovery.moved(1_000)
        assert health.live().ok, "what waits to be judged is not its fault"
    assert health.live().body["why"] == "recovering the cases of partition 0: 5,000 records read back so far"
    clock.now += 61
    answer = health.live()
    assert not answer.ok
    assert answer.body["standing_still"][0]["partition"] == 0
    assert "recovery of partition 0's cases" in answer.body["why"]
    recovery.done(10, dict.fromkeys(PLACES, 0))
    assert health.live().ok, "from here on the time runs for what waits"


def test_ready_is_assigned_and_recovered(progress: Progress, health: Health) -> None:
    assert not health.ready().ok
    progress.assigned(PLACES)
    recovery = progress.recovering(0)
    answer = health.ready()
    assert not answer.ok
    assert answer.body["recovering"] == [0]
    recovery.done(0, {})
    answer = health.ready()
    assert answer.ok
    assert answer.body["partitions"] == [0]
    progress.revoked(PLACES)
    assert not health.ready().ok
    assert health.ready().body["why"] == "the group is rebalancing"


def test_a_worker_with_no_partitions_is_ready_and_alive_and_says_why(progress: Progress, health: Health, clock: Clock) -> None:
    progress.assigned([])
    clock.now += 100_000
    assert health.ready().ok
    assert health.live().ok
    assert "more workers than there are partitions" in health.ready().body["why"]


def test_a_group_that_never_answers_is_standing_still(progress: Progress, health: Health, clock: Clock) -> None:
    clock.now += 89
    assert health.live().ok
    clock.now += 2
    answer = health.live()
    assert not answer.ok
    assert "the group has not answered" in answer.body["why"]
