"""Reading a partition's cases back from their changelog."""

from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from kimberley.cases.judge import RESOLVED_PREFIX
from kimberley.errors import ConfigurationError
from kimberley.model.case import AlertState, Case, check_format, pack_case, unpack_case
from kimberley.model.findings import Evidence, Finding
from kimberley.model.partition_state import STATE_KEY, PartitionState, unpack_state
from kimberley.pipeline.reading import read_to_end
from kimberley.wire.avro import Codec

_STEP_RECORDS = 1000


async def recover_cases(
    consumer: AIOKafkaConsumer, topic: str, number: int, on_read: Callable[[int], None]
) -> tuple[dict[str, bytes], PartitionState]:
    """All cases of one partition number, packed, by certificate number, and its state. `consumer` reads committed, has no group and
    belongs to us.

    `on_read` hears how many more records were read. Raises ServiceUnavailableError when the changelog can't be read on for a minute,
    ConfigurationError when a version wrote it whose format this one does not know.
    """
    cases: dict[str, bytes] = {}
    foreign: dict[str, ConfigurationError] = {}
    state = PartitionState()
    records = 0
    async for record in read_to_end(consumer, [TopicPartition(topic, number)]):
        records += 1
        if records == _STEP_RECORDS:
            on_read(records)
            records = 0
        if record.key == STATE_KEY:
            state = unpack_state(record.value) if record.value else PartitionState()
            continue
        key = record.key.decode()
        foreign.pop(key, None)
        if record.value is None:
            cases.pop(key, None)
            continue
        try:
            check_format(record.value)
        except ValueError as problem:  # refused only where it still stands at the end: a rebuild replaces it
            foreign[key] = ConfigurationError(f"{topic}-{number}, offset {record.offset}: {problem}")
        cases[key] = record.value
    on_read(records)
    if foreign:
        raise next(iter(foreign.values()))
    return cases, state


async def adopt_published_alerts(
    consumer: AIOKafkaConsumer, topic: str, number: int, cases: dict[str, bytes], codec: Codec, on_read: Callable[[int], None]
) -> int:
    """Bring cases up to the alerts that were published for them; how many alerts were ahead.

    Without transactions a worker may die after its alerts are out and before the cases are stored. The records are read again, perhaps
    in another order across topics, and may not lead to the same alert: a case must know what was said of it to take it back. `on_read`
    hears of every alert.
    """
    last: dict[str, dict[str, Any]] = {}
    async for record in read_to_end(consumer, [TopicPartition(topic, number)]):
        on_read(1)
        alert = codec.decode(topic, record.value)[1]
        known = last.get(alert["alert_id"])
        if known is None or alert["revision"] > known["revision"]:
            last[alert["alert_id"]] = alert
    by_case: dict[str, list[dict[str, Any]]] = {}
    for alert in last.values():
        by_case.setdefault(alert["certificate_number"], []).append(alert)
    adopted = 0
    for certificate_number, alerts in by_case.items():
        packed = cases.get(certificate_number)
        case = unpack_case(packed) if packed else Case(certificate_number)
        revisions = {state.alert_id: state.revision for state in case.alerts}
        ahead = [alert for alert in alerts if alert["revision"] > revisions.get(alert["alert_id"], 0)]
        if ahead:
            gone = {alert["alert_id"] for alert in ahead}
            case.alerts = [state for state in case.alerts if state.alert_id not in gone] + [alert_state(alert) for alert in ahead]
            cases[certificate_number] = pack_case(case)
            adopted += len(ahead)
    return adopted


def alert_state(alert: Mapping[str, Any]) -> AlertState:
    """Where a published alert, a decoded record, leaves its case. `since`, which no alert states, is None."""
    finding = Finding(
        rule_id=alert["rule_id"],
        rule_version=alert["rule_version"],
        subject=alert["subject"],
        severity=alert["severity"],
        message=alert["message"].removeprefix(RESOLVED_PREFIX) if alert["status"] == "RESOLVED" else alert["message"],
        basis=alert["basis"],
        participants=tuple(alert["participants"]),
        evidence=tuple(Evidence(**each) for each in alert["evidence"]),
        confidence=alert["confidence"],
        shipment_id=alert["shipment_id"],
    )
    return AlertState(
        alert["alert_id"], alert["revision"], alert["status"] != "RESOLVED", finding, alert["effective_at"], alert["event_id"]
    )
