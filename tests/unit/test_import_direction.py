"""Imports go one way: model <- reference <- rules <- cases <- everything else; the four big parts meet only in commands."""

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
    """The pipeline, the client, the console and history do not know one another, nor the commands."""
    for package in PARTS:
        for file in files_of(package):
            foreign = imports_of(file) & ({*PARTS, "commands"} - {package})
            assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


def test_only_the_pipeline_knows_faust():
    """Everything but the pipeline and its commands works where Faust is not installed."""
    for file in sorted(ROOT.rglob("*.py")):
        if "pipeline" in file.parts:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        top_level = {
            name.split(".")[0]
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        }
        assert not top_level & {"faust", "aiokafka", "mode"}, file
        assert "pipeline" not in imports_of_top_level(tree), file


def imports_of_top_level(tree: ast.Module) -> set[str]:
    return {
        node.module.split(".")[1]
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kimberley.")
    }
