"""Finding the decision on one's own event: on the same partition number of `decisions`, after what was there before it was sent."""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from kimberley.client.receipt import Receipt
from kimberley.client.transport import Consumer, Transport, in_our_words
from kimberley.errors import ConfigurationError, UnreadableRecordError
from kimberley.model.decisions import Decision
from kimberley.wire.avro import Codec
from kimberley.wire.envelope import header
from kimberley.wire.log_reader import places_of
from kimberley.wire.outputs import decision_of
from kimberley.wire.topics import DECISIONS

_REMEMBERED_SECONDS = 5.0
_LOOK_MS = 2_000
"""Longer than this no event waits for where `decisions` stands: in an outage its answer is looked for from further back."""
_SLICE_SECONDS = 0.25
_MOST_RECORDS = 2_000
_NEVER = 1 << 63
_MOST_EXPECTED = 100_000


class DecisionReader:
    """Reads `decisions` for one publisher, whose threads may share it.

    What is expected is kept when it is read on the way to another decision, so that waiting for many in turn reads each once. It is
    only kept: a decision that was missed is found by reading again from where its receipt says.
    """

    def __init__(self, transport: Transport, codec: Codec) -> None:
        self._transport = transport
        self._codec = codec
        self._lock = threading.Lock()
        with in_our_words(transport):
            self._consumer: Consumer = transport.consumer("decisions")
        # by partition number: the end as last asked for; where reading stands; since where it has read on without a gap
        self._ends: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._since: dict[int, int] = {}
        self._collecting = 0
        self._looked_at = float("-inf")
        # by decision id: where reading stood when it was first expected, and the record once it was met
        self._expected: OrderedDict[str, int] = OrderedDict()
        self._read: dict[str, Any] = {}

    def require_topic(self, topic: str) -> None:
        """Raises ConfigurationError where a topic is not there."""
        with self._lock, in_our_words(self._transport):
            places_of(self._consumer, topic)

    def positions(self) -> Mapping[int, int]:
        """By partition number, an offset of `decisions` before anything that is answered from now on; a missing one: 0.

        Not younger than need be: asked for again after a few seconds, and never while another thread waits for a decision.
        """
        if time.monotonic() - self._looked_at > _REMEMBERED_SECONDS and self._lock.acquire(blocking=not self._ends):
            try:
                self._looked_at = time.monotonic()
                places = places_of(self._consumer, DECISIONS)
                for place, end in self._consumer.end_offsets(places, timeout_ms=_LOOK_MS).items():
                    self._ends[place.partition] = max(end, self._ends.get(place.partition, 0))
            except (KafkaError, ConfigurationError):
                pass  # who may not read decisions may publish all the same; waiting will say what is wrong
            finally:
                self._lock.release()
        return {number: max(end, self._next.get(number, 0)) for number, end in self._ends.copy().items()}

    def expect(self, receipt: Receipt) -> None:
        """Keep the decision on an event when it is met."""
        self._expected[receipt.decision_id] = self._next.get(receipt.partition, 0)
        self._expected.move_to_end(receipt.decision_id)
        while len(self._expected) > _MOST_EXPECTED:
            self._read.pop(self._expected.popitem(last=False)[0], None)

    def collect(self, wanted: Mapping[str, Receipt], seconds: float) -> dict[str, Decision]:
        """The decisions on some receipts, by decision id, as soon as there is at least one; none after so many seconds.

        Raises UnreadableRecordError where a decision is there and can't be read.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            self._go_where_needed(wanted)
            self._collecting += 1
        try:
            while True:
                left = deadline - time.monotonic()
                with self._lock, in_our_words(self._transport):
                    if found := self._take(wanted):
                        return found
                    if left <= 0:
                        return {}
                    self._read_on(wanted, int(min(left, _SLICE_SECONDS) * 1000))
        finally:
            with self._lock:
                self._collecting -= 1

    def close(self) -> None:
        """Close the consumer."""
        with self._lock:
            self._consumer.close()

    def _go_where_needed(self, wanted: Mapping[str, Receipt]) -> None:
        """Read again from a receipt's place where its decision may have been passed unread, or before it was expected.

        What nobody waits for is skipped, as long as no other thread is reading towards its own.
        """
        firsts: dict[int, int] = {}
        again: dict[int, int] = {}
        for decision_id, receipt in wanted.items():
            if decision_id in self._read:
                continue
            number, place = receipt.partition, receipt.decisions_from
            firsts[number] = min(place, firsts.get(number, place))
            if place < self._since.get(number, 0) or place < self._expected.get(decision_id, _NEVER):
                again[number] = min(place, again.get(number, place))
        for number, first in firsts.items():
            if number not in self._next or (first > self._next[number] and not self._collecting):
                self._since[number] = self._next[number] = first
            elif number in again:
                self._since[number] = min(again[number], self._since[number])
                self._next[number] = min(again[number], self._next[number])

    def _take(self, wanted: Mapping[str, Receipt]) -> dict[str, Decision]:
        found = {}
        for decision_id in [each for each in wanted if each in self._read]:
            found[decision_id] = self._decode(self._read.pop(decision_id))
            self._expected.pop(decision_id, None)
        return found

    def _read_on(self, wanted: Mapping[str, Receipt], milliseconds: int) -> None:
        numbers = {receipt.partition for receipt in wanted.values()}
        places = [TopicPartition(DECISIONS, number) for number in sorted(numbers)]
        if self._consumer.assignment() != set(places):
            self._consumer.assign(places)
        for place in places:
            if self._consumer.position(place) != self._next.get(place.partition, 0):
                self._consumer.seek(place, self._next.get(place.partition, 0))
        polled = self._consumer.poll(timeout_ms=milliseconds, max_records=_MOST_RECORDS)
        for place in places:  # before they are looked at: what is expected only after that is read again
            self._next[place.partition] = self._consumer.position(place)
        for records in polled.values():
            for record in records:
                decision_id = header(record.headers, "ce_id") or ""
                if decision_id in wanted or decision_id in self._expected:
                    self._read.setdefault(decision_id, record)

    def _decode(self, record: Any) -> Decision:
        try:
            if missing := self._codec.missing_ids([record.value]):
                self._codec.ensure(missing)
            return decision_of(self._codec.decode(DECISIONS, record.value)[1])
        except msgspec.ValidationError as problem:
            raise UnreadableRecordError(
                "decode", f"{DECISIONS}-{record.partition}, offset {record.offset}: a later version's decision: {problem}"
            ) from None
