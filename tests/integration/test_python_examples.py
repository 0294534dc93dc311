"""The Python examples, run as they are, against a worker: what the README quotes works."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kimberley.settings import Settings
from support.stream import prepared
from support.worker import WorkerProcess, environment

pytestmark = pytest.mark.embedded

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"


@pytest.fixture
def stream(fresh_embedded: str, tmp_path: Path) -> Iterator[Settings]:
    """A worker on a broker."""
    settings = prepared(fresh_embedded)
    with WorkerProcess(settings, tmp_path):
        yield settings


def run(settings: Settings, name: str, folder: Path) -> list[str]:
    """What an example prints."""
    command = [sys.executable, str(EXAMPLES / name)]
    done = subprocess.run(command, env=environment(settings), cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_publisher_learns_its_decision_and_the_subscriber_its_alerts(stream: Settings, tmp_path: Path) -> None:
    (decided,) = run(stream, "publish.py", tmp_path)
    assert decided.startswith("ACCEPTED ")
    assert "'trade-suspended'" in decided
    told = run(stream, "subscribe.py", tmp_path)
    assert "open: BLOCK CF014760 trade-suspended" in told
    assert any(line.startswith("OPENED CF014760 Certificate CF014760: on the export date, 4 March 2014, ") for line in told)
    assert not [line for line in run(stream, "subscribe.py", tmp_path) if line.startswith("OPENED")], "its group has had them"


def test_the_examples_are_short_enough_to_quote() -> None:
    for file in EXAMPLES.glob("*.py"):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert len(lines) <= 13, file
