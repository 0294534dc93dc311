"""Where in a TOML text something stands: tomllib says it of what is no TOML, not of what is no rulebook."""

import re
from collections.abc import Sequence
from itertools import chain

_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line of what `path` leads to, or of the nearest thing above it: keys, and places in arrays of tables from 0 up."""
    best, depth = 1, 0
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(_parts(header[2]))
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            place = table
        elif key := _KEY.match(line):
            place = tuple(chain(table, _parts(key[1])))
        else:
            continue
        if len(place) > depth and tuple(path[: len(place)]) == place:
            best, depth = number, len(place)
    return best


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]
