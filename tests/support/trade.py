"""A trade that is published while things break: what goes in, what `check` says of it, and a feed that does not tire."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from kafka import KafkaProducer

from kimberley.cases.check import EventInput, check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.wire.avro import Codec
from kimberley.wire.control import Control, control_value
from kimberley.wire.event_records import EventRecord
from kimberley.wire.topics import InternalNames
from support.stream import event_records

_UNREADABLE_EVERY = 61
_PATIENCE_SECONDS = 300


@dataclass
class Trade:
    """Records in the order in which they are sent, those unreadable among them; `clock`: the time of day after each, milliseconds."""

    records: list[EventRecord]
    clock: list[int]
    unreadable: int
    open_ids: set[str]
    as_of: int

    def __len__(self) -> int:
        return len(self.records)


def make_trade(codec: Codec, events: int, *, start: date = date(2024, 10, 7), as_of: int | None = None, seed: int = 31) -> Trade:
    """So many events of a simulated trade, and among them records that nobody can read; what `check` finds open at the end.

    `as_of`: the clock at the end, milliseconds; None: the latest event's.
    """
    # within some months, all of them past: what lies later than its record is refused
    chosen: list[dict[str, Any]] = list(islice(simulate(seed, start, days=400, certificates_per_day=max(120, events // 600)), events))
    inputs = [as_input(event, Origin("file", 0, line)) for line, event in enumerate(chosen)]
    report = check(inputs, Policy(shipped_reference(), shipped_bundle(), shipped_rulebook()), as_of, afresh=True)
    records: list[EventRecord] = []
    clock: list[int] = []
    now, noise = 0, random.Random(seed)
    for index, (each, record) in enumerate(zip(inputs, event_records(codec, chosen), strict=True)):
        if isinstance(each, EventInput):
            now = max(now, each.event.occurred_at)
        if index % _UNREADABLE_EVERY == 0:
            records.append(_unreadable(record, noise))
            clock.append(now)
        records.append(record)
        clock.append(now)
    open_ids = {alert.alert_id for alert in report.open_alerts}
    return Trade(records, clock, len(records) - len(chosen), open_ids, report.as_of)


def _unreadable(record: EventRecord, noise: random.Random) -> EventRecord:
    """A record that dies: no Avro, a schema that nobody knows, or cut off."""
    value = noise.choice((noise.randbytes(40), b"\x00" + (1_000_000_007).to_bytes(4, "big") + record.value[5:], record.value[:-3]))
    mark = ("x-sent-as", noise.randbytes(8))  # a header of the sender's own, which is no UTF-8 either
    return EventRecord(record.topic, record.key, value, [*record.headers, mark])


class Feed:
    """Publishes a trade in portions, each acknowledged, as far and as fast as it is told, and the stream's clock with them.

    It goes by the broker's own address, not by a proxy, and tries on while that is away.
    """

    def __init__(self, settings: Settings, broker: str, trade: Trade, *, portion: int = 100, told_every: int = 20) -> None:
        self.published = 0
        self.problem: BaseException | None = None
        self._settings = settings
        self._trade = trade
        self._portion = portion
        self._told_every = told_every
        self._broker = broker
        self._target = 0
        self._per_second = float("inf")
        self._told = threading.Event()
        self._over = False

    @contextmanager
    def running(self) -> Iterator["Feed"]:
        """Publish on a thread beside whatever happens meanwhile; at the end of the context all that is left goes out."""
        thread = threading.Thread(target=self._work, name="feed", daemon=True)
        thread.start()
        try:
            yield self
            self.go_on_to(len(self._trade))
        except BaseException:
            self._over = True
            raise
        finally:
            self._told.set()
            thread.join(_PATIENCE_SECONDS)
        if self.problem is not None:
            raise self.problem
        assert self.published == len(self._trade), f"{self.published:,} of {len(self._trade):,} records were published in time"

    def publish_all(self) -> None:
        """At once."""
        with self.running():
            pass

    def go_on_to(self, records: int, per_second: float = float("inf")) -> None:
        """Publish until so many are out, at this rate."""
        self._target, self._per_second = records, per_second
        self._told.set()

    def _work(self) -> None:
        try:
            self._publish()
        except BaseException as problem:
            self.problem = problem

    def _publish(self) -> None:
        options: dict[str, Any] = {"acks": "all", "linger_ms": 5, "batch_size": 200_000, "reconnect_backoff_max_ms": 500}
        producer = KafkaProducer(bootstrap_servers=self._broker, delivery_timeout_ms=_PATIENCE_SECONDS * 1000, **options)
        portions = 0
        try:
            while self.published < len(self._trade) and not self._over:
                if self.published >= self._target:
                    self._told.wait()
                    self._told.clear()
                    continue
                rows = self._trade.records[self.published : min(self.published + self._portion, self._target)]
                self._send(producer, [(row.topic, row.key, row.value, row.headers, None) for row in rows])
                self.published += len(rows)
                portions += 1
                if portions % self._told_every == 0:
                    self.tell(producer, self._trade.clock[self.published - 1])
                time.sleep(len(rows) / self._per_second)
            self.tell(producer, self._trade.as_of)
        finally:
            producer.close()

    def tell(self, producer: KafkaProducer, clock: int) -> None:
        """Set the stream's clock."""
        value = control_value(Control(clock))
        topic = InternalNames(self._settings.prefix).control
        self._send(producer, [(topic, None, value, [], number) for number in range(self._settings.partitions)])

    @staticmethod
    def _send(producer: KafkaProducer, rows: Sequence[tuple[str, bytes | None, bytes, Any, int | None]]) -> None:
        futures = [
            producer.send(topic, key=key, value=value, headers=headers, partition=partition)
            for topic, key, value, headers, partition in rows
        ]
        for future in futures:
            future.get(_PATIENCE_SECONDS)
