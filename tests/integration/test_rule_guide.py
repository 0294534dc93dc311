"""docs/add-a-rule.md, followed word for word in a copy of the sources, with an environment such as `make lint` makes."""

import shlex
import shutil
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from support.pages import Reader, blocks, plain_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "add-a-rule.md"
RULE, TEST = Path("streams/kimberley/rules/equal_weights.py"), Path("tests/rules/test_equal_weights.py")
_MADE = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "htmlcov", "build", "dist", "target")


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Reader]:
    """Someone with the sources, the developers' environment, and no other `kimberley` in sight."""
    folder = tmp_path / "sources"
    shutil.copytree(ROOT, folder, ignore=_MADE)
    make_environment(folder)
    found = Reader(folder, plain_environment())
    yield found
    found.leave()


def make_environment(sources: Path) -> None:
    """What `make lint` leaves in `.venv`: the packages are those of this environment, the project that of the copy."""
    home = sources / ".venv"
    venv.create(home, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    installed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "developers.pth").write_text("\n".join([str(sources / "streams"), *installed]) + "\n", encoding="utf-8")
    for name in ("kimberley", "pytest", "mypy"):
        script = home / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(home / "bin" / "python"))} -m {name} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    (home / "bin" / "ruff").symlink_to(find_ruff_bin())
    for ready in (".ready", ".ready-dev"):
        (home / ready).touch()


def test_who_follows_the_page_has_a_rule_in_one_file_with_its_test(author: Reader) -> None:
    before = contents(author.folder)
    author.follow(PAGE, seconds=240)
    after = contents(author.folder)
    written = {RULE, TEST, *map(Path, ("ours.toml", "alone.toml", "copied.json", "past.jsonl"))}
    assert after.keys() - before.keys() == written
    assert {name for name in before if after[name] != before[name]} == {Path("docs/rules.md")}, "and that one is made by make docs"
    for name in (RULE, TEST):
        assert after[name] in [block.text.encode() for block in blocks(PAGE.read_text(encoding="utf-8"))], f"{name} has the house's form"


def test_a_rule_that_reads_more_than_it_says_fails_as_the_page_says(author: Reader, tmp_path: Path) -> None:
    page, unsaid = PAGE.read_text(encoding="utf-8"), '"CertificateIssued.issued_on", '
    told = "equal-weights reads CertificateIssued.issued_on, which its reads do not name"
    assert unsaid in page
    assert told in " ".join(page.split())
    rule, test = (block.text for block in blocks(page) if block.kind == "python")
    altered = tmp_path / "altered.md"
    altered.write_text(
        f"`{RULE}`:\n\n```python\n{rule.replace(unsaid, '')}```\n\n`{TEST}`:\n\n```python\n{test}```\n\n"
        f"```sh\n.venv/bin/pytest -q {TEST}\n```\n",
        encoding="utf-8",
    )
    with pytest.raises(AssertionError, match="ends with 1") as failed:
        author.follow(altered)
    assert told in " ".join(str(failed.value).split())


def contents(folder: Path) -> dict[Path, bytes]:
    """What the author sees of a folder."""
    files = {file.relative_to(folder): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in files.items() if not any(part.startswith((".", "__py")) for part in name.parts)}
