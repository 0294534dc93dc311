"""`kimberley alerts` on the stream in memory: what is open, what is followed, who is asked for, and how it looks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

import kimberley.commands.alerts as verb
from kimberley.commands import main
from kimberley.model.findings import SEVERITIES
from kimberley.testing import MemoryPipeline
from support.journeys import journey
from support.stories import Event, issue, withdrawal

SHORT = journey("BW000001", found="98.00")
BARRED = issue("RU000002", authority="RU")
CORRECTED = issue("BW000003", parcel_count=2)
LATE = issue("BW000004", parcel_count=2)
NOON = 1_717_243_200.0  # 2024-06-01T12:00:00Z


class Clock:
    """A wall clock that a test sets."""

    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def pipeline() -> Iterator[MemoryPipeline]:
    """A stream with three open alerts and one that was resolved, the last raised an hour after the others."""
    clock = Clock()
    with MemoryPipeline(clock=clock) as stream:
        with stream.publisher() as publisher:
            for event in (*SHORT, BARRED, CORRECTED, withdrawal(CORRECTED)):
                publisher.publish(event)
            clock.now += 3600
            publisher.publish(LATE)
        yield stream


@pytest.fixture(autouse=True)
def _in_memory(pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb's subscriber reads from memory; following ends when nothing more comes."""

    def subscriber(settings: Any, **options: Any) -> Any:
        found = pipeline.subscriber(**options)
        waits = found.next_alert
        monkeypatch.setattr(found, "next_alert", lambda timeout=None: waits(0.05))
        return found

    monkeypatch.setattr(verb, "AlertSubscriber", subscriber)


def run(*options: str) -> Result:
    result = CliRunner().invoke(main, ["alerts", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(*options: str) -> list[dict[str, Any]]:
    result = run(*options, "--format", "jsonl")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def told(*options: str) -> list[tuple[str, str, str]]:
    return [(row["certificate_number"], row["rule_id"], row["status"]) for row in rows(*options)]


OPEN = [("RU000002", "import-banned"), ("BW000001", "import-mismatch"), ("BW000004", "totals-mismatch")]


def test_what_is_open_is_listed_the_gravest_first() -> None:
    found = rows()
    assert [(row["certificate_number"], row["rule_id"]) for row in found] == OPEN
    order = [SEVERITIES.index(row["severity"]) for row in found]
    assert order == sorted(order)
    for field in ("alert_id", "message", "basis", "evidence", "confidence", "effective_at", "raised_at", "reference_revision"):
        assert all(row[field] for row in found), field


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--severity", "block"), [OPEN[0]]),
        (("--severity", "BLOCK", "--severity", "HOLD"), OPEN),
        (("--rule", "Import-Mismatch"), [OPEN[1]]),
        (("--participant", "ru"), [OPEN[0]]),
        (("--participant", "EU", "--participant", "BW"), OPEN),
        (("--certificate", "bw-000001"), [OPEN[1]]),
        (("--certificate", "BW000001", "--certificate", "RU000002"), OPEN[:2]),
        (("--status", "UPDATED"), []),
        (("--limit", "1"), [OPEN[0]]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_each_option_narrows_the_list(options: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert [(number, rule) for number, rule, _ in told(*options)] == expected


def test_following_from_the_beginning_gives_every_revision() -> None:
    found = told("--follow", "--from", "beginning")
    assert sorted(found) == sorted(
        [(*each, "OPENED") for each in OPEN] + [("BW000003", "totals-mismatch", "OPENED"), ("BW000003", "totals-mismatch", "RESOLVED")]
    )
    mine = [status for number, _, status in found if number == "BW000003"]
    assert mine == ["OPENED", "RESOLVED"]


def test_following_from_a_time_gives_what_was_raised_since() -> None:
    assert told("--follow", "--from", "2024-06-01T15:00:00+02:00") == [("BW000004", "totals-mismatch", "OPENED")]
    assert told("--follow", "--from", "2024-06-02") == []


def test_following_begins_now_unless_told() -> None:
    assert told("--follow") == []
    assert told("--follow", "--from", "now") == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--status", "resolved"), {("BW000003", "RESOLVED")}),
        (("--certificate", "BW-000003"), {("BW000003", "OPENED"), ("BW000003", "RESOLVED")}),
        (("--severity", "BLOCK"), {("RU000002", "OPENED")}),
        (("--rule", "import-mismatch"), {("BW000001", "OPENED")}),
        (("--participant", "RU"), {("RU000002", "OPENED")}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_each_option_narrows_what_is_followed(options: tuple[str, ...], expected: set[tuple[str, str]]) -> None:
    assert {(number, status) for number, _, status in told("--follow", "--from", "beginning", *options)} == expected


def test_following_ends_after_so_many() -> None:
    assert len(told("--follow", "--from", "beginning", "--limit", "2")) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "now"), "--follow"),
        (("--status", "RESOLVED"), "--follow"),
        (("--severity", "LOUD"), "LOUD"),
        (("--rule", "import-baned"), "import-banned"),
        (("--participant", "QQ"), "QQ"),
        (("--follow", "--from", "yesterday"), "yesterday"),
        (("--limit", "0"), "limit"),
        (("--certificate", " - "), "certificate"),
    ],
)
def test_wrong_usage_is_named(options: tuple[str, ...], said: str) -> None:
    result = run(*options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_the_table_has_severity_certificate_rule_and_sentence() -> None:
    text = run("--format", "table").stdout
    words = " ".join(text.split())
    for row in rows():
        assert f"{row['severity']} {row['certificate_number']} {row['rule_id']}" in words
        assert row["message"] in words
        assert row["basis"] not in words or row["basis"] in row["message"], "only in the long form"
    assert text.splitlines()[-1] == "3 open alerts: 1 BLOCK, 2 HOLD"


def test_the_long_form_adds_all_that_it_rests_on() -> None:
    words = " ".join(run("--format", "table", "--long", "--certificate", "BW000001").stdout.split())
    (row,) = rows("--certificate", "BW000001")
    for said in (row["basis"], row["alert_id"], row["effective_at"], row["raised_at"], "confidence high", "revision 1", "BW, EU"):
        assert said in words, said
    for each in row["evidence"]:
        assert f"{each['field']}: {each['value']} (due: {each['expected']}), event {each['event_id']}" in words


def test_a_resolved_one_says_so() -> None:
    text = run("--follow", "--from", "beginning", "--status", "RESOLVED", "--format", "table").stdout
    assert text.startswith("resolved  BW000003  totals-mismatch")
    assert "Resolved:" not in text, "said once"


def test_severities_are_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Console(force_terminal=True, width=100, highlight=False, record=True)
    monkeypatch.setattr(verb, "console", lambda: out)
    with out.capture() as captured:
        run("--format", "table")
    styled = captured.get()
    assert "\x1b[1;31mBLOCK\x1b[0m" in styled
    assert "\x1b[1;33mHOLD\x1b[0m" in styled


@pytest.mark.parametrize("width", [80, 120, 160])
def test_alerts_fit_their_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for options in ((), ("--long",)):
        lines = [line.rstrip() for line in run("--format", "table", *options).stdout.splitlines()]
        assert max(map(len, lines)) <= width
        assert not [line for line in lines if line.strip() and len(line.strip()) == 1], "a letter a line"


def test_what_a_sender_wrote_is_shown_never_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryPipeline() as stream:
        with stream.publisher() as publisher:
            for event in journey("BW000009", found="98.00"):
                sly: Event = {**event, "shipment_id": "[red]SH[/] \x1b[31m"} if "shipment_id" in event else event
                publisher.publish(sly)
        monkeypatch.setattr(verb, "AlertSubscriber", lambda settings, **options: stream.subscriber(**options))
        text = run("--format", "table").stdout
    assert "\x1b" not in text
    assert "[red]SH[/] \\x1b[31m" in " ".join(text.split())


def test_a_record_that_is_no_alert_is_told_on_standard_error_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryPipeline() as stream:
        stream.put("open-alerts", b"no alert", key=b"x")
        monkeypatch.setattr(verb, "AlertSubscriber", lambda settings, **options: stream.subscriber(**options))
        result = run("--format", "jsonl")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "alert unreadable: topic open-alerts, partition 0, offset 0" in result.stderr
