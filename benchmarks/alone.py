"""What is measured without Kafka, each in a process of its own: the core step by step, and `check`'s core over a file."""

import json
import os
import tempfile
from itertools import islice
from pathlib import Path

from benchmarks import ROOT
from benchmarks.figures import Found
from benchmarks.harness import answer_of, python
from benchmarks.sizes import Sizes
from kimberley.history.simulation import simulate


def measure_core(sizes: Sizes, rounds: int) -> Found:
    """`core_over_codec`, and what each step of an event costs."""
    costs: dict[str, list[float]] = answer_of(python("-m", "benchmarks.core", str(sizes.core_events), str(rounds)))
    ratios = [core / codec for core, codec in zip(costs["core"], costs["codec"], strict=True)]
    rates = {"core alone": [1e6 / each for each in costs["core"]]}
    sources = str(ROOT / "streams")
    if os.environ.get("PYTHONPATH", sources) != sources:
        as_installed = answer_of(python("-m", "benchmarks.core", str(sizes.core_events), str(rounds)), {"PYTHONPATH": sources})
        rates["core alone, not compiled"] = [1e6 / each for each in as_installed["core"]]
    return Found(figures={"core_over_codec": ratios}, rates=rates, costs=costs)


def measure_judge(sizes: Sizes, rounds: int) -> Found:
    """`judge_events_per_s`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "events.jsonl")
        with file.open("w", encoding="utf-8") as lines:
            for event in islice(simulate(days=400, certificates_per_day=200), sizes.judge_events):
                lines.write(json.dumps(event) + "\n")
        seconds: list[float] = answer_of(python("-m", "benchmarks.judge", str(file), str(rounds)))
    return Found(figures={"judge_events_per_s": [sizes.judge_events / each for each in seconds]})
