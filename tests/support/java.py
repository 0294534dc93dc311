"""Java and the jars of the real services: found, fetched once per version of `tests/java/pom.xml`, and started in a folder of their own."""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from kimberley.child_processes import die_with_parent, end

POM = Path(__file__).parents[1] / "java" / "pom.xml"
REGISTRY = "io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all"
_LEAST_JAVA = 17
_FETCH_SECONDS = 600


@cache
def why_no_java() -> str | None:
    """Why the real services can't run here; None: they can."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if not java or not maven:
        return f"{'Java 17' if not java else 'Maven'} is not installed"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if not found or int(found[1]) < _LEAST_JAVA:
        return f"Java {_LEAST_JAVA} is needed, here is {said.splitlines()[0] if said else 'none that says its version'}"
    return None


def cache_folder() -> Path:
    """Where tests keep what is slow to fetch or build, from run to run."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kimberley-tests"


@cache
def jars() -> Path:
    """The folder with the jars and the unpacked registry. Fetches them with Maven where they are not here yet."""
    return _kept(POM.read_bytes() + REGISTRY.encode(), _fetch)


def fetched_jars(pom: Path) -> Path:
    """The folder with the jars that another project file names. Fetches them with Maven where they are not here yet."""
    return _kept(pom.read_bytes(), lambda folder: _maven(pom, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"))


def _kept(recipe: bytes, fetch: Callable[[Path], None]) -> Path:
    store = cache_folder()
    ready = store / hashlib.sha256(recipe).hexdigest()[:16]
    if not ready.is_dir():
        store.mkdir(parents=True, exist_ok=True)
        with (store / "lock").open("w") as lock, tempfile.TemporaryDirectory(dir=store) as name:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes, and Maven's own store is not made for that
            if not ready.is_dir():
                folder = Path(name) / "services"
                fetch(folder)
                folder.rename(ready)  # whole or not at all
    return ready


def _fetch(folder: Path) -> None:
    _maven(POM, "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}")
    _maven(POM, "dependency:copy", f"-Dartifact={REGISTRY}", f"-DoutputDirectory={folder}")
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "registry", filter="data")
    archive.unlink()


def _maven(pom: Path, *goal: str) -> None:
    done = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), *goal], capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"Maven could not fetch what {pom} names:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(address: str) -> bool:
    """Whether somebody takes connections at host:port."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


class JavaProcess:
    """A Java service with its log in a file; it ends with us, whatever happens to us."""

    def __init__(self, arguments: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.log = folder / "service.log"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                ["java", *arguments],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Return once the condition holds. Raises RuntimeError with the log's end when the process dies or time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not start within {seconds:.0f} s:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def wait_to_end(self, seconds: float) -> None:
        """Return once the process has ended well. Raises RuntimeError with the log's end otherwise."""
        status = self._process.wait(seconds)
        if status:
            raise RuntimeError(f"exit status {status}:\n{self.log.read_text(errors='replace')[-3000:]}")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def pause(self) -> None:
        """Stand still, with every connection open: as behind a broken network."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self, seconds: float = 10) -> None:
        """Terminate, and kill what has not ended after so many seconds."""
        end(self._process, seconds)

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.wait()
