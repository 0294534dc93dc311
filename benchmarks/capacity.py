"""How throughput grows with workers, partitions and brokers, calculated from what an event costs a worker and a broker in this run.

Three things bound it, and the least of them counts. A worker judges on one core, so that workers on cores of their own add up. A partition
is one worker's, so that the worker with the largest share sets the pace where all partitions have as much to do. And every record that
comes of an event is written by a broker, and once more for each further copy, which is counted as if it cost as much as the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of processor time an event: the worker's, and the broker's with one copy of everything."""

    worker: float
    broker: float


@dataclass(frozen=True, slots=True)
class Shape:
    """What an installation has. `cores`: of each broker; each worker has one of its own."""

    workers: int
    partitions: int
    brokers: int
    cores: int
    copies: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """Events a second, and what stands in the way of more."""

    events_per_s: float
    bound: str


SHAPES = (
    Shape(1, 12, 1, 2, 1),
    Shape(2, 12, 1, 2, 1),
    Shape(4, 12, 1, 2, 1),
    Shape(1, 12, 3, 4, 3),
    Shape(2, 12, 3, 4, 3),
    Shape(4, 12, 3, 4, 3),
    Shape(8, 12, 3, 4, 3),
    Shape(12, 12, 3, 4, 3),
    Shape(24, 12, 3, 4, 3),
    Shape(24, 48, 3, 4, 3),
    Shape(24, 48, 6, 8, 3),
)


def capacity(shape: Shape, costs: Costs) -> Capacity:
    """What a shape does. Raises ValueError where it has less than one of anything."""
    if min(shape.workers, shape.partitions, shape.brokers, shape.cores, shape.copies) < 1:
        raise ValueError(f"{shape} has none of something")
    working = min(shape.workers, shape.partitions)
    largest = ceil(shape.partitions / working)
    by_workers = 1e6 / costs.worker * shape.partitions / largest
    by_brokers = 1e6 / costs.broker * shape.brokers * shape.cores / shape.copies
    if by_brokers < by_workers:
        return Capacity(by_brokers, "brokers")
    if shape.workers > shape.partitions:
        return Capacity(by_workers, "partitions: there are more workers")
    return Capacity(by_workers, "workers" if shape.partitions % working == 0 else "workers: some have a partition more than others")


def table(costs: Costs, shapes: Sequence[Shape] = SHAPES) -> list[str]:
    """Lines of Markdown."""
    lines = ["| workers | partitions | brokers (cores each) | copies | events/s | bound by |", "|---|---|---|---|---|---|"]
    for shape in shapes:
        found = capacity(shape, costs)
        lines.append(
            f"| {shape.workers} | {shape.partitions} | {shape.brokers} ({shape.cores}) | {shape.copies} "
            f"| {round(found.events_per_s, -2):,.0f} | {found.bound} |"
        )
    return lines
