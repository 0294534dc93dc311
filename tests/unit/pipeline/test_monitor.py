"""The worker's web server: three paths, and a clear word where it can't listen."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.registry import CollectorRegistry
from structlog.testing import capture_logs

from kimberley.errors import ConfigurationError
from kimberley.pipeline.health import Health
from kimberley.pipeline.metrics import Metrics
from kimberley.pipeline.monitor import Monitor
from kimberley.pipeline.progress import Progress
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import MONITOR_OFF, load_settings
from kimberley.wire.topics import InternalNames
from support.worker import environment

PLACE = ("shipments", 0)


class Served:
    """A monitor of a worker that waits for its partitions; `get` asks it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.progress = Progress(lambda: self.now, lambda: self.now)
        self.health = Health(self.progress, stalled_seconds=60, joining_seconds=90)
        metrics = Metrics(shipped_rulebook(), InternalNames("kimberley"), self.progress, self.health, dict)
        self.monitor = Monitor("127.0.0.1", 0, metrics.registry, self.health)

    def run(self, look: Callable[[httpx.Client], None]) -> None:
        async def main() -> None:
            with capture_logs() as logs:
                await self.monitor.start()
            try:
                with httpx.Client(base_url=logs[0]["url"], timeout=10) as client:
                    await asyncio.to_thread(look, client)
            finally:
                await self.monitor.stop()
            with pytest.raises(httpx.ConnectError):
                httpx.get(logs[0]["url"])

        asyncio.run(main())


def start(host: str, port: int) -> None:
    health = Health(Progress(), stalled_seconds=60, joining_seconds=90)
    monitor = Monitor(host, port, CollectorRegistry(), health)

    async def main() -> None:
        try:
            await monitor.start()
        finally:
            await monitor.stop()

    asyncio.run(main())


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port


def test_health_is_told_by_status_and_in_words() -> None:
    served = Served()

    def look(client: httpx.Client) -> None:
        def ask(path: str) -> tuple[int, Any]:
            answer = client.get(path)
            assert answer.headers["content-type"].startswith("application/json")
            return answer.status_code, answer.json()

        assert ask("/health/live")[0] == 200
        status, body = ask("/health/ready")
        assert (status, body["ready"]) == (503, False)
        served.progress.assigned([PLACE])
        served.progress.recovering(0).done(0, {PLACE: 0})
        assert ask("/health/ready")[0] == 200
        served.progress.ends({PLACE: 5})
        served.now += 61
        status, body = ask("/health/live")
        assert (status, body["live"]) == (503, False)
        assert body["standing_still"][0]["topic"] == "shipments"
        assert "5 records wait" in body["why"]
        served.progress.seen(PLACE, 5, 5, 5)
        assert ask("/health/live")[0] == 200

    served.run(look)


def test_metrics_come_in_the_form_that_is_asked_for() -> None:
    def look(client: httpx.Client) -> None:
        plain = client.get("/metrics")
        assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "kimberley_worker_up 1.0" in plain.text
        assert "process_resident_memory_bytes" in plain.text
        accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        opened = client.get("/metrics", headers={"Accept": accept})
        assert opened.headers["content-type"].startswith("application/openmetrics-text")
        assert opened.text.endswith("# EOF\n")

    Served().run(look)


def test_a_port_that_is_taken_is_a_setting_to_change(taken: int) -> None:
    with pytest.raises(ConfigurationError, match=f"port {taken} .* is taken.*KIMBERLEY_MONITOR_PORT"):
        start("127.0.0.1", taken)


def test_an_address_that_is_not_ours_is_a_setting_to_change() -> None:
    with pytest.raises(ConfigurationError, match="KIMBERLEY_MONITOR_HOST"):
        start("192.0.2.1", 0)


def test_a_monitor_that_is_off_listens_nowhere() -> None:
    with capture_logs() as logs:
        start("192.0.2.1", MONITOR_OFF)
    assert logs == []


def test_a_worker_beside_another_names_the_setting_before_it_does_anything(taken: int) -> None:
    variables = environment(load_settings(bootstrap_servers="127.0.0.1:1"), KIMBERLEY_MONITOR_PORT=str(taken))
    command = [sys.executable, "-m", "kimberley", "worker"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "KIMBERLEY_MONITOR_PORT" in done.stderr
    assert "Traceback" not in done.stderr
