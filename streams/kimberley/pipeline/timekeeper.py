"""Writes the stream's clock and its reference revision into the control topic: one worker of the group does, for all."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from kimberley.pipeline.background import Background
from kimberley.wire.control import Tick, control_value

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0


class Timekeeper:
    """Every so many seconds, and whenever a reference revision is complete, a control record to every partition. The time that it tells
    is the broker's: a worker's clock may jump.

    Only while `is_ours` says so (the worker that has partition number 0), so that mostly one writes; should two, the later time counts.
    `seconds` 0: revisions alone are told, with a time that moves no clock. A broker that is away is tried again; a broken program is
    `on_failure`'s.
    """

    def __init__(
        self,
        topic: str,
        partitions: int,
        options: Mapping[str, Any],
        *,
        is_ours: Callable[[], bool],
        seconds: float,
        on_failure: Callable[[BaseException], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topic = topic
        self._partitions = partitions
        self._options = options
        self._is_ours = is_ours
        self._seconds = seconds
        self._background = Background("timekeeper", self._run, on_failure)
        self._clock = clock
        self._revision = ""
        self._told: tuple[float, str] | None = None

    def on_reference(self, revision: str) -> None:
        """A revision is complete: it is told with the next look."""
        self._revision = revision

    async def start(self) -> None:
        """Begin. Nothing is written before partition number 0 is ours."""
        self._background.start()

    async def stop(self) -> None:
        """Write no more."""
        await self._background.stop()

    async def _run(self) -> None:
        producer = AIOKafkaProducer(acks="all", **self._options)
        started = False
        try:
            while True:
                if not self._is_ours():
                    self._told = None  # whoever has it next tells anew, and so do we when it comes back
                elif self._is_due():
                    with contextlib.suppress(KafkaError):  # tried again with the next look
                        if not started:
                            await producer.start()
                            started = True
                        await self._tell(producer)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await producer.stop()

    def _is_due(self) -> bool:
        if self._told is None:
            return bool(self._seconds or self._revision)
        told_at, revision = self._told
        return revision != self._revision or (self._seconds > 0 and self._clock() - told_at >= self._seconds)

    async def _tell(self, producer: AIOKafkaProducer) -> None:
        now = self._clock()
        tick = Tick(None if self._seconds else 0, self._revision)
        value = control_value(tick)
        await asyncio.gather(*[await producer.send(self._topic, value, partition=number) for number in range(self._partitions)])
        self._told = now, tick.revision
        log.debug("clock_told", revision=tick.revision)
