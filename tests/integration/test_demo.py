"""The demo as a person meets it: plays the whole trade, says what it saw, and leaves nothing behind however it ends."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kimberley.history.simulated_faults import FAULTS
from kimberley.rules.rulebook import shipped_rulebook
from support.stream import wait_until

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

QUICK = ("--rate", "4000")


@contextmanager
def demo(scratch: Path, *arguments: str, output: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """`kimberley demo` whose temporary files go to a folder of the test's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KIMBERLEY_", "COV"))}
    environment |= {"TMPDIR": str(scratch), "TERM": "xterm", "COLUMNS": "160", "LINES": "50"}
    command = [sys.executable, "-m", "kimberley", "demo", *arguments]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def left_running(scratch: Path) -> list[str]:
    """Processes that were started with this scratch folder and still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            commands = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            about = (folder / "environ").read_bytes().decode(errors="replace") + commands + str((folder / "cwd").readlink())
        except OSError:
            continue
        if str(scratch) in about and "kimberley" in about and int(folder.name) != os.getpid():
            found.append(commands)
    return found


def test_off_a_terminal_it_plays_every_rule_sums_up_and_ends_by_itself(tmp_path: Path) -> None:
    with demo(tmp_path, *QUICK) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, output + errors
    lines = output.splitlines()
    assert "demo's broker" in lines[0]
    alert = re.compile(r"(BLOCK|HOLD|RESOLVED) +[A-Z0-9]+ +[a-z-]+ +[A-Z].*\.")
    assert sum(bool(alert.fullmatch(line)) for line in lines) > 50, "each alert is one readable line"
    table = {row.split()[0]: row.split() for row in lines[lines.index("What happened") :] if len(row.split()) == 4}
    later = {"origin-undisclosed"}  # a duty of March 2025; the demo plays autumn 2024
    rules = [rule.id for rule, _ in shipped_rulebook().rules if rule.id not in later]
    silent = {rule for rule in rules if table[rule][2] == "0"}
    stay_open = {fault.rule_id for fault in FAULTS if not fault.innocent}
    assert not silent & stay_open, "every rule is broken at least once"
    assert len(silent) < 4, "at this rate a correction on the other topic may overtake what it corrects, but seldom"
    assert sum(int(table[rule][3]) for rule in rules) > 10, "some in error, and then corrected"
    said = re.search(r"([\d,]+) events published, ([\d,]+) decisions .*, (\d+) dead letters", lines[-1])
    assert said, lines[-1]
    published, decisions, dead = (int(figure.replace(",", "")) for figure in said.groups())
    assert decisions + dead == published > 8_000
    assert dead == 2
    assert not list(tmp_path.iterdir()), "no file is left"
    assert not left_running(tmp_path), "no process is left"


def test_on_a_terminal_it_stays_until_ctrl_c_with_the_rate_in_sight(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with demo(tmp_path, "--days", "3", *QUICK, output=theirs) as process:
        os.close(theirs)
        seen = screen_until(ours, "  all ")
        seen += screen_until(ours, "Ctrl-C ends the demo")
        assert re.search(r"  all [\d,]+ events answered   \d+ alerts? open, \d+ resolved   \d dead letters?", seen)
        assert "events/s" in seen
        assert process.poll() is None, "it stays up"
        process.send_signal(signal.SIGINT)
        rest = screen_until(ours, "dead letters\r\n")
        assert process.wait(20) == 0
    os.close(ours)
    assert "What happened" in rest
    assert not list(tmp_path.iterdir())
    assert not left_running(tmp_path)


def test_killed_it_leaves_no_process(tmp_path: Path) -> None:
    """kill -9 gives no time to tidy files; broker and worker end all the same."""
    if sys.platform != "linux":
        pytest.skip("only Linux's kernel ends a child with its parent")
    with demo(tmp_path, "--rate", "50") as process:
        wait_until(lambda: sum("worker" in each for each in left_running(tmp_path)) > 0, 30, "the worker's process")
        process.kill()
        process.communicate(timeout=30)
        wait_until(lambda: not left_running(tmp_path), 30, "all gone")


def screen_until(terminal: int, words: str, seconds: float = 90) -> str:
    """What a terminal shows until some words come."""
    seen = ""
    deadline = time.monotonic() + seconds
    while words not in seen:
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 65_536).decode(errors="replace")
            except OSError:  # a terminal whose other side is closed
                break
    return seen
