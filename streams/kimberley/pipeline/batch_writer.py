"""Puts what judging came to into a batch, as the records that it will be: decisions, alerts, lineage, dead letters, forwarded records."""

import traceback
from collections.abc import Sequence
from typing import Any

import structlog

from kimberley.errors import UnreadableRecordError
from kimberley.model.case import Origin
from kimberley.model.decisions import Decision
from kimberley.model.findings import Alert
from kimberley.model.lineage import LineageMessage
from kimberley.pipeline.batch import Batch, Output, Record
from kimberley.wire.avro import Codec
from kimberley.wire.decision_encoding import decision_encoder
from kimberley.wire.envelope import (
    MOST_LETTER_BYTES,
    Headers,
    dead_letter_headers,
    fitting,
    origin_headers,
    parse_origin,
    record_size,
    without_own,
)
from kimberley.wire.lineage import lineage_value
from kimberley.wire.outputs import alert_headers, alert_record, decision_headers
from kimberley.wire.partitioner import partition_of
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS, FLAGGED_SHIPMENTS, OPEN_ALERTS, InternalNames

log = structlog.get_logger(__name__)

_LONGEST_LOGGED = 500
_OVERHEAD = 500
"""Bytes that an output takes in memory besides its value, about."""


class BatchWriter:
    """Writes the outputs of one partition number."""

    def __init__(self, number: int, partitions: int, codec: Codec, names: InternalNames) -> None:
        self._number = number
        self._partitions = partitions
        self._codec = codec
        self._names = names
        self._encode_decision = decision_encoder(codec)
        self._source = f"/{names.prefix}".encode()

    def tell(self, messages: Sequence[LineageMessage], batch: Batch) -> None:
        """What a case tells others."""
        for message in messages:
            partition = partition_of(message.to, self._partitions)
            value = lineage_value(message)
            batch.outputs.append(Output(self._names.lineage, partition, message.to.encode(), value, []))
            batch.size += len(value) + _OVERHEAD

    def forward(self, record: Record, number: str, origin: Origin, timestamp: int, batch: Batch) -> None:
        """A record to the partition of its number. Raises UnreadableRecordError where it came from there, or is too large."""
        if record.topic == self._names.rerouted:
            raise UnreadableRecordError(
                "process", f"forwarded to partition {record.partition}, but certificate {number} belongs on another"
            )
        headers = [*record.headers, *origin_headers(origin, timestamp)]
        size = record_size(record)
        if size > MOST_LETTER_BYTES:
            raise UnreadableRecordError("envelope", f"a record of {size:,} bytes with its headers can't be forwarded")
        batch.size += size
        batch.outputs.append(
            Output(self._names.rerouted, partition_of(number, self._partitions), number.encode(), record.value, headers, record.timestamp)
        )
        batch.counts.rerouted += 1

    def decide(self, decision: Decision, origin: Origin, batch: Batch, passed: Headers) -> None:
        """The answer to a record. `passed`: headers that go on to every output."""
        key = decision.certificate_number.encode() or None
        value = self._encode_decision(decision, origin.topic, origin.partition, origin.offset)
        batch.outputs.append(Output(DECISIONS, self._number, key, value, decision_headers(decision, self._source, batch.stamp, passed)))

    def alert(self, alerts: Sequence[Alert], batch: Batch, passed: Headers) -> None:
        """Put alerts out, and count them once all are: last of what may fail, for what is counted is not taken back."""
        for alert in alerts:
            record: dict[str, Any] = alert_record(alert)
            headers = alert_headers(alert, self._source, passed)
            value, standing = self._codec.encode_for_both(FLAGGED_SHIPMENTS, OPEN_ALERTS, "Alert", record)
            batch.outputs.append(Output(FLAGGED_SHIPMENTS, self._number, alert.certificate_number.encode(), value, headers))
            place = partition_of(alert.alert_id, self._partitions)
            current = None if alert.status == "RESOLVED" else standing
            batch.outputs.append(Output(OPEN_ALERTS, place, alert.alert_id.encode(), current, headers))
            batch.size += 2 * len(value) + _OVERHEAD
        for alert in alerts:
            batch.counts.alerts[alert.rule_id, alert.severity, alert.status] += 1

    def bury(self, record: Record, stage: str, problem: Exception, batch: Batch) -> None:
        """A record that can't be read, byte for byte, with why."""
        topic, partition, offset = record.topic, record.partition, record.offset
        if record.topic == self._names.rerouted:
            try:
                origin, _ = parse_origin(record.headers)
                topic, partition, offset = origin.topic, origin.partition, origin.offset
            except UnreadableRecordError:
                pass  # its own place is all that is known
        trace = "".join(traceback.format_exception(problem)) if stage == "process" else ""
        kept, deaths = without_own(record.headers)
        added = dead_letter_headers(topic, partition, offset, stage, problem, trace, attempts=deaths + 1)
        key, value, headers, size = fitting(record, kept)
        batch.outputs.append(Output(DEAD_LETTERS, self._number, key, value, [*headers, *added], record.timestamp))
        batch.size += size
        batch.counts.dead_letters[stage] += 1
        log.warning("dead_letter", topic=topic, partition=partition, offset=offset, stage=stage, problem=str(problem)[:_LONGEST_LOGGED])
