"""`make bench`: every measure in turn on real Kafka, results as JSON, and `docs/performance.md` made of them.

Whatever fails is reported with its last words, and the others go on.

run: python -m benchmarks.run --help
"""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks import ROOT, alone, idle, latency, page, recovery, scale, throughput
from benchmarks.compiled import UNOPTIMISED, compiled_package
from benchmarks.figures import KEYS, RESULTS, Found
from benchmarks.harness import tried
from benchmarks.machine import machine
from benchmarks.quix.environment import quix_python
from benchmarks.sizes import FULL, MOST_SECONDS, QUICK, Sizes

MEASURES = ("throughput", "ten-rules", "core", "judge", "latency", "recovery", "scale", "idle")
Run = Callable[[Sizes, int, Found, float], None]
"""Adds what a measure comes to: sizes, rounds (0: its own number), what was found so far, seconds that are left."""


@click.command()
@click.option("--only", multiple=True, type=click.Choice(MEASURES), help="measure nothing but this; may be given several times")
@click.option("--quick", is_flag=True, help="in small and one round, to see that everything works")
@click.option("--rounds", type=click.IntRange(1, 20), help="rounds of every measure [default: 3, or fewer of what takes long; quick: 1]")
@click.option("--pure", is_flag=True, help="without the compiled core, as an ordinary installation runs")
@click.option("--most-minutes", default=30.0, show_default=True, help="time for all measures; what is not done by then is stopped")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="write the results, JSON, here as well")
@click.option("--docs", is_flag=True, help="make docs/performance.md of this run, as a full run does anyway")
def run(only: tuple[str, ...], quick: bool, rounds: int | None, pure: bool, most_minutes: float, output: Path | None, docs: bool) -> None:
    """Measure. A full run writes benchmarks/results/performance.json and docs/performance.md; others write beside them."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that what was started is ended
    sizes = QUICK if quick else FULL
    found = Found()
    facts = machine()
    compiled = _prepare(pure, optimised=docs or not quick)
    began = time.monotonic()
    for name in only or (each for each in MEASURES if not (quick and each in _LEFT_OUT)):
        left = began + most_minutes * 60 - time.monotonic()
        if left <= 0:
            found.failures[name] = f"no time was left of {most_minutes:g} minutes"
            continue
        click.echo(f"{name} …")
        started = time.monotonic()
        _MEASURES[name](sizes, rounds or 0, found, left)
        click.echo(f"  {time.monotonic() - started:.0f} s")
    if found.rates.get(throughput.PIPELINE) and found.costs.get("core"):
        core = median(found.costs["core"]) / 1e6
        found.figures["ratio_core"] = [each * core for each in found.rates[throughput.PIPELINE]]
    results = {
        "command": shlex.join(["python", "-m", "benchmarks.run", *sys.argv[1:]]),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "quick": quick,
        "compiled": compiled,
        "machine": facts,
        **found.document(),
    }
    _tell(results)
    is_shown = docs or not (only or quick)
    usual = page.SHOWN if is_shown else RESULTS / ("quick.json" if quick else "partial.json")
    for file in (usual, output) if output else (usual,):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        click.echo(f"written: {_shown(file)}")
    if is_shown:
        page.write(results)
        click.echo(f"written: {_shown(page.PAGE)}, {_shown(page.PLOT)}")
    if found.failures:
        raise SystemExit(1)


def _prepare(pure: bool, optimised: bool) -> str:
    """What contenders run in: they are processes of their own and find the core by PYTHONPATH. Says in words how it is compiled."""
    started = time.monotonic()
    click.echo("environments …")
    package = ROOT / "streams" if pure else compiled_package(optimised)
    os.environ["PYTHONPATH"] = str(package)
    compiled = "nothing compiled" if pure else "the core compiled"
    if package.name.endswith(UNOPTIMISED):
        compiled += " without the optimiser, for haste: its figures are those of a slower core"
        click.echo(f"  {compiled}")
    try:
        quix_python()
    except RuntimeError as problem:  # told again where it is needed; the others need it not
        click.echo(f"  {problem}", err=True)
    click.echo(f"  {time.monotonic() - started:.0f} s")
    return compiled


def _rounds_of(measure: Callable[[Sizes], Found], name: str, usual: int) -> Run:
    """A measure that is one round."""

    def rounds(sizes: Sizes, asked: int, found: Found, left: float) -> None:
        deadline = time.monotonic() + left
        for _ in range(asked or (1 if sizes is QUICK else usual)):
            with tried(found, name, max(1.0, min(2 * MOST_SECONDS, deadline - time.monotonic()))):
                found.add(measure(sizes))

    return rounds


def _at_once(measure: Callable[[Sizes, int, Found], Found], name: str, usual: int) -> Run:
    """A measure that does its rounds itself."""

    def once(sizes: Sizes, asked: int, found: Found, left: float) -> None:
        with tried(found, name, min(2 * MOST_SECONDS, left)):
            found.add(measure(sizes, asked or (1 if sizes is QUICK else usual), found))

    return once


def _latency(sizes: Sizes, rounds: int, found: Found) -> Found:
    rates = found.rates.get(throughput.PIPELINE)
    return latency.measure(sizes, rounds, median(rates) if rates else None)


def _ten_rules(sizes: Sizes) -> Found:
    return throughput.measure_ten_rules(replace(sizes, events=sizes.events // 2, share=sizes.share // 2))


_LEFT_OUT = ("ten-rules",)
"""Of a quick run: it is the first measure over again, by fewer rules."""
_MEASURES: dict[str, Run] = {
    "throughput": _rounds_of(throughput.measure, "throughput", 3),
    "ten-rules": _rounds_of(_ten_rules, "ten-rules", 3),
    "core": _at_once(lambda sizes, rounds, found: alone.measure_core(sizes, rounds), "core", 3),
    "judge": _at_once(lambda sizes, rounds, found: alone.measure_judge(sizes, rounds), "judge", 3),
    "latency": _at_once(_latency, "latency", 3),
    "recovery": _rounds_of(recovery.measure, "recovery", 2),
    "scale": _rounds_of(scale.measure, "scale", 2),
    "idle": _rounds_of(idle.measure, "idle", 1),
}


def _tell(results: dict[str, Any]) -> None:
    """The figures on the terminal."""
    click.echo()
    for key in KEYS:
        each = results["figures"][key]
        words = f"{page.number(each['median']):>10}  ({page.number(each['min'])} to {page.number(each['max'])})" if each else "not measured"
        click.echo(f"{key:<38}{words}")
    for name, why in results["failures"].items():
        click.echo(f"failed: {name}: {why.strip()}", err=True)
    click.echo()


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)


if __name__ == "__main__":
    run()
