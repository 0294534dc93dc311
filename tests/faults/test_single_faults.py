"""Each fault by itself, dealt to real workers while events flow: the stream goes on and comes to what `check` says."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from support.compared import compare, settle
from support.faulty import Faulty
from support.storm import FAULTS, Storm
from support.stream import read_topic, wait_until
from support.supervisor import Supervisor
from support.trade import Feed, Trade
from support.watch import Watch
from support.worker import WorkerProcess, environment

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.slow]

LONGER_THAN_EVERY_TIMEOUT = 100.0
"""Clients wait 40 s for an answer, the group's member 90 s, a transaction 60 s, a recovery that does not come on 60 s."""


@pytest.mark.endurance
@pytest.mark.parametrize("kind", sorted(FAULTS.keys() - {"stop"}))
def test_after_a_fault_the_stream_goes_on_and_comes_to_what_check_says(faulty: Faulty, trade: Trade, tmp_path: Path, kind: str) -> None:
    settings = faulty.settings()
    report = Storm(faulty, settings, trade, tmp_path).run({kind: 2})
    assert not report.compared.problems, report
    assert set(report.statuses) <= {0, 3}, report.logs


@pytest.mark.endurance
def test_sigterm_brings_no_rework_for_no_transaction_is_given_up(faulty: Faulty, trade: Trade, tmp_path: Path) -> None:
    settings = faulty.settings(batch_records=200)
    report = Storm(faulty, settings, trade, tmp_path).run({"stop": 2})
    assert not report.compared.problems, report
    assert report.statuses == {0: 4}, report.logs
    assert len(read_topic(faulty.broker, "decisions", committed=False)) == len(read_topic(faulty.broker, "decisions"))


@pytest.mark.endurance
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["refuse", "black_hole"])
def test_a_broker_away_for_longer_than_every_timeout_is_waited_for_and_nothing_is_lost(
    faulty: Faulty, trade: Trade, tmp_path: Path, how: str
) -> None:
    """Whether a worker tries on or ends with status 3 and is started again: its supervisor and time suffice."""
    settings = faulty.settings()
    feed = Feed(settings, faulty.broker, trade)
    with Watch(settings, faulty.broker) as watch, Supervisor(settings, tmp_path) as supervisor, feed.running():
        feed.go_on_to(len(trade) // 2)
        watch.reaches(len(trade) // 4, 60, "events flow", supervisor.text)
        getattr(faulty.proxy, how)()
        time.sleep(LONGER_THAN_EVERY_TIMEOUT)
        feed.go_on_to(len(trade))
        faulty.proxy.pass_on()
        back = watch.moved_again(time.monotonic(), 120, how)
        settle(settings, faulty.broker, trade, 120, supervisor.text)
        ended = [each.status for each in supervisor.ended]
        print(f"{how}: workers ended with {ended}, every partition moves {back:.1f} s after the broker is back")
        assert set(ended) <= {3}, supervisor.text()
        assert set(supervisor.stop()) == {0}, supervisor.text()
    assert not compare(settings, faulty.broker, trade).problems


@pytest.mark.endurance
def test_offsets_that_expired_while_records_wait_bring_no_rework(faulty: Faulty, trade: Trade, tmp_path: Path) -> None:
    """Kafka forgets the offsets of a group that nobody was in for a week; how far the cases reach stands with the cases."""
    settings = faulty.settings()
    feed = Feed(settings, faulty.broker, trade)
    with Supervisor(settings, tmp_path) as supervisor, feed.running():
        with Watch(settings, faulty.broker) as watch:
            feed.go_on_to(len(trade) // 2)
            watch.reaches(len(trade) // 4, 60, "events flow", supervisor.text)
        with supervisor.all_down(), KafkaAdminClient(bootstrap_servers=faulty.broker) as admin:
            feed.go_on_to(len(trade))
            wait_until(lambda: feed.published == len(trade), 60, "everything published")
            assert admin.delete_groups([settings.prefix]) == {settings.prefix: "OK"}
        settle(settings, faulty.broker, trade, 90, supervisor.text)
        assert set(supervisor.stop()) == {0}, supervisor.text()
    assert not compare(settings, faulty.broker, trade).problems


def test_a_worker_whose_disk_is_full_works_as_ever_for_it_keeps_nothing_there(faulty: Faulty, trade: Trade) -> None:
    settings = faulty.settings()
    variables = environment(settings)
    variables.pop("COVERAGE_PROCESS_CONFIG", None)  # which would write a file
    command = [sys.executable, "-m", "kimberley", "worker"]
    feed = Feed(settings, faulty.broker, trade)
    with Watch(settings, faulty.broker) as watch, feed.running():
        full = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            feed.go_on_to(len(trade) // 2)
            watch.reaches(len(trade) // 4, 60, "events flow")
            resource.prlimit(full.pid, resource.RLIMIT_FSIZE, (0, 0))
            feed.go_on_to(len(trade))
            settle(settings, faulty.broker, trade, 90)
        finally:
            full.terminate()
            status = full.wait(20)
    assert status == 0
    assert not compare(settings, faulty.broker, trade).problems


def test_a_topic_that_has_grown_is_refused_with_what_to_do_and_nothing_is_judged(faulty: Faulty, trade: Trade, tmp_path: Path) -> None:
    settings = faulty.settings(partitions=2)
    with KafkaAdminClient(bootstrap_servers=faulty.broker) as admin:
        admin.create_partitions({"certificates": 3})
    with WorkerProcess(settings, tmp_path) as worker:
        assert worker.process.wait(60) == 2, worker.text()
    for words in ("certificates has 3 partitions, the settings say 2", "must be made anew and filled again"):
        assert words in worker.text()
    assert not worker.says("worker_starting")


@pytest.mark.endurance
def test_a_topic_that_grows_under_a_running_worker_ends_it_with_what_to_do(faulty: Faulty, trade: Trade, tmp_path: Path) -> None:
    """Its consumer hears of it within half a minute."""
    settings = faulty.settings()
    feed = Feed(settings, faulty.broker, trade)
    with Watch(settings, faulty.broker) as watch, WorkerProcess(settings, tmp_path) as worker, feed.running():
        feed.go_on_to(len(trade) // 2)
        watch.reaches(len(trade) // 2, 60, "events flow", worker.text)
        with KafkaAdminClient(bootstrap_servers=faulty.broker) as admin:
            admin.create_partitions({"shipments": settings.partitions + 1})
        assert worker.process.wait(90) == 2, worker.text()
        assert "shipments has grown" in worker.text()
        assert "make the topic anew with as many partitions as before" in worker.text()
