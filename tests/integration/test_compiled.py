"""The compiled build is the same program: it passes the tests of the core, and its tracebacks name the source."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from support.compiled import ROOT, build_compiled

pytestmark = pytest.mark.slow
COMPILED = ("kimberley.cases.judge", "kimberley.rules.regimes", "kimberley.wire.decision_encoding", "kimberley.pipeline.processor")
SUITES = ("tests/rules", "tests/properties", "tests/unit/cases", "tests/unit/wire", "tests/unit/reference", "tests/unit/test_scenarios.py")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which `import kimberley` finds the compiled build."""
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    if not (shutil.which("cc") and has_headers) and not os.environ.get("CI"):
        pytest.skip("needs a C compiler and Python's headers")
    package = build_compiled(tmp_path_factory.mktemp("compiled"), optimised=False)
    # not counted as covered or not: what is measured is the sources, not this copy of them
    own = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return {**own, "PYTHONPATH": str(package)}


def run(compiled: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=compiled, capture_output=True, text=True, timeout=280, check=False)


def test_what_runs_for_every_event_is_compiled(compiled: dict[str, str]) -> None:
    code = f"import importlib; print(*(importlib.import_module(name).__file__ for name in {COMPILED}), sep='\\n')"
    files = run(compiled, "-c", code).stdout.split()
    assert len(files) == len(COMPILED)
    assert all(file.startswith(compiled["PYTHONPATH"]) and file.endswith(".so") for file in files)


def test_it_passes_the_tests_of_the_core(compiled: dict[str, str]) -> None:
    done = run(compiled, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow and not kafka and not registry", *SUITES)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_a_traceback_names_file_and_line(compiled: dict[str, str]) -> None:
    done = run(compiled, "-c", "from kimberley.cases.intake import take_in; take_in('CertificateIssued', None)")
    assert done.returncode == 1
    assert 'kimberley/cases/intake.py", line ' in done.stderr
