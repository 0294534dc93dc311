"""`kimberley settings`: each setting with its value, where it came from, and never a password."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kimberley.commands import main
from kimberley.settings import Settings

PASSWORD = "hunter2-and-more"


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without a settings file, an environment without settings."""
    import os

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("KIMBERLEY_")]:
        monkeypatch.delenv(name)


def run(*options: str) -> Result:
    return CliRunner().invoke(main, ["settings", *options])


def rows() -> dict[str, dict[str, Any]]:
    result = run("--format", "jsonl")
    return {row["setting"]: row for row in map(json.loads, result.stdout.splitlines())}


def test_every_setting_is_listed_and_says_what_it_is_for() -> None:
    listed = rows()
    assert set(listed) == set(Settings.model_fields)
    assert all(row["description"] for row in listed.values()), [name for name, row in listed.items() if not row["description"]]


def test_a_setting_says_whether_it_is_the_environments_the_files_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kimberley.toml").write_text('partitions = 6\nprefix = "kp"\n', encoding="utf-8")
    monkeypatch.setenv("KIMBERLEY_PARTITIONS", "4")
    listed = rows()
    assert (listed["partitions"]["value"], listed["partitions"]["from"]) == (4, "environment"), "the environment comes first"
    assert (listed["prefix"]["value"], listed["prefix"]["from"]) == ("kp", "kimberley.toml")
    assert (listed["compression"]["value"], listed["compression"]["from"]) == ("none", "default")


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_no_password_is_printed_in_any_format_wherever_it_came_from(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kimberley.toml").write_text(f'registry_password = "{PASSWORD}"\n', encoding="utf-8")
    monkeypatch.setenv("KIMBERLEY_SASL_PASSWORD", PASSWORD)
    monkeypatch.setenv("KIMBERLEY_REGISTRY_URL", f"https://someone:{PASSWORD}@[registry:8081/")
    monkeypatch.setenv("COLUMNS", "200")
    good = run("--format", form)
    assert good.exit_code == 0
    monkeypatch.setenv("KIMBERLEY_PARTITIONS", "many")
    faulty = run("--format", form)
    assert faulty.exit_code == 2
    for result in (good, faulty):
        assert PASSWORD not in result.output
        assert result.output.count("********") == 3, "masked ones are shown as set"


def test_a_setting_at_fault_is_shown_as_given_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMBERLEY_PARTITIONS", "many")
    result = run("--format", "jsonl")
    assert result.exit_code == 2
    assert {row["setting"]: row["value"] for row in map(json.loads, result.stdout.splitlines())}["partitions"] == "many"
    assert "KIMBERLEY_PARTITIONS" in result.stderr


def test_a_name_that_is_no_setting_still_lists_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMBERLEY_PARTITION", "4")
    result = run("--format", "jsonl")
    assert result.exit_code == 2
    assert "KIMBERLEY_PARTITION is no setting" in result.stderr
    assert len(result.stdout.splitlines()) == len(Settings.model_fields)


@pytest.mark.parametrize("content", [b"partitions = = 3\n", b'prefix = "\xff"\n'])
def test_a_file_that_is_no_toml_is_named_with_the_place(content: bytes) -> None:
    Path("kimberley.toml").write_bytes(content)
    result = run("--format", "jsonl")
    assert result.exit_code == 2
    assert "settings file kimberley.toml" in result.stderr
