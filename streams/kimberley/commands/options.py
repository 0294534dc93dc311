"""Options that several verbs share: instants, days, names that are nearly right."""

import difflib
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import click

from kimberley.wire.records import parse_instant

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class _Instant(click.ParamType):
    """RFC 3339, or a bare date for its midnight in UTC; milliseconds since the epoch."""

    name = "INSTANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip()
        try:
            return parse_instant(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)[0]
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


class _Day(click.ParamType):
    """A calendar date."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        text = str(value).strip()
        try:
            if not _DAY.fullmatch(text):
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            self.fail(f"{value!r} is no date, such as 2024-03-07", param, ctx)


INSTANT = _Instant()
DAY = _Day()


def near(name: str, known: Iterable[str]) -> str:
    """What of `known` may have been meant, as the end of a sentence: ` (did you mean …?)`; empty where nothing is near."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)
    found += [each for each in by_lower if name.lower() in each and each not in found][: 3 - len(found)]
    return f" (did you mean {' or '.join(by_lower[each] for each in found)}?)" if found else ""
