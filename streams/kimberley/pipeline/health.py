"""Whether a worker lives, which is to say comes on, and whether it is ready, with the reasons in words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kimberley.pipeline.progress import Progress


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, and what a person or a program wants to know then (JSON)."""

    ok: bool
    body: dict[str, Any]


class Health:
    """Answers from what is known of the partitions.

    A process that answers HTTP may do nothing else; so it counts as alive only while records are applied, or none waits, or cases are
    read back. `stalled_seconds`: how long it may stand still. `joining_seconds`: how long it may be without an answer from its group.
    """

    def __init__(self, progress: Progress, *, stalled_seconds: float, joining_seconds: float) -> None:
        self._progress = progress
        self._stalled_seconds = stalled_seconds
        self._joining_seconds = joining_seconds

    def live(self) -> Answer:
        """No when something stands still that should not: which, and since when."""
        self._progress.look()
        still = self._standing_still()
        why = "; ".join(each["what"] for each in still) or self._state()
        waiting = sum(reading.waiting for reading in self._progress.readings.values())
        return Answer(not still, {"live": not still, "why": why, "records_waiting": waiting, "standing_still": still})

    def ready(self) -> Answer:
        """Yes once the group has given this worker its share and the cases of each partition number in it are back."""
        progress = self._progress
        numbers = progress.numbers
        missing = [number for number in numbers if not progress.is_recovered(number)]
        ready = progress.is_assigned and not missing
        return Answer(ready, {"ready": ready, "why": self._state(), "partitions": numbers, "recovering": missing})

    def _state(self) -> str:
        progress = self._progress
        if not progress.is_assigned:
            return "starting, or waiting for the group to assign partitions" if not progress.rebalances else "the group is rebalancing"
        numbers = progress.numbers
        if not numbers:
            return "no partitions: the group has more workers than there are partitions"
        missing = [number for number in numbers if not progress.is_recovered(number)]
        if missing:
            read = sum(recovery.records for recovery in progress.recoveries.values())
            return f"recovering the cases of {_partitions(missing)}: {read:,} records read back so far"
        if progress.excuses:
            return "; ".join(f"partition {number} waits for {what}" for number, what in sorted(progress.excuses.items()))
        waiting = sum(reading.waiting for reading in progress.readings.values())
        return f"working on {_partitions(numbers)}: {f'{waiting:,} records wait' if waiting else 'all that came is applied'}"

    def _standing_still(self) -> list[dict[str, Any]]:
        progress = self._progress
        now = progress.clock()
        found: list[dict[str, Any]] = []
        if not progress.is_assigned and now - progress.assignment_changed_at > self._joining_seconds:
            found.append(self._still("the group has not answered", progress.assignment_changed_at))
        for number, recovery in sorted(progress.recoveries.items()):
            if recovery.seconds is None and now - recovery.moved_at > self._stalled_seconds:
                what = f"the recovery of partition {number}'s cases has not come on"
                found.append(self._still(what, recovery.moved_at, partition=number))
        for (topic, number), reading in sorted(progress.readings.items()):
            if reading.waiting and number not in progress.excuses and now - reading.moved_at > self._stalled_seconds:
                what = f"{topic}-{number}: {reading.waiting:,} records wait and none was applied"
                found.append(self._still(what, reading.moved_at, topic=topic, partition=number, records=reading.waiting))
        return found

    def _still(self, what: str, moved_at: float, **where: Any) -> dict[str, Any]:
        seconds = self._progress.clock() - moved_at
        since = datetime.fromtimestamp(self._progress.wall_clock() - seconds, UTC).isoformat(timespec="seconds")
        return {"what": f"{what} since {since}, for {seconds:.0f} s", **where, "since": since, "seconds": round(seconds)}


def _partitions(numbers: list[int]) -> str:
    return f"partition{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"
