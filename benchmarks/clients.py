"""The clients alone: the worker's consumer and transactions with the same records and batches, without Faust and without judging.

A first pass judges, untimed, and keeps each batch; a second consumes the same records again and sends the same batches. Prints processor
seconds an event and events, as JSON. It has a prefix of its own; its outputs go where a worker's go.

run: PYTHONPATH=<compiled build> python -m benchmarks.clients EVENTS, with the settings in the environment
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from kimberley.cases.judge import Policy
from kimberley.garbage import collect_rarely
from kimberley.pipeline.batch import Batch
from kimberley.pipeline.delivery import ExactlyOnce
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings, load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.security import client_options
from kimberley.wire.topics import EVENT_TOPICS, InternalNames


async def main(events: int) -> None:
    """Measure and print."""
    settings = load_settings()
    batches: list[tuple[int, Batch]] = []
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    codec, names = make_codec(settings), InternalNames(settings.prefix)
    cases: list[dict[str, bytes]] = [{} for _ in range(settings.partitions)]
    processors = [
        Processor(number, settings.partitions, cases[number], codec, names, skew_minutes=settings.clock_skew_minutes)
        for number in range(settings.partitions)
    ]

    def judge(records: list[Any]) -> None:
        number = records[0].partition
        batch = processors[number].process(records, policy)
        cases[number].update(batch.cases)
        batches.append((number, batch))

    await _consume(settings, events, judge)
    deliveries = [ExactlyOnce(number, names, client_options(settings)) for number in range(settings.partitions)]
    for delivery in deliveries:
        await delivery.start()
    collect_rarely()
    began = time.process_time()
    seen = await _consume(settings, events, lambda records: None)
    await asyncio.gather(*(_deliver(each, [batch for at, batch in batches if at == number]) for number, each in enumerate(deliveries)))
    seconds = time.process_time() - began
    for delivery in deliveries:
        await delivery.stop()
    print(json.dumps({"events": seen, "seconds": seconds}))


async def _deliver(delivery: ExactlyOnce, batches: list[Batch]) -> None:
    for batch in batches:
        await delivery.deliver(batch)


async def _consume(settings: Settings, events: int, take: Callable[[list[Any]], None]) -> int:
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed", **client_options(settings)
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for topic in EVENT_TOPICS for number in range(settings.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        seen = 0
        while seen < events:
            for records in (await consumer.getmany(*places, timeout_ms=500, max_records=settings.batch_records)).values():
                seen += len(records)
                if records:
                    take(records)
        return seen
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
