"""The environment in which the contender runs: made once for each lock, kept where tests keep what is slow to fetch.

There `kimberley` finds `avro` in place of avro-python3. Both parse schemas by `avro.schema`, which the judging of events never asks:
fastavro alone reads and writes them.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from support.java import cache_folder

LOCK = Path(__file__).parent / "requirements.lock"
_INSTALL_SECONDS = 400


def quix_python() -> Path:
    """The Python of that environment. Made where it is not here yet; raises RuntimeError with what pip said where it can't be."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder: Path = cache_folder() / f"quix-{version}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    interpreter = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run(sys.executable, "-m", "venv", str(folder))
        pip = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", "--require-hashes")
        _run(str(interpreter), *pip, "-r", str(LOCK))
        (folder / "ready").touch()  # whole or not at all: an environment can't be renamed once made
    return interpreter


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"the environment of Quix Streams could not be made:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
