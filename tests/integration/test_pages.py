"""The pages for border systems and alert consumers, followed word for word from the wheel in an empty environment.

Every block of a shell or of Python is run in order, as printed, on a terminal; what a page shows as output must have come. Only the port
is another, so that runs do not meet. A block that stays up is marked by a comment with the words by which it is ready.
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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kimberley.child_processes import die_with_parent
from support.java import free_port
from support.stream import wait_until
from support.wheels import needed, pack_again

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs"
PORT = "19092"
COLUMNS = 140

_BLOCK = re.compile(r"(?:<!-- stays up: (?P<ready>[^>]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Block:
    """A block of a page. `kind`: sh, python, or none for output. `ready`: what one that stays up says. `before`: the prose before it."""

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
    """What is said, however it is folded; where a record came to lie is not told beforehand."""
    return " ".join(re.sub(r"@\d+", "@…", _ESCAPE.sub("", text)).split())


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


class Newcomer:
    """Someone in a folder with the wheel and nothing else, who does what the pages say."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self._port = str(free_port())
        self._staying: list[Terminal] = []
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("KIMBERLEY_", "COV", "PYTHON", "PIP_", "VIRTUAL_"))
        }
        base = str(Path(sys.base_prefix) / "bin")
        clean = os.pathsep.join([base, *(each for each in kept["PATH"].split(os.pathsep) if Path(each) != Path(sys.prefix) / "bin")])
        self._environment = {
            **kept,
            "PATH": clean,
            "TERM": "xterm",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def follow(self, page: str) -> str:
        """Open a terminal and run a page's blocks, each once the one before has ended well; all that was shown."""
        state = self.folder / f".{page}.state"
        state.write_text("", encoding="utf-8")
        shown = ""
        for block in blocks((DOCS / page).read_text(encoding="utf-8").replace(PORT, self._port)):
            if block.ready:
                self._start(block)
            elif block.kind == "sh":
                shown += self._run(block.text, state)
            elif block.kind == "python":
                name = re.findall(r"`python (\w+\.py)`", block.before)[-1]
                (self.folder / name).write_text(block.text, encoding="utf-8")
                shown += self._run(f"python {name}\n", state)
            else:
                assert not block.kind, f"nobody runs {block.kind}"
                assert words(block.text) in words(shown), f"{page} shows\n{block.text}\nbut what came is\n{shown}"
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

    def _run(self, text: str, state: Path) -> str:
        """In the terminal of the page, with what was exported before."""
        kept = shlex.quote(str(state))
        script = self.folder / ".block.sh"
        script.write_text(f"set -e\n. {kept}\n{text}export -p > {kept}\n", encoding="utf-8")
        terminal = Terminal(["bash", str(script)], self.folder, self._environment)
        try:
            status = terminal.finish(120)
        finally:
            terminal.stop()
        assert status == 0, f"{text}\nends with {status}:\n{terminal.shown()}"
        return terminal.shown()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's install command needs, and no more."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, distribution in needed("kimberley", "demo").items():
        if name != "kimberley":
            pack_again(distribution, folder)
    return folder


@pytest.fixture
def newcomer(wheel: Path, wheels: Path, tmp_path: Path) -> Iterator[Newcomer]:
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes())
    found = Newcomer(tmp_path, wheels)
    yield found
    found.leave()


def test_who_follows_the_pages_gets_a_decision_on_an_own_event_and_then_its_alert(newcomer: Newcomer) -> None:
    told = newcomer.follow("border-system.md")
    assert re.search(r"issued\.json 1 \S+ BW990001 certificates-\d@… ACCEPTED", told)
    assert told.endswith("ACCEPTED ['import-mismatch']")
    heard = newcomer.follow("alert-consumer.md")
    assert "Certificate BW990001 1 alert open, HOLD" in heard
    assert heard.count("HOLD BW990001 Shipment SH-990001 arrived in the European Union (EU)") == 1, "what is open, in a program"
    assert heard.count("OPENED BW990001 Shipment SH-990001 arrived in the European Union (EU)") == 1, "what has come"


def test_hardly_a_block_is_left_out() -> None:
    found = [block for page in ("border-system.md", "alert-consumer.md") for block in blocks((DOCS / page).read_text(encoding="utf-8"))]
    assert len([block for block in found if block.kind]) >= 7
    assert len([block for block in found if block.ready]) == 1


def test_a_block_that_fails_or_shows_something_else_is_told(newcomer: Newcomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "DOCS", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("```sh\nexport SAID=yes\n```\n\n```sh\necho it is $SAID\n```\n\n```\nit is yes\n```\n", encoding="utf-8")
    assert newcomer.follow("page.md") == "it is yes"
    page.write_text("```sh\necho no\n```\n\n```\nyes\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="but what came is"):
        newcomer.follow("page.md")
    page.write_text("```sh\nfalse\necho yes\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="ends with 1"):
        newcomer.follow("page.md")
    page.write_text("Run `python bad.py`:\n\n```python\nraise SystemExit(3)\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"ends with (3|127)"):
        newcomer.follow("page.md")
