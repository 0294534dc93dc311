"""What `open-alerts` holds, and what it lacks of what was published."""

from collections.abc import Mapping
from typing import Any

from kimberley.errors import UnreadableRecordError
from kimberley.pipeline.batch import Output
from kimberley.repair.alert_histories import Revision, revision_of
from kimberley.repair.whole_topics import WholeTopics
from kimberley.wire.avro import Codec
from kimberley.wire.partitioner import partition_of
from kimberley.wire.topics import FLAGGED_SHIPMENTS, OPEN_ALERTS

UNREADABLE = "unreadable"
"""The status of what is no alert."""
Alert = Mapping[str, Any]


async def read_open_alerts(topics: WholeTopics, partitions: int, codec: Codec) -> dict[str, Alert]:
    """Decoded records by alert id. What can't be read has the status `unreadable` and revision 0."""
    held: dict[str, Alert] = {}
    async for record in topics.read([OPEN_ALERTS], range(partitions)):
        key = (record.key or b"").decode(errors="replace")
        if record.value is None:
            held.pop(key, None)
            continue
        try:
            held[key] = codec.decode(OPEN_ALERTS, record.value)[1]
        except UnreadableRecordError:
            held[key] = {"certificate_number": "", "revision": 0, "status": UNREADABLE}
    return held


async def corrections(
    number: int, last: Mapping[str, Revision], held: Mapping[str, Alert], topics: WholeTopics, partitions: int, codec: Codec
) -> list[Output]:
    """What makes `open-alerts` hold the alerts of one partition number that are open by their last published revision, and no others.

    What is there of a later revision than any that was published is left alone: cases go on from it.
    """
    found: list[Output] = []
    missing: set[str] = set()
    for alert_id, revision in last.items():
        there = held.get(alert_id)
        if there is not None and there["revision"] > revision.number:
            continue
        if revision.status == "RESOLVED":
            if there is not None:
                found.append(_output(alert_id, None, [], partitions))
        elif there is None or revision_of(there) != revision:
            missing.add(alert_id)
    if missing:
        again: dict[str, Output] = {}
        async for record in topics.read([FLAGGED_SHIPMENTS], [number]):
            try:
                alert = codec.decode(FLAGGED_SHIPMENTS, record.value)[1]
            except UnreadableRecordError:
                continue
            alert_id = alert["alert_id"]
            if alert_id in missing and revision_of(alert) == last[alert_id]:
                again[alert_id] = _output(alert_id, codec.encode(OPEN_ALERTS, "Alert", alert), list(record.headers), partitions)
        found += again.values()
    return found


def unreadable(held: Mapping[str, Alert], partitions: int) -> list[Output]:
    """What removes records that are no alerts."""
    return [_output(alert_id, None, [], partitions) for alert_id, alert in held.items() if alert["status"] == UNREADABLE]


def _output(alert_id: str, value: bytes | None, headers: list[tuple[str, bytes]], partitions: int) -> Output:
    return Output(OPEN_ALERTS, partition_of(alert_id, partitions), alert_id.encode(), value, headers)
