"""The twin judges as the stream does: what can't be read, what came astray, and everything that `check` finds."""

from datetime import UTC, datetime

import pytest

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.client import RefusedEventError
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin
from kimberley.model.events import EVENT_TYPES
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import Reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.testing import MemoryPipeline
from kimberley.wire.avro import make_codec
from kimberley.wire.partitioner import partition_of
from support.journeys import journey
from support.stream import event_records

NUMBER = "BW000401"


def test_a_whole_trade_ends_with_the_open_alerts_that_check_finds() -> None:
    events = [event for event in simulate(seed=7, days=20) if event["type"] in EVENT_TYPES]
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    report = check([as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)], policy, afresh=True)
    with MemoryPipeline() as pipeline, pipeline.publisher() as publisher:
        receipts = publisher.publish_many(events)
        assert len(pipeline.decisions()) == len(receipts) == len(events)
        pipeline.advance(report.as_of)
        found = {alert.alert_id for alert in pipeline.open_alerts()}
        assert {each.decision_id for each in pipeline.decisions()} == {receipt.decision_id for receipt in receipts}
        assert not pipeline.dead_letters()
    assert found == {alert.alert_id for alert in report.open_alerts}
    assert found


@pytest.mark.parametrize(
    ("value", "stage"), [(b"no Avro", "frame"), (None, "frame"), (b"\x00\x00\x00\x00\x2a!", "schema"), (b"\x00\x3b\x9a\xca\x00!", "decode")]
)
def test_what_can_not_be_read_is_a_dead_letter(value: bytes | None, stage: str) -> None:
    with MemoryPipeline() as pipeline:
        pipeline.put("certificates", value, key=NUMBER.encode(), headers={"traceparent": b"t"})
        (letter,) = pipeline.dead_letters()
        assert (letter.key, letter.value) == (NUMBER.encode(), value)
        headers = dict(letter.headers)
        assert headers["__kimberley.errors.stage"] == stage.encode()
        assert headers["traceparent"] == b"t"
        assert not pipeline.decisions()


def test_a_record_without_key_on_another_partition_is_judged_with_its_certificate() -> None:
    with MemoryPipeline() as pipeline, pipeline.publisher() as publisher:
        issue, export, arrival, _ = journey(NUMBER, found="60.00")
        publisher.publish_many([issue, export])
        (stray,) = event_records(make_codec(pipeline.settings), [arrival])
        elsewhere = (partition_of(NUMBER, 4) + 1) % 4
        record = pipeline.put("shipments", stray.value, partition=elsewhere, headers=dict(stray.headers))
        decision = next(each for each in pipeline.decisions() if each.event_id == arrival["event_id"])
        assert decision.decision_id == f"shipments/{elsewhere}/{record.offset}", "it answers the record as it was sent"
        assert [alert.rule_id for alert in pipeline.open_alerts()] == ["import-mismatch"]


def test_the_clock_is_ones_own() -> None:
    at = datetime(2024, 3, 4, 7, 0, tzinfo=UTC)
    with MemoryPipeline(clock=at.timestamp) as pipeline, pipeline.publisher() as publisher:
        receipt = publisher.publish(journey(NUMBER)[0])
        assert publisher.wait_for_decision(receipt).decided_at == int(at.timestamp() * 1000)
        with pytest.raises(RefusedEventError) as refused:
            publisher.publish(journey(NUMBER)[1])
    assert [code for code, *_ in refused.value.errors] == ["future"]


def test_reference_data_and_partitions_are_ones_own() -> None:
    nobody = Reference([], [], [])
    with MemoryPipeline(reference=nobody, partitions=1) as pipeline, pipeline.publisher() as publisher:
        publisher.publish(journey(NUMBER)[0])
        assert "issuer-not-participant" in {alert.rule_id for alert in pipeline.open_alerts()}
        assert len(pipeline.records("certificates")) == 1


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMBERLEY_REGISTRY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("KIMBERLEY_PARTITIONS", "3")
    with MemoryPipeline() as pipeline, pipeline.publisher() as publisher:
        publisher.publish_many(journey(NUMBER))
        assert pipeline.settings.partitions == 4
