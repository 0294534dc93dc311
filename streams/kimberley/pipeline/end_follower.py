"""Ask for the ends of our partitions, by a connection of its own: what waits is known also while nothing is fetched."""

import asyncio
import contextlib
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from kimberley.pipeline.background import Background
from kimberley.pipeline.progress import Progress
from kimberley.pipeline.reading import close

_PERIOD_SECONDS = 2.0
_TIMEOUT_SECONDS = 10.0


class EndFollower:
    """Tells `progress` every few seconds where its partitions end. `consumer` has no group and belongs to us.

    Faust's consumer fetches only what there is room for, and may hang: a lag that it reported itself would stand still with it. While
    a broker is away nothing new is known, and nobody is blamed for that. `on_failure` hears of anything else that ended the asking.
    """

    def __init__(self, consumer: AIOKafkaConsumer, progress: Progress, on_failure: Callable[[BaseException], None]) -> None:
        self._consumer = consumer
        self._progress = progress
        self._background = Background("end-follower", self._follow, on_failure)

    async def start(self) -> None:
        """Connect and begin."""
        await self._consumer.start()
        self._background.start()

    async def stop(self) -> None:
        """Stop asking."""
        await self._background.stop()
        await close(self._consumer)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._ask(), _TIMEOUT_SECONDS)
            self._progress.look()
            await asyncio.sleep(_PERIOD_SECONDS)

    async def _ask(self) -> None:
        places = [TopicPartition(*place) for place in self._progress.readings]
        if places:
            asked_at = self._progress.clock()
            ends = await self._consumer.end_offsets(places)
            self._progress.ends({(place.topic, place.partition): end for place, end in ends.items()}, asked_at)
