"""Cases made anew: what order, repeats, lost offsets and lost answers do to them, and what a worker then makes of them."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
import pytest

from kimberley.history.simulation import simulate
from kimberley.model.case import Origin, unpack_case
from kimberley.model.events import EVENT_TYPES
from kimberley.pipeline.processor import Processor
from kimberley.testing import MemoryPipeline
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.control import Control, control_value
from kimberley.wire.outputs import decision_headers, decision_of
from kimberley.wire.topics import DECISIONS, FLAGGED_SHIPMENTS, SHIPMENTS
from support.journeys import journey
from support.rebuilt import NAMES, POLICY, cases_of, held_by, rebuilt
from support.stream import event_records

NUMBER = "BW000417"
CLOCK = 1_767_225_600_000


@pytest.fixture(scope="module")
def trade() -> Iterator[MemoryPipeline]:
    """Some weeks of trade, with lineage, and every deadline passed."""
    events = [event for event in simulate(seed=7, days=30, certificates_per_day=10) if event["type"] in EVENT_TYPES]
    with MemoryPipeline() as pipeline, pipeline.publisher() as publisher:
        publisher.publish_many(events)
        pipeline.advance(CLOCK)
        assert len(pipeline.records(NAMES.lineage)) > 100
        assert len(pipeline.alerts()) > 50
        assert any(alert.event_id is None for alert in pipeline.open_alerts()), "one by a deadline is open"
        yield pipeline


@pytest.fixture
def short() -> Iterator[MemoryPipeline]:
    """One certificate's journey, whose goods arrive too light."""
    with MemoryPipeline(partitions=1) as pipeline, pipeline.publisher() as publisher:
        publisher.publish_many(journey(NUMBER, found="60.00"))
        yield pipeline


def test_a_trade_s_cases_are_made_anew_with_clock_revision_and_places(trade: MemoryPipeline) -> None:
    found = rebuilt(trade)
    assert cases_of(each.cases for each in found.values()) == cases_of(held_by(trade))
    for number, each in found.items():
        ends = {topic: len([record for record in trade.records(topic) if record.partition == number]) for topic in NAMES.inputs}
        assert each.state.applied == ends
        assert (each.state.clock, each.state.revision) == (CLOCK, POLICY.reference.revision)
        assert each.state.is_whole
        assert not each.state.is_reevaluated


def test_a_worker_judges_them_anew_and_has_nothing_to_say(trade: MemoryPipeline) -> None:
    for number, each in rebuilt(trade).items():
        processor = Processor(
            number, 4, dict(each.cases), make_codec(trade.settings), NAMES, each.state, skew_minutes=10, wall_clock=lambda: 1.9e9
        )
        assert processor.has_to_reevaluate
        batch = processor.begin()
        processor.reevaluate(POLICY, batch, len(each.cases))
        assert not batch.outputs
        assert processor.state.is_reevaluated
        processor.finish(batch)
        cases = {**each.cases, **batch.cases}
        waking = {key: unpack_case(packed).wakes_at for key, packed in held_by(trade)[number].items()}
        assert {key: unpack_case(packed).wakes_at for key, packed in cases.items()} == waking


def test_alerts_go_on_from_the_revision_that_was_published(short: MemoryPipeline) -> None:
    (each,) = rebuilt(short).values()
    (before,) = short.alerts()
    processor = Processor(0, 1, dict(each.cases), make_codec(short.settings), NAMES, each.state, skew_minutes=10)
    arrival = journey(NUMBER, found="60.00")[2]
    withdrawal = {"type": "EventWithdrawn", "event_id": "w", "occurred_at": "2024-03-20T10:00:00Z", "reason": "INCORRECT_DATA"}
    stated = {"authority": "EU", "certificate_number": NUMBER, "withdrawn_event_id": arrival["event_id"]}
    (record,) = event_records(make_codec(short.settings), [{**withdrawal, **stated}])
    sent = short.put(SHIPMENTS, record.value, key=record.key)
    outputs = [output for output in processor.process([sent], POLICY).outputs if output.topic == FLAGGED_SHIPMENTS]
    (alert,) = [make_codec(short.settings).decode(FLAGGED_SHIPMENTS, output.value)[1] for output in outputs]
    assert (alert["alert_id"], alert["revision"], alert["status"]) == (before.alert_id, before.revision + 1, "RESOLVED")
    assert alert["message"] == f"Resolved: {before.message}"


def test_facts_come_in_the_order_of_their_decisions_whatever_the_topic(short: MemoryPipeline) -> None:
    """The last two facts, answered the other way round."""
    decisions = short.records(DECISIONS)
    turned = [*decisions[:2], decisions[3], decisions[2]]
    (each,) = rebuilt(short, records=lambda topic: turned if topic == DECISIONS else short.records(topic)).values()
    kinds = [type(fact.event).__name__ for fact in unpack_case(each.cases[NUMBER]).facts]
    assert kinds == ["CertificateIssued", "ShipmentExported", "ImportConfirmed", "ShipmentArrived"]


def test_an_answer_that_came_again_counts_once_and_the_last_one_counts(short: MemoryPipeline) -> None:
    """Without transactions a worker may answer, die, and answer anew in another order."""
    decisions = short.records(DECISIONS)
    (once,) = rebuilt(short).values()
    (again,) = rebuilt(short, records=lambda topic: decisions * 2 if topic == DECISIONS else short.records(topic)).values()
    assert again.cases == once.cases
    second = {**journey(NUMBER)[0], "office": "another office"}
    (record,) = event_records(make_codec(short.settings), [second])
    short.put("certificates", record.value, key=record.key)
    *_, conflict = short.records(DECISIONS)
    assert dict(conflict.headers)["kp_outcome"] == b"CONFLICT"
    turned = [*decisions, conflict, said(short, conflict, "ACCEPTED"), said(short, decisions[0], "CONFLICT")]
    (each,) = rebuilt(short, records=lambda topic: turned if topic == DECISIONS else short.records(topic)).values()
    case = unpack_case(each.cases[NUMBER])
    assert [fact.event.office for fact in case.facts if type(fact.event).__name__ == "CertificateIssued"] == ["another office"]
    assert [conflict.event.office for conflict in case.conflicts] == [None]


def said(pipeline: MemoryPipeline, record: Any, outcome: Any) -> Any:
    """A decision with another outcome."""
    decision = decision_of(make_codec(pipeline.settings).decode(DECISIONS, record.value)[1])
    headers = decision_headers(msgspec.structs.replace(decision, outcome=outcome), b"/kimberley", b"", [])
    return type(record)(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)


def test_without_any_decision_events_are_taken_in_by_their_records_time_and_named(trade: MemoryPipeline) -> None:
    found = rebuilt(trade, records=lambda topic: [] if topic == DECISIONS else trade.records(topic))
    lost = list(chain.from_iterable(each.unanswered for each in found.values()))
    one, other = cases_of(each.cases for each in found.values()), cases_of(held_by(trade))
    assert one.keys() == other.keys()
    for number, case in one.items():
        assert {fact.event.event_id for fact in case.facts} == {fact.event.event_id for fact in other[number].facts}
    outcomes = {decision.decision_id: decision.outcome for decision in trade.decisions()}
    assert len(lost) == len([outcome for outcome in outcomes.values() if outcome != "REFUSED"])
    assert all(outcomes[origin.decision_id] != "REFUSED" for origin in lost)


def test_an_event_whose_decision_is_lost_is_in_its_case_and_named(short: MemoryPipeline) -> None:
    decisions = short.records(DECISIONS)
    (each,) = rebuilt(short, records=lambda topic: decisions[1:] if topic == DECISIONS else short.records(topic)).values()
    assert each.unanswered == [Origin("certificates", 0, 0)]
    assert len(unpack_case(each.cases[NUMBER]).facts) == 4


def test_an_answer_to_what_lay_there_before_a_topic_was_made_anew_is_none(short: MemoryPipeline) -> None:
    with MemoryPipeline(partitions=1) as other, other.publisher() as publisher:
        publisher.publish_many(journey("BW000418"))
        records = lambda topic: (short if topic == DECISIONS else other).records(topic)  # noqa: E731
        (each,) = rebuilt(other, records=records).values()
        assert [origin.decision_id for origin in each.unanswered] == [record.decision_id for record in other.decisions()]
        assert len(unpack_case(each.cases["BW000418"]).facts) == 4


def test_an_accepted_event_whose_record_is_gone_is_counted(short: MemoryPipeline) -> None:
    (each,) = rebuilt(short, records=lambda topic: short.records(topic)[1:] if topic == SHIPMENTS else short.records(topic)).values()
    assert each.gone == 1
    assert len(unpack_case(each.cases[NUMBER]).facts) == 3


def test_a_record_that_lies_twice_since_it_was_forwarded_is_one(short: MemoryPipeline) -> None:
    """With a wrong key on its own partition: it does not make up for the one that is gone."""
    (record,) = event_records(make_codec(short.settings), journey("BW000418")[:1])
    short.put("certificates", record.value, key=b"stray")
    (each,) = rebuilt(short, records=lambda topic: short.records(topic)[1:] if topic == SHIPMENTS else short.records(topic)).values()
    assert each.gone == 1
    assert len(unpack_case(each.cases["BW000418"]).facts) == 1


def test_an_event_without_a_decision_that_would_be_refused_is_no_fact(short: MemoryPipeline) -> None:
    """A withdrawal by another Participant."""
    withdrawal = {"type": "EventWithdrawn", "event_id": "w", "occurred_at": "2024-03-20T10:00:00Z", "reason": "INCORRECT_DATA"}
    stated = {"authority": "KE", "certificate_number": NUMBER, "withdrawn_event_id": journey(NUMBER)[0]["event_id"]}
    (record,) = event_records(make_codec(short.settings), [{**withdrawal, **stated}])
    short.put(SHIPMENTS, record.value, key=record.key)
    *decisions, refusal = short.records(DECISIONS)
    assert dict(refusal.headers)["kp_outcome"] == b"REFUSED"
    (each,) = rebuilt(short, records=lambda topic: decisions if topic == DECISIONS else short.records(topic)).values()
    assert len(each.unanswered) == 1
    assert cases_of([each.cases]) == cases_of(held_by(short))


def test_where_the_group_s_offsets_are_lost_the_answers_tell_how_far_it_was(trade: MemoryPipeline) -> None:
    known, lost = rebuilt(trade), rebuilt(trade, committed={})
    for number, each in lost.items():
        assert each.state == known[number].state
        for key, packed in each.cases.items():
            one, other = unpack_case(packed), unpack_case(known[number].cases[key])
            assert one.facts == other.facts
            assert one.uses == other.uses
            assert one.told == b"", "those that it was told by are told again, for the last of them may have had no answer"


def test_a_clock_that_was_told_after_the_last_output_is_left_to_the_worker_where_offsets_are_lost(short: MemoryPipeline) -> None:
    """Whether it was applied nobody knows; applied again it does no harm."""
    value = control_value(Control(CLOCK))
    last = max(record.timestamp for topic in (DECISIONS, FLAGGED_SHIPMENTS) for record in short.records(topic))
    told = [MemoryRecord(NAMES.control, 0, offset, last + late, None, value, []) for offset, late in enumerate((0, 1))]
    (each,) = rebuilt(short, {}, lambda topic: told if topic == NAMES.control else short.records(topic)).values()
    assert each.state.applied[NAMES.control] == 1
    (each,) = rebuilt(short, {}, lambda topic: told[1:] if topic == NAMES.control else short.records(topic)).values()
    assert (each.state.applied[NAMES.control], each.state.clock) == (0, 0)


def test_what_the_group_has_not_read_is_left_to_the_worker(short: MemoryPipeline) -> None:
    """Two of three shipments' records are read, and answered."""
    decisions = short.records(DECISIONS)[:3]
    committed = {"certificates": 1, "shipments": 2, NAMES.control: 0, NAMES.lineage: 0, NAMES.rerouted: 0}
    (each,) = rebuilt(short, committed, lambda topic: decisions if topic == DECISIONS else short.records(topic)).values()
    assert len(unpack_case(each.cases[NUMBER]).facts) == 3
    assert each.state.applied["shipments"] == 2
    assert not each.unanswered


def test_without_transactions_and_offsets_nothing_is_passed_over_that_lacks_its_answer(short: MemoryPipeline) -> None:
    decisions = [record for record in short.records(DECISIONS) if b"shipments/0/1" not in dict(record.headers)["ce_id"]]
    records = lambda topic: decisions if topic == DECISIONS else short.records(topic)  # noqa: E731
    (each,) = rebuilt(short, {}, records, is_atomic=False).values()
    assert each.state.applied["shipments"] == 1
    assert not each.unanswered
