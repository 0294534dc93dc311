"""The worked stories: `kimberley check` finds exactly what each story says is open, and what resolved on the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kimberley.commands import main
from kimberley.rules.catalogue import CATALOGUE

STORIES = sorted((Path(__file__).parents[1] / "scenarios").glob("*.json"))


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_check_gives_the_exact_open_and_resolved_sets_of_a_story(file: Path, tmp_path: Path) -> None:
    story: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    events = tmp_path / "events.jsonl"
    events.write_text("".join(json.dumps(event) + "\n" for event in story["events"]), encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(events), "--as-of", story["as_of"], "--all", "--format", "jsonl"])
    assert result.exit_code == 0, result.output
    alerts = [json.loads(line) for line in result.stdout.splitlines()]
    assert _found(alerts, resolved=False) == _expected(story["open"])
    assert _found(alerts, resolved=True) == _expected(story["resolved"])


def test_the_stories_are_there_and_some_of_them_judge_something() -> None:
    assert len(STORIES) == 8
    stories = [json.loads(file.read_text(encoding="utf-8")) for file in STORIES]
    assert sum(len(_expected(story["open"])) + len(_expected(story["resolved"])) for story in stories) >= 4


def _found(alerts: list[dict[str, Any]], *, resolved: bool) -> set[tuple[str, str]]:
    return {(alert["certificate_number"], alert["rule_id"]) for alert in alerts if (alert["status"] == "RESOLVED") is resolved}


def _expected(pairs: list[list[str]]) -> set[tuple[str, str]]:
    """The story's alerts by rules that exist in this version."""
    return {(number, rule_id) for number, rule_id in pairs if rule_id in CATALOGUE}
