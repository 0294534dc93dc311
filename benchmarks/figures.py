"""What is measured: the keys of the results, their units, how each is measured; medians, spreads, percentiles. No Kafka here."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the results: key, unit, and how it is measured, in words for `docs/performance.md`."""

    key: str
    unit: str
    how: str


FIGURES = (
    Figure(
        "ratio_core",
        "",
        "the pipeline's events a second over those of the core alone: wire decode, judge, wire encode in one loop, without Kafka",
    ),
    Figure("core_over_codec", "", "the core alone over the time of fastavro decoding the events and encoding the decisions and alerts"),
    Figure("ratio_plain_faust", "", "the pipeline over a plain Faust agent with a Table, round by round"),
    Figure("ratio_plain_faust_ten_rules", "", "the same by the ten rules of the first release, for which a ratio was promised"),
    Figure("ratio_quix", "", "the pipeline over Quix Streams with state, at least once as it runs by default, round by round"),
    Figure(
        "ratio_kafka_streams",
        "",
        "the pipeline over Kafka Streams (Java, one thread, RocksDB, changelog) that stores each event and passes it through, nothing else",
    ),
    Figure("latency_ms_p50", "ms", "from an event's scheduled sending to its alert, read committed, at 1,000 events a second"),
    Figure("latency_ms_p99", "ms", "the same, which 99 of 100 keep"),
    Figure("latency_ms_p50_half_rate", "ms", "the same at half of the pipeline's maximum rate"),
    Figure("latency_ms_p99_half_rate", "ms", "the same, which 99 of 100 keep"),
    Figure(
        "recovery_s_per_million",
        "s",
        "from a worker's start to the first new event processed on every partition, a million cases in the changelog, one record each",
    ),
    Figure("recovery_s_per_million_three_records", "s", "the same with three records a case in the changelog, not compacted"),
    Figure("bytes_per_case", "bytes", "resident memory of that worker, less that of one without cases, over its cases"),
    Figure("worker2_gain", "", "events a second of two workers over one, on this machine, which Kafka shares"),
    Figure("idle_cpu", "", "share of a core that an idle worker with its cases takes"),
    Figure("judge_events_per_s", "events/s", "`check`'s core over a file: JSON lines read, taken in and judged, one process"),
)
KEYS = tuple(figure.key for figure in FIGURES)


@dataclass(slots=True)
class Found:
    """What measures came to, round by round: figures by key, events a second by contender, microseconds an event by step.

    `failures`: what went wrong by measure or contender, with the last lines of its log. `facts`: what a reader wants to know besides.
    """

    figures: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    costs: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, other: "Found") -> None:
        """Put another's rounds behind ours."""
        for ours, theirs in ((self.figures, other.figures), (self.rates, other.rates), (self.costs, other.costs)):
            for name, values in theirs.items():
                ours.setdefault(name, []).extend(values)
        self.failures |= other.failures
        self.facts |= other.facts

    def document(self) -> dict[str, Any]:
        """As it stands in the results: every key, with its spread or without anything where it was not measured."""
        return {
            "figures": {key: spread(self.figures[key]) if self.figures.get(key) else None for key in KEYS},
            "rates": {name: spread(values) for name, values in self.rates.items()},
            "costs_us": {name: spread(values) for name, values in self.costs.items()},
            "failures": self.failures,
            "facts": self.facts,
        }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, least, greatest, and each round's value, rounded. Raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    figures = {"median": median(values), "min": min(values), "max": max(values)}
    return {name: _rounded(each) for name, each in figures.items()} | {"rounds": [*map(_rounded, values)]}


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that this share of all do not exceed (0.99: which 99 of 100 keep). Raises ValueError without values."""
    if not values or not 0 < share <= 1:
        raise ValueError(f"{len(values)} values, share {share}")
    return sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]


def rate(stamps: Sequence[float], since: float | None = None) -> float:
    """Records a second by the times at which they came, in milliseconds, in any order. The last thousandth is left out, as stragglers.

    `since`: when work on them began, as far as that is known. A contender that answers in batches needs it, for when its first batch was
    begun cannot be seen. None: from the end of the first twentieth on. Raises ValueError where all lies in one instant.
    """
    ordered = sorted(stamps)
    last = ordered[-1 - len(ordered) // 1000]
    first = ordered[len(ordered) // 20] if since is None else since
    counted = sum(first < stamp <= last for stamp in ordered)
    if not counted or last <= first:
        raise ValueError(f"{len(ordered)} records within {ordered[-1] - ordered[0]:.0f} ms: too few to tell a rate")
    return counted / ((last - first) / 1000)


def targets(file: Path = Path(__file__).parent / "targets.toml") -> dict[str, tuple[str, float]]:
    """What was promised, by key: ("at least" or "at most", the number). Raises ValueError on a key that is no figure's."""
    found = {}
    for key, stated in tomllib.loads(file.read_text(encoding="utf-8")).items():
        (bound, number), *more = stated.items()
        if key not in KEYS or bound not in ("at_least", "at_most") or more:
            raise ValueError(f"{file.name}: {key}: a key of the results and one of at_least, at_most is expected")
        found[key] = (bound.replace("_", " "), float(number))
    return found


def is_reached(target: tuple[str, float], figure: Mapping[str, Any]) -> bool:
    """Whether a figure's median keeps its target."""
    bound, number = target
    return bool(figure["median"] >= number if bound == "at least" else figure["median"] <= number)


def _rounded(value: float) -> float:
    """To four significant digits: no measure here is better than that."""
    if not value:
        return 0.0
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))
