"""What a running worker says of itself: ready once recovered, alive while it comes on, and its lag right whatever a log ends with."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kimberley.wire.avro import make_codec
from kimberley.wire.schemas import shipped_schemas
from support.journeys import journey
from support.monitor import Monitored
from support.stream import count_records, event_records, prepared, publish, wait_until
from support.worker import WorkerProcess

INPUTS = ("certificates", "shipments", "kimberley-lineage", "kimberley-rerouted", "kimberley-control")
FOREIGN_ID = 4242


def test_a_worker_counts_what_it_did_and_has_no_lag_then(broker: str, tmp_path: Path) -> None:
    """On real Kafka the forwarded records are followed by transactions' markers, which nobody reads."""
    settings = prepared(broker)
    events = event_records(make_codec(settings), [event for n in range(40) for event in journey(f"BW{n:06d}", found="80.00")])
    publish(broker, events[:80], partition=0)
    publish(broker, events[80:])
    with WorkerProcess(settings, tmp_path) as worker:
        monitored = Monitored(worker)
        monitored.wait_ready()
        wait_until(lambda: monitored.total("kimberley_decisions_total") == len(events), 60, "all decided", worker.text)
        lag = "kimberley_lag_records"
        wait_until(lambda: set(monitored.rows(lag).values()) == {0.0}, 30, "no lag", lambda: str(monitored.rows(lag)))
        assert monitored.rows(lag).keys() == {(str(number), topic) for topic in INPUTS for number in range(4)}
        assert set(monitored.rows("kimberley_lag_seconds").values()) == {0.0}
        forwarded = monitored.total("kimberley_rerouted_total")
        assert 0 < forwarded < 80
        assert monitored.rows("kimberley_events_total")["kimberley-rerouted",] == forwarded
        assert monitored.total("kimberley_events_total") == len(events) + forwarded
        assert monitored.rows("kimberley_alerts_total")["import-mismatch", "HOLD", "OPENED"] == 40
        assert monitored.total("kimberley_end_to_end_seconds_count") == len(events) + forwarded
        batches = monitored.total("kimberley_batch_records_count")
        assert 0 < batches == monitored.total("kimberley_batch_judging_seconds_count")
        # what the clock and a revision set off is delivered, too
        assert batches <= monitored.total("kimberley_delivery_seconds_count")
        assert monitored.total("kimberley_delivery_seconds_sum") > 0
        assert monitored.total("kimberley_event_judging_seconds_sum") > 0
        assert monitored.total("kimberley_cases") == 40
        status, body = monitored.health("live")
        assert (status, body["records_waiting"]) == (200, 0)
        assert worker.terminate(10) == 0, worker.text()


@pytest.mark.slow
@pytest.mark.kafka
def test_partitions_that_go_to_another_worker_leave_the_metrics_and_a_worker_without_any_is_ready(clean_kafka: str, tmp_path: Path) -> None:
    settings = prepared(clean_kafka, partitions=2)
    events = event_records(make_codec(settings), [event for n in range(30) for event in journey(f"BW{n:06d}")])
    publish(clean_kafka, events)
    with WorkerProcess(settings, tmp_path, "first") as first:
        one = Monitored(first)
        one.wait_ready()
        wait_until(lambda: one.total("kimberley_decisions_total") == len(events), 60, "all decided", first.text)
        assert set(one.rows("kimberley_recovery_cases").values()) == {0.0}, "there was nothing to recover"
        cases = one.rows("kimberley_cases")
        with WorkerProcess(settings, tmp_path, "second") as second:
            two = Monitored(second)
            wait_until(lambda: two.total("kimberley_partitions_assigned") == 1, 60, "a share for the second", second.text)
            two.wait_ready()
            wait_until(lambda: one.total("kimberley_partitions_assigned") == 1, 60, "the other share", first.text)
            one.wait_ready()
            (ours,), (theirs,) = (list(each.rows("kimberley_recovered")) for each in (one, two))
            assert {ours, theirs} == {("0",), ("1",)}
            for name in ("kimberley_lag_records", "kimberley_lag_seconds"):
                assert {number for number, _ in one.rows(name)} == set(ours), name
                assert {number for number, _ in two.rows(name)} == set(theirs), name
            assert two.rows("kimberley_recovery_cases") == {theirs: cases[theirs]}
            assert two.total("kimberley_recovery_records") >= cases[theirs]
            assert two.total("kimberley_recovery_seconds") > 0
            assert one.total("kimberley_rebalances_total") >= 2
            with WorkerProcess(settings, tmp_path, "third") as third:
                three = Monitored(third)
                every = (one, two, three)
                wait_until(
                    lambda: (
                        [each.total("kimberley_rebalances_total") for each in every] == [3, 2, 1]
                        and sorted(each.total("kimberley_partitions_assigned") for each in every) == [0, 1, 1]
                    ),
                    60,
                    "three workers for two partitions",
                    third.text,
                )
                for each in every:
                    each.wait_ready()
                idle = next(each for each in every if not each.total("kimberley_partitions_assigned"))
                assert "more workers than there are partitions" in idle.health("ready")[1]["why"]
                assert idle.health("live")[0] == 200
                assert idle.rows("kimberley_lag_records") == {}


class _Registry(BaseHTTPRequestHandler):
    """Gives every schema of ours the same id, and answers for that id only while it is not away."""

    is_away = True
    schema = ""

    def do_POST(self) -> None:
        self._answer(200, {"id": FOREIGN_ID})

    def do_GET(self) -> None:
        if self.is_away:
            self._answer(503, {"message": "being repaired"})
        else:
            self._answer(200, {"schema": self.schema})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Not in the tests' output."""


@contextmanager
def registry(handler: type[_Registry]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_batch_waits_for_the_registry_and_the_worker_lives_on_and_says_so(fresh_embedded: str, tmp_path: Path) -> None:
    class Repaired(_Registry):
        schema = json.dumps(shipped_schemas().current["certificates", "CertificateIssued"])

    (record,) = event_records(make_codec(prepared(fresh_embedded)), journey("BW000001")[:1])
    foreign = record._replace(value=b"\x00" + FOREIGN_ID.to_bytes(4, "big") + record.value[5:])
    with registry(Repaired) as url:
        settings = prepared(fresh_embedded, stalled_seconds=2).model_copy(update={"registry_url": url})
        with WorkerProcess(settings, tmp_path) as worker:
            monitored = Monitored(worker)
            assert [monitored.health(kind)[0] for kind in ("live", "ready")] == [200, 503], "it answers before it has joined its group"
            monitored.wait_ready()
            assert monitored.health("live")[0] == 200
            ((topic, number, _),) = publish(fresh_embedded, [foreign])
            place = str(number), topic
            wait_until(lambda: monitored.rows("kimberley_lag_seconds")[place] >= 3, 30, "longer than it may stand still", worker.text)
            status, body = monitored.health("live")
            assert (status, body["why"], body["records_waiting"]) == (200, f"partition {number} waits for the schema registry", 1)
            assert monitored.total("kimberley_worker_live") == 1, "to start it anew would not bring the registry back"
            assert monitored.rows("kimberley_lag_records")[place] == 1
            Repaired.is_away = False
            wait_until(lambda: count_records(fresh_embedded, "decisions") == 1, 60, "its decision", worker.text)
            assert monitored.total("kimberley_lag_seconds") == 0


def test_a_worker_whose_monitor_is_off_works(fresh_embedded: str, tmp_path: Path) -> None:
    settings = prepared(fresh_embedded, monitor_port=-1)
    events = event_records(make_codec(settings), journey("BW000001"))
    publish(fresh_embedded, events)
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: count_records(fresh_embedded, "decisions") == len(events), 60, "all decided", worker.text)
        assert worker.monitor() == ""
        assert worker.terminate(10) == 0, worker.text()
