"""One certificate that everybody writes to: its case fills, says so once, and the others of the batch are judged as ever."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from kimberley.cases.judge import Policy
from kimberley.cases.limits import MOST_CASE_BYTES, MOST_EVENTS, MOST_USES
from kimberley.model.case import unpack_case
from kimberley.model.lineage import LineageMessage, Use
from kimberley.pipeline.batch import Batch
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.event_records import event_record
from kimberley.wire.lineage import lineage_value
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import DECISIONS, InternalNames
from support.journeys import journey

NAMES = InternalNames("kimberley")
CODEC = make_codec(Settings.model_construct(partitions=1))
POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
NUMBER = "BW000042"
NOW = 1_900_000_000_000
HEAD = {name: journey(NUMBER)[1][name] for name in ("occurred_at", "authority", "certificate_number", "shipment_id")}


class Stream:
    """One partition number without Kafka."""

    def __init__(self) -> None:
        self.cases: dict[str, bytes] = {}
        self.offset = 0
        self.restart()

    def restart(self) -> None:
        """Another worker has it now."""
        self.processor = Processor(0, 1, self.cases, CODEC, NAMES, skew_minutes=10, wall_clock=lambda: NOW / 1000)

    def send(self, events: Iterable[dict[str, Any]]) -> Batch:
        records = []
        for event in events:
            each = event_record(CODEC, *record_from_json(event))
            records.append(MemoryRecord(each.topic, 0, self.offset, NOW, each.key, each.value, each.headers))
            self.offset += 1
        return self._process(records)

    def tell(self, messages: Iterable[LineageMessage]) -> Batch:
        return self._process([MemoryRecord(NAMES.lineage, 0, n, NOW, b"", lineage_value(each), []) for n, each in enumerate(messages)])

    def _process(self, records: list[Any]) -> Batch:
        batch = self.processor.process(records, POLICY)
        self.cases.update(batch.cases)
        return batch


def releases(count: int, first: int = 0) -> Iterator[dict[str, Any]]:
    """Events that no rule reads, so that filling a case is quick."""
    return ({**HEAD, "type": "ShipmentReleased", "event_id": f"r{index}"} for index in range(first, first + count))


def uses(count: int, first: int = 0) -> Iterator[LineageMessage]:
    for index in range(first, first + count):
        yield LineageMessage(NUMBER, f"EU{index * 7919 % 100_003:06d}", 1, 0, "e", use=Use(False, "EU", "e", Decimal(1)))


def test_of_a_hundred_thousand_events_those_beyond_the_limit_are_refused_counted_and_said_once() -> None:
    stream = Stream()
    with capture_logs() as logs:
        batch = stream.send([*releases(MOST_EVENTS), *journey("BW000001")])
        assert batch.counts.decisions == {"ACCEPTED": MOST_EVENTS + 4}
        size = len(stream.cases[NUMBER])
        for first in range(MOST_EVENTS, 5000, 1000):
            batch = stream.send([*releases(1000, first), *journey(f"BW1{first:05d}")])
            assert batch.counts.decisions == {"REFUSED": 1000, "ACCEPTED": 4}, "the others of the batch are judged"
            assert batch.counts.left_out == {"event": 1000}
            assert NUMBER not in batch.cases, "a case that takes nothing in is not written"
            assert max(len(each.value or b"") for each in batch.outputs) < 2000
    assert len(stream.cases[NUMBER]) == size < MOST_CASE_BYTES
    said = [each for each in logs if each["event"] == "case_full"]
    assert [(each["certificate_number"], each["left_out"]) for each in said] == [(NUMBER, "event")]


def test_of_very_many_certificates_that_name_one_as_a_source_those_beyond_the_limit_are_left_out_counted_and_said_once() -> None:
    stream = Stream()
    stream.send(journey(NUMBER)[:1])
    stream.tell(uses(MOST_USES))
    with capture_logs() as logs:
        for first in range(MOST_USES, MOST_USES + 3000, 1000):
            batch = stream.tell(uses(1000, first))
            assert batch.counts.left_out == {"lineage": 1000}
            assert not batch.cases
            assert not batch.outputs
    assert len(unpack_case(stream.cases[NUMBER]).uses) == MOST_USES
    assert [each["certificate_number"] for each in logs if each["event"] == "case_full"] == [NUMBER]


def test_a_full_case_is_full_for_the_next_worker_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimberley.cases.judge.MOST_CASE_BYTES", 3000)
    stream = Stream()
    first = stream.send(releases(100))
    assert first.counts.decisions["REFUSED"] > 50
    assert unpack_case(stream.cases[NUMBER]).is_full
    assert len(stream.cases[NUMBER]) <= 3000 + 10
    stream.restart()
    monkeypatch.undo()
    assert stream.send(releases(5, 200)).counts.decisions == {"REFUSED": 5}
    assert stream.tell(uses(1)).counts.left_out == {"lineage": 1}


def test_a_batch_ends_early_where_one_event_has_to_be_told_to_very_many() -> None:
    stream = Stream()
    issue, _, arrival, _ = journey(NUMBER)
    stream.send([issue])
    stream.tell(uses(1000))
    processor = stream.processor
    batch = processor.begin()
    made = [
        event_record(CODEC, *record_from_json({**arrival, "event_id": f"a{n}", "authority": code}))
        for n, code in enumerate(("EU", "IN", "AE"))
    ]
    records = [MemoryRecord(each.topic, 0, 100 + n, NOW, each.key, each.value, []) for n, each in enumerate(made)]
    assert processor.judge(records, POLICY, batch, 100_000) == 1
    assert batch.size > 100_000
    assert processor.judge(records[1:], POLICY, batch, 1 << 40) == 2
    assert [output.topic for output in batch.outputs].count(DECISIONS) == 3
