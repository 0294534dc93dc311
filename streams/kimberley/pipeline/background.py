"""Work that goes on beside the stream: whatever ends it before it is told to stop is told, so that none dies in silence."""

import asyncio
from collections.abc import Awaitable, Callable


class Background:
    """Runs `work`, which never ends by itself, as a task. `on_failure` hears of what ended it."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], on_failure: Callable[[BaseException], None]) -> None:
        self._name = name
        self._work = work
        self._on_failure = on_failure
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Return once it has ended; at once where it never began."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._work()
        except Exception as problem:
            self._on_failure(problem)
