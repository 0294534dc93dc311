"""Decisions on small stories, and what a story says again or takes back."""

from typing import Any

from support.stories import Event, Judged, judge


def decided(*events: Event, options: tuple[str, ...] = ()) -> Judged:
    """The decisions on some events."""
    return judge(*events, options=("--decisions", *options))


def said(*events: Event) -> list[str]:
    """The decisions' outcomes."""
    return [row["outcome"] for row in decided(*events).rows]


def again(of: Event, **fields: Any) -> Event:
    """The same event id, with other fields. None: without the field."""
    stated = {**of, **fields}
    return {name: value for name, value in stated.items() if value is not None or name not in fields}
