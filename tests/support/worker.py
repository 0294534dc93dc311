"""A worker as the operator starts it: its own process, settings by environment, its log in a file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from kimberley.settings import Settings


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment that gives a process these settings; a worker's metrics are on any free port unless they say which."""
    stated = {"monitor_port": 0, **settings.model_dump(mode="json", exclude_defaults=True)}
    for secret in ("sasl_password", "registry_password"):
        if value := getattr(settings, secret):
            stated[secret] = value.get_secret_value()
    own = {name: value for name, value in os.environ.items() if not name.startswith("KIMBERLEY_")}
    return {**own, "KIMBERLEY_LOG_FORMAT": "json", **{f"KIMBERLEY_{name.upper()}": str(value) for name, value in stated.items()}, **more}


class WorkerProcess:
    """`kimberley worker` in its own process; killed at the end of the context if it still runs."""

    def __init__(self, settings: Settings, folder: Path, name: str = "worker") -> None:
        self.log = folder / f"{name}.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kimberley", "worker"],
                env=environment(self._settings),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self.is_alive:
            self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once started."""
        assert self._process is not None
        return self._process

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`: no last words, no clean-up."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self, seconds: float) -> int:
        """SIGTERM; the exit status. Raises TimeoutExpired after so many seconds."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def monitor(self) -> str:
        """The address of its metrics and health; empty as long as the log does not tell it."""
        lines = (json.loads(line) for line in self.text().splitlines() if '"monitor_listening"' in line and line.endswith("}"))
        return next((str(line["url"]) for line in lines), "")

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")
