"""The dashboard is what its script makes, and asks only for metrics that workers have."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from kimberley.pipeline.metrics import DEFINITIONS

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD = json.loads((FOLDER / "dashboards" / "kimberley.json").read_text(encoding="utf-8"))
RULES = FOLDER.parent / "prometheus-rules.yml"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_dashboard", FOLDER / "make_dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dashboard_is_current() -> None:
    """Run `make docs` where this fails."""
    assert (FOLDER / "dashboards" / "kimberley.json").read_text(encoding="utf-8") == script().text()


def test_panels_do_not_overlap_and_fill_their_lines() -> None:
    lines: dict[int, list[tuple[int, int, int]]] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        lines.setdefault(place["y"], []).append((place["x"], place["w"], place["h"]))
    bottom = 0
    for top, panels in sorted(lines.items()):
        assert top == bottom
        assert sum(width for _, width, _ in panels) == 24
        assert [x for x, _, _ in panels] == [sum(width for _, width, _ in panels[:index]) for index in range(len(panels))]
        (height,) = {height for _, _, height in panels}
        bottom = top + height
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_dashboard_and_alerts_ask_for_metrics_that_there_are() -> None:
    known = {each.name for each in DEFINITIONS}
    known |= {f"{each.name}{end}" for each in DEFINITIONS if each.kind == "histogram" for end in ("_bucket", "_count", "_sum")}
    asked = set(re.findall(r"\bkimberley_\w+", json.dumps(DASHBOARD) + RULES.read_text(encoding="utf-8")))
    assert asked <= known, asked - known


def test_every_metric_but_those_that_add_nothing_is_on_the_dashboard() -> None:
    asked = set(re.findall(r"\bkimberley_\w+", json.dumps(DASHBOARD)))
    shown = {each.name for each in DEFINITIONS if each.name in asked or f"{each.name}_bucket" in asked}
    assert {each.name for each in DEFINITIONS} - shown == {"kimberley_recovered"}, "that is ready, by partition"
