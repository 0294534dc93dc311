"""Which cases wait for time to pass, and which of them it has come for."""

import heapq
from collections.abc import Iterator


class Deadlines:
    """Certificate numbers by the instant (milliseconds since the epoch, UTC) at which their case wakes."""

    def __init__(self) -> None:
        self._instants: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._instants)

    def put(self, number: str, wakes_at: int | None) -> None:
        """A case wakes at another instant than before; None: never."""
        if wakes_at is None:
            self._instants.pop(number, None)
        elif self._instants.get(number) != wakes_at:
            self._instants[number] = wakes_at
            heapq.heappush(self._heap, (wakes_at, number))

    def has_due(self, now: int) -> bool:
        """Whether a case wakes at or before `now`."""
        while self._heap and self._heap[0][0] <= now:
            instant, number = self._heap[0]
            if self._instants.get(number) == instant:  # else it was put elsewhere since
                return True
            heapq.heappop(self._heap)
        return False

    def due(self, now: int) -> Iterator[str]:
        """The numbers of the cases that wake at or before `now`, earliest first. Each is given once and then waits no longer.

        Cases that are put back while this runs, to wake by `now`, are given too.
        """
        while self.has_due(now):
            _, number = heapq.heappop(self._heap)
            del self._instants[number]
            yield number
