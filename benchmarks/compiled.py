"""The compiled build that contenders run with, made once for each state of the sources."""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import ROOT
from support.compiled import build_compiled

_STORE = ROOT / ".cache" / "bench"
UNOPTIMISED = "-quick"
_MADE_OF = ("streams/**/*.py", "streams/**/data/**/*", "schemas/**/*.*", "deploy/compiled_build.py", "pyproject.toml")


def compiled_package(optimised: bool) -> Path:
    """The folder for PYTHONPATH. Builds it, which takes minutes, where the sources have changed; raises RuntimeError where it can't.

    Without the optimiser (a name that ends in UNOPTIMISED) that takes a fraction of the time; one that was made with it serves then, too.
    """
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted(file for pattern in _MADE_OF for file in ROOT.glob(pattern) if file.is_file()):
        digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    ready, other = (_STORE / f"compiled-{digest.hexdigest()[:16]}{suffix}" for suffix in ("", UNOPTIMISED))
    if not optimised and not ready.is_dir():
        ready = other
    if not ready.is_dir():
        _STORE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_STORE) as name:
            made = build_compiled(Path(name), optimised=optimised)
            for older in _STORE.glob("compiled-*"):
                shutil.rmtree(older, ignore_errors=True)
            made.rename(ready)  # whole or not at all
    return ready
