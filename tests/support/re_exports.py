"""Goods that came into the Emirates and leave again, as the specification's tests of lineage tell it."""

from typing import Any

from support.specified import Story, complete, goods, verdict
from support.stories import Event, issue, judge

ON = "2024-03-10"
"""When the re-exports below are issued: three days after their sources arrived."""


def came_in(number: str = "BW000001", carats: str = "100.00", value: str = "20000.00", **fields: Any) -> list[Event]:
    """A lawful journey into the Emirates, from its number's prefix."""
    return complete(number, number[:2], "AE", **{**goods(carats, value), **fields})


def re_export(carats: str = "100.00", value: str = "20000.00", number: str = "AE000001", **fields: Any) -> Event:
    stated: dict[str, Any] = {"destination": "IN", "origins": ["BW"], "source_certificates": ["BW000001"], "on": ON, **fields}
    return issue(number, number[:2], **{**goods(carats, value), **stated})


def silent(rule: str, story: Story, number: str = "AE000001", clock: str | None = None) -> None:
    """The rule says nothing, neither of a certificate nor of a missing fact."""
    options = () if clock is None else ("--as-of", clock)
    assert rule not in judge(*story, options=options).rules
    assert verdict(rule, story, number=number, clock=clock) == "quiet"
