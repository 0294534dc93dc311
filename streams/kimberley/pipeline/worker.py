"""The worker: a Faust app that hands chunks to partition tasks, and its life from start to a clean stop."""

import asyncio
import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faust
import structlog
import yarl
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.types import TP

from kimberley.errors import ConfigurationError, KimberleyError, ServiceUnavailableError
from kimberley.garbage import collect_rarely
from kimberley.model.partition_state import PartitionState
from kimberley.pipeline.batch_transport import Consumer, Fetched, Standing, Transport
from kimberley.pipeline.delivery import AtLeastOnce, Delivery, ExactlyOnce, has_transactions
from kimberley.pipeline.end_follower import EndFollower
from kimberley.pipeline.health import Health
from kimberley.pipeline.metrics import Delivered, Held, Metrics
from kimberley.pipeline.monitor import Monitor
from kimberley.pipeline.partition import Chunk, PartitionTask
from kimberley.pipeline.policies import Policies
from kimberley.pipeline.processor import Processor
from kimberley.pipeline.progress import Progress
from kimberley.pipeline.reference_follower import ReferenceFollower
from kimberley.pipeline.timekeeper import Timekeeper
from kimberley.pipeline.watchdog import Pulse, Watchdog
from kimberley.reference.reference import Reference
from kimberley.rules.rulebook import Rulebook, load_rulebook, shipped_rulebook
from kimberley.settings import Settings
from kimberley.wire.admin import require_topics
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.security import client_options
from kimberley.wire.topics import DECISIONS, FLAGGED_SHIPMENTS, OPEN_ALERTS, InternalNames

log = structlog.get_logger(__name__)

_STOP_SECONDS = 9.0
_FORCED_STOP_SECONDS = 9.5
_MOST_WAITING = 10_000
"""Records of one partition number that may wait in memory before fetching for it pauses."""
_MOST_WAITING_BYTES = 16 << 20
"""As above, by their size; records are a few hundred bytes mostly, and a megabyte at most."""
_FETCH_BYTES = 2 << 20
"""Of one topic's partition in one answer. The records of a megabyte that a stranger may send leave others' room in it."""
_RECOVERY_FETCH_BYTES = 8 << 20
_MOST_STILL = 0.75
"""Of a session's time: a heartbeat is sent five times in it, so one who stood still no longer than this has not lost it."""
_WRITTEN = ((DECISIONS, "Decision"), (FLAGGED_SHIPMENTS, "Alert"), (OPEN_ALERTS, "Alert"))


@dataclass(slots=True)
class Waiting:
    """What of one partition number is in memory and not done: records, and bytes of their values."""

    records: int = 0
    size: int = 0

    def add(self, records: int, size: int) -> None:
        """More of it, or less."""
        self.records += records
        self.size += size


class Worker:
    """Runs a share of the partition numbers until it is told to stop or something fails."""

    def __init__(self, settings: Settings, on_stopping: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self._on_stopping = on_stopping
        self.names = InternalNames(settings.prefix)
        self._options = client_options(settings)
        self._codec: Codec = make_codec(settings)
        self._rulebook: Rulebook = load_rulebook(settings.rulebook) if settings.rulebook else shipped_rulebook()
        self._rebalance_seconds = max(30.0, settings.session_timeout)
        self.progress = Progress()
        self.health = Health(
            self.progress,
            stalled_seconds=settings.stalled_seconds,
            joining_seconds=settings.stalled_seconds + self._rebalance_seconds,
        )
        self.metrics = Metrics(self._rulebook, self.names, self.progress, self.health, self._held)
        self._policies = Policies(self._rulebook)
        self._pulse = Pulse()
        self._watchdog = Watchdog(self._pulse, self.health, seconds=settings.stalled_seconds, on_failure=self._fail)
        self._timekeeper = Timekeeper(
            self.names.control,
            settings.partitions,
            self._options,
            is_ours=lambda: 0 in self.progress.numbers,
            seconds=settings.tick_seconds,
            on_failure=self._fail,
        )
        self._tasks: dict[int, PartitionTask] = {}
        self._stale_generation: int | None = None
        self._waiting: dict[int, Waiting] = {}
        self._exactly_once = False
        self._failure: BaseException | None = None
        self._stop_wanted = asyncio.Event()
        self._app: Any = None

    async def run(self) -> None:
        """Work until SIGTERM, SIGINT or `request_stop`. Raises what made it fail, KimberleyError where it can say what to do."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        monitor = Monitor(self.settings.monitor_host, self.settings.monitor_port, self.metrics.registry, self.health)
        await monitor.start()
        await self._watchdog.start()
        try:
            await self._run()
            if self._failure:
                raise self._failure
        except KafkaError as problem:
            raise ServiceUnavailableError(f"Kafka at {self.settings.bootstrap_servers}: {problem!r}") from problem
        finally:
            await self._watchdog.stop()
            await monitor.stop()

    def request_stop(self) -> None:
        """Finish the batches at hand and stop; before long without them, where a broker does not answer."""
        if not self._stop_wanted.is_set():
            self._stop_wanted.set()
            self._on_stopping()

    async def _run(self) -> None:
        await asyncio.to_thread(require_topics, self.settings)
        await asyncio.to_thread(self._codec.prepare, _WRITTEN)
        self._exactly_once = await self._choose_delivery()
        self.metrics.delivery = "exactly once" if self._exactly_once else "at least once"
        follower = ReferenceFollower(self._consumer(None), self._codec, self._on_reference, self._fail)
        ends = EndFollower(self._consumer(None), self.progress, self._fail)
        try:
            await follower.start()
            await ends.start()
            await self._timekeeper.start()
            log.info(
                "worker_starting",
                delivery="exactly once" if self._exactly_once else "at least once: this broker has no transactions",
                brokers=self.settings.bootstrap_servers,
                group=self.names.group,
                partitions=self.settings.partitions,
                rulebook=self._rulebook.id,
                reference_revision=self._policies.newest.reference.revision,
            )
            with tempfile.TemporaryDirectory(prefix="kimberley-") as scratch:
                await self._run_app(Path(scratch))
        finally:
            await self._timekeeper.stop()
            await ends.stop()
            await follower.stop()

    async def _run_app(self, scratch: Path) -> None:
        self._app = self._make_app(scratch)
        self._app.finalize()
        await self._app.start()
        log.info("worker_started")
        crashed = asyncio.create_task(self._app.wait_until_stopped())
        wanted = asyncio.create_task(self._stop_wanted.wait())
        await asyncio.wait({crashed, wanted}, return_when=asyncio.FIRST_COMPLETED)
        by_itself = not self._stop_wanted.is_set()
        self.request_stop()
        self.metrics.is_up = False
        log.info("worker_stopping", failed=self._failure is not None)
        deadline = time.monotonic() + _STOP_SECONDS
        stopping, self._tasks = list(self._tasks.values()), {}
        await asyncio.gather(*(task.stop() for task in stopping), return_exceptions=True)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._app.stop(), max(1.0, deadline - time.monotonic()))
        for task in (crashed, wanted):
            task.cancel()
        if self._failure is None and by_itself:
            self._failure = getattr(self._app, "_crash_reason", None) or RuntimeError("the Faust app stopped by itself")
        counted = self.metrics
        log.info("worker_stopped", events=counted.events.total(), decisions=counted.decisions.total(), alerts=counted.alerts.total())

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
            broker_rebalance_timeout=self._rebalance_seconds,
            broker_request_timeout=max(90.0, settings.session_timeout),
            broker_max_poll_records=_MOST_WAITING,
            consumer_max_fetch_size=_FETCH_BYTES,
            loghandlers=[],
        )
        app.transport = Transport(
            [address],
            app,
            client_options=self._options,
            has_room=self._has_room,
            on_fetched=self._on_fetched,
            on_standing=self._on_standing,
        )
        app.on_partitions_assigned.connect(self._on_assigned)
        app.on_partitions_revoked.connect(self._on_revoked)
        topic = app.topic(*self.names.inputs, value_serializer="raw", key_serializer="raw")

        async def dispatch(stream: Any) -> None:
            async for event in stream.noack().events():
                message = event.message
                task = self._tasks.get(message.partition)
                if task is None or message.generation_id == self._stale_generation:
                    continue  # given up with its partition, or on the way to a stop: whoever has the partition next reads it again
                chunk: Fetched = message.value
                task.put(Chunk(chunk, self._done(event, message.tp, chunk), chunk.follows, chunk.size))

        app.agent(topic, name="dispatch")(dispatch)
        return app

    def _task_of(self, number: int) -> PartitionTask:
        if number not in self._tasks:
            self._tasks[number] = self._new_task(number)
        return self._tasks[number]

    def _new_task(self, number: int) -> PartitionTask:
        delivery: Delivery = (
            ExactlyOnce(number, self.names, self._options)
            if self._exactly_once
            else AtLeastOnce(number, self.names, self._options, self._commit, self._may_be_zombie)
        )

        def processor(cases: dict[str, bytes], state: PartitionState) -> Processor:
            skew = self.settings.clock_skew_minutes
            return Processor(number, self.settings.partitions, cases, self._codec, self.names, state, skew_minutes=skew)

        return PartitionTask(
            number,
            self.names,
            delivery=delivery,
            codec=self._codec,
            policies=self._policies,
            progress=self.progress,
            make_consumer=self._consumer,
            processor=processor,
            batch_records=self.settings.batch_records,
            adopts_alerts=not self._exactly_once,
            recovery=self.progress.recovering(number),
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
            max_partition_fetch_bytes=_RECOVERY_FETCH_BYTES,
            **self._options,
        )

    async def _choose_delivery(self) -> bool:
        wanted = self.settings.delivery
        if wanted == "at_least_once":
            return False
        if await has_transactions(self._options, self.names):
            return True
        if wanted == "exactly_once":
            raise ConfigurationError("KIMBERLEY_DELIVERY=exactly_once, but this broker has no transactions")
        log.warning("no_transactions", delivery="at least once", brokers=self.settings.bootstrap_servers)
        return False

    def _on_reference(self, reference: Reference) -> None:
        self._policies.add(reference)
        self.metrics.reference_revision = reference.revision
        self._timekeeper.on_reference(reference.revision)
        log.info("reference_complete", revision=reference.revision)

    def _has_room(self, number: int) -> bool:
        waiting = self._waiting.get(number)
        return waiting is None or (waiting.records < _MOST_WAITING and waiting.size < _MOST_WAITING_BYTES)

    def _on_fetched(self, place: TP, chunk: Fetched) -> None:
        self._waiting.setdefault(place.partition, Waiting()).add(len(chunk), chunk.size)
        first, last = chunk[0], chunk[-1]
        self.progress.fetched(place, first.offset, first.timestamp, last.timestamp, last.offset + 1)

    def _on_standing(self, standing: Standing) -> None:
        self.progress.seen(*standing)

    def _done(self, event: Any, place: TP, chunk: Fetched) -> Callable[[], None]:
        waiting = self._waiting.setdefault(place.partition, Waiting())  # this assignment's: the next one starts from nothing

        def done() -> None:
            waiting.add(-len(chunk), -chunk.size)
            self.progress.applied(place)
            event.ack()

        return done

    async def _on_assigned(self, app: Any, assigned: set[TP], **_: Any) -> None:
        """Recover at once, not with the first record: an idle partition is to be ready too."""
        self.progress.assigned(assigned)
        self._pulse.forget()  # what is held from here on was read back after any standstill
        if any(place.partition >= self.settings.partitions for place in assigned):
            self._fail(_grown(assigned, self.settings.partitions))
            return
        if not self._stop_wanted.is_set():
            for number in self.progress.numbers:
                self._task_of(number)

    async def _on_revoked(self, app: Any, revoked: set[TP], **_: Any) -> None:
        # first of all: from here on nothing of this generation may begin a task anew, past what the stopped one gave up
        if revoked:  # the first time there is nothing to revoke, and a broker may count generations from Faust's own 0
            self._stale_generation = app.consumer_generation_id
        numbers = {place.partition for place in revoked}
        stopping = [task for number in numbers if (task := self._tasks.pop(number, None))]
        await asyncio.gather(*(task.stop() for task in stopping))
        for number in numbers:
            self._waiting.pop(number, None)
        self.progress.revoked(revoked)

    async def _commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        consumer = cast(Consumer, self._app.consumer)
        return await consumer.commit_applied({TP(topic, partition): offset for (topic, partition), offset in offsets.items()})

    def _held(self) -> dict[int, Held]:
        return {number: task.held for number, task in self._tasks.items()}

    def _may_be_zombie(self) -> str | None:
        """Why others may have this worker's share by now; None: they can't."""
        still, most = self._pulse.longest, self.settings.session_timeout * _MOST_STILL
        if still <= most:
            return None
        session = f"session timeout {self.settings.session_timeout:.0f} s"
        return f"this process stood still for {still:.1f} s, so another may have its share by now ({session})"

    def _on_batch(self, batch: Delivered) -> None:
        self.metrics.delivered(batch)
        log.debug("batch", records=batch.records, judging=round(batch.judging_seconds, 4), delivery=round(batch.delivery_seconds, 4))

    def _fail(self, problem: BaseException) -> None:
        if self._failure is None:
            self._failure = problem
            log.error("worker_failed", problem=str(problem), exc_info=not isinstance(problem, KimberleyError))
        self.request_stop()


def _grown(assigned: set[TP], partitions: int) -> ConfigurationError:
    last = max(assigned, key=lambda place: place.partition)
    return ConfigurationError(
        f"{last.topic} has grown: there is a partition {last.partition}, and the settings say {partitions} partitions. A certificate's "
        "events must all fall in one partition, so none is judged from here on: make the topic anew with as many partitions as before "
        "and fill it again; `kimberley topics check` lists what is wrong"
    )


def run_worker(settings: Settings) -> None:
    """Run a worker in this process until it is told to stop. Raises KimberleyError when it could not start or go on."""

    def end() -> None:
        problem = "a broker does not answer; what was not committed is read again"
        log.error("worker_stop_forced", seconds=_FORCED_STOP_SECONDS, problem=problem)
        os._exit(ServiceUnavailableError.exit_status)

    # Kafka's clients may wait for a broker for minutes, in threads that the interpreter waits for
    deadline = threading.Timer(_FORCED_STOP_SECONDS, end)
    deadline.daemon = True

    async def main() -> None:
        await Worker(settings, deadline.start).run()

    collect_rarely()
    asyncio.run(main())
