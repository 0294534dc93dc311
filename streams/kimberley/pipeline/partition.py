"""All of one partition number, from fence to commit: one task, one queue, one batch at a time."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from kimberley.cases.judge import Policy
from kimberley.errors import KimberleyError, ServiceUnavailableError
from kimberley.model.partition_state import PartitionState
from kimberley.pipeline.case_store import adopt_published_alerts, recover_cases
from kimberley.pipeline.delivery import Delivery
from kimberley.pipeline.metrics import Delivered
from kimberley.pipeline.policies import Policies
from kimberley.pipeline.processor import Batch, Processor, Record
from kimberley.pipeline.progress import Recovery
from kimberley.wire.avro import Codec
from kimberley.wire.control import Control, latest
from kimberley.wire.topics import FLAGGED_SHIPMENTS, InternalNames

log = structlog.get_logger(__name__)
_DRAIN_SECONDS = 4.0
_STEP_RECORDS = 200
"""Records judged before the event loop gets its turn: some ten milliseconds."""
_STEP_CASES = 200
"""Cases judged anew, without an event, between two batches: some ten milliseconds."""
_LOOK_SECONDS = 0.2
_LEAST_PAUSE, _MOST_PAUSE = 1.0, 30.0


@dataclass(slots=True)
class Chunk:
    """Records of one topic and partition, in order; `done` is called once they are committed.

    `follows`: the offset after the chunk fetched before it, None for the first since the partition was assigned.
    """

    records: Sequence[Record]
    done: Callable[[], object]
    follows: int | None = None


class LostRecordsError(KimberleyError):
    """Records were fetched and did not arrive. The worker stops: the next one reads them again."""

    exit_status = 3

    def __init__(self, place: tuple[str, int], reached: int | None, follows: int) -> None:
        super().__init__(f"{place[0]}-{place[1]}: records before offset {follows} were fetched and did not arrive; here it is {reached}")


class PartitionTask:
    """The life of one partition number on this worker.

    Start: the producer (which fences whoever had the number before), then the cases from the changelog, then the committed offsets
    again, since Faust asked for them before the fence; records below them are skipped. Then batch after batch: one is judged while the
    one before it is made true, never more, and they are made true in their order. A failure ends the task and, through `on_failure`,
    the worker: nothing is skipped.

    A control record waits until the events that were there when it came are judged (`is_read_to_the_end` tells: partition number, and
    since when), so that a backlog makes nothing overdue, and until its reference revision is at hand. What it sets off is done in
    steps between batches.
    """

    def __init__(
        self,
        number: int,
        names: InternalNames,
        *,
        delivery: Delivery,
        codec: Codec,
        policies: Policies,
        is_read_to_the_end: Callable[[int, float], bool],
        make_consumer: Callable[[str | None], AIOKafkaConsumer],
        processor: Callable[[dict[str, bytes], PartitionState], Processor],
        batch_records: int,
        adopts_alerts: bool,
        recovery: Recovery,
        on_batch: Callable[[Delivered], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.number = number
        self.cases: dict[str, bytes] = {}
        self._names = names
        self._delivery = delivery
        self._codec = codec
        self._policies = policies
        self._is_read_to_the_end = is_read_to_the_end
        self._make_consumer = make_consumer
        self._make_processor = processor
        self._batch_records = batch_records
        self._adopts_alerts = adopts_alerts
        self._recovery = recovery
        self._on_batch = on_batch
        self._on_failure = on_failure
        self._chunks: deque[Chunk] = deque()
        self._controls: list[Record] = []
        self._controls_at = 0.0
        self._state = PartitionState()
        self._arrived = asyncio.Event()
        self._stopping = False
        self._delivering: asyncio.Task[None] | None = None
        self._committed: dict[tuple[str, int], int] = {}
        self._put_to: dict[tuple[str, int], int] = {}
        self._task = asyncio.create_task(self._run(), name=f"partition-{number}")

    def put(self, chunk: Chunk) -> None:
        """Queue a chunk; how much waits is the consumer's matter, which fetches only while there is room.

        A chunk that does not follow the one before it fails the task: what lies between was read and lost on its way here, and would
        be committed with what comes after.
        """
        first, last = chunk.records[0], chunk.records[-1]
        place = first.topic, first.partition
        if chunk.follows is not None and chunk.follows != self._put_to.get(place):
            self._on_failure(LostRecordsError(place, self._put_to.get(place), chunk.follows))
            return
        self._put_to[place] = last.offset + 1
        if first.topic == self._names.control:
            self._controls += chunk.records
            self._controls_at = time.monotonic()
            chunk.done()  # it is noted and takes no room; its offset is committed when it is applied
        else:
            self._chunks.append(chunk)
        self._arrived.set()

    async def stop(self) -> None:
        """Let the batch at hand finish, give up the rest, close. After a few seconds the batch is aborted instead."""
        self._stopping = True
        self._arrived.set()
        done, _ = await asyncio.wait({self._task}, timeout=_DRAIN_SECONDS)
        if not done:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            await self._start()
            processor = self._make_processor(self.cases, self._state)
            while not self._stopping:
                if not await self._work(processor):
                    await self._settle()
                    await self._wait()
            await self._settle()
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            self._on_failure(problem)
        finally:
            if self._delivering is not None:  # cancelled or failed: what is on its way is aborted
                self._delivering.cancel()
                await asyncio.gather(self._delivering, return_exceptions=True)
            with contextlib.suppress(Exception):
                await self._delivery.stop()

    async def _start(self) -> None:
        recovery = self._recovery
        await self._delivery.start()
        recovery.moved()
        reader = self._make_consumer(None)
        await reader.start()
        try:
            cases, self._state = await recover_cases(reader, self._names.cases, self.number, recovery.moved)
            self.cases.update(cases)
            if self._adopts_alerts:
                await adopt_published_alerts(reader, FLAGGED_SHIPMENTS, self.number, self.cases, self._codec, recovery.moved)
        finally:
            await reader.stop()
        await self._read_committed()
        recovery.done(len(self.cases), self._committed)
        log.info(
            "cases_recovered",
            partition=self.number,
            cases=recovery.cases,
            records=recovery.records,
            seconds=round(recovery.seconds or 0.0, 3),
        )

    async def _read_committed(self) -> None:
        lookup = self._make_consumer(self._names.group)
        await lookup.start()
        try:
            places = [TopicPartition(topic, self.number) for topic in self._names.inputs]
            lookup.assign(places)
            for place in places:
                self._committed[place.topic, place.partition] = await lookup.committed(place) or 0
        finally:
            await lookup.stop()

    async def _work(self, processor: Processor) -> bool:
        """Whatever there is to do now, once: a batch of events, control records, a step of what they set off. False: nothing."""
        worked = bool(self._chunks)
        if self._policies.of(processor.state.revision) is None:  # the first start, or the topics were made anew since
            await self._step(lambda batch: processor.apply(Control(0, self._policies.newest.reference.revision), batch), processor)
        if self._chunks:
            await self._one_batch(processor)
        if self._controls and self._is_read_to_the_end(self.number, self._controls_at):
            worked = await self._apply_controls(processor) or worked
        if processor.has_to_look_after:
            worked = True
            await self._step(lambda batch: processor.look_after(self._policy(processor), batch, _STEP_CASES), processor)
        return worked

    async def _wait(self) -> None:
        """Return when there may be something to do."""
        if self._chunks or self._stopping:
            return
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), _LOOK_SECONDS if self._controls else None)

    def _policy(self, processor: Processor) -> Policy:
        policy = self._policies.of(processor.state.revision)
        assert policy is not None  # nothing is judged before it is at hand
        return policy

    async def _apply_controls(self, processor: Processor) -> bool:
        """Apply the control records at hand; False: their reference revision is still on its way."""
        records = [each for each in self._controls if each.offset >= self._committed.get((each.topic, each.partition), 0)]
        batch = processor.begin()
        control = latest(processor.read_controls(records, batch))
        if control.revision and self._policies.of(control.revision) is None:
            return False
        self._controls.clear()
        if records:
            processor.apply(control, batch)
            await self._send(processor, batch, [], 0, 0.0)
        return True

    async def _step(self, act: Callable[[Batch], None], processor: Processor) -> None:
        """Something that no event set off, as a batch of its own."""
        batch = processor.begin()
        began = time.perf_counter()
        act(batch)
        await self._send(processor, batch, [], 0, time.perf_counter() - began)

    async def _one_batch(self, processor: Processor) -> None:
        """Judge a batch while the one before it is still on its way out; then send it after it."""
        chunks: list[Chunk] = []
        records: list[Record] = []
        while self._chunks and len(records) < self._batch_records:
            chunk = self._chunks.popleft()
            chunks.append(chunk)
            records += [each for each in chunk.records if each.offset >= self._committed.get((each.topic, each.partition), 0)]
        batch = None
        seconds = 0.0
        if records:
            await self._know_schemas(records)
            policy = self._policy(processor)
            batch = processor.begin()
            for start in range(0, len(records), _STEP_RECORDS):
                began = time.perf_counter()
                processor.judge(records[start : start + _STEP_RECORDS], policy, batch)
                seconds += time.perf_counter() - began
                await asyncio.sleep(0)  # clients have answers to take in, and other partitions their turn
        await self._send(processor, batch, chunks, len(records), seconds)

    async def _send(self, processor: Processor, batch: Batch | None, chunks: Sequence[Chunk], records: int, seconds: float) -> None:
        """Finish a batch and send it on its way, after the one before it. `seconds`: what judging took."""
        if batch is not None:
            processor.finish(batch)
            self._committed.update(batch.offsets)
            # ahead of its delivery: where that fails this task ends, and its memory with it
            self.cases.update(batch.cases)
        await self._settle()
        self._delivering = asyncio.create_task(self._make_true(batch, chunks, records, seconds))

    async def _make_true(self, batch: Batch | None, chunks: Sequence[Chunk], records: int, seconds: float) -> None:
        if batch is not None:
            began = time.perf_counter()
            await self._delivery.deliver(batch)
            self._on_batch(Delivered(batch.counts, records, seconds, time.perf_counter() - began))
        for chunk in chunks:
            chunk.done()

    async def _settle(self) -> None:
        """Return once nothing is on its way out. Raises what a delivery raised."""
        delivering, self._delivering = self._delivering, None
        if delivering is not None:
            try:
                await delivering
            except asyncio.CancelledError:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)
                raise

    async def _know_schemas(self, records: Sequence[Record]) -> None:
        """Ask the registry for schemas that are new here. While it is away the batch waits: its records are not unreadable, only unread."""
        pause = _LEAST_PAUSE
        while missing := self._codec.missing_ids([record.value for record in records]):
            try:
                await asyncio.to_thread(self._codec.ensure, missing)
            except ServiceUnavailableError as problem:
                log.error(
                    "registry_unavailable", partition=self.number, schema_ids=sorted(missing), problem=str(problem), retry_seconds=pause
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, _MOST_PAUSE)
