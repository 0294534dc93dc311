"""A worker as the operator starts it: its own process, settings by environment, its log in a file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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

    def __init__(self, settings: Settings, folder: Path, name: str = "worker", **more: str) -> None:
        """`more`: of its environment."""
        self.name = name
        self.log = folder / f"{name}.log"
        self._settings = settings
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kimberley", "worker"],
                env=environment(self._settings, **self._more),
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
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: as a virtual machine that is moved, or a process that waits for its disk."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self, seconds: float) -> int:
        """SIGTERM; the exit status. Raises TimeoutExpired after so many seconds."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def monitor(self) -> str:
        """The address of its metrics and health; empty as long as the log does not tell it."""
        return next((str(line["url"]) for line in self.says("monitor_listening")), "")

    @property
    def peak_bytes(self) -> int:
        """The most memory that it has had at once, of what lies in RAM."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def says(self, event: str) -> list[dict[str, Any]]:
        """The log's lines of one event."""
        lines = [line for line in self.text().splitlines() if f'"{event}"' in line and line.endswith("}")]
        return [line for line in map(json.loads, lines) if line.get("event") == event]

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")
