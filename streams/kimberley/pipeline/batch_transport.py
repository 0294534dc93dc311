"""A Faust transport that hands on whole chunks of records, one message a chunk, and leaves offsets to our transactions.

Faust's own path costs two asyncio tasks a record; a chunk costs them once. What Faust expects of a consumer is kept: it stops when the
flow is suspended, respects revoked partitions, and stamps each message with the group's generation, without which streams drop it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

import aiokafka
import aiokafka.consumer.fetcher
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as base
from faust.types import TP, ConsumerMessage

from kimberley.pipeline.record_reader import PartitionRecords, Records

# a sender's header names are any bytes: aiokafka's own reader would end with the first that are no UTF-8
aiokafka.consumer.fetcher.MemoryRecords = Records
aiokafka.consumer.fetcher.PartitionRecords = PartitionRecords

MOST_RECORDS = 1000
"""Records in one chunk: enough to make Faust's cost vanish, few enough that no partition waits long for another."""
_POLL_SECONDS = 1.0
_BUSY_POLL_SECONDS = 0.02
_STANDING_SECONDS = 0.5


class Standing(NamedTuple):
    """Where the consumer is in a partition: the next offset that it hands out, and the ends that the last fetch named."""

    place: TP
    position: int
    end: int | None
    readable_end: int | None


class Fetched(list[Any]):
    """Records of one topic and partition, in order. `follows`: the offset after the chunk before it; None: the first of a generation.

    `size`: bytes of the records' values.
    """

    def __init__(self, records: list[Any], follows: int | None) -> None:
        super().__init__(records)
        self.follows = follows
        self.size = sum([len(record.value or b"") for record in records])


class ConsumerThread(base.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Makes the consumer ourselves: read committed, co-partitioned, with the settings' TLS and SASL."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.standings: list[Standing] = []
        self.fetched_generation: int | None = None
        self._stood_at = 0.0

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            # ranges keep partition 3 of every topic on one worker: all input topics have the same count and subscribers
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=100,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 300) * 1000),
            metadata_max_age_ms=30_000,
            **transport.client_options,
        )

    async def _fetch_records(
        self, consumer: aiokafka.AIOKafkaConsumer, active_partitions: set[TP], timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        """As Faust's, and twice a second where each partition stands then: here no other call hands records out in between."""
        self.standings = []
        records = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        # before anything else can run here: what was fetched belongs to the assignment that stands now. The wait for it may have
        # begun under another, and whoever stamped it so would drop records that nothing reads again
        self.fetched_generation = consumer._coordinator.generation
        now = time.monotonic()
        if now - self._stood_at >= _STANDING_SECONDS:
            self._stood_at = now
            self.standings = standings(consumer)
        return records

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust warns of commits that it does not see; ours go with the transactions."""


def standings(consumer: aiokafka.AIOKafkaConsumer) -> list[Standing]:
    """Of every partition that the consumer has and knows its place in."""
    subscription = consumer._fetcher._subscriptions.subscription
    assignment = subscription.assignment if subscription else None
    if assignment is None:
        return []
    states = ((place, assignment.state_value(place)) for place in assignment.tps)
    return [
        Standing(TP(place.topic, place.partition), state.position, state.highwater, state.lso)
        for place, state in states
        if state.has_valid_position
    ]


class Consumer(base.Consumer):  # type: ignore[misc]
    """Fetches only for partition numbers whose task has room, so that a backlog waits in Kafka and not in memory."""

    _followed_generation: int | None = None

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Fetch once and yield a message for each chunk; its offset is the chunk's last, so that acknowledging it means them all."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        has_room: Callable[[int], bool] = self.transport.has_room
        active = self._get_active_partitions() or set()
        ready = {tp for tp in active if has_room(tp.partition)}
        if not ready:
            self.not_waiting_next_records.set()
            await asyncio.sleep(_BUSY_POLL_SECONDS)
            return
        # with some partitions held back a long poll on the idle others would starve them
        wait = _POLL_SECONDS if len(ready) == len(active) else _BUSY_POLL_SECONDS
        records: Mapping[Any, list[Any]] = await self._getmany(active_partitions=ready, timeout=wait)
        generation = self._thread.fetched_generation
        chunks = [
            (TP(*key), self._follow(TP(*key), generation, fetched[start : start + MOST_RECORDS]))
            for key, fetched in records.items()
            for start in range(0, len(fetched), MOST_RECORDS)
        ]
        if not await self._may_hand_out(generation):
            return  # before anyone hears of them: nobody would ever hear that they are done
        for tp, chunk in chunks:
            self.transport.on_fetched(tp, chunk)
        for standing in self._thread.standings:
            self.transport.on_standing(standing)
        for tp, chunk in chunks:
            if not await self._may_hand_out(generation):
                return
            last = chunk[-1]
            yield (
                tp,
                ConsumerMessage(
                    tp.topic,
                    tp.partition,
                    last.offset,
                    last.timestamp / 1000,
                    last.timestamp_type,
                    [],
                    None,
                    chunk,
                    None,
                    0,
                    0,
                    tp,
                    generation_id=generation,
                ),
            )

    async def _may_hand_out(self, generation: int | None) -> bool:
        """Whether records fetched under a generation may go on, once the flow does. If not, they are read again: by the next generation,
        which starts from what is committed, or after a stop."""
        while not self.flow_active and not self.should_stop:
            await self.wait(self.can_resume_flow)
        return not self.should_stop and self.app.consumer_generation_id == generation

    def _follow(self, tp: TP, generation: int | None, records: list[Any]) -> "Fetched":
        """A chunk that knows which one it comes after, so that one lost on the way through Faust is missed."""
        if generation != self._followed_generation:
            self._followed_generation = generation
            self._fetched_to: dict[TP, int] = {}
        chunk = Fetched(records, self._fetched_to.get(tp))
        self._fetched_to[tp] = records[-1].offset + 1
        return chunk

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Nothing: Faust's commit would write older offsets over those of the transactions, and take a chunk's gaps for done."""
        return True

    async def commit_applied(self, offsets: Mapping[TP, int]) -> bool:
        """Commit the next offset of each partition, where the broker has no transactions. False: the group has moved on."""
        return bool(await super()._commit(offsets))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: to Faust the offsets inside a chunk are gaps, which it would note one by one for a commit that is not its own."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """As in the thread: Faust does not see our commits."""


class Producer(base.Producer):  # type: ignore[misc]
    """Faust's own producer, which nothing here sends by: it makes no connection."""

    async def on_start(self) -> None:
        """Nothing: our producers are the partition tasks'."""

    async def on_stop(self) -> None:
        """Nothing was started."""


class Transport(base.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with the consumer and producer above."""

    Consumer = Consumer
    Producer = Producer

    def __init__(
        self,
        *args: Any,
        client_options: dict[str, Any],
        has_room: Callable[[int], bool],
        on_fetched: Callable[[TP, Fetched], None],
        on_standing: Callable[[Standing], None],
    ) -> None:
        super().__init__(*args)
        self.client_options = client_options
        self.has_room = has_room
        self.on_fetched = on_fetched
        self.on_standing = on_standing
