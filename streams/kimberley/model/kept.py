"""What was once made is kept for when it is wanted again: a dict that makes what it lacks, so that what it has costs no call."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(dict[K, V]):
    """`kept[key]` is `make(key)`, made once. Once it has `most` of them it begins anew, so that no stranger's keys fill the memory.

    `make` must say the same of the same key always. Whatever it raises is raised, and not kept.
    """

    def __init__(self, make: Callable[[K], V], most: int = 50_000) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        if len(self) >= self._most:
            self.clear()
        self[key] = made
        return made
