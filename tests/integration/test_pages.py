"""The pages to try things by, for border systems, alert consumers and operators, followed word for word from the wheel in an empty
environment.

Only the port is another, so that runs do not meet.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.java import free_port
from support.pages import Reader, blocks, plain_environment
from support.wheels import needed, pack_again

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("border-system.md", "alert-consumer.md", "dead-letters.md")
PORT = "19092"


def newcomer_in(folder: Path, wheels: Path) -> Reader:
    """Someone in a folder with the wheel and nothing else."""
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return Reader(folder, {**plain_environment(), **pip}, {PORT: str(free_port())})


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's install command needs, and no more."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, distribution in needed("kimberley", "demo").items():
        if name != "kimberley":
            pack_again(distribution, folder)
    return folder


@pytest.fixture
def newcomer(wheel: Path, wheels: Path, tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes())
    found = newcomer_in(tmp_path, wheels)
    yield found
    found.leave()


def test_who_follows_the_pages_gets_a_decision_on_an_own_event_and_then_its_alert(newcomer: Reader) -> None:
    told = newcomer.follow(DOCS / "border-system.md")
    assert re.search(r"issued\.json 1 \S+ BW990001 certificates-\d@… ACCEPTED", told)
    assert told.endswith("ACCEPTED ['import-mismatch']")
    heard = newcomer.follow(DOCS / "alert-consumer.md")
    assert "Certificate BW990001 1 alert open, HOLD" in heard
    assert heard.count("HOLD BW990001 Shipment SH-990001 arrived in the European Union (EU)") == 1, "what is open, in a program"
    assert heard.count("OPENED BW990001 Shipment SH-990001 arrived in the European Union (EU)") == 1, "what has come"
    done = newcomer.follow(DOCS / "dead-letters.md")
    assert re.search(r" dropped shipments-3@… \(stage frame, 2 attempts\): a test of ours", done)


def test_hardly_a_block_is_left_out() -> None:
    found = [block for page in PAGES for block in blocks((DOCS / page).read_text(encoding="utf-8"))]
    assert len([block for block in found if block.kind]) >= 12
    assert len([block for block in found if block.ready]) == 1


def test_a_block_that_fails_or_shows_something_else_is_told(newcomer: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nexport SAID=yes\n```\n\n```sh\necho it is $SAID\n```\n\n```\nit is yes\n```\n", encoding="utf-8")
    assert newcomer.follow(page) == "it is yes"
    page.write_text("```sh\necho no\n```\n\n```\nyes\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="but what came is"):
        newcomer.follow(page)
    page.write_text("```sh\nfalse\necho yes\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="ends with 1"):
        newcomer.follow(page)
    page.write_text("Run `python bad.py`:\n\n```python\nraise SystemExit(3)\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"ends with (3|127)"):
        newcomer.follow(page)
