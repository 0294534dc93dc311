"""The publisher, on the broker in memory: what it sends, what it hands back, and what it says when something is amiss."""

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from kimberley.client import (
    ConfigurationError,
    Decision,
    EventWithdrawn,
    NoDecisionError,
    Publisher,
    Receipt,
    RefusedEventError,
    ServiceUnavailableError,
    UndeliveredError,
)
from kimberley.errors import UnreadableRecordError
from kimberley.testing import MemoryPipeline
from kimberley.testing.broker import MemoryConsumer
from kimberley.wire.partitioner import partition_of
from support.journeys import journey

NUMBER = "BW000401"
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture
def pipeline() -> Iterator[MemoryPipeline]:
    with MemoryPipeline() as found:
        yield found


@pytest.fixture
def publisher(pipeline: MemoryPipeline) -> Iterator[Publisher]:
    with pipeline.publisher() as found:
        yield found


def withdrawal(event_id: str, of: str) -> EventWithdrawn:
    """What takes an event of the EU's back."""
    return EventWithdrawn(
        event_id=event_id,
        occurred_at="2024-03-09T10:00:00Z",
        authority="EU",
        certificate_number=NUMBER,
        withdrawn_event_id=of,
        reason="INCORRECT_DATA",
    )


def test_an_event_goes_to_its_topic_under_its_normalised_number_with_cloudevents_headers(
    pipeline: MemoryPipeline, publisher: Publisher
) -> None:
    written = {**journey(NUMBER)[0], "certificate_number": "bw-0004 01", "office": "GBE"}
    receipt = publisher.publish(written, headers=TRACE)
    (record,) = pipeline.records("certificates")
    assert (receipt.topic, receipt.partition, receipt.offset) == ("certificates", partition_of(NUMBER, 4), 0)
    assert (record.partition, record.key) == (receipt.partition, NUMBER.encode())
    headers = dict(record.headers)
    assert headers["ce_id"] == receipt.event_id.encode() == b"BW000401-CertificateIssued"
    assert headers["ce_type"] == b"kp.certificate.issued.v1"
    assert headers["ce_source"] == b"/kp/BW/GBE"
    assert headers["ce_time"] == b"2024-03-04T09:00:00+02:00"
    assert record.value is not None
    assert record.value[0] == 0
    (decision,) = pipeline.records("decisions")
    assert dict(decision.headers)["traceparent"] == TRACE["traceparent"].encode()


def test_a_header_that_would_not_pass_through_is_refused(publisher: Publisher) -> None:
    with pytest.raises(ConfigurationError, match="traceparent"):
        publisher.publish(journey(NUMBER)[0], headers={"ce_id": "another"})


def test_a_withdrawal_goes_where_its_event_went_or_where_it_is_told(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    arrival = journey(NUMBER)[2]
    publisher.publish(arrival)
    assert publisher.publish(withdrawal("w-1", of=arrival["event_id"])).topic == "shipments"
    assert publisher.publish(withdrawal("w-2", of="someone-else's")).topic == "certificates"
    assert publisher.publish(withdrawal("w-3", of="someone-else's"), topic="shipments").topic == "shipments"
    with pytest.raises(ConfigurationError, match="CertificateIssued goes to certificates"):
        publisher.publish(journey(NUMBER)[0], topic="shipments")


def test_a_refused_event_is_not_sent(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    with pytest.raises(RefusedEventError):
        publisher.publish({**journey(NUMBER)[0], "authority": "UK"})
    assert not pipeline.records("certificates")


def test_the_decision_says_outcome_standing_and_alerts(publisher: Publisher) -> None:
    receipts = publisher.publish_many(journey(NUMBER, found="60.00"))
    decision = publisher.wait_for_decision(receipts[2])
    assert isinstance(decision, Decision)
    assert (decision.outcome, decision.event_id, decision.decision_id) == ("ACCEPTED", receipts[2].event_id, receipts[2].decision_id)
    assert {(party.role, party.code, party.status) for party in decision.participants} >= {("importer", "EU", "participant")}
    assert len(decision.alert_ids) == 1


def test_a_decision_is_found_by_event_id_and_twice(publisher: Publisher) -> None:
    publisher.publish_many(journey(NUMBER))
    first = publisher.wait_for_decision(f"{NUMBER}-ShipmentArrived")
    assert publisher.wait_for_decision(f"{NUMBER}-ShipmentArrived") == first
    with pytest.raises(ConfigurationError, match="published no event 'unheard-of'"):
        publisher.wait_for_decision("unheard-of")


def test_duplicates_conflicts_and_refusals_are_told_apart_by_receipt(publisher: Publisher) -> None:
    issue = journey(NUMBER)[0]
    first, again = publisher.publish(issue), publisher.publish(issue)
    other = publisher.publish({**issue, "carats": "99"})
    stranger = publisher.publish({**msgspec.structs.asdict(withdrawal("w-1", of=issue["event_id"])), "type": "EventWithdrawn"})
    outcomes = [publisher.wait_for_decision(receipt).outcome for receipt in (first, again, other, stranger)]
    assert outcomes == ["ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED"]
    (fault,) = publisher.wait_for_decision(stranger).errors
    assert (fault.code, fault.field) == ("not-yours", "authority")


def test_each_of_many_decisions_comes_once_in_turn_or_together(publisher: Publisher) -> None:
    events = [event for n in range(40) for event in journey(f"BW0005{n:02d}")]
    receipts = publisher.publish_many(events)
    assert [receipt.event_id for receipt in receipts] == [event["event_id"] for event in events]
    in_turn = [publisher.wait_for_decision(receipt).event_id for receipt in reversed(receipts)]
    assert in_turn == [receipt.event_id for receipt in reversed(receipts)]
    together = [decision.event_id for decision in publisher.wait_for_decisions(receipts)]
    assert sorted(together) == sorted(in_turn)


def test_a_kept_receipt_is_answered_by_another_publisher(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    for n in range(3):
        publisher.publish_many(journey(f"BW0006{n:02d}"))
    kept = msgspec.json.encode(publisher.publish(journey(NUMBER)[0]))
    publisher.publish_many(journey(NUMBER)[1:])
    with pipeline.publisher() as another:
        receipt = msgspec.json.decode(kept, type=Receipt)
        assert another.wait_for_decision(receipt).event_id == receipt.event_id


def test_a_decision_that_was_read_before_its_receipt_was_known_is_still_found(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    late = publisher.send(journey(NUMBER)[0])
    other = publisher.publish(journey(NUMBER)[1])
    assert other.partition == partition_of(NUMBER, 4)
    publisher.wait_for_decision(other)  # which reads past the first one's decision
    assert publisher.wait_for_decision(late.receipt()).event_id == f"{NUMBER}-CertificateIssued"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the reader of decisions think that what it knows of their topic is old."""
    now = 0.0

    def shift() -> None:
        nonlocal now
        now += 60

    monkeypatch.setattr("kimberley.client.decisions.time", SimpleNamespace(monotonic=lambda: time.monotonic() + now))
    return shift


def test_a_decision_is_found_after_the_end_of_its_topic_was_asked_for_again(publisher: Publisher, later: Callable[[], None]) -> None:
    receipts = []
    for event in journey(NUMBER):
        receipts.append(publisher.publish(event))
        later()
    assert [receipt.decisions_from for receipt in receipts] == [0, 1, 2, 3]
    for receipt in receipts:
        assert publisher.wait_for_decision(receipt, timeout=1).event_id == receipt.event_id


def test_what_nobody_waits_for_is_skipped_and_found_all_the_same(
    pipeline: MemoryPipeline, publisher: Publisher, later: Callable[[], None]
) -> None:
    receipts = []
    for event in journey(NUMBER):
        receipts.append(publisher.publish(event))
        later()
    first, second, third, last = receipts
    with patch.object(MemoryConsumer, "seek", autospec=True, side_effect=MemoryConsumer.seek) as seek:
        order = [second, last, first, third]
        assert [publisher.wait_for_decision(receipt, timeout=1).event_id for receipt in order] == [each.event_id for each in order]
    assert [call.args[2] for call in seek.call_args_list] == [1, 0], "to the second; the last was read with it; back to the first"


def test_threads_may_share_a_publisher(publisher: Publisher) -> None:
    found: dict[str, str] = {}

    def trade(number: str) -> None:
        for event in journey(number):
            decision = publisher.wait_for_decision(publisher.publish(event))
            found[event["event_id"]] = decision.event_id

    threads = [threading.Thread(target=trade, args=(f"BW0007{n:02d}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 24
    assert all(asked == answered for asked, answered in found.items())


def test_no_decision_in_time_says_which_and_what_to_look_at(publisher: Publisher) -> None:
    receipt = publisher.publish(journey(NUMBER)[0])
    never = msgspec.structs.replace(receipt, event_id="never", offset=receipt.offset + 9)
    with pytest.raises(NoDecisionError, match=r"event never .* within 0\.1 s: is a worker running") as raised:
        list(publisher.wait_for_decisions([receipt, never], timeout=0.1))
    assert raised.value.receipts == [never]
    assert raised.value.exit_status == 3


def test_what_is_not_delivered_is_said_in_our_words_and_may_be_sent_again(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    events = journey(NUMBER)
    publisher.publish(events[0])
    publisher.publish(events[1])
    with pipeline.outage():
        with pytest.raises(ServiceUnavailableError, match="Kafka at memory does not answer"):
            publisher.publish(events[2])
        with pytest.raises(UndeliveredError, match="2 of 2 events were not delivered") as raised:
            publisher.publish_many(events[2:])
        with pytest.raises(ServiceUnavailableError):
            pipeline.publisher()
    assert list(raised.value.problems) == [event["event_id"] for event in events[2:]]
    assert [decision.outcome for decision in publisher.wait_for_decisions(publisher.publish_many(events[2:]))] == ["ACCEPTED"] * 2


def test_a_batch_with_a_fault_is_refused_whole_and_names_the_event(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    events: list[dict[str, Any]] = journey(NUMBER)
    events[1]["carats"] = "1.2345"
    events[3] = {"type": "ShipmentLost"}
    with pytest.raises(RefusedEventError) as refused:
        publisher.publish_many(events)
    assert [(code, field) for code, field, _ in refused.value.errors] == [
        ("places", "events[1].carats"),
        ("unknown-type", "events[3].type"),
    ]
    assert not pipeline.records("certificates")


def test_who_may_not_read_decisions_may_publish(pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*_: Any) -> None:
        raise ConfigurationError("decisions is missing, or hidden from this user")

    publisher.publish(journey(NUMBER)[0])  # which has looked for the topic of the events
    monkeypatch.setattr("kimberley.client.decisions.places_of", hidden)
    with pipeline.publisher() as blind:
        monkeypatch.setattr(blind._decisions, "require_topic", lambda topic: None)
        assert blind.publish(journey(NUMBER)[1]).decisions_from == 0


def test_a_missing_topic_is_said_before_anything_is_sent(pipeline: MemoryPipeline) -> None:
    pipeline._broker._logs.pop("certificates")
    with pipeline.publisher() as publisher, pytest.raises(ConfigurationError, match="kimberley topics apply"):
        publisher.publish(journey(NUMBER)[0])


def test_an_event_too_large_for_kafka_is_refused_and_not_sent(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    with pytest.raises(RefusedEventError, match="at most 1,000,000"):
        publisher.publish({**journey(NUMBER)[0], "parcels": [{"origins": ["BW"] * 350}] * 1000})
    assert not pipeline.records("certificates")


def test_a_decision_that_a_later_version_wrote_is_named_by_its_place(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    receipt = publisher.publish(journey(NUMBER)[0])
    (record,) = pipeline.records("decisions")
    record.value = record.value[:-1] if record.value else None
    with pytest.raises(UnreadableRecordError, match="the body is no Decision"):
        publisher.wait_for_decision(receipt)
