"""How a batch becomes true: in one Kafka transaction, or (where the broker has none) in an order that loses nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import aiokafka.producer.sender
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    ProducerFenced,
    TransactionalIdAuthorizationFailed,
    UnknownError,
    UnsupportedVersionError,
)

from kimberley.errors import ConfigurationError, KimberleyError, ServiceUnavailableError
from kimberley.model.partition_state import STATE_KEY, pack_state
from kimberley.pipeline.batch import Batch, Output
from kimberley.wire.topics import InternalNames

# aiokafka waits this long between the steps of a transaction; its 20 ms are most of a transaction's time
aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002

_NO_TRANSACTIONS = (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion)
"""What brokers answer that do not know transactions; the embedded one fails without a name."""
_BATCH_BYTES = 1 << 20
_COMPRESSIONS = {"none": None}
Acknowledged = asyncio.Future[Any]
CommitOffsets = Callable[[Mapping[tuple[str, int], int]], Awaitable[bool]]


class DeliveryError(KimberleyError):
    """Results could not be delivered. The worker stops: what was not acknowledged is done again, not skipped."""

    exit_status = 3


class FencedError(DeliveryError):
    """Another worker has taken over this partition number; nothing that this one holds of it may be trusted again."""


class Delivery(Protocol):
    """Carries one partition number's batches out."""

    async def start(self) -> None:
        """Become this partition number's only writer (as far as the broker can tell)."""

    async def deliver(self, batch: Batch) -> None:
        """Make a batch true. Returns when every record is acknowledged; raises DeliveryError otherwise."""

    async def stop(self) -> None:
        """Close; an open transaction is aborted."""


class _Producing:
    """What both ways share: a producer, and sending whole record batches with every future awaited."""

    def __init__(self, number: int, names: InternalNames, options: Mapping[str, Any], **producer_options: Any) -> None:
        self._number = number
        self._names = names
        self._producer = AIOKafkaProducer(
            max_batch_size=_BATCH_BYTES, max_request_size=_BATCH_BYTES * 8, acks="all", **options, **producer_options
        )

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def _enqueue(self, outputs: Iterable[Output]) -> list[Acknowledged]:
        """Hand records to the producer. Returns what to await until they are acknowledged."""
        by_place: dict[tuple[str, int], list[Output]] = {}
        for output in outputs:
            by_place.setdefault((output.topic, output.partition), []).append(output)
        enqueued = await asyncio.gather(*(self._put(topic, partition, rows) for (topic, partition), rows in by_place.items()))
        return [acknowledged for each in enqueued for acknowledged in each]

    def _changelog(self, batch: Batch) -> list[Output]:
        rows = [Output(self._names.cases, self._number, number.encode(), packed, []) for number, packed in batch.cases.items()]
        if batch.state is not None:
            rows.append(Output(self._names.cases, self._number, STATE_KEY, pack_state(batch.state), []))
        return rows

    async def _put(self, topic: str, partition: int, rows: list[Output]) -> list[Acknowledged]:
        producer = self._producer
        futures = []
        batch = producer.create_batch()
        for row in rows:
            fits = batch.append(key=row.key, value=row.value, timestamp=row.timestamp, headers=row.headers)
            if fits is None:
                futures.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=row.key, value=row.value, timestamp=row.timestamp, headers=row.headers)
        futures.append(await producer.send_batch(batch, topic, partition=partition))
        return futures


class ExactlyOnce(_Producing):
    """Outputs, changelog and offsets in one transaction, under an id of the partition number: starting it fences a zombie."""

    def __init__(self, number: int, names: InternalNames, options: Mapping[str, Any]) -> None:
        super().__init__(number, names, options, transactional_id=names.transactional_id(number), transaction_timeout_ms=60_000)

    async def deliver(self, batch: Batch) -> None:
        """One transaction. Raises FencedError when another worker has taken over."""
        try:
            async with self._producer.transaction():
                await asyncio.gather(*await self._enqueue([*batch.outputs, *self._changelog(batch)]))
                # not at the same time: a broker that still looks into the transaction refuses them, and aiokafka then waits for 100 ms
                await self._send_offsets(batch)
        except ProducerFenced as problem:
            raise FencedError(f"partition {self._number}: another worker has taken over: {problem}") from problem
        except KafkaError as problem:
            raise DeliveryError(f"partition {self._number}: a transaction failed: {problem!r}") from problem

    async def _send_offsets(self, batch: Batch) -> None:
        offsets = {TopicPartition(topic, partition): offset for (topic, partition), offset in batch.offsets.items()}
        if offsets:
            await self._producer.send_offsets_to_transaction(offsets, self._names.group)


class AtLeastOnce(_Producing):
    """Outputs acknowledged, then the changelog, then the offsets: a crash in between repeats, with the same ids, and loses nothing.

    No broker refuses a zombie here, so it refuses itself: `may_be_zombie` says in words why this worker may have lost its share without
    knowing, None where it can't have. What is asked just before a write can come true just after; only transactions exclude that.
    """

    def __init__(
        self,
        number: int,
        names: InternalNames,
        options: Mapping[str, Any],
        commit: CommitOffsets,
        may_be_zombie: Callable[[], str | None] = lambda: None,
    ) -> None:
        super().__init__(number, names, options)
        self._commit = commit
        self._may_be_zombie = may_be_zombie

    async def deliver(self, batch: Batch) -> None:
        """Three steps, each awaited. Raises FencedError where another worker has, or may have, taken over."""
        try:
            self._refuse_as_zombie()
            await asyncio.gather(*await self._enqueue(batch.outputs))
            self._refuse_as_zombie()
            await asyncio.gather(*await self._enqueue(self._changelog(batch)))
        except KafkaError as problem:
            raise DeliveryError(f"partition {self._number}: results could not be sent: {problem!r}") from problem
        if batch.offsets and not await self._commit(batch.offsets):
            raise FencedError(f"partition {self._number}: the group has moved on; offsets were not committed")

    def _refuse_as_zombie(self) -> None:
        if why := self._may_be_zombie():
            raise FencedError(f"partition {self._number}: {why}")


async def has_transactions(options: Mapping[str, Any], names: InternalNames) -> bool:
    """Whether the broker carries transactions, tried with an id of our own.

    Raises ServiceUnavailableError where it does not say, ConfigurationError where it does not let us: a broker that has them and is just
    not ready must not be taken for one that has none.
    """
    producer = AIOKafkaProducer(transactional_id=f"{names.prefix}-probe", **options)
    try:
        await asyncio.wait_for(producer.start(), 15)
    except _NO_TRANSACTIONS:
        return False
    except (TransactionalIdAuthorizationFailed, ClusterAuthorizationFailedError) as problem:
        raise ConfigurationError(
            f"this user may not use the transactional id {names.prefix}-probe ({problem!r}): allow it for {names.prefix}-*"
        ) from None
    except (KafkaError, TimeoutError) as problem:
        raise ServiceUnavailableError(f"the broker did not say whether it has transactions: {problem!r}") from None
    finally:
        await producer.stop()
    return True
