"""Numbers with labels as Prometheus reads them: counters, and histograms that take many equal values at once.

prometheus_client's own take a lock and a call for each value, and make a series of whatever label comes. These are written by the
worker's event loop alone, once a batch, and know which values a label may have.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

OTHER = "other"
"""What a label says in place of a value that is not among the known ones."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric as users know it. `buckets`: the upper bounds of a histogram, without infinity."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


class Counter:
    """Counts by labels. `known` holds each label's values; every combination, or each of `start`, is there from the beginning with 0."""

    def __init__(self, definition: Definition, known: Sequence[Iterable[str]] = (), start: Iterable[Labels] | None = None) -> None:
        self._definition = definition
        self._known = [frozenset(values) for values in known]
        self._values: dict[Labels, int] = dict.fromkeys(product(*map(sorted, self._known)) if start is None else start, 0)

    def add(self, amount: int, *labels: str) -> None:
        """Count more. A value that its label does not know counts as `other`."""
        place = tuple(value if value in known else OTHER for value, known in zip(labels, self._known, strict=True))
        self._values[place] = self._values.get(place, 0) + amount

    def total(self) -> int:
        """Over all labels."""
        return sum(self._values.values())

    def family(self) -> Metric:
        """As Prometheus reads it."""
        family = CounterMetricFamily(self._definition.name, self._definition.help, labels=self._definition.labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        return family


class Histogram:
    """How values spread over the definition's buckets."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._counts = [0] * (len(definition.buckets) + 1)
        self._sum = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """The value came so many times."""
        self._counts[bisect_left(self._definition.buckets, value)] += times
        self._sum += value * times

    def family(self) -> Metric:
        """As Prometheus reads it."""
        bounds = [*map(str, self._definition.buckets), "+Inf"]
        buckets = []
        below = 0
        for bound, count in zip(bounds, self._counts, strict=True):
            below += count
            buckets.append((bound, float(below)))
        return HistogramMetricFamily(self._definition.name, self._definition.help, buckets=buckets, sum_value=self._sum)


def gauge(definition: Definition, rows: Iterable[tuple[Labels, float]]) -> Metric:
    """A gauge of what is so now: label values and their number."""
    family = GaugeMetricFamily(definition.name, definition.help, labels=definition.labels)
    for labels, value in rows:
        family.add_metric(labels, value)
    return family


def info(definition: Definition, *values: str) -> Metric:
    """An info metric, which is always 1: what counts is its labels."""
    family = InfoMetricFamily(definition.name.removesuffix("_info"), definition.help)
    family.add_metric([], dict(zip(definition.labels, values, strict=True)))
    return family
