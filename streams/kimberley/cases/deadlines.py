"""Which cases wait for time to pass, and which of them it has come for."""

import heapq
from collections.abc import Iterator


class Deadlines:
    """Certificate numbers by the instant (milliseconds since the epoch, UTC) at which their case wakes."""

    def __init__(self) -> None:
        self._instants: dict[str, int] = {}
        # many cases wake at the same instant, at midnight somewhere: an instant stands in the heap once
        self._waiting: dict[int, list[str]] = {}
        self._heap: list[int] = []
        self._sorted: int | None = None

    def __len__(self) -> int:
        return len(self._instants)

    def put(self, number: str, wakes_at: int | None) -> None:
        """A case wakes at another instant than before; None: never."""
        if wakes_at is None:
            self._instants.pop(number, None)
        elif self._instants.get(number) != wakes_at:
            self._instants[number] = wakes_at
            waiting = self._waiting.get(wakes_at)
            if waiting is None:
                self._waiting[wakes_at] = [number]
                heapq.heappush(self._heap, wakes_at)
            else:
                waiting.append(number)
                if wakes_at == self._sorted:
                    self._sorted = None

    def has_due(self, now: int) -> bool:
        """Whether a case wakes at or before `now`."""
        return self._next(now) is not None

    def due(self, now: int) -> Iterator[str]:
        """The numbers of the cases that wake at or before `now`, earliest first, then by number. Each is given once, then waits no longer.

        Cases that are put back while this runs, to wake by `now`, are given too.
        """
        while (number := self._next(now)) is not None:
            del self._instants[number]
            yield number

    def _next(self, now: int) -> str | None:
        """The first of those that wake at or before `now`."""
        while self._heap and self._heap[0] <= now:
            instant = self._heap[0]
            numbers = self._waiting[instant]
            if self._sorted != instant:
                self._sorted = instant
                numbers.sort(reverse=True)
            while numbers:
                if self._instants.get(numbers[-1]) == instant:  # else it was put elsewhere since
                    return numbers[-1]
                numbers.pop()
            self._sorted = None
            del self._waiting[heapq.heappop(self._heap)]
        return None
