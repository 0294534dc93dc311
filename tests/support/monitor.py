"""A worker's metrics and health, as Prometheus and a supervisor see them."""

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.stream import wait_until
from support.worker import WorkerProcess

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Monitored:
    """What a worker tells of itself."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self.url: str = wait_until(worker.monitor, 30, "the worker's monitor", worker.text)

    def health(self, kind: str) -> tuple[int, dict[str, Any]]:
        """Status and body of `live` or `ready`."""
        answer = httpx.get(f"{self.url}/health/{kind}", timeout=10)
        return answer.status_code, answer.json()

    def wait_ready(self) -> None:
        """Return once the worker says that it is ready."""
        wait_until(lambda: self.health("ready")[0] == 200, 60, "a ready worker", self._worker.text)

    def samples(self) -> Samples:
        """Every sample now."""
        text = httpx.get(f"{self.url}/metrics", timeout=10).text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def rows(self, name: str) -> dict[tuple[str, ...], float]:
        """One metric's values by their labels' values, in the order of the labels' names."""
        found = self.samples()
        return {tuple(value for _, value in sorted(labels)): each for (known, labels), each in found.items() if known == name}

    def total(self, name: str) -> float:
        """One metric over all its labels."""
        return sum(self.rows(name).values())
