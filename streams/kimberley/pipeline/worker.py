"""The worker: a Faust app that hands chunks to partition tasks, and its life from start to a clean stop."""

import asyncio
import contextlib
import gc
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import faust
import structlog
import yarl
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.types import TP

from kimberley.cases.judge import Policy
from kimberley.errors import ConfigurationError, KimberleyError, ServiceUnavailableError
from kimberley.pipeline.batch_transport import Consumer, Transport
from kimberley.pipeline.delivery import AtLeastOnce, Delivery, ExactlyOnce, has_transactions
from kimberley.pipeline.partition import Chunk, PartitionTask
from kimberley.pipeline.processor import Counts, Processor
from kimberley.pipeline.reference_follower import ReferenceFollower
from kimberley.reference.files import shipped_profiles
from kimberley.reference.reference import Reference
from kimberley.rules.rulebook import Rulebook, load_rulebook, shipped_rulebook
from kimberley.settings import Settings
from kimberley.wire.admin import require_topics
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.security import client_options
from kimberley.wire.topics import DECISIONS, FLAGGED_SHIPMENTS, OPEN_ALERTS, InternalNames

log = structlog.get_logger(__name__)

_STOP_SECONDS = 9.0
_MOST_WAITING = 10_000
"""Records of one partition number that may wait in memory before fetching for it pauses."""
_FETCH_BYTES = 1 << 20
_WRITTEN = ((DECISIONS, "Decision"), (FLAGGED_SHIPMENTS, "Alert"), (OPEN_ALERTS, "Alert"))


class Worker:
    """Runs a share of the partition numbers until it is told to stop or something fails."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names = InternalNames(settings.prefix)
        self.totals = Counts()
        self._options = client_options(settings)
        self._codec: Codec = make_codec(settings)
        self._rulebook: Rulebook = load_rulebook(settings.rulebook) if settings.rulebook else shipped_rulebook()
        self._policy: Policy | None = None
        self._tasks: dict[int, PartitionTask] = {}
        self._waiting: dict[int, int] = {}
        self._exactly_once = False
        self._failure: BaseException | None = None
        self._stop_wanted = asyncio.Event()
        self._app: Any = None

    async def run(self) -> None:
        """Work until SIGTERM, SIGINT or `request_stop`. Raises what made it fail, KimberleyError where it can say what to do."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        try:
            await self._run()
        except KafkaError as problem:
            raise ServiceUnavailableError(f"Kafka at {self.settings.bootstrap_servers}: {problem!r}") from problem
        if self._failure:
            raise self._failure

    def request_stop(self) -> None:
        """Finish the batches at hand and stop."""
        self._stop_wanted.set()

    async def _run(self) -> None:
        await asyncio.to_thread(require_topics, self.settings)
        await asyncio.to_thread(self._codec.prepare, _WRITTEN)
        self._exactly_once = await self._choose_delivery()
        follower = ReferenceFollower(self._consumer(None), self._codec, self._on_reference)
        try:
            await follower.start()
            log.info(
                "worker_starting",
                delivery="exactly once" if self._exactly_once else "at least once: this broker has no transactions",
                brokers=self.settings.bootstrap_servers,
                group=self.names.group,
                partitions=self.settings.partitions,
                rulebook=self._rulebook.id,
                reference_revision=self._policy_in_force().reference.revision,
            )
            with tempfile.TemporaryDirectory(prefix="kimberley-") as scratch:
                await self._run_app(Path(scratch))
        finally:
            await follower.stop()

    async def _run_app(self, scratch: Path) -> None:
        self._app = self._make_app(scratch)
        self._app.finalize()
        await self._app.start()
        log.info("worker_started")
        crashed = asyncio.create_task(self._app.wait_until_stopped())
        wanted = asyncio.create_task(self._stop_wanted.wait())
        await asyncio.wait({crashed, wanted}, return_when=asyncio.FIRST_COMPLETED)
        log.info("worker_stopping", events=self.totals.events, failed=self._failure is not None)
        deadline = time.monotonic() + _STOP_SECONDS
        await asyncio.gather(*(task.stop() for task in self._tasks.values()), return_exceptions=True)
        self._tasks.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._app.stop(), max(1.0, deadline - time.monotonic()))
        for task in (crashed, wanted):
            task.cancel()
        if self._failure is None and not self._stop_wanted.is_set():
            self._failure = getattr(self._app, "_crash_reason", None) or RuntimeError("the Faust app stopped by itself")
        log.info("worker_stopped", events=self.totals.events, decisions=self.totals.decisions, alerts=self.totals.alerts)

    def _make_app(self, scratch: Path) -> Any:
        settings = self.settings
        address = yarl.URL("kafka://" + settings.bootstrap_servers.replace(",", ";").replace(" ", ""))
        app = faust.App(
            self.names.group,
            broker=str(address),
            key_serializer="raw",
            value_serializer="raw",
            datadir=str(scratch),
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            stream_wait_empty=False,
            broker_client_id=f"{self.names.prefix}-worker",
            broker_session_timeout=settings.session_timeout,
            broker_heartbeat_interval=settings.session_timeout / 5,
            broker_rebalance_timeout=max(30.0, settings.session_timeout),
            broker_request_timeout=max(90.0, settings.session_timeout),
            broker_max_poll_records=_MOST_WAITING,
            consumer_max_fetch_size=_FETCH_BYTES,
            loghandlers=[],
        )
        app.transport = Transport([address], app, client_options=self._options, has_room=self._has_room, on_fetched=self._on_fetched)
        app.on_partitions_revoked.connect(self._on_revoked)
        topic = app.topic(*self.names.inputs, value_serializer="raw", key_serializer="raw")

        async def dispatch(stream: Any) -> None:
            async for event in stream.noack().events():
                message = event.message
                number = message.partition
                task = self._tasks.get(number)
                if task is None:
                    task = self._tasks[number] = self._new_task(number)
                task.put(Chunk(message.value, self._done(event, number, len(message.value))))

        app.agent(topic, name="dispatch")(dispatch)
        return app

    def _new_task(self, number: int) -> PartitionTask:
        delivery: Delivery = (
            ExactlyOnce(number, self.names, self._options)
            if self._exactly_once
            else AtLeastOnce(number, self.names, self._options, self._commit)
        )

        def processor(cases: dict[str, bytes]) -> Processor:
            return Processor(
                number, self.settings.partitions, cases, self._codec, self.names, skew_minutes=self.settings.clock_skew_minutes
            )

        return PartitionTask(
            number,
            self.names,
            delivery=delivery,
            codec=self._codec,
            policy=self._policy_in_force,
            make_consumer=self._consumer,
            processor=processor,
            batch_records=self.settings.batch_records,
            adopts_alerts=not self._exactly_once,
            on_batch=self._on_batch,
            on_failure=self._fail,
        )

    def _consumer(self, group: str | None) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            # aiokafka's own reset may overtake seek_to_beginning: with the default, `latest`, nothing would be read
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=8 * _FETCH_BYTES,
            **self._options,
        )

    async def _choose_delivery(self) -> bool:
        wanted = self.settings.delivery
        if wanted == "at_least_once":
            return False
        if await has_transactions(self._options, self.names):
            return True
        if wanted == "exactly_once":
            raise ConfigurationError("KIMBERLEY_DELIVERY=exactly_once, but this broker refuses transactions")
        return False

    def _policy_in_force(self) -> Policy:
        assert self._policy is not None
        return self._policy

    def _on_reference(self, reference: Reference) -> None:
        self._policy = Policy(reference, shipped_profiles(), self._rulebook)
        log.info("reference_applied", revision=reference.revision)

    def _has_room(self, number: int) -> bool:
        return self._waiting.get(number, 0) < _MOST_WAITING

    def _on_fetched(self, number: int, records: int) -> None:
        self._waiting[number] = self._waiting.get(number, 0) + records

    def _done(self, event: Any, number: int, records: int) -> Callable[[], None]:
        def done() -> None:
            self._waiting[number] = max(0, self._waiting.get(number, 0) - records)
            event.ack()

        return done

    async def _on_revoked(self, app: Any, revoked: set[TP], **_: Any) -> None:
        numbers = {place.partition for place in revoked}
        stopping = [task for number in numbers if (task := self._tasks.pop(number, None))]
        await asyncio.gather(*(task.stop() for task in stopping))
        for number in numbers:
            self._waiting.pop(number, None)

    async def _commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        consumer = cast(Consumer, self._app.consumer)
        return await consumer.commit_applied({TP(topic, partition): offset for (topic, partition), offset in offsets.items()})

    def _on_batch(self, counts: Counts, records: int, seconds: float) -> None:
        totals = self.totals
        totals.events += counts.events
        totals.alerts += counts.alerts
        totals.rerouted += counts.rerouted
        totals.rule_errors += counts.rule_errors
        for outcome, number in counts.decisions.items():
            totals.decisions[outcome] = totals.decisions.get(outcome, 0) + number
        for stage, number in counts.dead_letters.items():
            totals.dead_letters[stage] = totals.dead_letters.get(stage, 0) + number
        log.debug("batch", records=records, alerts=counts.alerts, seconds=round(seconds, 4))

    def _fail(self, problem: BaseException) -> None:
        if self._failure is None:
            self._failure = problem
            log.error("worker_failed", problem=str(problem), exc_info=not isinstance(problem, KimberleyError))
        self._stop_wanted.set()


def run_worker(settings: Settings) -> None:
    """Run a worker in this process until it is told to stop. Raises KimberleyError when it could not start or go on."""

    async def main() -> None:
        await Worker(settings).run()

    # what is loaded now stays; of what batches make almost nothing is in cycles, and looking for those took an eighth of the time
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    asyncio.run(main())
