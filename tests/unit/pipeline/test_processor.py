"""The processor: what it keeps at hand between batches changes its speed, never its answers."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from kimberley.cases.evaluate import evaluate
from kimberley.cases.judge import Policy
from kimberley.cases.limits import LONGEST_NUMBER, LONGEST_WRITTEN
from kimberley.history.simulation import simulate
from kimberley.model.case import COMPRESSED_FORMAT, Case, pack_case, unpack_case
from kimberley.pipeline.batch import Output
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.event_records import event_record
from kimberley.wire.lineage import lineage_value, read_lineage
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import DECISIONS, FLAGGED_SHIPMENTS, InternalNames
from support.journeys import journey
from support.stories import arrival, confirmation, export, issue

EVENTS = 1200
BATCH = 100


def outputs(most_live: int | None) -> tuple[list[Output], dict[str, bytes]]:
    """What a simulated trade on one partition comes to."""
    codec = make_codec(Settings.model_construct(partitions=1))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    cases: dict[str, bytes] = {}
    processor = Processor(0, 1, cases, codec, InternalNames("kimberley"), skew_minutes=10, most_live=most_live, wall_clock=lambda: 1.9e9)
    sent = [event_record(codec, *record_from_json(event)) for event in islice(simulate(days=40, certificates_per_day=20), EVENTS)]
    records = [
        MemoryRecord(topic=each.topic, partition=0, offset=offset, timestamp=1_900_000_000_000, key=each.key, value=each.value, headers=[])
        for offset, each in enumerate(sent)
    ]
    found: list[Output] = []
    for start in range(0, EVENTS, BATCH):
        batch = processor.process(records[start : start + BATCH], policy)
        cases.update(batch.cases)
        found += batch.outputs
    return found, cases


def test_a_case_that_no_event_touches_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand cases only those of the batch's events are unpacked, judged or stored."""
    codec = make_codec(Settings.model_construct(partitions=1))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    cases = {f"BW{number:06d}": pack_case(Case(f"BW{number:06d}")) for number in range(1000)}
    processor = Processor(0, 1, cases, codec, InternalNames("kimberley"), skew_minutes=10, wall_clock=lambda: 1.9e9)
    touched: list[str] = []
    monkeypatch.setattr("kimberley.pipeline.processor.unpack_case", lambda packed: touched.append("read") or unpack_case(packed))
    monkeypatch.setattr("kimberley.cases.judge.evaluate", lambda dossier, *rest: touched.append(dossier.number) or evaluate(dossier, *rest))
    sent = [event_record(codec, *record_from_json(event)) for event in journey("BW000007")]
    batch = processor.process([MemoryRecord(each.topic, 0, 0, 1_900_000_000_000, each.key, each.value, []) for each in sent], policy)
    assert touched == ["read", *["BW000007"] * len(sent)]
    assert batch.cases.keys() == {"BW000007"}


@pytest.mark.parametrize("most_live", [0, 1, 40])
def test_cases_that_left_memory_are_judged_as_if_they_had_not(most_live: int) -> None:
    assert outputs(most_live) == outputs(None)


def test_a_number_and_a_certificate_that_come_again_after_three_years_are_noticed_though_the_case_was_compressed() -> None:
    codec = make_codec(Settings.model_construct(partitions=1))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    cases: dict[str, bytes] = {}

    def raised(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
        """By a processor that has just been started, with what is stored."""
        processor = Processor(0, 1, cases, codec, InternalNames("kimberley"), skew_minutes=10, wall_clock=lambda: 1.9e9)
        sent = [event_record(codec, *record_from_json(event)) for event in events]
        batch = processor.process([MemoryRecord(each.topic, 0, 0, 1_900_000_000_000, each.key, each.value, []) for each in sent], policy)
        cases.update(batch.cases)
        alerts = [codec.decode(FLAGGED_SHIPMENTS, each.value)[1] for each in batch.outputs if each.topic == FLAGGED_SHIPMENTS]
        return {(alert["rule_id"], alert["status"]) for alert in alerts}

    first = journey("BW000007")
    assert raised(first) == set()
    assert cases["BW000007"][:1] == COMPRESSED_FORMAT
    issue, export, *_ = ({**event, "event_id": f"again-{event['event_id']}", "occurred_at": "2027-06-05T09:00:00+02:00"} for event in first)
    again = [{**issue, "issued_on": "2027-06-04", "expires_on": "2027-07-30", "carats": "7.00"}, {**export, "shipment_id": "SH-OTHER"}]
    assert raised(again) >= {("number-reused", "OPENED"), ("certificate-reused", "OPENED")}


def test_large_cases_leave_memory_sooner_and_are_judged_as_if_they_had_not(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = outputs(None)
    read: list[bytes] = []
    monkeypatch.setattr("kimberley.pipeline.processor._MOST_LIVE_BYTES", 50_000)
    monkeypatch.setattr("kimberley.pipeline.processor.unpack_case", lambda packed: read.append(packed) or unpack_case(packed))
    assert outputs(None) == whole
    assert len(read) > 20


def test_a_number_that_is_too_long_is_refused_where_it_arrived_and_forwarded_nowhere() -> None:
    codec = make_codec(Settings.model_construct(partitions=4))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    type_name, fields = record_from_json({**journey("BW000007")[0], "certificate_number": "7" * (LONGEST_WRITTEN + 1)})
    sent = event_record(codec, type_name, fields)
    for number in range(4):
        processor = Processor(number, 4, {}, codec, InternalNames("kimberley"), skew_minutes=10, wall_clock=lambda: 1.9e9)
        record = MemoryRecord(sent.topic, number, 0, 1_900_000_000_000, sent.key, sent.value, [])
        (output,) = processor.process([record], policy).outputs
        decision = codec.decode(DECISIONS, output.value)[1]
        assert (output.topic, decision["outcome"], decision["errors"][0]["code"]) == (DECISIONS, "REFUSED", "range")
        assert decision["certificate_number"] == "7" * LONGEST_NUMBER


def test_what_a_rulebook_without_lineage_left_untold_is_told_with_the_next_event_of_any_type() -> None:
    codec = make_codec(Settings.model_construct(partitions=1))
    names, book = InternalNames("kimberley"), shipped_rulebook()
    with_lineage = Policy(shipped_reference(), shipped_bundle(), book)
    few = replace(book, id="few", rules=tuple(each for each in book.rules if not each[0].lineage))
    cases: dict[str, bytes] = {}
    processor = Processor(0, 1, cases, codec, names, skew_minutes=10, wall_clock=lambda: 1.9e9)

    def told(policy: Policy, offset: int, *records: tuple[str, bytes, bytes]) -> list[Any]:
        sent = [
            MemoryRecord(topic, 0, offset + place, 1_900_000_000_000, key, value, []) for place, (topic, key, value) in enumerate(records)
        ]
        batch = processor.process(sent, policy)
        cases.update(batch.cases)
        return [read_lineage(output.value) for output in batch.outputs if output.topic == names.lineage]

    def event(stated: dict[str, Any]) -> tuple[str, bytes, bytes]:
        record = event_record(codec, *record_from_json(stated))
        assert record.key is not None
        assert record.value is not None
        return record.topic, record.key, record.value

    named = issue("AE000001", "AE", "2024-04-01", origins=["BW"], source_certificates=["BW000001"])
    (use,) = told(with_lineage, 0, event(issue()), event(export()), event(named))
    (description,) = told(with_lineage, 10, (names.lineage, b"BW000001", lineage_value(use)))
    assert description.description.arrivals == ()
    assert told(Policy(shipped_reference(), shipped_bundle(), few), 20, event(arrival())) == []
    (late,) = told(with_lineage, 30, event(confirmation()))
    assert len(late.description.arrivals) == 1
    assert told(with_lineage, 40, event({**confirmation(), "event_id": "again"})) == []
