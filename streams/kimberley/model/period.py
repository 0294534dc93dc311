"""Half-open periods of days, as all reference data has them."""

from datetime import date
from typing import Protocol


class Period(Protocol):
    """From a day on, up to and without another; None: without end."""

    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


def covers(period: Period, on: date) -> bool:
    """Whether a day lies in a period."""
    return period.valid_from <= on and (period.valid_to is None or on < period.valid_to)
