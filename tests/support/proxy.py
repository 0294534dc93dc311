"""A TCP proxy in front of a broker, for what networks do: refuse, say nothing, crawl, break."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

_BLOCK_BYTES = 64 * 1024
_SLOW_BLOCK_BYTES = 4 * 1024


class Proxy:
    """Passes on what comes to `address`, until it is told otherwise. `target` may be set later: the address behind it."""

    def __init__(self, target: str = "") -> None:
        self.target = target
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._pairs: set[tuple[asyncio.StreamWriter, ...]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rate: float | None = None
        self._free_at = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        self.pass_on()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._do(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._socket.close()

    def pass_on(self) -> None:
        """As if it were not there; what was held back goes on its way."""
        self._do(self._pass_on, None)

    def slow(self, bytes_per_second: float) -> None:
        """As `pass_on`, with so many bytes a second over all connections and both ways together."""
        self._do(self._pass_on, bytes_per_second)

    def refuse(self) -> None:
        """Break every connection and refuse new ones."""
        self._do(self._refuse)

    def black_hole(self) -> None:
        """Take connections and say nothing; on those that stand nothing moves any more."""
        self._do(self._black_hole)

    def cut(self) -> None:
        """Break every connection now; new ones are passed on."""
        self._do(self._cut)

    def _do(self, act: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        asyncio.run_coroutine_threadsafe(act(*arguments), self._loop).result(10)

    async def _pass_on(self, rate: float | None) -> None:
        self._rate, self._free_at = rate, self._loop.time()
        self._flows.set()
        await self._listen()

    async def _black_hole(self) -> None:
        self._flows.clear()
        await self._listen()

    async def _refuse(self) -> None:
        await self._close()
        await self._cut()
        self._socket = _bound(self.port)  # held, so that nobody else gets the port, and not listened on

    async def _cut(self) -> None:
        for pair in list(self._pairs):
            for writer in pair:
                writer.transport.abort()

    async def _end(self) -> None:
        await self._close()
        await self._cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._take, sock=self._socket, limit=_BLOCK_BYTES)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        ways: list[asyncio.Task[None]] = []
        pair: tuple[asyncio.StreamWriter, ...] = (writer,)
        self._pairs.add(pair)
        try:
            await self._flows.wait()
            host, _, port = self.target.rpartition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port), limit=_BLOCK_BYTES)
            self._pairs.discard(pair)
            pair = (writer, far_writer)
            self._pairs.add(pair)
            ways = [asyncio.create_task(self._carry(reader, far_writer)), asyncio.create_task(self._carry(far_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pairs.discard(pair)
            for way in ways:
                way.cancel()
            for each in pair:
                each.transport.abort()
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_SLOW_BLOCK_BYTES if self._rate else _BLOCK_BYTES):
                await self._flows.wait()
                if self._rate:
                    self._free_at = max(self._free_at, self._loop.time()) + len(data) / self._rate
                    await asyncio.sleep(self._free_at - self._loop.time())
                writer.write(data)
                await writer.drain()


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    return found
