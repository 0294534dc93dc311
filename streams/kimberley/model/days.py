"""Dates as days since 1970-01-01, as Avro carries them."""

from datetime import date
from functools import lru_cache

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
DAY_MS = 86_400_000


@lru_cache(maxsize=1 << 14)
def date_of(day: int) -> date:
    """The date so many days after 1970-01-01. Kept, for it is a key of much that is looked up, and knows its hash once it was asked.

    Raises ValueError or OverflowError where no calendar has it.
    """
    return date.fromordinal(day + _EPOCH_ORDINAL)


def date_or_day(day: int) -> date | int:
    """The same; the bare number where no calendar has it, so that an event can be refused in words."""
    try:
        return date_of(day)
    except (ValueError, OverflowError):
        return day


def day_of(on: date) -> int:
    """Days since 1970-01-01."""
    return on.toordinal() - _EPOCH_ORDINAL
