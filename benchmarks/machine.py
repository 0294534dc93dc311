"""Where a run was made: what a reader must know to compare its figures with others."""

import os
import platform
import random
import re
import subprocess
import timeit
from pathlib import Path

from benchmarks import ROOT

_CALLS, _PLACES, _STEPS = 100_000, 2_000_000, 500_000
_POM = ROOT / "tests" / "java" / "pom.xml"


def machine() -> dict[str, str | int]:
    """Cores, processor, memory, system, Python, Kafka, the commit, and how many processes wanted a core in the last minute."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "kafka": re.findall(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)", _POM.read_text(encoding="utf-8"))[0],
        "commit": _commit(),
        "load": round(os.getloadavg()[0], 1),
        "call_ns": round(_call() * 1e9),
        "memory_ns": round(_walk() * 1e9),
    }


def _call() -> float:
    """Seconds that a small Python function takes, best of five: how fast this processor is with Python."""

    def work(one: int, other: int) -> list[int]:
        found = {"x": one, "y": other, "z": 3}
        total = 0
        for name in found:
            total += found[name] if name == "x" else 5
        return [each for each in (total, one, other) if each is not None]

    return min(timeit.repeat(lambda: work(1, 2), number=_CALLS, repeat=5)) / _CALLS


def _walk() -> float:
    """Seconds of a step to a random place among many objects, best of three: how far memory is. A million cases are no cache's size."""
    places = list(range(_PLACES))
    random.Random(1).shuffle(places)

    def walk() -> int:
        at = 0
        for _ in range(_STEPS):
            at = places[at]
        return at

    return min(timeit.repeat(walk, number=1, repeat=3)) / _STEPS


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.is_file() else None
    return named[1].strip() if named else platform.processor() or platform.machine()


def _commit() -> str:
    """The commit that was measured, `+` where the sources differ from it; empty without git."""
    try:
        said = [
            subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
            for arguments in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain", "--", "streams", "benchmarks", "deploy"))
        ]
    except (OSError, subprocess.SubprocessError):
        return ""
    return said[0] + ("+" if said[1] else "")
