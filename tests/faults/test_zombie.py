"""A worker that slept through its session, and two that both believe they own a partition: what is refused is not written."""

import asyncio
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaConsumer
from kafka import TopicPartition as Place

from kimberley.model.case import Case, pack_case
from kimberley.model.partition_state import PartitionState
from kimberley.pipeline.batch import Batch, Output
from kimberley.pipeline.case_store import recover_cases
from kimberley.pipeline.delivery import ExactlyOnce, FencedError
from kimberley.settings import Settings
from kimberley.wire.security import client_options
from kimberley.wire.topics import DECISIONS, InternalNames
from support.compared import compare, settle
from support.faulty import Faulty
from support.stream import read_topic, wait_until
from support.trade import Feed, Trade
from support.watch import Watch
from support.worker import WorkerProcess

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.slow]


def is_in_transaction(broker: str, partitions: int) -> bool:
    """Whether decisions are out that are not committed yet."""
    places = [Place(DECISIONS, number) for number in range(partitions)]
    ends = []
    for isolation in ("read_uncommitted", "read_committed"):
        consumer = KafkaConsumer(bootstrap_servers=broker, isolation_level=isolation)
        ends.append(consumer.end_offsets(places))
        consumer.close()
    return ends[0] != ends[1]


def test_a_worker_that_slept_through_its_session_in_a_transaction_is_refused_and_ends(faulty: Faulty, trade: Trade, tmp_path: Path) -> None:
    settings = faulty.settings(batch_records=50)
    feed = Feed(settings, faulty.broker, trade)
    with (
        Watch(settings, faulty.broker) as watch,
        WorkerProcess(settings, tmp_path, "zombie") as zombie,
        WorkerProcess(settings, tmp_path, "heir") as heir,
        feed.running(),
    ):
        for worker in (zombie, heir):
            wait_until(lambda worker=worker: worker.says("cases_recovered"), 60, "both have a share", worker.text)
        heir.pause()  # so that what is under way is the other's
        feed.go_on_to(len(trade) // 2)
        wait_until(lambda: watch.read, 30, "events flow", zombie.text)
        zombie.pause()
        while not is_in_transaction(faulty.broker, settings.partitions):
            assert watch.read < len(trade) // 2, "it was to be caught in a transaction"
            zombie.resume()
            time.sleep(0.02)
            zombie.pause()
        heir.resume()
        wait_until(lambda: len({line["partition"] for line in heir.says("cases_recovered")}) == 4, 60, "the heir has all", heir.text)
        watch.reaches(len(trade) // 2, 60, "the heir reads on", heir.text)
        zombie.resume()
        assert zombie.process.wait(30) == 3, zombie.text()
        assert "another worker has taken over" in zombie.text(), zombie.text()
        feed.go_on_to(len(trade))
        settle(settings, faulty.broker, trade, 90, heir.text)
        assert heir.terminate(10) == 0, heir.text()
    assert not compare(settings, faulty.broker, trade).problems


class Interrupted(ExactlyOnce):
    """Stands still in its transaction once everything is sent, before offsets and commit."""

    def __init__(self, number: int, names: InternalNames, settings: Settings) -> None:
        super().__init__(number, names, client_options(settings))
        self.is_sent = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def _send_offsets(self, batch: Batch) -> None:
        self.is_sent.set()
        await self.may_go_on.wait()
        await super()._send_offsets(batch)


def batch_of(who: str, offset: int) -> Batch:
    """A decision, a case and an offset that say whose they are."""
    decision = Output(DECISIONS, 1, b"BW000001", who.encode(), [])
    case = pack_case(Case(f"BW-OF-{who}"))
    state = PartitionState(applied={"certificates": offset})
    return Batch(outputs=[decision], cases={f"BW-OF-{who}": case}, offsets={("certificates", 1): offset}, state=state)


def test_of_two_owners_of_a_partition_the_first_is_refused_and_nothing_of_it_is_ever_seen(faulty: Faulty, settings: Settings) -> None:
    names = InternalNames(settings.prefix)

    def consumer(group: str | None = None) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=faulty.broker,
            group_id=group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def stored() -> tuple[set[str], int, int]:
        """Cases, how far they reach, and how far the group does."""
        reader, lookup = consumer(), consumer(names.group)
        await reader.start()
        await lookup.start()
        try:
            cases, state = await recover_cases(reader, names.cases, 1, lambda _: None)
            return set(cases), state.applied.get("certificates", 0), await lookup.committed(TopicPartition("certificates", 1)) or 0
        finally:
            await reader.stop()
            await lookup.stop()

    async def story() -> None:
        first, second = Interrupted(1, names, settings), ExactlyOnce(1, names, client_options(settings))
        await first.start()
        delivery = asyncio.create_task(first.deliver(batch_of("first", 7)))
        await asyncio.wait_for(first.is_sent.wait(), 30)
        await second.start()
        assert await stored() == (set(), 0, 0), "what the second starts from"
        await second.deliver(batch_of("second", 5))
        first.may_go_on.set()
        with pytest.raises(FencedError, match="another worker has taken over"):
            await asyncio.wait_for(delivery, 60)
        assert await stored() == ({"BW-OF-second"}, 5, 5)
        await second.deliver(batch_of("second-again", 6))
        assert await stored() == ({"BW-OF-second", "BW-OF-second-again"}, 6, 6)
        await first.stop()
        await second.stop()

    asyncio.run(story())
    assert [record.value for record in read_topic(faulty.broker, DECISIONS)] == [b"second", b"second-again"]
    written = {record.value for record in read_topic(faulty.broker, DECISIONS, committed=False)}
    assert b"first" in written, "it was on the broker, and read by nobody"
