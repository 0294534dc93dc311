"""`make test-faults` after its tests: one long storm, and the table that it came to; then a backlog behind a slow broker.

Every number is from the run itself; docs/reliability-table.md names the command. Ends with status 1 where anything was lost, doubled or
otherwise not as `check` says.
"""

import json
import os
import platform
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from kimberley.settings import Settings  # noqa: E402
from kimberley.wire.avro import make_codec  # noqa: E402
from support.backlog import MOST_BYTES, Backlog, measure_backlog  # noqa: E402
from support.faulty import Faulty  # noqa: E402
from support.storm import FAULTS, Report, Storm  # noqa: E402
from support.trade import make_trade  # noqa: E402

_RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
_TABLE = ROOT / "docs" / "reliability-table.md"


@click.command()
@click.option("--events", default=200_000, show_default=True, help="events of a simulated trade, published while things break")
@click.option("--kills", default=50, show_default=True, help="workers killed with kill -9, some of them all at once")
@click.option("--restarts", default=10, show_default=True, help="restarts of the broker: every second after kill -9")
@click.option("--others", default=3, show_default=True, help="of every other fault so many")
@click.option("--seed", default=1, show_default=True, help="of the faults' order and moments")
@click.option(
    "--backlog", default=0, metavar="EVENTS", help="measure the memory of a worker that meets so many events behind a slow broker"
)
@click.option("--write", is_flag=True, help=f"write {_RESULTS.relative_to(ROOT)} and {_TABLE.relative_to(ROOT)}")
def run(events: int, kills: int, restarts: int, others: int, seed: int, backlog: int, write: bool) -> None:
    """Break what can break while events flow, and compare with `check`."""
    found: dict[str, Any] = json.loads(_RESULTS.read_text(encoding="utf-8")) if _RESULTS.exists() else {}
    failed = False
    command = f"python tests/faults/run.py {shlex.join(sys.argv[1:])}".strip()
    about = {
        "command": command,
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "on": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    with tempfile.TemporaryDirectory(prefix="kimberley-faults-") as folder, Faulty() as faulty:
        if backlog:
            settings = faulty.settings()
            click.echo(f"backlog of {backlog:,} events behind a slow broker")
            measured = measure_backlog(faulty, settings, backlog, Path(folder), click.echo)
            failed = measured.added_bytes >= MOST_BYTES
            found["backlog"] = {**about, **_backlog_row(measured)}
        else:
            settings = faulty.settings(session_timeout=6.0)
            click.echo(f"making {events:,} events and judging them by `check`")
            trade = make_trade(make_codec(settings), events)
            report = Storm(faulty, settings, trade, Path(folder), seed=seed).run(plan_of(kills, restarts, others), click.echo)
            failed = bool(report.compared.problems)
            found["storm"] = {**about, **_storm_rows(report, settings)}
            for problem in report.compared.problems:
                click.echo(problem, err=True)
    table = _markdown(found)
    click.echo(f"\n{table}")
    if write:
        _RESULTS.parent.mkdir(exist_ok=True)
        _RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        _TABLE.write_text(table, encoding="utf-8")
    sys.exit(failed)


def plan_of(kills: int, restarts: int, others: int) -> dict[str, int]:
    """How often each fault is dealt. Of the kills a tenth is of both workers at once, a fifth while the group recovers from another."""
    at_once, again = kills // 20, kills // 10
    plan = {"kill": kills - 2 * at_once - 2 * again, "kill-all": at_once, "kill-again": again}
    plan |= {"broker-restart": restarts - restarts // 2, "broker-kill": restarts // 2}
    return {**plan, **dict.fromkeys((kind for kind in FAULTS if kind not in plan), others)}


def _storm_rows(report: Report, settings: Settings) -> dict[str, Any]:
    compared = report.compared
    return {
        "events": compared.events,
        "seconds": round(report.seconds),
        "lost": compared.lost,
        "double": compared.double,
        "problems": compared.problems,
        "kills": report.kills,
        "session_timeout": settings.session_timeout,
        "statuses": {str(status): times for status, times in sorted(report.statuses.items())},
        "faults": [
            {
                "fault": FAULTS[kind].words,
                "times": len(blow.seconds),
                "recovered_from": FAULTS[kind].counted_from,
                "median_seconds": round(blow.median, 1),
                "most_seconds": round(max(blow.seconds), 1),
            }
            for kind, blow in sorted(report.blows.items(), key=lambda each: list(FAULTS).index(each[0]))
        ],
    }


def _backlog_row(measured: Backlog) -> dict[str, Any]:
    return {
        "events": measured.events,
        "bytes_per_second": measured.bytes_per_second,
        "peak_mib": round(measured.peak_bytes / 2**20),
        "resting_mib": round(measured.resting_bytes / 2**20),
        "most_added_mib": MOST_BYTES >> 20,
        "seconds": round(measured.seconds),
    }


def _markdown(found: dict[str, Any]) -> str:
    lines = ["<!-- written by tests/faults/run.py --write -->", ""]
    if storm := found.get("storm"):
        lines += [
            "| fault | times | events | lost | double | time to recover, median (longest) | counted from |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row['fault']} | {row['times']} | {storm['events']:,} | {storm['lost']} | {storm['double']} "
            f"| {row['median_seconds']} s ({row['most_seconds']} s) | {row['recovered_from']} |"
            for row in storm["faults"]
        ]
        ended = ", ".join(f"{status} ({times} of them)" for status, times in storm["statuses"].items())
        lines += [
            "",
            f"One run of {storm['seconds']:,} s with {storm['kills']} kills; lost and double are of the whole run. Recovered: every",
            f"partition number commits again. Session timeout {storm['session_timeout']:.0f} s. Workers that were not killed ended with",
            f"status {ended}. {storm['on']}, {storm['cpus']} CPUs, Python {storm['python']}: `{storm['command']}`.",
        ]
    if backlog := found.get("backlog"):
        lines += [
            "",
            "| backlog | broker's rate | lasted | worker's peak memory | the same cases, no backlog | bound on the difference |",
            "|---|---|---|---|---|---|",
            f"| {backlog['events']:,} events | {backlog['bytes_per_second'] / 2**20:.0f} MiB/s | {backlog['seconds']:,} s "
            f"| {backlog['peak_mib']:,} MiB | {backlog['resting_mib']:,} MiB | {backlog['most_added_mib']:,} MiB |",
            "",
            f"{backlog['on']}, {backlog['cpus']} CPUs, Python {backlog['python']}: `{backlog['command']}`.",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run()
