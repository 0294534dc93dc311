"""The client when things break: the broker goes away, a subscriber is killed in the middle of an alert."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kimberley.client import AlertSubscriber, Publisher, ServiceUnavailableError, UndeliveredError
from kimberley.client.transport import KafkaTransport
from kimberley.embedded import EmbeddedBroker
from support.journeys import journey
from support.stream import count_records, prepared, wait_until
from support.worker import WorkerProcess, environment

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

NUMBERS = [f"BW00040{n}" for n in range(4)]

SUBSCRIBER = """
import os, sys
from kimberley.client import AlertSubscriber

applied = open(sys.argv[1], "a")


def apply(alert):
    applied.write(f"{alert.certificate_number}/{alert.revision}\\n")
    applied.flush()
    if sys.argv[2:] and sum(1 for _ in open(sys.argv[1])) == int(sys.argv[2]):
        print("in hand", flush=True)
        sys.stdin.read()  # until it is killed


with AlertSubscriber(group="desk") as subscriber:
    subscriber.run(apply, timeout=20)
"""


def test_a_broker_that_goes_away_is_said_in_words_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KafkaTransport, "_DELIVERY_MS", 2_000)
    monkeypatch.setattr(KafkaTransport, "_BOOTSTRAP_MS", 2_000)
    with EmbeddedBroker() as broker:
        publisher = Publisher(prepared(broker.bootstrap_servers))
        publisher.publish(journey(NUMBERS[0])[0])
        publisher.publish(journey(NUMBERS[0])[1])
    began = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        publisher.publish(journey(NUMBERS[1])[0])
    with pytest.raises(UndeliveredError, match="4 of 4 events were not delivered"):
        publisher.publish_many(journey(NUMBERS[2]))
    publisher.close()
    assert time.monotonic() - began < 30


def test_a_subscriber_killed_with_an_alert_in_hand_gets_that_one_again_and_no_other(fresh_embedded: str, tmp_path: Path) -> None:
    settings = prepared(fresh_embedded)
    clients = settings.model_copy(update={"session_timeout": 2.0})
    applied = tmp_path / "applied"
    with WorkerProcess(settings, tmp_path) as worker, Publisher(settings) as publisher:
        receipts = publisher.publish_many([event for number in NUMBERS for event in journey(number, found="60.00")])
        wait_until(lambda: count_records(fresh_embedded, "decisions") == len(receipts), 60, "decisions", worker.text)
        wait_until(lambda: len(AlertSubscriber(settings).current()) == len(NUMBERS), 30, "all alerts open")
    command = [sys.executable, "-c", SUBSCRIBER, str(applied)]
    victim = subprocess.Popen([*command, "3"], env=environment(clients), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "in hand\n"
    os.kill(victim.pid, signal.SIGKILL)
    victim.communicate()
    before = applied.read_text().splitlines()
    assert len(before) == 3
    second = subprocess.Popen(command, env=environment(clients))
    try:
        wait_until(lambda: set(applied.read_text().splitlines()) == {f"{number}/1" for number in NUMBERS}, 60, "every alert applied")
    finally:
        second.terminate()
        second.wait(10)
    assert applied.read_text().splitlines()[3] == before[2], "the one in hand comes first, and again"
    assert len(applied.read_text().splitlines()) == len(NUMBERS) + 1, "and it alone"
