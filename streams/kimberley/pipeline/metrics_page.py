"""`docs/operator-metrics.md`, made of the definitions: `python -m kimberley.pipeline.metrics_page` prints it."""

import click

from kimberley.pipeline.metrics import DEFINITIONS
from kimberley.settings import Settings

_SETTINGS = ("monitor_host", "monitor_port", "stalled_seconds")
_PAGE = """\
# Metrics and health of a worker

Every worker serves them by HTTP, from its start (recovery included) to its stop. This page is made of the code: `make docs`.

| setting | default | |
|---|---|---|
{settings}

- `/metrics`: what Prometheus reads, in its text form or as OpenMetrics.
- `/health/live`, for whoever restarts workers: 200 while records are applied, or none waits, or recovery comes on. 503 once something has
  stood still for KIMBERLEY_STALLED_SECONDS, or the group has assigned nothing for that long and a rebalance's time more.
- `/health/ready`: 200 once the group has given the worker its share, be it none, and the cases of its partitions are back. 503 until then
  and while the group rebalances.

Both say why in words, as JSON: `why`, and for what stands still `topic`, `partition`, `records` and `since`.

`deploy/prometheus.yml` scrapes, `deploy/prometheus-rules.yml` alerts, `deploy/grafana/dashboards/kimberley.json` shows.

## Metrics

Counters start at 0 for every value that a label is known to have; a value that nobody foresaw counts as `other`. The series of a
partition are gone once the worker no longer has it. The process's memory and processor time (`process_…`) are there too.

| metric | kind | labels | what it says |
|---|---|---|---|
{metrics}
"""


def metrics_page() -> str:
    """The page, in Markdown."""
    settings = (
        f"| `KIMBERLEY_{name.upper()}` | `{Settings.model_fields[name].default}` | {Settings.model_fields[name].description} |"
        for name in _SETTINGS
    )
    metrics = (
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{label}`' for label in each.labels)} | {each.help} |" for each in DEFINITIONS
    )
    return _PAGE.format(settings="\n".join(settings), metrics="\n".join(metrics))


if __name__ == "__main__":
    click.echo(metrics_page(), nl=False)
