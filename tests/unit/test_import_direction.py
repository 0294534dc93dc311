"""Imports go one way: model <- reference <- rules <- cases <- everything else; the big parts meet only in commands."""

import ast
from pathlib import Path

import kimberley

ROOT = Path(kimberley.__file__).parent
CORE = ["model", "reference", "rules", "cases"]
PARTS = ["pipeline", "client", "console", "history"]


def imports_of(file: Path) -> set[str]:
    """The packages and modules of ours that a file imports, by their first name below `kimberley`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "kimberley" else [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("kimberley.")}
    return found


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_core_imports_only_what_lies_below_it():
    """Each layer of the core knows itself, the layers below it and the errors; nothing else."""
    for index, package in enumerate(CORE):
        allowed = {*CORE[: index + 1], "errors"}
        for file in files_of(package):
            assert imports_of(file) <= allowed, f"{file.relative_to(ROOT)} imports {imports_of(file) - allowed}"


def test_core_touches_no_kafka_clock_or_network():
    """Judging is pure: the core imports no client, no event loop and no clock."""
    forbidden = {"faust", "aiokafka", "kafka", "asyncio", "time", "socket", "httpx", "random", "structlog"}
    for package in CORE:
        for file in files_of(package):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            names |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
            assert not names & forbidden, f"{file.relative_to(ROOT)} imports {names & forbidden}"


def test_parts_meet_only_in_commands():
    """The pipeline, the client, the console and history do not know one another, nor the commands (nor `testing`, which knows two).

    Repair writes as the pipeline does, by its means.
    """
    for package in (*PARTS, "repair"):
        known = {package, "pipeline"} if package == "repair" else {package}
        for file in files_of(package):
            foreign = imports_of(file) & ({*PARTS, "repair", "commands", "testing"} - known)
            assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


def test_only_the_pipeline_and_repair_know_faust():
    """Everything but these and their commands works where Faust is not installed."""
    for file in sorted(ROOT.rglob("*.py")):
        if {"pipeline", "repair"} & set(file.parts):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        top_level = {
            name.split(".")[0]
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        }
        assert not top_level & {"faust", "aiokafka", "mode"}, file
        # the twin judges by the stream's own processor, or the two would drift apart; it imports neither Faust nor a Kafka client
        allowed = {"kimberley.pipeline.processor"} if "testing" in file.parts else set()
        assert pipeline_imports(tree) <= allowed, file


def test_the_client_knows_only_what_installs_with_it():
    """`kimberley.client` needs the core, the wire and settings; `kimberley.testing` that and the client."""
    for file in files_of("client"):
        foreign = imports_of(file) - {*CORE, "client", "wire", "settings", "errors"}
        assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"
    for file in files_of("testing"):
        foreign = imports_of(file) - {*CORE, "client", "wire", "settings", "errors", "testing", "pipeline"}
        assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


def test_importing_the_pipelines_package_imports_nothing():
    """The processor can be had without Faust only as long as the package around it asks for nothing."""
    tree = ast.parse((ROOT / "pipeline" / "__init__.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def pipeline_imports(tree: ast.Module) -> set[str]:
    """The modules of the pipeline that are imported when the module is, not only when something is called."""
    return {
        node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[:2] == ["kimberley", "pipeline"]
    }
