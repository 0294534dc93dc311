"""A clock that jumps, for one process alone: libfaketime, which reads what the time is from a file."""

import os
from functools import cache
from pathlib import Path

_LIBRARY = "libfaketimeMT.so.1"
_FOLDERS = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")


@cache
def _library() -> Path | None:
    found = (path for folder in _FOLDERS for path in Path(folder).glob(f"**/faketime/{_LIBRARY}"))
    return next(found, None)


def why_no_faketime() -> str | None:
    """Why no clock can be made to jump here; None: it can."""
    return None if _library() else "libfaketime is not installed"


class JumpingClock:
    """The time of day of a process that is started with `environment`. Its monotonic clock is the machine's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        # with the monotonic clock left alone libfaketime 0.9.10 refuses sleeping until an instant, which is how Python sleeps
        (folder / "sitecustomize.py").write_text("import threading, time\ntime.sleep = lambda seconds: threading.Event().wait(seconds)\n")
        self.jump(0)

    @property
    def environment(self) -> dict[str, str]:
        """What the process must be started with."""
        return {
            "PYTHONPATH": os.pathsep.join([str(self._file.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, days: float) -> None:
        """So many days after what it is (or before it, negative), from now on."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{days * 86_400:+.0f}\n", encoding="ascii")
        fresh.rename(self._file)  # whole or not at all: it is read all the time
