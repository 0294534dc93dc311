"""How much is measured: a full run, and a quick one that only shows that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """`events`: for the pipeline and the limits; `share`: for the slow contenders. Times in seconds."""

    events: int = 160_000
    share: int = 20_000
    core_events: int = 20_000
    judge_events: int = 40_000
    latency_seconds: float = 20.0
    warm_seconds: float = 30.0
    cases: int = 1_000_000
    idle_cases: int = 100_000
    idle_seconds: float = 60.0
    scale_events: int = 80_000


FULL = Sizes()
QUICK = Sizes(
    events=24_000,
    share=4_000,
    core_events=4_000,
    judge_events=4_000,
    latency_seconds=2.0,
    warm_seconds=2.0,
    cases=100_000,
    idle_cases=10_000,
    idle_seconds=3.0,
    scale_events=16_000,
)

MOST_SECONDS = 300.0
"""For one measure or contender; then it counts as failed and the others go on."""
