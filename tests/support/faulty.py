"""Real Kafka that breaks on demand: workers reach it by a proxy, the tests' own eyes directly."""

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from kimberley.settings import Settings
from support.kafka import RealKafka
from support.proxy import Proxy
from support.stream import prepared


class Faulty:
    """`kafka` and the `proxy` before it; the broker names the proxy's address to all who come by it, so that they never pass it by."""

    def __init__(self) -> None:
        self.proxy = Proxy()
        self.kafka = RealKafka(
            {
                "listeners": "PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{inside},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{{port}},PROXIED://{self.proxy.address}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
            }
        )
        self._stack = ExitStack()
        self._is_up = True

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.proxy)
            stack.enter_context(self.kafka)
            self.proxy.target = self.kafka.inside
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    @property
    def broker(self) -> str:
        """The broker's own address, for the tests."""
        return self.kafka.bootstrap_servers

    def settings(self, **chosen: Any) -> Settings:
        """Make topics and reference data ready; settings by which a worker goes through the proxy."""
        return prepared(self.broker, **chosen).model_copy(update={"bootstrap_servers": self.proxy.address})

    def restart(self, *, kill: bool, down_seconds: float = 0.0) -> float:
        """Stop the broker in order, or `kill -9` it, and start it again on the same data; when it answered again (monotonic)."""
        self._is_up = False
        if kill:
            self.kafka.kill()
        else:
            self.kafka.stop()
        time.sleep(down_seconds)
        self.kafka.start()
        self._is_up = True
        return time.monotonic()

    def mend(self) -> None:
        """Whatever a test left behind: the broker runs and the proxy passes on."""
        if self._is_up:
            self.kafka.resume()
        else:
            self.kafka.start()
            self._is_up = True
        self.proxy.cut()
        self.proxy.pass_on()
