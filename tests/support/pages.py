"""Pages of docs/ followed word for word: every block of a shell or of Python, in order, as printed, on a terminal.

What a page shows as output must have come. A block that stays up is marked by a comment with the words by which it is ready.
"""

import contextlib
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kimberley.child_processes import die_with_parent
from support.stream import wait_until

COLUMNS = 140

_BLOCK = re.compile(r"(?:<!-- stays up: (?P<ready>[^>]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGING = re.compile(r"(?<=@)\d+|\b[0-9a-f]{12}\b|(?<= in )\d+\.\d+s\b|\d+(?= deselected)")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Block:
    """A block of a page. `kind`: sh, python (a file that the prose before it names), or none for output.

    `ready`: what one that stays up says. `before`: the prose before it.
    """

    kind: str
    text: str
    ready: str
    before: str


def blocks(page: str) -> list[Block]:
    """The blocks of a page in order."""
    found, end = [], 0
    for match in _BLOCK.finditer(page):
        found.append(Block(match["kind"], match["text"], match["ready"] or "", page[end : match.start()]))
        end = match.end()
    return found


def words(text: str) -> str:
    """What is said, however it is folded, without what is not told beforehand: where a record came to lie, hashes, how long it took."""
    return " ".join(_CHANGING.sub("…", _ESCAPE.sub("", text)).split())


class Terminal:
    """A program on a terminal of its own; what it shows is read as it comes."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, COLUMNS))
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        os.close(theirs)
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def shown(self) -> str:
        """All so far."""
        return self._shown.decode(errors="replace")

    def finish(self, seconds: float) -> int:
        """The exit status, once all is read."""
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status

    def stop(self) -> None:
        """Ctrl-C for it and its children, and where that does not help, the end."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._reader.join(5)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # when its other side is closed
            while chunk := os.read(self._ours, 65_536):
                self._shown += chunk
        os.close(self._ours)


class Reader:
    """Someone in a folder who does what pages say, in an environment; `instead`: what is put in the place of some words of a page."""

    def __init__(self, folder: Path, environment: Mapping[str, str], instead: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = {**environment, "TERM": "xterm"}
        self._instead = instead or {}
        self._staying: list[Terminal] = []

    def follow(self, page: Path, seconds: float = 120) -> str:
        """Open a terminal and run a page's blocks, each once the one before has ended well; all that was shown."""
        state = self.folder / f".{page.name}.state"
        state.write_text("", encoding="utf-8")
        text, shown = page.read_text(encoding="utf-8"), ""
        for word, other in self._instead.items():
            text = text.replace(word, other)
        for block in blocks(text):
            if block.ready:
                self._start(block)
            elif block.kind == "sh":
                shown += self._run(block.text, state, seconds)
            elif block.kind == "python":
                name = re.findall(r"`(?:python )?([\w/]+\.py)`", block.before)[-1]
                (self.folder / name).write_text(block.text, encoding="utf-8")
                if f"`python {name}`" in block.before:
                    shown += self._run(f"python {name}\n", state, seconds)
            else:
                assert not block.kind, f"nobody runs {block.kind}"
                assert words(block.text) in words(shown), f"{page.name} shows\n{block.text}\nbut what came is\n{shown}"
        return words(shown)

    def leave(self) -> None:
        """End what stays up."""
        for terminal in reversed(self._staying):
            terminal.stop()

    def _start(self, block: Block) -> None:
        """In a terminal of its own, which knows nothing of the other."""
        terminal = Terminal(["bash", "-c", f"exec {block.text}"], self.folder, self._environment)
        self._staying.append(terminal)
        wait_until(lambda: block.ready in words(terminal.shown()), 90, block.ready, lambda: terminal.shown()[-2000:])

    def _run(self, text: str, state: Path, seconds: float) -> str:
        """In the terminal of the page, with what was exported before."""
        kept = shlex.quote(str(state))
        script = self.folder / ".block.sh"
        script.write_text(f"set -e\n. {kept}\n{text}export -p > {kept}\n", encoding="utf-8")
        terminal = Terminal(["bash", str(script)], self.folder, self._environment)
        try:
            status = terminal.finish(seconds)
        finally:
            terminal.stop()
        assert status == 0, f"{text}\nends with {status}:\n{terminal.shown()}"
        return terminal.shown()


def plain_environment() -> dict[str, str]:
    """This one's, without what the tests' own environment put in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIMBERLEY_", "COV", "PYT", "PIP_", "VIRTUAL_"))}
    base = str(Path(sys.base_prefix) / "bin")
    clean = [base, *(each for each in kept["PATH"].split(os.pathsep) if Path(each) != Path(sys.prefix) / "bin")]
    return {**kept, "PATH": os.pathsep.join(clean)}
