"""Notices when this worker stands still: a thread looks whether the event loop runs, the event loop whether records move."""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

import structlog

from kimberley.errors import KimberleyError
from kimberley.pipeline.background import Background
from kimberley.pipeline.health import Health

log = structlog.get_logger(__name__)

_BEAT_SECONDS = 0.25
_LOOK_SECONDS = 1.0


class StuckError(KimberleyError):
    """Records wait and none is applied, or the group does not answer. The worker ends, for its supervisor to start it anew."""

    exit_status = 3


class Pulse:
    """Beats as long as the event loop runs. `longest`: the longest time between two beats, seconds.

    A process that was stopped (SIGSTOP, a machine that slept) finds a gap there when it goes on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.beats = 0
        self._clock = clock
        self._last = clock()
        self._longest = 0.0

    def beat(self) -> None:
        """The event loop runs."""
        self._longest = self.longest
        self._last = self._clock()
        self.beats += 1

    def forget(self) -> None:
        """What was before does not matter from here on."""
        self._longest = 0.0

    @property
    def longest(self) -> float:
        """With the gap that may not have ended yet."""
        return max(self._longest, self._clock() - self._last)


class Watchdog:
    """Ends a worker that stands still.

    Where health finds that something has not come on, `on_failure` hears of it, and the worker stops as it does for any failure. Where
    not even the event loop runs on, a thread writes to standard error what each thread was at and ends the process with status 3.
    """

    def __init__(self, pulse: Pulse, health: Health, *, seconds: float, on_failure: Callable[[BaseException], None]) -> None:
        self._pulse = pulse
        self._health = health
        self._seconds = seconds
        self._beating = Background("pulse", self._beat, on_failure)
        self._looking = Background("watchdog", self._look, on_failure)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    async def start(self) -> None:
        """Begin."""
        self._pulse.beat()
        self._beating.start()
        self._looking.start()
        self._thread.start()

    async def stop(self) -> None:
        """Watch no more."""
        self._ended.set()
        await self._looking.stop()
        await self._beating.stop()

    async def _beat(self) -> None:
        while True:
            self._pulse.beat()
            await asyncio.sleep(_BEAT_SECONDS)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            answer = self._health.live()
            if not answer.ok:
                log.error("worker_stuck", standing_still=answer.body["standing_still"])
                raise StuckError(f"this worker is stuck: {answer.body['why']}")

    def _watch(self) -> None:
        seen, looks = self._pulse.beats, 0.0
        # looks are counted, not seconds: after a time in which the whole process was stopped, the loop has its turn first
        while not self._ended.wait(_LOOK_SECONDS):
            if self._pulse.beats != seen:
                seen, looks = self._pulse.beats, 0.0
                continue
            looks += _LOOK_SECONDS
            if looks > self._seconds:
                log.error("worker_stuck", problem=f"the event loop has not run for {looks:.0f} s")
                faulthandler.dump_traceback(sys.__stderr__ or 2)
                os._exit(StuckError.exit_status)
