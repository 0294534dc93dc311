"""The plot of a run as SVG: events a second with their spread, and the cost of an event by step."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _RIGHT = 860, 190, 110
_BAR, _STEP = 18, 28
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#9c6b4e")
_TEXT = "#333333"


def plot(rates: Mapping[str, Mapping[str, Any]], steps: Mapping[str, float]) -> str:
    """`rates`: spreads by contender; `steps`: microseconds an event by step."""
    parts: list[str] = []
    bottom = _rates(parts, rates, 20)
    bottom = _steps(parts, steps, bottom + 20)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{bottom}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{bottom}" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"


def _rates(parts: list[str], rates: Mapping[str, Mapping[str, Any]], top: int) -> int:
    parts.append(_label(_LEFT, top, "events a second (bar: median, line: least to greatest round)"))
    most = max((each["max"] for each in rates.values()), default=1)
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    y = top + 12
    for name, each in rates.items():
        middle = y + _BAR / 2
        least, median, greatest = (_LEFT + each[key] * scale for key in ("min", "median", "max"))
        parts.append(_label(_LEFT - 8, middle + 4, name, anchor="end"))
        parts.append(_rect(_LEFT, y, median - _LEFT, _COLOURS[0] if name.startswith(("pipeline", "two")) else "#b8bec9"))
        parts.append(f'<path d="M{least:.1f} {middle}H{greatest:.1f}" stroke="{_TEXT}" stroke-width="2"/>')
        parts.append(_label(max(median, greatest) + 6, middle + 4, f"{each['median']:,.0f}"))
        y += _STEP
    return y


def _steps(parts: list[str], steps: Mapping[str, float], top: int) -> int:
    whole = sum(steps.values())
    if not whole:
        return top
    parts.append(_label(_LEFT, top, f"what an event costs: {whole:,.0f} µs of a core"))
    x, y = float(_LEFT), top + 12
    scale = (_WIDTH - _LEFT - _RIGHT) / whole
    for colour, cost in zip(_COLOURS, steps.values(), strict=False):
        parts.append(_rect(x, y, cost * scale, colour))
        x += cost * scale
    y += _STEP
    for colour, (name, cost) in zip(_COLOURS, steps.items(), strict=False):
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="12" height="12" fill="{colour}"/>')
        parts.append(_label(_LEFT + 20, y + 11, f"{name}: {cost:,.1f} µs"))
        y += 20
    return y + 10


def _rect(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{max(1.0, width):.1f}" height="{_BAR}" fill="{colour}"/>'


def _label(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_TEXT}">{escape(words)}</text>'
