"""Processes that we start and that must not outlive us."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn`: on Linux the kernel ends the child when we are gone, even by kill -9; elsewhere an orderly end must do."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork, where little may be done

    def die() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return die


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Terminate a process and wait for it; after so many seconds, kill it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
