"""What deploy/ says to Prometheus and Grafana, on a real Prometheus: files that it takes, alerts that ring, no panel without data."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from kimberley.history.simulation import simulate
from kimberley.wire.avro import make_codec
from kimberley.wire.event_records import EventRecord
from support.journeys import journey
from support.monitor import Monitored
from support.prometheus import DEPLOY, RealPrometheus, panel_queries, promtool
from support.stream import event_records, prepared, publish, wait_until
from support.worker import WorkerProcess

pytestmark = pytest.mark.prometheus

DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "kimberley.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text(encoding="utf-8"))


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    for kind, name in (("config", "prometheus.yml"), ("rules", "prometheus-rules.yml")):
        checked = promtool("check", kind, DEPLOY / name)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@dataclass(frozen=True)
class Ringing:
    """On which series (a value a minute, in promtool's notation) an alert rings after so long, with these labels; and when not yet."""

    series: dict[str, str]
    after: str
    quiet_at: str
    labels: dict[str, str] = field(default_factory=dict)


WORKER = 'instance="w:9464",job="kimberley"'
ALERTS = {
    "NoWorkerUp": Ringing({f"kimberley_worker_up{{{WORKER}}}": "1x3 _x20"}, "12m", "3m"),
    "WorkerDown": Ringing({f"up{{{WORKER}}}": "1x3 0x20"}, "8m", "3m"),
    "WorkerStandsStill": Ringing({f"kimberley_worker_live{{{WORKER}}}": "1x3 0x20"}, "6m", "3m"),
    "WorkerNotReady": Ringing({f"kimberley_worker_ready{{{WORKER}}}": "0x30"}, "11m", "9m"),
    "LagGrows": Ringing(
        {f'kimberley_lag_seconds{{topic="shipments",partition="3",{WORKER}}}': "0x5 0+60x30"}, "20m", "8m", {"partition": "3"}
    ),
    "DeadLetters": Ringing({f'kimberley_dead_letters_total{{stage="frame",{WORKER}}}': "0x5 1x20"}, "7m", "4m", {"stage": "frame"}),
    "RuleErrors": Ringing({f'kimberley_rule_errors_total{{rule="expired",{WORKER}}}': "0x5 1x20"}, "7m", "4m", {"rule": "expired"}),
}


def test_every_alert_is_tried() -> None:
    assert [rule["alert"] for group in RULES["groups"] for rule in group["rules"]] == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_rings_for_its_reason_and_not_before(name: str, tmp_path: Path) -> None:
    tried = ALERTS[name]
    assert rings(name, tried.after, tried, tmp_path)
    assert not rings(name, tried.quiet_at, tried, tmp_path)


def rings(name: str, at: str, tried: Ringing, folder: Path) -> bool:
    """Whether an alert rings at a time. promtool says only whether it rings as expected: it is asked whether nothing does."""
    test: dict[str, Any] = {
        "rule_files": [str(DEPLOY / "prometheus-rules.yml")],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in tried.series.items()],
                "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": []}],
            }
        ],
    }
    file = folder / f"{name}-{at}.yml"
    file.write_text(yaml.safe_dump(test), encoding="utf-8")
    checked = promtool("test", "rules", file)
    said = checked.stdout + checked.stderr
    if checked.returncode == 0:
        return False
    assert f"alertname: {name}" in said, said
    assert all(f'{label}="{value}"' in said for label, value in tried.labels.items()), said
    return True


@pytest.mark.slow
@pytest.mark.embedded
def test_no_panel_of_the_dashboard_is_empty_while_a_worker_works_through_a_trade_with_all_faults(
    fresh_embedded: str, tmp_path: Path
) -> None:
    settings = prepared(fresh_embedded)
    codec = make_codec(settings)
    good = event_records(codec, simulate(seed=1, days=21))
    bad: list[EventRecord] = [
        good[0]._replace(value=b"nothing of ours"),
        good[0]._replace(value=b"\x00\x00\x00\x00\x01rest"),
        good[0]._replace(value=good[0].value[:-9]),
    ]
    lost = event_records(codec, [event for number in range(20) for event in journey(f"BW{number:06d}")[:1]])
    with WorkerProcess(settings, tmp_path) as worker:
        monitored = Monitored(worker)
        with RealPrometheus(monitored.url.removeprefix("http://")) as prometheus:
            monitored.wait_ready()
            wait_until(lambda: prometheus.query("kimberley_worker_ready == 1"), 30, "a first look at the ready worker")
            publish(fresh_embedded, good + bad)
            publish(fresh_embedded, lost, partition=0)
            answered = len(good) + len(lost) + len(bad)
            ends = ("kimberley_decisions_total", "kimberley_dead_letters_total")
            wait_until(lambda: sum(map(monitored.total, ends)) == answered, 60, "all answered", worker.text)
            for title, query in panel_queries(DASHBOARD):
                wait_until(lambda query=query: has_data(prometheus, query), 20, f"data of the panel {title!r}: {query}")
            for query in (
                "sum(increase(kimberley_dead_letters_total[1h])) > 2",
                "sum(rate(kimberley_rerouted_total[1m])) > 0",
                "sum(rate(kimberley_events_total[1m])) > 1",
                'sum(rate(kimberley_alerts_total{status="OPENED"}[1m])) > 0',
                'ALERTS{alertname="DeadLetters", alertstate="firing", stage="frame"}',
            ):
                wait_until(lambda query=query: prometheus.query(query), 20, query)
            assert not prometheus.query('ALERTS{alertname!="DeadLetters"}'), "and nothing else rings"
        assert worker.terminate(10) == 0, worker.text()


def has_data(prometheus: RealPrometheus, query: str) -> bool:
    """Whether there is at least one series, and each has a number."""
    found = prometheus.query(query)
    return bool(found) and not any(math.isnan(value) for _, value in found)
