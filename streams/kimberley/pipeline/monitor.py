"""A worker's small web server: metrics for Prometheus, health for whoever restarts workers. Up before everything else, down after it."""

import errno
import json

import structlog
from aiohttp import web
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from kimberley.errors import ConfigurationError
from kimberley.pipeline.health import Answer, Health
from kimberley.settings import MONITOR_OFF

log = structlog.get_logger(__name__)

_STOP_SECONDS = 1.0


class Monitor:
    """Serves `/metrics`, `/health/live` and `/health/ready` on one port. Port 0: any that is free, which the log tells; -1: nothing."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Health) -> None:
        self._host = host
        self._port = port
        self._registry = registry
        self._health = health
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises ConfigurationError that names the setting where that can't be."""
        if self._port == MONITOR_OFF:
            return
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_STOP_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as problem:
            await self._runner.cleanup()
            raise ConfigurationError(self._why_not(problem)) from None
        port = self._runner.addresses[0][1]
        log.info("monitor_listening", url=f"http://{self._host}:{port}", paths=["/metrics", "/health/live", "/health/ready"])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def _why_not(self, problem: OSError) -> str:
        if problem.errno == errno.EADDRINUSE:
            return (
                f"port {self._port} of {self._host}, for metrics and health, is taken, perhaps by another worker: "
                "set KIMBERLEY_MONITOR_PORT to another, to 0 for any that is free, or to -1 for none"
            )
        return (
            f"metrics and health can't be served on {self._host}:{self._port}: {problem.strerror or problem} "
            "(KIMBERLEY_MONITOR_HOST, KIMBERLEY_MONITOR_PORT)"
        )

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _live(self, request: web.Request) -> web.Response:
        return _answered(self._health.live())

    async def _ready(self, request: web.Request) -> web.Response:
        return _answered(self._health.ready())


def _answered(answer: Answer) -> web.Response:
    return web.json_response(answer.body, status=200 if answer.ok else 503, dumps=lambda body: json.dumps(body, indent=2) + "\n")
