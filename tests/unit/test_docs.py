"""What docs/ holds that is made of the code is what the code makes; what the README quotes is there."""

import json
from pathlib import Path

from click.testing import CliRunner

from kimberley.commands import main
from kimberley.pipeline.metrics_page import metrics_page
from kimberley.rules.rules_page import rules_page
from kimberley.settings import load_settings
from kimberley.wire.asyncapi import asyncapi_document
from kimberley.wire.schemas import shipped_schemas
from kimberley.wire.topics import topic_specs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_asyncapi_document_is_current() -> None:
    """Run `make docs` where this fails."""
    assert json.loads((DOCS / "asyncapi.json").read_text(encoding="utf-8")) == json.loads(printed("schemas", "asyncapi"))


def test_the_events_tables_are_current() -> None:
    """Run `make docs` where this fails."""
    assert (DOCS / "events.md").read_text(encoding="utf-8") == printed("schemas", "tables")


def test_the_rules_page_is_current() -> None:
    """Run `make docs` where this fails."""
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == rules_page()


def test_the_metrics_page_is_current() -> None:
    """Run `make docs` where this fails."""
    assert (DOCS / "operator-metrics.md").read_text(encoding="utf-8") == metrics_page()


def test_the_asyncapi_document_has_every_public_topic_and_every_record_type() -> None:
    settings = load_settings()
    document = asyncapi_document(settings, shipped_schemas())
    public = {spec.name for spec in topic_specs(settings) if not spec.name.startswith("kimberley-")}
    assert set(document["channels"]) == public
    for (topic, record), schema in shipped_schemas().current.items():
        if topic in public:
            assert document["channels"][topic]["messages"][record]["payload"]["schema"] == schema
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]


def test_every_link_of_the_docs_leads_somewhere() -> None:
    import re

    for page in (ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_s_programs_are_those_of_the_examples() -> None:
    """The examples are run by tests on a real stream, so what the README shows works."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("publish", "subscribe"):
        assert (ROOT / "examples" / "python" / f"{name}.py").read_text(encoding="utf-8").strip() in readme, name
