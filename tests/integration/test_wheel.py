"""What `pip install kimberley`, without extras, brings: client, twin and files' commands, and no stream.

The wheel is unpacked into a folder of its own; everything that is installed here and is no dependency of its base is made unimportable, as
in an empty environment, without fetching anything.
"""

import json
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from support.journeys import journey

pytestmark = pytest.mark.slow

ALONE = '''
import importlib.metadata as metadata, re, sys
from importlib.abc import MetaPathFinder

wheel = sys.argv.pop(1)
sys.path.insert(0, wheel)


def name_of(text):
    return re.sub(r"[-_.]+", "-", text).lower()


def needed(requirements, known):
    """The distributions that these requirements bring, without extras."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, requirements or ()):
        name = name_of(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if name not in known:
            known.add(name)
            needed(metadata.requires(name), known)
    return known


(own,) = [each for each in metadata.distributions(path=[wheel])]
kept = needed(own.requires, set())
foreign = {
    module
    for module, owners in metadata.packages_distributions().items()
    if module != "kimberley" and not kept & {name_of(owner) for owner in owners}
}


class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in foreign:
            raise ModuleNotFoundError(f"No module named {name!r} (not installed without extras)", name=name)


assert {"faust", "aiokafka", "mode", "prometheus_client", "pytest", "hypothesis"} <= foreign, sorted(foreign)
for module in [module for module in sys.modules if module.split(".")[0] in foreign]:
    del sys.modules[module]
sys.meta_path.insert(0, Nothing())
import kimberley
assert kimberley.__file__.startswith(wheel), kimberley.__file__
'''
COMMAND = ALONE + "from kimberley.commands import main\nmain()\n"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which it is unpacked."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def alone(installed: Path, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program where only the wheel and what its base needs can be imported."""
    command = [sys.executable, "-c", program, str(installed), *map(str, arguments)]
    environment = {"PATH": "", "HOME": str(installed.parent)}
    return subprocess.run(command, cwd=installed.parent, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_base_names_nothing_of_the_stream(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [each for each in packed.namelist() if each.endswith(".dist-info/METADATA")]
        stated = message_from_string(packed.read(name).decode()).get_all("Requires-Dist") or []
        files = packed.namelist()
    base = [requirement for requirement in stated if "extra ==" not in requirement]
    assert [requirement for requirement in base if requirement.startswith("kafka-python")]
    for foreign in ("faust", "aiokafka", "mode", "prometheus", "calfkit"):
        assert not [requirement for requirement in base if requirement.startswith(foreign)]
    assert {"kimberley/py.typed", "kimberley/_schemas/ids.json", "kimberley/_schemas/certificates/CertificateIssued.avsc"} <= set(files)
    assert not [file for file in files if file.startswith(("tests/", "benchmarks/"))]


def test_client_and_twin_import_and_work(installed: Path) -> None:
    events = journey("BW000401", found="60.00")
    program = ALONE + (
        "import kimberley.client, kimberley.testing\n"
        "with kimberley.testing.MemoryPipeline() as pipeline, pipeline.publisher() as publisher:\n"
        f"    receipts = publisher.publish_many({events!r})\n"
        "    print([each.outcome for each in publisher.wait_for_decisions(receipts)], [each.rule_id for each in pipeline.open_alerts()])\n"
        "assert not {'faust', 'aiokafka', 'mode'} & sys.modules.keys()\n"
    )
    result = alone(installed, program)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "['ACCEPTED', 'ACCEPTED', 'ACCEPTED', 'ACCEPTED'] ['import-mismatch']\n"


def test_the_commands_for_files_work(installed: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in journey("BW000401", found="60.00")), encoding="utf-8")
    checked = alone(installed, COMMAND, "check", file, "--format", "jsonl")
    assert (checked.returncode, json.loads(checked.stdout)["rule_id"]) == (0, "import-mismatch"), checked.stderr
    dry = alone(installed, COMMAND, "publish", file, "--dry-run", "--format", "table")
    assert (dry.returncode, dry.stdout) == (0, "4 events could be published (1 to certificates, 3 to shipments)\n"), dry.stderr


@pytest.mark.parametrize(
    "verb", ["publish", "alerts", "case", "dead-letters", "rules", "reference", "topics", "schemas", "settings", "check"]
)
def test_every_verb_but_the_streams_own_has_its_help(installed: Path, verb: str) -> None:
    result = alone(installed, COMMAND, verb, "--help")
    assert result.returncode == 0, result.stderr
    assert "Usage:" in result.stdout


def test_the_worker_says_what_to_install(installed: Path) -> None:
    result = alone(installed, COMMAND, "worker")
    assert result.returncode != 0
    assert "pip install 'kimberley[pipeline]'" in result.stderr, result.stderr
