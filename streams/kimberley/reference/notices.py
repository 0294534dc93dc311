"""Which notices a certificate number lies in."""

from bisect import bisect_right
from collections.abc import Iterable

from kimberley.model.reference_data import Notice


class NoticeRanges:
    """Notices by their numbers' length and order, so that a number is looked up without reading them all."""

    def __init__(self, notices: Iterable[Notice]) -> None:
        by_length: dict[int, list[tuple[str, str, Notice]]] = {}
        for notice in notices:
            last = notice.last_number or notice.first_number
            if len(last) == len(notice.first_number):
                by_length.setdefault(len(last), []).append((notice.first_number, last, notice))
        self._by_length = {length: _Ranges(ranges) for length, ranges in by_length.items()}

    def of(self, number: str) -> tuple[Notice, ...]:
        """The notices whose range holds a normalised number: as long as their bounds and between them. By id."""
        ranges = self._by_length.get(len(number))
        return ranges.of(number) if ranges else ()


class _Ranges:
    """Ranges of numbers of one length."""

    def __init__(self, ranges: Iterable[tuple[str, str, Notice]]) -> None:
        self._ranges = sorted(ranges, key=lambda each: (each[0], each[2].notice_id))
        self._firsts = [first for first, _, _ in self._ranges]
        self._furthest: list[str] = []  # the greatest last number of a range and of all before it
        for _, last, _ in self._ranges:
            self._furthest.append(max(last, self._furthest[-1]) if self._furthest else last)

    def of(self, number: str) -> tuple[Notice, ...]:
        index = bisect_right(self._firsts, number) - 1
        if index < 0 or self._furthest[index] < number:
            return ()
        found = []
        while index >= 0 and self._furthest[index] >= number:
            _, last, notice = self._ranges[index]
            if last >= number:
                found.append(notice)
            index -= 1
        return tuple(sorted(found, key=lambda notice: notice.notice_id))
