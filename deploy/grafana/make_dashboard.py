"""Makes `dashboards/kimberley.json`; `make docs` runs it. Panels are listed row by row; the rest of Grafana's JSON is always the same."""

import json
from itertools import count
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "dashboards" / "kimberley.json"

Panel = dict[str, Any]
_DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
_WIDTH = 24
_COLORS = {
    "{{outcome}}": {"ACCEPTED": "green", "DUPLICATE": "text", "CONFLICT": "orange", "REFUSED": "red"},
    "{{severity}}": {"BLOCK": "dark-red", "HOLD": "orange", "REVIEW": "yellow", "INFO": "blue"},
}


def targets(queries: dict[str, str], instant: bool = False) -> list[dict[str, Any]]:
    """Queries by their legend."""
    return [
        {"refId": chr(ord("A") + index), "datasource": _DATASOURCE, "expr": query, "legendFormat": legend, "instant": instant}
        for index, (legend, query) in enumerate(queries.items())
    ]


def panel(kind: str, title: str, description: str, queries: dict[str, str], unit: str, **more: Any) -> Panel:
    """What every panel has."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": _DATASOURCE,
        "fieldConfig": {"defaults": {"unit": unit, **more.pop("defaults", {})}, "overrides": more.pop("overrides", [])},
        "targets": more.pop("targets", None) or targets(queries),
        **more,
    }


def light(title: str, description: str, queries: dict[str, str], unit: str, steps: dict[float | None, str]) -> Panel:
    """A number on a ground whose colour says whether it is well. `steps`: from which value on which colour; None: from the lowest."""
    thresholds = {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps.items()]}
    options = {
        "colorMode": "background",
        "graphMode": "area",
        "textMode": "value_and_name" if len(queries) > 1 else "value",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    defaults = {"color": {"mode": "thresholds"}, "thresholds": thresholds, "noValue": "no worker tells"}
    return panel("stat", title, description, queries, unit, options=options, defaults=defaults)


def graph(title: str, description: str, queries: dict[str, str], unit: str = "short", stacked: bool = False) -> Panel:
    """Lines over time."""
    custom = {"fillOpacity": 20 if stacked else 5, "showPoints": "never", "stacking": {"mode": "normal" if stacked else "none"}}
    known = [name for label, names in _COLORS.items() if label in queries for name in names.items()]
    overrides = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}
        for name, color in known
    ]
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    defaults = {"custom": custom, "min": 0}
    return panel("timeseries", title, description, queries, unit, options=options, defaults=defaults, overrides=overrides)


def table(title: str, description: str, query: str, columns: dict[str, str]) -> Panel:
    """What is so now, a row for each series; `columns`: labels and their headings."""
    hidden = {"Time": True, "Value": True, "__name__": True, "job": True}
    order = {name: index for index, name in enumerate(columns)}
    organise = {"id": "organize", "options": {"excludeByName": hidden, "renameByName": columns, "indexByName": order}}
    asked = [{**each, "format": "table"} for each in targets({"": query}, instant=True)]
    return panel("table", title, description, {}, "short", targets=asked, transformations=[organise])


def rate(metric: str, by: str = "", per: str = "s", where: str = "") -> str:
    """How much a counter grows, a second or a minute."""
    grouped = f"sum by ({by}) " if by else "sum"
    return f"{grouped}(rate({metric}{where}[$__rate_interval])){' * 60' if per == 'min' else ''}"


def quantiles(histogram: str, *shares: float) -> dict[str, str]:
    """Queries for some shares: half of all, 99 of 100."""
    return {
        f"{share * 100:g} %": f"histogram_quantile({share:g}, sum by (le) (rate({histogram}_bucket[$__rate_interval])))" for share in shares
    }


WELL = [
    light(
        "Workers",
        "Ready: partitions assigned and their cases recovered. Up: running at all.",
        {"ready": "sum(kimberley_worker_ready) or vector(0)", "up": "sum(kimberley_worker_up) or vector(0)"},
        "none",
        {None: "red", 1: "green"},
    ),
    light(
        "Standing still",
        "Workers with records that wait while none is applied; their /health/live says where and since when.",
        {"": "sum(1 - kimberley_worker_live) or vector(0)"},
        "none",
        {None: "green", 1: "red"},
    ),
    light(
        "Oldest unjudged event",
        "Age of the oldest record that waits, over all partitions; 0: all that came is judged.",
        {"": "max(kimberley_lag_seconds)"},
        "s",
        {None: "green", 60: "orange", 300: "red"},
    ),
    light(
        "Dead letters, last hour",
        "Records that could not be read: kimberley dead-letters list",
        {"": "sum(increase(kimberley_dead_letters_total[1h]))"},
        "none",
        {None: "green", 0.5: "orange"},
    ),
    light(
        "Rule errors, last hour",
        "A rule failed on a case; the others judged it. The log has the event's id.",
        {"": "sum(increase(kimberley_rule_errors_total[1h]))"},
        "none",
        {None: "green", 0.5: "red"},
    ),
    light("Events", "Read and answered.", {"": rate("kimberley_events_total")}, "eps", {None: "blue"}),
]

ROWS: dict[str, list[Panel]] = {
    "The stream": [
        graph("Events read", "By the topic they were read from.", {"{{topic}}": rate("kimberley_events_total", "topic")}, "eps", True),
        graph("Decisions", "By outcome.", {"{{outcome}}": rate("kimberley_decisions_total", "outcome")}, "eps", True),
        graph("Records that wait", "Lag of each topic, over its partitions.", {"{{topic}}": "sum by (topic) (kimberley_lag_records)"}),
        graph("How old they are", "Of each topic's partitions the worst.", {"{{topic}}": "max by (topic) (kimberley_lag_seconds)"}, "s"),
    ],
    "Alerts": [
        graph(
            "Opened a minute, by rule",
            "Alerts, not their later revisions.",
            {"{{rule}}": rate("kimberley_alerts_total", "rule", "min", '{status="OPENED"}')},
            stacked=True,
        ),
        graph(
            "Opened a minute, by severity",
            "Alerts, not their later revisions.",
            {"{{severity}}": rate("kimberley_alerts_total", "severity", "min", '{status="OPENED"}')},
            stacked=True,
        ),
        graph("Revisions a minute", "By status.", {"{{status}}": rate("kimberley_alerts_total", "status", "min")}, stacked=True),
    ],
    "How long it takes": [
        graph(
            "From record to committed result",
            "From a record's timestamp until its decision can be read.",
            quantiles("kimberley_end_to_end_seconds", 0.5, 0.95, 0.99),
            "s",
        ),
        graph("Judging an event", "Without sending.", quantiles("kimberley_event_judging_seconds", 0.5, 0.99), "s"),
        graph("Judging a batch", "Without sending.", quantiles("kimberley_batch_judging_seconds", 0.5, 0.99), "s"),
        graph("Delivering a batch", "Its transaction, where there is one.", quantiles("kimberley_delivery_seconds", 0.5, 0.99), "s"),
        graph("Records in a batch", "Few where little comes.", quantiles("kimberley_batch_records", 0.5, 0.99)),
    ],
    "Faults": [
        graph("Dead letters a minute", "By stage.", {"{{stage}}": rate("kimberley_dead_letters_total", "stage", "min")}),
        graph(
            "Rule errors a minute", "The five worst rules.", {"{{rule}}": f"topk(5, {rate('kimberley_rule_errors_total', 'rule', 'min')})"}
        ),
        graph(
            "Re-routed a minute", "Sent with a wrong key or to a wrong partition.", {"records": rate("kimberley_rerouted_total", "", "min")}
        ),
        graph(
            "Left out a minute",
            "Events refused, messages and alerts left out: a certificate's case is full, the log says whose.",
            {"{{what}}": rate("kimberley_left_out_total", "what", "min")},
        ),
    ],
    "Workers": [
        graph("Partitions", "Partition numbers of each worker.", {"{{instance}}": "kimberley_partitions_assigned"}, "none"),
        graph("Cases held", "In the memory of each worker.", {"{{instance}}": "sum by (instance) (kimberley_cases)"}, "none"),
        graph(
            "Deadlines waiting",
            "Cases that time alone may change.",
            {"{{instance}}": "sum by (instance) (kimberley_deadlines_waiting)"},
            "none",
        ),
        graph(
            "Stream's clock behind",
            "How far the slowest partition's clock is behind the time of day: a minute or two live, years where history is fed in.",
            {"{{instance}}": "time() - min by (instance) (kimberley_clock_timestamp_seconds)"},
            "s",
        ),
        graph(
            "Recovery",
            "How long the slowest partition of each worker took at its last start or rebalance, or has taken so far.",
            {"{{instance}}": "max by (instance) (kimberley_recovery_seconds)"},
            "s",
        ),
        graph(
            "Cases recovered",
            "At the last start or rebalance.",
            {
                "{{instance}}: cases": "sum by (instance) (kimberley_recovery_cases)",
                "{{instance}}: records read": "sum by (instance) (kimberley_recovery_records)",
            },
            "none",
        ),
        graph("Rebalances in ten minutes", "Many: workers come and go.", {"{{instance}}": "increase(kimberley_rebalances_total[10m])"}),
        graph("Memory", "Resident.", {"{{instance}}": 'process_resident_memory_bytes{job="kimberley"}'}, "bytes"),
        graph("Processor", "1: one core.", {"{{instance}}": 'rate(process_cpu_seconds_total{job="kimberley"}[$__rate_interval])'}),
        graph("Up since", "Time since each worker started.", {"{{instance}}": "time() - kimberley_worker_start_time_seconds"}, "s"),
        table(
            "In force",
            "Every worker should show the same, but for the moment in which something new comes.",
            "kimberley_worker_info * on (instance) group_left (revision) kimberley_reference_info"
            " * on (instance) group_left (rulebook) kimberley_rulebook_info",
            {
                "instance": "worker",
                "version": "version",
                "group": "consumer group",
                "delivery": "delivery",
                "revision": "reference data",
                "rulebook": "rulebook",
            },
        ),
    ],
}


def placed(panels: list[Panel], top: int, across: int, height: int) -> list[Panel]:
    """Panels side by side, so many in a line; the last line is filled."""
    found = []
    for start in range(0, len(panels), across):
        line = panels[start : start + across]
        width = _WIDTH // len(line)
        for index, each in enumerate(line):
            found.append({**each, "gridPos": {"x": index * width, "y": top + start // across * height, "w": width, "h": height}})
    return found


def dashboard() -> dict[str, Any]:
    """The whole of it."""
    panels = placed(WELL, 0, len(WELL), 5)
    for title, row in ROWS.items():
        top = panels[-1]["gridPos"]["y"] + panels[-1]["gridPos"]["h"]
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": top, "w": _WIDTH, "h": 1}})
        panels += placed(row, top + 1, 4 if len(row) == 4 else 3, 8)
    numbers = count(1)
    return {
        "uid": "kimberley",
        "title": "Kimberley: the stream",
        "description": "Top row: whether all is well. Below: why not.",
        "tags": ["kimberley"],
        "timezone": "utc",
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": [{"id": next(numbers), **each} for each in panels],
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
