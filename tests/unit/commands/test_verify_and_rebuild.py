"""`kimberley verify` and `kimberley rebuild`: what they print of what was found, and how they end."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kimberley.commands import main, pipeline_extra
from kimberley.model.case import Origin
from kimberley.reference.files import shipped_reference
from kimberley.repair import rebuild, verify
from kimberley.repair.rebuild import RebuiltPartition
from kimberley.repair.verification import REBUILD, Check, Difference
from kimberley.repair.verify import Verified


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, found: Verified | list[RebuiltPartition]) -> Result:
    """A verb whose topics hold this."""

    async def verify_topics(*_: Any, **__: Any) -> Any:
        return found

    async def rebuild_cases(*_: Any, on_partition: Any, **__: Any) -> None:
        assert isinstance(found, list)
        for each in found:
            on_partition(each)

    monkeypatch.setattr(pipeline_extra, "require_topics", lambda settings: None)
    monkeypatch.setattr(pipeline_extra, "required_revisions", lambda settings: [shipped_reference()])
    monkeypatch.setattr(verify, "verify_topics", verify_topics)
    monkeypatch.setattr(rebuild, "rebuild_cases", rebuild_cases)
    monkeypatch.setenv("COLUMNS", "160")
    return CliRunner().invoke(main, list(arguments))


def checks(*differences: Difference, is_partial: bool = False) -> list[Check]:
    return [Check("one", "events", 12_345), Check("two", "cases", 7, list(differences), is_partial=is_partial)]


def test_all_well_is_status_zero_and_a_line_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, "verify", "--format", "table", found=Verified(checks(), 0, 0))
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [["one", "12,345", "events", "ok"], ["two", "7", "cases", "ok"]]
    assert result.stderr == ""


def test_each_difference_says_what_to_do_up_to_so_many_and_the_status_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = [Difference(f"certificate {number}", "has no stored case", REBUILD, str(number)) for number in range(5)]
    found = Verified(checks(*differences), 3, 0)
    result = run(monkeypatch, "verify", "--format", "table", "--most", "2", found=found)
    assert result.exit_code == 1
    *_, first, second, rest = result.stdout.splitlines()
    assert first == f"certificate 0: has no stored case; {REBUILD}"
    assert second.startswith("certificate 1: ")
    assert rest == "and 3 more: `kimberley verify --format jsonl` lists all"
    assert "5 differ" in result.stdout
    assert result.stderr == "under way: 3 certificates, left out; about 0 records wait to be judged\n"
    rows = [json.loads(line) for line in run(monkeypatch, "verify", "--format", "jsonl", found=found).stdout.splitlines()]
    assert [row["result"] for row in rows if "result" in row] == ["ok", "differs"]
    assert [row["certificate_number"] for row in rows if "difference" in row] == list("01234")
    assert {(row["check"], row["remedy"]) for row in rows if "difference" in row} == {("two", REBUILD)}


def test_what_could_not_be_looked_at_yet_is_not_called_well(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks(is_partial=True)
    found[1].notes.append("partition 3 is yet to be judged anew")
    result = run(monkeypatch, "verify", "--format", "table", found=Verified(found, 0, 0))
    assert result.exit_code == 0
    assert "later" in result.stdout
    assert "partition 3 is yet to be judged anew" in result.stdout


def test_a_rebuild_prints_what_each_partition_came_to(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [RebuiltPartition(number, 4_000, 1_000, 90, 0, [], [], 0, 1.25) for number in range(2)]
    result = run(monkeypatch, "rebuild", "--format", "table", found=found)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split() == ["0", "4,000", "1,000", "90", "0", "1.2"]
    assert result.stdout.splitlines()[-1] == "2,000 cases of 8,000 facts"
    (row, _) = [json.loads(line) for line in run(monkeypatch, "rebuild", "--format", "jsonl", found=found).stdout.splitlines()]
    assert (row["partition"], row["facts"], row["cases"], row["alerts"]) == (0, 4_000, 1_000, 90)


def test_events_that_a_rebuild_could_not_do_justice_are_named_and_the_status_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    unusable = [(Origin("shipments", 3, 9), "country UK is no ISO 3166-1 code")]
    found = [RebuiltPartition(3, 1, 1, 0, 0, [Origin("certificates", 3, 17)], unusable, 2, 0.1)]
    result = run(monkeypatch, "rebuild", "--format", "jsonl", found=found)
    assert result.exit_code == 1
    assert "partition 3: 1 event has no decision" in result.stderr
    assert "certificates-3@17. Publish again" in result.stderr
    assert "shipments-3@9: accepted once, and left out now: country UK" in result.stderr
    assert "2 events were accepted and their records are gone" in result.stderr
