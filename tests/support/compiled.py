"""The compiled build of kimberley, as the image has it, in a folder that `PYTHONPATH` puts before the sources."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_compiled(folder: Path, *, optimised: bool = True) -> Path:
    """Build the wheel with its core compiled and unpack it in a folder in `folder`, which is returned. Needs a C compiler.

    Without the optimiser it is the same program and there in a third of the time.
    """
    wheels, package = folder / "wheels", folder / "package"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    asked = {**os.environ, "HATCH_BUILD_HOOK_ENABLE_CUSTOM": "1", **({} if optimised else {"CFLAGS": "-O0"})}
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT)]
    for command in (
        build,
        [*pip, "install", "--no-deps", "--target", str(package), "--no-index", "--find-links", str(wheels), "kimberley"],
    ):
        done = subprocess.run(command, env=asked, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return package
