"""`docs/performance.md` and its plot, made of the results and of nothing else.

run: python -m benchmarks.page (after a change of words here)
"""

import json
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.capacity import Costs, table
from benchmarks.figures import FIGURES, RESULTS, is_reached, targets
from benchmarks.plot import plot
from benchmarks.scale import BROKER, WORKER

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
SHOWN = RESULTS / "performance.json"

CONTENDERS = {
    "pipeline": "one worker: Faust at the edge, exactly once, a transaction a batch",
    "two workers": "two such workers, on this machine",
    "plain Faust": "an agent with a Table, as Faust's documentation shows it; at least once at best",
    "Quix Streams": "a streaming data frame with state (RocksDB, changelog), as its documentation shows it; at least once",
    "core alone": "limit: the same judging in a loop, without Kafka",
    "core alone, not compiled": "the same as an installation without a C compiler has it",
    "Kafka Streams": "limit: Java, one thread, RocksDB, changelog; stores each event and passes it through, decodes and judges nothing",
    "librdkafka": "limit: consumes and produces, through its Python client; no work, no state",
    "pipeline, ten rules": "the pipeline by the ten rules of the first release",
    "plain Faust, ten rules": "the plain agent by the same",
}
STEPS = {
    "decode": "wire decode: Avro to fields",
    "take in": "check and normalise an event",
    "judge": "merge, dossier, rules, what alerts change",
    "encode": "wire encode: the decision",
    "store": "pack the case",
    "rest of the core": "headers, keys, alerts' encoding, lineage, counting",
    "clients": "aiokafka alone: the same records consumed, the same batches sent in transactions; processor time",
    "Faust and the rest": "what is left of the pipeline's time: Faust, hand-over between tasks, and waiting for the broker on shared cores",
}
_GROWTH = """\
Calculated, for there is one machine here: from the processor time that an event costs a worker ({worker} µs) and its broker ({broker} µs,
the events' arrival included), as it was measured under `worker2_gain`. Cores are taken to be like this machine's, and none of them shared
between workers and brokers; a further copy is counted as if it cost a broker as much as the first, which is too much. What breaks first is
in the last column, and [the page for operators](operator.md#size) says which settings move it.
"""
_HOW = """\
## How it is measured

`make bench` does it all, in environments of its own, with real Apache Kafka in one process on the same machine; `make bench-quick` does the
same in small, to see that it works. Every broker is started anew and its topics have four partitions. What is compiled in the image is
compiled here, for every contender alike; all call the same functions on the same events, a simulated trade (`kimberley.history.simulation`)
judged by the whole catalogue: a decision for each event, alerts, the case stored with a changelog.

- **Events a second**: all of a contender's answers over the time until the last, by the timestamps of the records. For the pipeline, which
  answers in batches, that time begins when its log says that it has its partitions; for the others, which answer event by event, after the
  first twentieth, so that their start counts for nothing. The contenders of a round run one after the other on the same topics; ratios are
  taken round by round. The slow ones get an eighth of the events, the first of them.
- **The core alone** takes each event's bytes and comes to the bytes of decisions, alerts and the stored case. Its steps are timed one by
  one in a second pass, and fastavro alone in a third.
- **Latency** is open loop: every event has its time to be sent, and counts from then, however late those before it were. One in ten raises
  an alert. A subscriber in the same process reads committed alerts, and all by one clock; the publisher waits a millisecond for more to
  send at once. The first half minute is not counted, for the broker has just been started and its compiler is at work, nor the first two
  seconds at each rate.
- **Recovery**: the changelog is written from some hundred cases of the simulated trade, each with all of its journey, copied under other
  certificate numbers. The clock runs from the start of the process to the answer to the first new event on the slowest partition.
- **Two workers**: a quarter of the events comes first and is not counted.
- **Memory** is resident memory a few seconds after that, less the same of a worker without cases.
- **Idle** is processor time over wall time of a worker with its cases, its clock ticking as it does by default.
- **Spread** is the least and the greatest of the rounds. Rates depend on the machine and on what else runs there; ratios do less so.

Each measure has a limit of time; what failed says so above, with the last it said, and the others went on.
"""


def page(results: dict[str, Any]) -> str:
    """The page as Markdown."""
    machine, promised = results["machine"], targets()
    kind = "A quick run, which shows that the measures work and little more" if results["quick"] else "A full run"
    lines = [
        "# Performance",
        "",
        "Made by `make bench` of [its results](../benchmarks/results/performance.json); nothing here is written by hand.",
        "",
        f"{kind}:",
        "",
        f"- `{results['command']}`, in {results['minutes']} minutes, {results['finished_at']}, commit `{machine['commit'] or 'unknown'}`",
        f"- {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, {machine['system']}, "
        f"load {machine['load']} before it began",
        f"- Python {machine['python']}, Apache Kafka {machine['kafka']}, {results['compiled']}",
        "",
        *_speed(machine),
        "## Figures and targets",
        "",
        "| key | median | least to greatest | rounds | target | what it is |",
        "|---|---|---|---|---|---|",
    ]
    for figure in FIGURES:
        found, target = results["figures"][figure.key], promised.get(figure.key)
        wanted = f"{target[0]} {number(target[1])}" if target else ""
        if found and target:
            wanted += ": reached" if is_reached(target, found) else ": **not reached**"
        lines.append(f"| `{figure.key}` | {_row(found, figure.unit)} | {wanted} | {figure.how} |")
    lines += ["", "## Events a second", "", "![events a second, and the cost of an event](performance.svg)", ""]
    lines += ["| contender | median | least to greatest | rounds | what runs |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {_row(results['rates'].get(name))} | {what} |" for name, what in CONTENDERS.items()]
    lines += ["", "## What an event costs", "", "Microseconds of one core, medians.", ""]
    lines += ["| step | µs | what it is |", "|---|---|---|"]
    lines += [f"| {step} | {number(cost)} | {STEPS[step]} |" for step, cost in profile(results).items()]
    costs = results["costs_us"]
    if WORKER in costs and BROKER in costs:
        found = Costs(costs[WORKER]["median"], costs[BROKER]["median"])
        lines += ["", "## How it grows", "", _GROWTH.format(worker=number(found.worker), broker=number(found.broker)), *table(found)]
    if results["facts"]:
        facts = [f"{name.replace('_', ' ')}: {number(value)}" for name, value in sorted(results["facts"].items())]
        lines += ["", f"Besides: {', '.join(facts)}."]
    if results["failures"]:
        lines += ["", "## What failed", ""]
        for name, why in results["failures"].items():
            lines += [f"**{name}**", "", "```", *why.strip().splitlines(), "```", ""]
    return "\n".join(lines).rstrip() + "\n\n" + _HOW


def _speed(machine: dict[str, Any]) -> list[str]:
    """By what runs on different machines can be told apart."""
    if "call_ns" not in machine:
        return []
    return [
        f"A small Python function takes {machine['call_ns']} ns here, a step to a random place in memory {machine['memory_ns']} ns.",
        "",
    ]


def profile(results: dict[str, Any]) -> dict[str, float]:
    """Microseconds that an event costs by step, as far as the steps were measured."""
    costs = {name: found["median"] for name, found in results["costs_us"].items()}
    steps = {step: costs[step] for step in STEPS if step in costs}
    if "core" in costs:
        inside = [costs[step] for step in ("decode", "take in", "judge", "encode", "store")]
        steps["rest of the core"] = max(0.0, costs["core"] - sum(inside))
    if "core" in costs and "clients" in costs and results["rates"].get("pipeline"):
        steps["Faust and the rest"] = max(0.0, 1e6 / results["rates"]["pipeline"]["median"] - costs["core"] - costs["clients"])
    return {step: steps[step] for step in STEPS if step in steps}


def number(value: float) -> str:
    """A number for people: thousands set apart, no more digits than tell something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write(results: dict[str, Any]) -> None:
    """Write the page and its plot."""
    PAGE.write_text(page(results), encoding="utf-8")
    PLOT.write_text(plot_of(results), encoding="utf-8")


def plot_of(results: dict[str, Any]) -> str:
    """The plot as SVG."""
    rates = {name: results["rates"][name] for name in CONTENDERS if name in results["rates"]}
    return plot(rates, profile(results))


def load(file: Path = SHOWN) -> dict[str, Any]:
    """Results as they were written."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _row(found: dict[str, Any] | None, unit: str = "") -> str:
    if not found:
        return "not measured | | "
    median, least, greatest = (number(found[name]) for name in ("median", "min", "max"))
    return f"{median}{' ' if unit else ''}{unit} | {least} to {greatest} | {len(found['rounds'])}"


if __name__ == "__main__":
    write(load())
