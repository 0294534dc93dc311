"""A worker that stands still says so and ends; one that was stopped for a while knows that others may have its share."""

import asyncio
import subprocess
import sys
from dataclasses import dataclass

import pytest

from kimberley.pipeline.batch import Batch, Output
from kimberley.pipeline.delivery import Acknowledged, AtLeastOnce, FencedError
from kimberley.pipeline.health import Answer, Health
from kimberley.pipeline.progress import Progress
from kimberley.pipeline.watchdog import Pulse, StuckError, Watchdog
from kimberley.wire.topics import DECISIONS, InternalNames
from support.waiting import until

PLACES = [("certificates", 0), ("shipments", 0)]


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_pulse_remembers_its_longest_pause_until_that_does_not_matter_any_more() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for seconds in (0.25, 7.0, 0.25):
        clock.now += seconds
        pulse.beat()
    assert pulse.longest == 7.0
    clock.now += 9
    assert pulse.longest == 9.0, "the pause goes on"
    pulse.beat()
    pulse.forget()
    assert pulse.longest == 0.0


def test_records_that_wait_and_are_not_applied_end_the_worker_and_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimberley.pipeline.watchdog._LOOK_SECONDS", 0.01)
    clock = Clock()
    progress = Progress(clock, clock)
    progress.assigned(PLACES)
    progress.recovering(0).done(5, dict.fromkeys(PLACES, 0))
    failures: list[BaseException] = []
    looks: list[Answer] = []

    class Looked(Health):
        def live(self) -> Answer:
            looks.append(super().live())
            return looks[-1]

    health = Looked(progress, stalled_seconds=60, joining_seconds=90)
    watchdog = Watchdog(Pulse(), health, seconds=60, on_failure=failures.append)

    async def watch() -> None:
        await watchdog.start()
        await until(lambda: len(looks) > 2)
        assert not failures, "nothing waits"
        progress.ends({("shipments", 0): 40})
        clock.now += 61
        await until(lambda: failures)
        await watchdog.stop()

    asyncio.run(watch())
    (problem,) = failures
    assert isinstance(problem, StuckError)
    assert problem.exit_status == 3
    assert "shipments-0: 40 records wait and none was applied since" in str(problem)


def test_while_the_registry_is_away_nobody_is_stuck() -> None:
    clock = Clock()
    progress = Progress(clock, clock)
    health = Health(progress, stalled_seconds=60, joining_seconds=90)
    progress.assigned(PLACES)
    progress.recovering(0).done(5, dict.fromkeys(PLACES, 0))
    progress.ends({("shipments", 0): 40})
    with progress.excused(0, "the schema registry"):
        clock.now += 300
        answer = health.live()
        assert (answer.ok, answer.body["why"]) == (True, "partition 0 waits for the schema registry")
    assert health.live().ok
    clock.now += 61
    assert not health.live().ok


HANGING = """
import asyncio, time
from kimberley.pipeline import watchdog
from kimberley.pipeline.health import Answer, Health
from kimberley.pipeline.progress import Progress

watchdog._LOOK_SECONDS = 0.05

async def main():
    health = Health(Progress(), stalled_seconds=60, joining_seconds=90)
    await watchdog.Watchdog(watchdog.Pulse(), health, seconds=0.2, on_failure=print).start()
    await asyncio.sleep(0)
    hang()

def hang():
    time.sleep(60)

asyncio.run(main())
"""


def test_a_hanging_event_loop_ends_the_process_and_tells_what_it_was_at() -> None:
    found = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=30, check=False)
    assert found.returncode == 3
    assert "the event loop has not run for" in found.stdout + found.stderr
    assert "in hang" in found.stderr


@pytest.mark.parametrize("pauses", [(True,), (False, True)], ids=["before the outputs", "between outputs and cases"])
def test_without_transactions_a_worker_that_stood_still_writes_no_case(pauses: tuple[bool, ...]) -> None:
    answers = iter(pauses)
    sent: list[str] = []
    batch = Batch(outputs=[Output(DECISIONS, 0, b"BW000001", b"", [])], cases={"BW000001": b"stale"})

    async def committed(_: object) -> bool:
        sent.append("offsets")
        return True

    class Recording(AtLeastOnce):
        async def _put(self, topic: str, partition: int, rows: list[Output]) -> list[Acknowledged]:
            sent.append(topic)
            return []

    def may_be_zombie() -> str | None:
        return "this process stood still for 8.0 s" if next(answers) else None

    async def deliver() -> None:
        await Recording(0, InternalNames("kimberley"), {}, committed, may_be_zombie).deliver(batch)

    with pytest.raises(FencedError, match=r"partition 0: this process stood still for 8\.0 s"):
        asyncio.run(deliver())
    assert "kimberley-cases" not in sent
    assert "offsets" not in sent
