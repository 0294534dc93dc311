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
from kimberley.errors import KimberleyError
from kimberley.pipeline.case_store import adopt_published_alerts, recover_cases
from kimberley.pipeline.delivery import Delivery
from kimberley.pipeline.metrics import Delivered
from kimberley.pipeline.processor import Batch, Processor, Record
from kimberley.pipeline.progress import Recovery
from kimberley.pipeline.schema_ids import know_schemas
from kimberley.wire.avro import Codec
from kimberley.wire.topics import FLAGGED_SHIPMENTS, InternalNames

log = structlog.get_logger(__name__)
_DRAIN_SECONDS = 4.0
_ABORT_SECONDS = 2.0
_BATCH_BYTES = 8 << 20
"""A batch takes no further chunk once its records come to so much."""
_STEP_RECORDS = 200
"""Records judged before the event loop gets its turn: some ten milliseconds."""


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
    """

    def __init__(
        self,
        number: int,
        names: InternalNames,
        *,
        delivery: Delivery,
        codec: Codec,
        policy: Callable[[], Policy],
        make_consumer: Callable[[str | None], AIOKafkaConsumer],
        processor: Callable[[dict[str, bytes]], Processor],
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
        self._policy = policy
        self._make_consumer = make_consumer
        self._make_processor = processor
        self._batch_records = batch_records
        self._adopts_alerts = adopts_alerts
        self._recovery = recovery
        self._on_batch = on_batch
        self._on_failure = on_failure
        self._chunks: deque[Chunk] = deque()
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
        self._chunks.append(chunk)
        self._arrived.set()

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
            processor = self._make_processor(self.cases)
            while not self._stopping:
                if self._chunks:
                    await self._one_batch(processor)
                    continue
                await self._settle()
                if not self._chunks and not self._stopping:
                    self._arrived.clear()
                    await self._arrived.wait()
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
            self.cases.update(await recover_cases(reader, self._names.cases, self.number, recovery.moved))
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

    async def _one_batch(self, processor: Processor) -> None:
        """Judge a batch while the one before it is still on its way out; then send it after it."""
        chunks: list[Chunk] = []
        records: list[Record] = []
        size = 0
        while self._chunks and len(records) < self._batch_records and size < _BATCH_BYTES:
            chunk = self._chunks.popleft()
            chunks.append(chunk)
            last = chunk.records[-1]
            place = last.topic, last.partition
            reached = self._committed.get(place, 0)
            records += [each for each in chunk.records if each.offset >= reached]
            # at once: around a rebalance the same records may have been read twice, and both lie in this batch
            self._committed[place] = max(reached, last.offset + 1)
            size += chunk.size
        batch = None
        seconds = 0.0
        if records:
            await self._know_schemas(records)
            policy = self._policy()
            batch = processor.begin()
            for start in range(0, len(records), _STEP_RECORDS):
                began = time.perf_counter()
                processor.judge(records[start : start + _STEP_RECORDS], policy, batch)
                seconds += time.perf_counter() - began
                await asyncio.sleep(0)  # clients have answers to take in, and other partitions their turn
            processor.finish(batch)
            self._committed.update(batch.offsets)
            # ahead of its delivery: where that fails this task ends, and its memory with it
            self.cases.update(batch.cases)
        await self._settle()
        self._delivering = asyncio.create_task(self._make_true(batch, chunks, len(records), seconds))

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
        await know_schemas(self._codec, [record.value for record in records], partition=self.number)
