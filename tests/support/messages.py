"""What a sentence for a customs officer says: its dates and figures, whatever the wording around them."""

import re
from datetime import date
from decimal import Decimal

_FIGURE = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<![\w.,-])\d+(?:\.\d+)?(?![\w-])")


def says_day(message: str, day: str) -> bool:
    """Whether a sentence names a day (YYYY-MM-DD), in figures or in words."""
    on = date.fromisoformat(day)
    return day in message or re.search(rf"(?<!\d){on.day} {on:%B} {on.year}(?!\d)", message) is not None


def figures(message: str) -> set[Decimal]:
    """The figures of a sentence, without thousands separators. Numbers inside codes and ids are none."""
    return {Decimal(found.replace(",", "")) for found in _FIGURE.findall(message)}
