"""The client by its contract, the same on the twin in memory and on real streams: same decisions, same alerts."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
import structlog

from kimberley.client import Alert, AlertSubscriber, Decision, Receipt
from kimberley.embedded import EmbeddedBroker
from kimberley.history.simulation import simulate
from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.model.findings import alert_id
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.wire.log_reader import places_of, read_to_end
from support.client_stream import PATIENCE, Stream, alerts_until, decided, decided_in_stages, real, twin
from support.journeys import journey
from support.kafka import RealKafka
from support.stream import wait_until

_numbers = count(1)


@pytest.fixture(
    scope="module",
    params=["twin", pytest.param("embedded", marks=pytest.mark.embedded), pytest.param("kafka", marks=pytest.mark.kafka)],
)
def stream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stream]:
    """The twin, and a worker on the embedded broker and on real Kafka, each for all tests of this module."""
    if request.param == "twin":
        with twin() as found:
            yield found
    else:
        folder = tmp_path_factory.mktemp(request.param)
        broker = EmbeddedBroker() if request.param == "embedded" else RealKafka()
        with broker, real(request.param, broker.bootstrap_servers, folder) as found:
            yield found


@pytest.fixture
def number() -> str:
    """A certificate number of Botswana's that no other test has."""
    return f"BW{next(_numbers):06d}"


def group() -> str:
    """A consumer group that no other test has."""
    return f"desk-{next(_numbers)}"


def withdrawal(event: dict[str, Any], by: str | None = None) -> dict[str, Any]:
    """What takes an event back."""
    return {
        "type": "EventWithdrawn",
        "event_id": f"{event['event_id']}-w",
        "occurred_at": "2024-03-20T10:00:00Z",
        "authority": by or event["authority"],
        "certificate_number": event["certificate_number"],
        "withdrawn_event_id": event["event_id"],
        "reason": "INCORRECT_DATA",
    }


def of(certificate: str, alerts: list[Alert]) -> list[Alert]:
    """One certificate's alerts."""
    return [alert for alert in alerts if alert.certificate_number == certificate]


def raw_alert(stream: Stream, number: str) -> Any:
    """The record of a certificate's last alert."""
    consumer = stream.transport.consumer("test")
    try:
        found = [each for each in read_to_end(consumer, places_of(consumer, "flagged-shipments")) if each.key == number.encode()]
    finally:
        consumer.close()
    return found[-1]


# Decisions


def test_each_event_gets_its_own_decision_whatever_the_outcome(stream: Stream, number: str) -> None:
    issue, export, arrival, _ = journey(number, found="60.00")
    with stream.publisher() as publisher:
        decisions = decided(publisher, [issue, export, arrival, arrival, {**arrival, "carats": "61"}, withdrawal(export, by="EU")])
    assert [decision.outcome for decision in decisions] == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED"]
    assert len({decision.decision_id for decision in decisions}) == 6
    arrived = decisions[2]
    assert {(party.role, party.code, party.status) for party in arrived.participants} == {
        ("issuer", "BW", "participant"),
        ("destination", "EU", "participant"),
        ("importer", "EU", "participant"),
    }
    assert [rule.rule_id for rule in arrived.rules if rule.outcome == "violation"] == ["import-mismatch"]
    assert len(arrived.alert_ids) == 1
    assert [(fault.code, fault.field) for fault in decisions[5].errors] == [("not-yours", "authority")]


def test_decisions_on_many_events_are_found_in_turn_together_and_by_receipts_that_were_kept(stream: Stream) -> None:
    certificates = [f"BW{next(_numbers):06d}" for _ in range(30)]
    with stream.publisher() as publisher:
        receipts = publisher.publish_many([event for each in certificates for event in journey(each)])
        together = {decision.decision_id for decision in publisher.wait_for_decisions(receipts, PATIENCE)}
        in_turn = {publisher.wait_for_decision(receipt, PATIENCE).decision_id for receipt in receipts[::7]}
        by_id = publisher.wait_for_decision(receipts[5].event_id, PATIENCE)
    assert together == {receipt.decision_id for receipt in receipts}
    assert in_turn <= together
    assert by_id.decision_id == receipts[5].decision_id
    with stream.publisher() as another:
        assert another.wait_for_decision(receipts[0], PATIENCE).event_id == receipts[0].event_id


BY_LINEAGE = frozenset(rule.id for rule, _ in shipped_rulebook().rules if rule.lineage)
"""Rules that read what other certificates tell: when that comes depends on the stream; once it has, what is open does not."""


def test_a_realistic_trade_comes_to_the_same_decisions_and_alerts_on_every_stream(stream: Stream) -> None:
    """The twin, fed with the same events in the same order, is the measure."""
    stages = staged([event for event in simulate(seed=5, days=12) if event["type"] in EVENT_TYPES])
    with twin() as measure, measure.publisher() as publisher, measure.subscriber() as subscriber:
        expected = answers(decided_in_stages(publisher, stages))
        every = told(subscriber, timeout=0)
        alerts = {(alert.alert_id, alert.revision): bare(alert) for alert in every if alert.rule_id not in BY_LINEAGE}
        still_open = {alert.alert_id for alert in subscriber.current()}
    assert len(expected) > 200
    assert len(alerts) > 5
    certificates = {event["certificate_number"] for stage in stages for event in stage}
    with stream.publisher() as publisher, stream.subscriber() as subscriber:
        assert answers(decided_in_stages(publisher, stages)) == expected
        found: dict[tuple[str, int], Any] = {}
        while not found.keys() >= alerts.keys():
            (alert,) = alerts_until(subscriber, 1)
            if alert.certificate_number in certificates and alert.rule_id not in BY_LINEAGE:
                found[alert.alert_id, alert.revision] = bare(alert)
        late = [alert for alert in told(subscriber, timeout=1.0) if alert.certificate_number in certificates]
        assert not [alert for alert in late if alert.rule_id not in BY_LINEAGE]
        assert found == alerts

        def is_open() -> set[str]:
            return {alert.alert_id for alert in subscriber.current() if alert.certificate_number in certificates}

        wait_until(lambda: is_open() == still_open, PATIENCE, "the same alerts are open")


def staged(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Every certificate's first events, then every one's second, and so on; of one topic each, so that every stream has them in order."""
    by_certificate: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_certificate[event["certificate_number"]].append(event)
    stages = []
    for step in range(max(map(len, by_certificate.values()))):
        due = [each[step] for each in by_certificate.values() if step < len(each)]
        for topic in ("certificates", "shipments"):
            stages.append([event for event in due if TOPICS_OF[event["type"]][0] == topic])
    return [stage for stage in stages if stage]


def answers(decided: list[tuple[Receipt, Decision]]) -> dict[str, list[Any]]:
    """What was decided on each event, without what depends on where and when."""
    found = defaultdict(list)
    for _, decision in decided:
        said = bare(decision)
        said["rules"] = [each for each in said["rules"] if each["rule_id"] not in BY_LINEAGE]
        said["alert_ids"] = sorted(set(said["alert_ids"]) - {alert_id(decision.certificate_number, each, "") for each in BY_LINEAGE})
        found[decision.event_id].append(said)
    return {event_id: sorted(each, key=str) for event_id, each in found.items()}


def bare(answer: Decision | Alert) -> dict[str, Any]:
    """What was said, without where and when."""
    said = msgspec.to_builtins(answer)
    return {name: value for name, value in said.items() if name not in ("decision_id", "decided_at", "raised_at")}


def told(subscriber: AlertSubscriber, timeout: float) -> list[Alert]:
    """What comes until nothing did for so many seconds."""
    found: list[Alert] = []
    subscriber.run(found.append, timeout=timeout)
    return found


# Alerts


def test_an_alert_opens_and_resolves_in_order_and_is_current_in_between(stream: Stream, number: str) -> None:
    issue, export, arrival, confirmation = journey(number, found="60.00")
    with stream.publisher() as publisher, stream.subscriber() as subscriber:
        decided(publisher, [issue, export, arrival, confirmation])
        (opened,) = until(subscriber, number, 1)
        assert (opened.rule_id, opened.status, opened.revision, opened.severity) == ("import-mismatch", "OPENED", 1, "HOLD")
        assert opened in subscriber.current()
        decided(publisher, [withdrawal(confirmation), withdrawal(arrival)])
        revisions = [opened]
        while revisions[-1].status != "RESOLVED":
            revisions += until(subscriber, number, 1)
        assert [alert.revision for alert in revisions] == list(range(1, len(revisions) + 1))
        assert not of(number, subscriber.current())


def until(subscriber: AlertSubscriber, number: str, count: int) -> list[Alert]:
    """The next alerts of one certificate."""
    found: list[Alert] = []
    while len(found) < count:
        found += of(number, alerts_until(subscriber, 1))
    return found


def test_filters_by_headers_from_now_on(stream: Stream, number: str) -> None:
    with (
        stream.publisher() as publisher,
        stream.subscriber(since="now") as everything,
        stream.subscriber(since="now", severities=["HOLD"], participants=["EU"], rules=["import-mismatch"]) as wanted,
        stream.subscriber(since="now", severities=["BLOCK"]) as unwanted,
    ):
        for subscriber in (everything, wanted, unwanted):
            assert subscriber.next_alert(timeout=0) is None, "which begins now"
        decided(publisher, journey(number, found="60.00"))
        assert [alert.certificate_number for alert in alerts_until(everything, 1)] == [number]
        assert [alert.certificate_number for alert in alerts_until(wanted, 1)] == [number]
        assert told(unwanted, timeout=1.0) == []


def test_from_a_time_on(stream: Stream) -> None:
    before, after = (f"BW{next(_numbers):06d}" for _ in range(2))
    with stream.publisher() as publisher, stream.subscriber() as witness:
        decided(publisher, journey(before, found="60.00"))
        until(witness, before, 1)
        between = datetime.now(UTC) + timedelta(milliseconds=1)
        wait_until(lambda: datetime.now(UTC) > between, 5, "the clock goes on")
        decided(publisher, journey(after, found="60.00"))
        with stream.subscriber(since=between) as subscriber:
            (first,) = alerts_until(subscriber, 1)
    assert first.certificate_number == after


def test_a_repeated_revision_and_an_unreadable_record_are_no_alerts(stream: Stream, number: str) -> None:
    sentinel = f"BW{next(_numbers):06d}"
    with stream.publisher() as publisher, stream.subscriber(since="now") as subscriber:
        assert subscriber.next_alert(timeout=0) is None
        decided(publisher, journey(number, found="60.00"))
        alerts_until(subscriber, 1)
        record = raw_alert(stream, number)
        headers = dict(record.headers)
        stream.put(record.topic, record.partition, record.key, record.value, headers)
        broken = stream.put(record.topic, record.partition, record.key, b"unreadable", {**headers, "ce_id": b"other/1"})
        decided(publisher, journey(sentinel, found="60.00"))
        with structlog.testing.capture_logs() as logs:
            (following,) = alerts_until(subscriber, 1)
            assert told(subscriber, timeout=1.0) == []
    assert following.certificate_number == sentinel
    (entry,) = [entry for entry in logs if entry["event"] == "alert_unreadable"]
    assert (entry["topic"], entry["partition"], entry["offset"]) == (broken.topic, broken.partition, broken.offset)


def test_a_group_goes_on_where_it_was_loses_nothing_and_repeats_only_what_was_not_finished(stream: Stream) -> None:
    numbers = [f"BW{next(_numbers):06d}" for _ in range(6)]
    options: dict[str, Any] = {"group": group(), "since": datetime.now(UTC)}
    applied: list[str] = []

    def dies_at_third(alert: Alert) -> None:
        if len(applied) == 2:
            raise KeyboardInterrupt
        applied.append(alert.certificate_number)

    with stream.publisher() as publisher:
        for each in numbers[:4]:
            decided(publisher, journey(each, found="60.00"))
        with pytest.raises(KeyboardInterrupt), stream.subscriber(**options) as subscriber:
            subscriber.run(dies_at_third, timeout=PATIENCE)
        for each in numbers[4:]:
            decided(publisher, journey(each, found="60.00"))
        with stream.subscriber(**options) as subscriber:
            applied += [alert.certificate_number for alert in alerts_until(subscriber, 4)]
            assert subscriber.next_alert(timeout=1.0) is None
    assert sorted(applied) == numbers


def test_an_alert_is_heard_while_it_is_waited_for(stream: Stream, number: str) -> None:
    found: list[Alert] = []
    with stream.subscriber(since="now") as subscriber, stream.publisher() as publisher:
        assert subscriber.next_alert(timeout=0) is None
        reader = threading.Thread(target=lambda: found.extend(alerts_until(subscriber, 1)))
        reader.start()
        decided(publisher, journey(number, found="60.00"))
        reader.join(PATIENCE)
    assert [alert.certificate_number for alert in found] == [number]
