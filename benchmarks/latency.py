"""From publishing an event to reading its alert, committed, while events come at a fixed rate.

Open loop: each event has a time at which it is to be sent, whatever became of those before it, and its latency counts from there, so that
a stall of anyone counts for every event that was due meanwhile. Publisher and subscriber are threads of one process, by one clock.
"""

import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.figures import Found, percentile
from benchmarks.harness import MeasureFailedError, rate_of, send, trade, tried, wait, wait_for_records
from benchmarks.scale import share_of
from benchmarks.sizes import MOST_SECONDS, Sizes
from kimberley.settings import Settings
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.event_records import EventRecord, event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import DECISIONS, FLAGGED_SHIPMENTS
from support.kafka import RealKafka
from support.stream import prepared
from support.worker import WorkerProcess

_RATE = 1000.0
_ONE_IN = 10
"""So often an event comes that raises an alert."""
_WARM_SECONDS = 2.0
"""At the start of each rate, not counted."""
_MOST_EVENTS = 40_000
_STILL_SECONDS = 0.5
"""After an alert on the last event, for those on it that may still come."""
_QUIET_SECONDS = 10.0


def measure(sizes: Sizes, rounds: int, maximum: float | None) -> Found:
    """All rounds, by one worker. `maximum`: events a second of the pipeline; None: those of the events that warm it up."""
    found = Found()
    with tempfile.TemporaryDirectory() as name, RealKafka() as kafka:
        settings = prepared(kafka.bootstrap_servers)
        codec = make_codec(settings)
        with WorkerProcess(settings, Path(name)) as worker:
            wait(lambda: len(share_of(worker)) == settings.partitions, "its partitions", [worker])
            began = time.time()
            send(kafka.bootstrap_servers, trade(sizes.share))
            wait_for_records(kafka.bootstrap_servers, DECISIONS, settings.partitions, sizes.share, [worker])
            half = (maximum or rate_of(kafka.bootstrap_servers, DECISIONS, sizes.share, began)) / 2
            begin, flagged = sizes.share, 0
            for number in range(rounds):
                for rate, suffix in ((_RATE, ""), (half, "_half_rate")):
                    # a broker that has just been started takes thrice the time, until its compiler has been at the ways of small requests
                    warm = int(rate * (_WARM_SECONDS if number or suffix else max(_WARM_SECONDS, sizes.warm_seconds)))
                    count = warm + min(int(rate * sizes.latency_seconds), _MOST_EVENTS)
                    records, watched = _mixed(codec, trade(begin + count)[begin:], flagged, warm)
                    begin, flagged = begin + len(records), flagged + len(records)
                    with tried(found, f"latency at {rate:,.0f} events/s", MOST_SECONDS):
                        latencies = _latencies(settings, codec, records, watched, rate)
                        p50, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
                        click.echo(f"  {rate:,.0f} events/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(latencies)} alerts")
                        found.figures.setdefault(f"latency_ms_p50{suffix}", []).append(p50)
                        found.figures.setdefault(f"latency_ms_p99{suffix}", []).append(p99)
            worker.terminate(15)
    found.facts["latency_half_rate_events_per_s"] = round(half)
    return found


def _mixed(codec: Codec, records: Sequence[EventRecord], number: int, warm: int) -> tuple[list[EventRecord], dict[str, int]]:
    """The records with one in ten replaced by one that raises an alert; of these, after the first `warm` records, the event id and where
    it stands. `number`: of the first certificate.
    """
    mixed = list(records)
    watched: dict[str, int] = {}
    for place in range(0, len(mixed), _ONE_IN):
        event_id = str(uuid.uuid4())
        mixed[place] = event_record(codec, *record_from_json(_suspended(f"CF{number + place:06d}", event_id)))
        if place >= warm:
            watched[event_id] = place
    return mixed, watched


def _suspended(number: str, event_id: str) -> dict[str, Any]:
    """A certificate that an issuer under suspension gave out."""
    return {
        "type": "CertificateIssued",
        "event_id": event_id,
        "occurred_at": "2014-03-04T09:30:00Z",
        "authority": "CF",
        "certificate_number": number,
        "issued_on": "2014-03-04",
        "expires_on": "2014-04-29",
        "destination": "EU",
        "exporter": {"name": "Exporter"},
        "importer": {"name": "Importer"},
        "mixed_origin": False,
        "origins": ["CF"],
        "parcels": [{"hs_code": "7102.31", "carats": "312.40", "value_usd": "60000.00"}],
        "parcel_count": 1,
        "carats": "312.40",
        "value_usd": "60000.00",
    }


def _latencies(settings: Settings, codec: Codec, records: Sequence[EventRecord], watched: dict[str, int], rate: float) -> list[float]:
    """Seconds of each watched event, until the last of its alerts. Raises MeasureFailedError where one has none."""
    last: dict[str, float] = {}
    published, ready = threading.Event(), threading.Event()

    def take(at: float, value: bytes) -> bool:
        event_id = codec.decode(FLAGGED_SHIPMENTS, value)[1]["event_id"]
        if event_id in watched:
            last[event_id] = at
        return len(last) == len(watched)

    subscriber = threading.Thread(target=_subscribe, args=(settings, take, ready, published), daemon=True)
    subscriber.start()
    if not ready.wait(30):
        raise MeasureFailedError("the subscriber did not come up")
    began = _publish(settings, records, rate)
    published.set()
    subscriber.join(60)
    if len(last) < len(watched):
        raise MeasureFailedError(f"at {rate:,.0f} events/s: alerts on {len(last)} of {len(watched)} events")
    return [at - (began + watched[event_id] / rate) for event_id, at in last.items()]


def _publish(settings: Settings, records: Sequence[EventRecord], rate: float) -> float:
    """Send each at its time; when the first was due."""
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers, "partitioner": "murmur2_random", "acks": "all", "linger.ms": 1})
    producer.list_topics(timeout=10)
    began = time.monotonic() + 0.1
    for place, record in enumerate(records):
        due = began + place / rate
        while (left := due - time.monotonic()) > 0:
            producer.poll(0)
            time.sleep(min(left, 0.01))
        producer.produce(record.topic, key=record.key, value=record.value, headers=list(record.headers))
    if producer.flush(60):
        raise MeasureFailedError(f"at {rate:,.0f} events/s: not all events were published")
    return began


def _subscribe(settings: Settings, take: Callable[[float, bytes], bool], ready: threading.Event, published: threading.Event) -> None:
    """Take every alert from now on with the time at which it came, until all is published and `take` says that it has all of them."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": "latency",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    places = [TopicPartition(FLAGGED_SHIPMENTS, number) for number in range(settings.partitions)]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    consumer.poll(0.5)
    ready.set()
    came, has_all = time.monotonic(), False
    while not published.is_set() or time.monotonic() - came < (_STILL_SECONDS if has_all else _QUIET_SECONDS):
        message = consumer.poll(0.1)
        if message is not None and not message.error():
            came = time.monotonic()
            has_all = take(came, message.value() or b"")
    consumer.close()
