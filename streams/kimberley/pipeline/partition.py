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
from kimberley.errors import ConfigurationError, KimberleyError
from kimberley.model.partition_state import PartitionState
from kimberley.pipeline.batch import Batch, Record
from kimberley.pipeline.case_store import adopt_published_alerts, recover_cases
from kimberley.pipeline.delivery import Delivery
from kimberley.pipeline.metrics import Delivered, Held
from kimberley.pipeline.policies import Policies
from kimberley.pipeline.processor import Processor
from kimberley.pipeline.progress import Progress, Recovery
from kimberley.pipeline.reading import close, holds
from kimberley.pipeline.schema_ids import know_schemas
from kimberley.wire.avro import Codec
from kimberley.wire.control import Control, latest, readable_controls
from kimberley.wire.topics import EVENT_TOPICS, FLAGGED_SHIPMENTS, InternalNames

log = structlog.get_logger(__name__)
_DRAIN_SECONDS = 4.0
_ABORT_SECONDS = 2.0
_BATCH_BYTES = 8 << 20
"""A batch takes no further chunk once its records come to so much."""
_STEP_RECORDS = 200
"""Records judged before the event loop gets its turn: some ten milliseconds."""
_STEP_SECONDS = 0.05
"""A step that took longer is followed by a shorter one: some certificates have a thousand events."""
_MOST_OUTPUT_BYTES = 32 << 20
"""A batch ends early once its outputs come to so much: one event may have to be told to thousands of certificates."""
_STEP_CASES = 200
"""Cases judged anew, without an event, between two batches: some ten milliseconds."""
_LOOK_SECONDS = 0.2
_REVISION_SECONDS = 60.0
"""How long a control record waits for the revision that it names; it comes within seconds, or never."""


@dataclass(slots=True)
class Chunk:
    """Records of one topic and partition, in order; `done` is called once they are committed.

    `follows`: the offset after the chunk fetched before it, None for the first since the partition was assigned. `size`: bytes.
    """

    records: Sequence[Record]
    done: Callable[[], object]
    follows: int | None = None
    size: int = 0


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

    A control record waits until the events that were there when it came are judged (`progress` tells), so that a backlog makes nothing
    overdue, and until its reference revision is at hand. What it sets off is done in steps between batches.
    """

    def __init__(
        self,
        number: int,
        names: InternalNames,
        *,
        delivery: Delivery,
        codec: Codec,
        policies: Policies,
        progress: Progress,
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
        self._progress = progress
        self._waits_for = (*EVENT_TOPICS, names.rerouted, names.lineage)
        self._make_consumer = make_consumer
        self._make_processor = processor
        self._batch_records = batch_records
        self._adopts_alerts = adopts_alerts
        self._recovery = recovery
        self._on_batch = on_batch
        self._on_failure = on_failure
        self._chunks: deque[Chunk] = deque()
        self._controls: list[tuple[float, Record]] = []
        self._sealed: list[Record] = []
        self._sealed_after: dict[tuple[str, int], int] = {}
        self._sealed_at = 0.0
        self._state = PartitionState()
        self._processor: Processor | None = None
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
            now = self._progress.clock()
            self._controls += [(now, record) for record in chunk.records]
            chunk.done()  # it is noted and takes no room; its offset is committed when it is applied
        else:
            self._chunks.append(chunk)
        self._arrived.set()

    @property
    def held(self) -> Held:
        """What it holds now."""
        processor = self._processor
        return Held(len(self.cases), processor.waiting_deadlines if processor else 0, processor.state.clock if processor else 0)

    async def stop(self) -> None:
        """Let the batch at hand finish, give up the rest, close. After a few seconds the batch is aborted instead."""
        self._stopping = True
        self._arrived.set()
        done, _ = await asyncio.wait({self._task}, timeout=_DRAIN_SECONDS)
        if not done:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_ABORT_SECONDS)

    async def _run(self) -> None:
        try:
            await self._start()
            self._processor = processor = self._make_processor(self.cases, self._state)
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
                await asyncio.wait({self._delivering}, timeout=_ABORT_SECONDS / 2)
            with contextlib.suppress(Exception):  # a broker that does not answer aborts by itself, later
                await asyncio.wait_for(self._delivery.stop(), _ABORT_SECONDS / 2)

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
            await close(reader)
        if not self._state.is_whole:
            raise ConfigurationError(
                f"{self._names.cases}-{self.number}: a rebuild of its cases was interrupted: run `kimberley rebuild` again"
            )
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
            ends = await lookup.end_offsets(places)
            for place in places:
                committed, applied = await lookup.committed(place) or 0, self._state.applied.get(place.topic, 0)
                if applied > max(committed, ends[place]) and not await holds(lookup, place, applied - 1):
                    cases = self._names.cases
                    raise ConfigurationError(
                        f"{place.topic}-{self.number} ends at offset {ends[place]}, but {applied} of its records are in {cases}: was the "
                        "topic made anew? Then stop the workers and run `kimberley rebuild --yes`, which makes the cases anew, too, or the "
                        "new records would be passed over"
                    )
                if place.topic in EVENT_TOPICS and applied < committed:
                    raise ConfigurationError(
                        f"{place.topic}-{self.number}: the group {self._names.group} has judged its records up to offset {committed}, but "
                        f"the cases of partition {self.number} in {self._names.cases} hold them up to {applied} only: cases are lost. Stop "
                        "the workers and run `kimberley rebuild`, which makes them anew from the events"
                    )
                self._committed[place.topic, place.partition] = max(committed, applied)
        finally:
            await close(lookup)

    async def _work(self, processor: Processor) -> bool:
        """Whatever there is to do now, once: a batch of events, control records, a step of what they set off. False: nothing."""
        worked = bool(self._chunks)
        if self._policies.of(processor.state.revision) is None:  # the first start, or the topics were made anew since
            await self._step(lambda batch: processor.apply(Control(0, self._policies.newest.reference.revision), batch), processor)
        if self._chunks:
            await self._one_batch(processor)
        if self._may_apply_controls():
            worked = True
            await self._apply_controls(processor)
        if processor.has_to_reevaluate:
            worked = True
            await self._step(lambda batch: processor.reevaluate(self._policy(processor), batch, _STEP_CASES, _MOST_OUTPUT_BYTES), processor)
        return worked

    async def _wait(self) -> None:
        """Return when there may be something to do."""
        if self._chunks or self._stopping:
            return
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), _LOOK_SECONDS if self._controls or self._sealed else None)

    def _policy(self, processor: Processor) -> Policy:
        policy = self._policies.of(processor.state.revision)
        assert policy is not None  # nothing is judged before it is at hand
        return policy

    def _may_apply_controls(self) -> bool:
        """Whether the events are judged that were there when the control records came, and the revision that they name is at hand.

        Those that came are sealed together with the partitions' ends at a moment after that, and wait until these are reached; what
        comes meanwhile waits for its own turn.
        """
        progress = self._progress
        if not self._sealed:
            ends = {(topic, self.number): progress.asked_ends.get((topic, self.number)) for topic in self._waits_for}
            self._sealed_after = {place: end for place, end in ends.items() if end is not None}
            if len(self._sealed_after) < len(ends):
                return False
            self._sealed_at = progress.clock()
            self._sealed = [record for came_at, record in self._controls if came_at <= progress.asked_at]
            self._controls = self._controls[len(self._sealed) :]
        if not self._sealed or not progress.has_applied(self._sealed_after):
            return False
        revision = latest(readable_controls(self._sealed)).revision
        return not revision or self._policies.of(revision) is not None or progress.clock() - self._sealed_at > _REVISION_SECONDS

    async def _apply_controls(self, processor: Processor) -> None:
        records = [each for each in self._sealed if each.offset >= self._committed.get((each.topic, each.partition), 0)]
        self._sealed = []
        if records:
            batch = processor.begin()
            control = latest(processor.read_controls(records, batch))
            if not self._policies.replaces(control.revision, processor.state.revision):
                # a zombie's, or of long ago: never back; or of a revision that its topics do not hold (any more)
                if control.revision and self._policies.of(control.revision) is None:
                    log.error("revision_unknown", partition=self.number, revision=control.revision, remedy="kimberley reference load")
                control = Control(control.time)
            processor.apply(control, batch)
            processor.reevaluate(self._policy(processor), batch, _STEP_CASES, _MOST_OUTPUT_BYTES)
            await self._send(processor, batch, [], 0, 0.0)

    async def _step(self, act: Callable[[Batch], None], processor: Processor) -> None:
        """Something that no event set off, as a batch of its own."""
        batch = processor.begin()
        began = time.perf_counter()
        act(batch)
        await self._send(processor, batch, [], 0, time.perf_counter() - began)

    async def _one_batch(self, processor: Processor) -> None:
        """Judge what has come, and what comes while the batch before it is still on its way out; then send it after it."""
        policy = self._policy(processor)
        batch, chunks, size, step = processor.begin(), list[Chunk](), 0, _STEP_RECORDS
        judged, sent, seconds = 0, 0, 0.0
        while self._chunks and judged < self._batch_records and size < _BATCH_BYTES:
            chunk = self._chunks.popleft()
            chunks.append(chunk)
            size += chunk.size
            records = self._news(chunk)
            await self._know_schemas(records)
            done = 0
            while done < len(records):
                if batch.size >= _MOST_OUTPUT_BYTES:
                    await self._send(processor, batch, [], judged - sent, seconds)
                    batch, sent, seconds = processor.begin(), judged, 0.0
                began = time.perf_counter()
                found = processor.judge(records[done : done + step], policy, batch, _MOST_OUTPUT_BYTES)
                took = time.perf_counter() - began
                done, judged, seconds = done + found, judged + found, seconds + took
                step = max(1, step // 4) if took > _STEP_SECONDS else min(_STEP_RECORDS, step * 2)
                await asyncio.sleep(0)  # clients have answers to take in, and other partitions their turn
            await self._more()
        for chunk in chunks:  # those, too, that were all applied before: whoever applied them may have died before the group knew
            place = chunk.records[-1].topic, self.number
            batch.offsets[place] = self._committed[place]
        await self._send(processor, batch, chunks, judged - sent, seconds)

    def _news(self, chunk: Chunk) -> list[Record]:
        """A chunk's records that were not applied before: around a rebalance the same may have been read twice."""
        last = chunk.records[-1]
        place = last.topic, last.partition
        reached = self._committed.get(place, 0)
        self._committed[place] = max(reached, last.offset + 1)
        return [each for each in chunk.records if each.offset >= reached]

    async def _more(self) -> None:
        """Return once further records have come, or the batch before has gone out: one that has to wait may as well fill."""
        while not self._chunks and self._delivering is not None and not self._delivering.done() and not self._stopping:
            self._arrived.clear()
            await self._arrived.wait()

    async def _send(self, processor: Processor, batch: Batch | None, chunks: Sequence[Chunk], records: int, seconds: float) -> None:
        """Finish a batch and send it on its way, after the one before it. `seconds`: what judging took."""
        if batch is not None:
            processor.finish(batch)
            processor.note_applied(batch)
            for place, offset in batch.offsets.items():  # never back: of a chunk that is sent in parts all counts as taken
                self._committed[place] = max(offset, self._committed.get(place, 0))
            # ahead of its delivery: where that fails this task ends, and its memory with it
            self.cases.update(batch.cases)
        await self._settle()
        self._delivering = asyncio.create_task(self._make_true(batch, chunks, records, seconds))
        self._delivering.add_done_callback(lambda _: self._arrived.set())

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
                await asyncio.wait({delivering}, timeout=_ABORT_SECONDS / 2)
                raise

    async def _know_schemas(self, records: Sequence[Record]) -> None:
        """Ask the registry for schemas that are new here. While it is away the batch waits."""
        with self._progress.excused(self.number, "the schema registry"):
            await know_schemas(self._codec, [record.value for record in records], partition=self.number)
