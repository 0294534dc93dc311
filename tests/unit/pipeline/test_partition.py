"""A partition number's task: no record twice, and an end in bounded time. The rest is held on real brokers."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from kimberley.cases.judge import Policy
from kimberley.model.partition_state import PartitionState
from kimberley.pipeline.batch import Batch, Output
from kimberley.pipeline.partition import Chunk, PartitionTask
from kimberley.pipeline.policies import Policies
from kimberley.pipeline.processor import Processor
from kimberley.pipeline.progress import Progress
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import Reference
from kimberley.rules.rulebook import Rulebook, shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.control import Tick, control_value
from kimberley.wire.topics import DECISIONS, SHIPMENTS, InternalNames
from support.journeys import journey
from support.stream import event_records
from support.waiting import until

NAMES = InternalNames("kimberley")
CODEC = make_codec(Settings.model_construct(partitions=1))
POLICIES = Policies(shipped_rulebook())
POLICIES.add(shipped_reference())
FIRST = 100
"""The committed offset: records before it are done."""
LOST = "lost"
"""A revision that nobody has."""


@dataclass
class Carrier:
    """A delivery into a list."""

    outputs: list[Output] = field(default_factory=list)
    asked: int = 0
    deliveries: int = 0
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    states: list[PartitionState] = field(default_factory=list)
    hangs_until: float = 0.0

    async def start(self) -> None:
        await asyncio.sleep(0.05)

    async def deliver(self, batch: Batch) -> None:
        self.asked += 1
        await self._hang()
        self.outputs += batch.outputs
        self.deliveries += 1
        self.offsets |= batch.offsets
        self.states += [batch.state] if batch.state else []

    async def stop(self) -> None:
        await self._hang()

    async def _hang(self) -> None:
        """As a client does whose broker does not answer: it can't be cancelled."""
        while (now := asyncio.get_running_loop().time()) < self.hangs_until:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(self.hangs_until - now)


class Task(PartitionTask):
    """A task that has nothing to recover."""

    async def _start(self) -> None:
        await self._delivery.start()
        self._committed = {(SHIPMENTS, 0): FIRST}


def made(carrier: Carrier, failures: list[BaseException], policies: Policies = POLICIES, progress: Progress | None = None) -> PartitionTask:
    return Task(
        0,
        NAMES,
        delivery=carrier,
        codec=CODEC,
        policies=policies,
        progress=progress or Progress(),
        make_consumer=lambda group: None,  # type: ignore[arg-type, return-value]
        processor=lambda cases, state: Processor(0, 1, cases, CODEC, NAMES, state, skew_minutes=10),
        batch_records=5000,
        adopts_alerts=False,
        recovery=Progress().recovering(0),
        on_batch=lambda batch: None,
        on_failure=failures.append,
    )


def records() -> list[MemoryRecord]:
    return [
        MemoryRecord(SHIPMENTS, 0, FIRST + index, 1_800_000_000_000, each.key, each.value, each.headers)
        for index, each in enumerate(event_records(CODEC, journey("BW000001")[1:]))
    ]


def run(story: Callable[[Carrier, list[BaseException]], Coroutine[Any, Any, None]]) -> tuple[list[str], list[BaseException]]:
    """The decisions' ids and the failures of a story."""
    carrier, failures = Carrier(), list[BaseException]()
    asyncio.run(story(carrier, failures))
    return [dict(each.headers)["ce_id"].decode() for each in carrier.outputs if each.topic == DECISIONS], failures


def test_records_that_were_read_twice_around_a_rebalance_are_decided_once() -> None:
    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        task = made(carrier, failures)
        sent = records()
        # before the task has recovered: both lie in its first batch
        task.put(Chunk(sent, lambda: None))
        task.put(Chunk(sent, lambda: None, follows=FIRST + len(sent)))
        await until(lambda: carrier.deliveries)
        await task.stop()

    decided, failures = run(story)
    assert decided == [f"{SHIPMENTS}/0/{offset}" for offset in range(FIRST, FIRST + 3)]
    assert not failures


def test_what_was_committed_before_is_not_decided_again() -> None:
    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        task = made(carrier, failures)
        old = [MemoryRecord(SHIPMENTS, 0, FIRST - 1, 1_800_000_000_000, b"BW000001", records()[0].value, [])]
        task.put(Chunk([*old, *records()], lambda: None))
        await until(lambda: carrier.deliveries)
        await task.stop()

    decided, _ = run(story)
    assert decided == [f"{SHIPMENTS}/0/{offset}" for offset in range(FIRST, FIRST + 3)]


def test_what_was_applied_and_not_committed_is_committed_though_nothing_follows_it() -> None:
    """A worker died between its cases and the group's offsets; without this the group would lag for ever."""

    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        task = made(carrier, failures)
        task.put(Chunk([MemoryRecord(SHIPMENTS, 0, FIRST - 1, 1_800_000_000_000, b"BW000001", records()[0].value, [])], lambda: None))
        await until(lambda: carrier.offsets)
        await task.stop()
        assert carrier.offsets == {(SHIPMENTS, 0): FIRST}

    decided, failures = run(story)
    assert not decided
    assert not failures


def test_a_chunk_that_does_not_follow_the_one_before_it_fails_the_task() -> None:
    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        task = made(carrier, failures)
        sent = records()
        task.put(Chunk(sent[:1], lambda: None))
        task.put(Chunk(sent[2:], lambda: None, follows=FIRST + 2))
        await task.stop()

    _, (failure,) = run(story)
    assert f"records before offset {FIRST + 2} were fetched and did not arrive" in str(failure)


def test_a_broker_that_does_not_answer_does_not_keep_a_task_from_ending() -> None:
    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        carrier.hangs_until = asyncio.get_running_loop().time() + 25
        task = made(carrier, failures)
        task.put(Chunk(records(), lambda: None))
        await until(lambda: carrier.asked)
        await asyncio.wait_for(task.stop(), 15)
        assert not carrier.outputs
        carrier.hangs_until = 0.0

    _, failures = run(story)
    assert not failures


class AskedPolicies(Policies):
    """Policies that note which revisions they were asked for."""

    def __init__(self, rulebook: Rulebook) -> None:
        super().__init__(rulebook)
        self.asked: list[str] = []

    def of(self, revision: str) -> Policy | None:
        self.asked.append(revision)
        return super().of(revision)


def controlled(policies: AskedPolicies, *controls: Tick) -> list[PartitionState]:
    """The states through which a partition number goes that has nothing to judge, when these control records come one after the other."""
    carrier, failures = Carrier(), list[BaseException]()

    async def story() -> None:
        progress = Progress()
        places = [(topic, 0) for topic in NAMES.inputs]
        progress.assigned(places)
        for place in places:
            progress.seen(place, 0, 0, 0)
        task = made(carrier, failures, policies, progress)
        for offset, control in enumerate(controls):
            progress.ends(dict.fromkeys(places, 0), progress.clock() + 60)
            task.put(Chunk([MemoryRecord(NAMES.control, 0, offset, 5_000 + offset, None, control_value(control), [])], lambda: None))
            await until(lambda offset=offset: _is_applied(carrier, offset) or policies.asked.count(LOST) > 5)
        await task.stop()

    asyncio.run(story())
    assert not failures
    return carrier.states


def _is_applied(carrier: Carrier, offset: int) -> bool:
    return any(state.applied.get(NAMES.control, 0) > offset for state in carrier.states)


def two_revisions() -> tuple[AskedPolicies, str, str]:
    """Policies of an older and a newer revision, and the names of these."""
    older, newer = Reference((), (), ()), shipped_reference()
    policies = AskedPolicies(shipped_rulebook())
    policies.add(older)
    policies.add(newer)
    return policies, older.revision, newer.revision


def test_a_zombie_s_control_record_takes_no_revision_back_and_sets_the_clock_by_the_broker_s_time() -> None:
    policies, older, newer = two_revisions()
    last = controlled(policies, Tick(None, newer), Tick(9_999_999, older))[-1]
    assert (last.revision, last.clock, last.applied[NAMES.control]) == (newer, 5_001, 2)


def test_a_later_revision_that_is_told_counts_also_when_it_was_there_before() -> None:
    policies, older, newer = two_revisions()
    policies.add(policies.of(older).reference)  # type: ignore[union-attr]
    assert controlled(policies, Tick(None, newer), Tick(None, older))[-1].revision == older


def test_a_control_record_of_a_revision_that_nobody_has_waits_for_it() -> None:
    policies, _, _ = two_revisions()
    assert controlled(policies, Tick(None, LOST))[-1].clock == 0


def test_a_control_record_waits_for_a_revision_that_nobody_has_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimberley.pipeline.partition._REVISION_SECONDS", 0.0)
    policies, _, newer = two_revisions()
    last = controlled(policies, Tick(None, LOST))[-1]
    assert (last.revision, last.clock) == (newer, 5_000)


def test_a_batch_whose_outputs_are_very_large_is_made_true_in_parts_and_its_chunk_is_done_after_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One event may have to be told to thousands of certificates, and a chunk has a thousand events."""
    monkeypatch.setattr("kimberley.pipeline.partition._MOST_OUTPUT_BYTES", 1)
    done: list[int] = []

    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        task = made(carrier, failures)
        bad = [MemoryRecord(SHIPMENTS, 0, FIRST + offset, 1_800_000_000_000, None, b"no event", []) for offset in range(5)]
        task.put(Chunk(bad, lambda: done.append(carrier.deliveries)))
        await until(lambda: done)
        assert len(carrier.outputs) == 5
        assert carrier.deliveries >= 5
        assert done == [carrier.deliveries]
        await task.stop()

    _, failures = run(story)
    assert not failures


def test_what_a_batch_made_true_in_parts_commits_is_all_that_it_judged_and_nothing_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first part names the place that it reached; the last must not name that again, nor the records between be taken for new."""
    monkeypatch.setattr("kimberley.pipeline.partition._MOST_OUTPUT_BYTES", 1)
    done: list[str] = []

    async def story(carrier: Carrier, failures: list[BaseException]) -> None:
        task = made(carrier, failures)
        bad = [MemoryRecord(SHIPMENTS, 0, FIRST + offset, 1_800_000_000_000, None, b"no event", []) for offset in range(5)]
        # read twice around a rebalance: both lie in one batch
        task.put(Chunk(bad, lambda: done.append("first")))
        task.put(Chunk(bad, lambda: done.append("second"), follows=FIRST + 5))
        await until(lambda: len(done) == 2)
        assert len(carrier.outputs) == 5
        assert carrier.offsets == {(SHIPMENTS, 0): FIRST + 5}
        assert carrier.states[-1].applied == {SHIPMENTS: FIRST + 5}
        await task.stop()

    _, failures = run(story)
    assert not failures
