"""Alerts and decisions as records: the dict form that Avro encodes, the JSON form that people and programs read, and their headers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kimberley.model.decisions import Decision
from kimberley.model.events import instant_text
from kimberley.model.findings import Alert, Evidence
from kimberley.model.kept import Kept
from kimberley.wire.envelope import CONTENT_TYPE, SPEC_VERSION, Headers

_ALERT_TYPES = {status: ("ce_type", f"kp.alert.{status.lower()}.v1".encode()) for status in ("OPENED", "UPDATED", "RESOLVED")}
_DECISION_TYPE = ("ce_type", b"kp.decision.made.v1")
_AUTHORITIES = Kept[str, tuple[str, bytes]](lambda code: ("kp_authority", code.encode()), 1000)
_OUTCOMES = Kept[str, tuple[str, bytes]](lambda outcome: ("kp_outcome", outcome.encode()))


def alert_record(alert: Alert) -> dict[str, Any]:
    """An alert as its Avro record; instants are milliseconds since the epoch."""
    return {
        "alert_id": alert.alert_id,
        "subject": alert.subject,
        "status": alert.status,
        "revision": alert.revision,
        "rule_id": alert.rule_id,
        "rule_version": alert.rule_version,
        "rulebook": alert.rulebook,
        "severity": alert.severity,
        "certificate_number": alert.certificate_number,
        "shipment_id": alert.shipment_id,
        "participants": list(alert.participants),
        "message": alert.message,
        "basis": alert.basis,
        "evidence": [
            {"field": each.field, "value": each.value, "expected": each.expected, "event_id": each.event_id} for each in alert.evidence
        ],
        "confidence": alert.confidence,
        "event_id": alert.event_id,
        "effective_at": alert.effective_at,
        "raised_at": alert.raised_at,
        "reference_revision": alert.reference_revision,
    }


def alert_of(record: Mapping[str, Any]) -> Alert:
    """The alert of a decoded Avro record."""
    evidence = tuple(Evidence(**each) for each in record["evidence"])
    return Alert(**{**record, "participants": tuple(record["participants"]), "evidence": evidence})


def alert_json(alert: Alert) -> dict[str, Any]:
    """An alert as a JSON object; instants are RFC 3339."""
    return record_json(alert_record(alert), ("effective_at", "raised_at"))


def decision_record(decision: Decision, topic: str, partition: int, offset: int) -> dict[str, Any]:
    """A decision as its Avro record; `topic`, `partition`, `offset`: the input record that it answers."""
    return {
        "decision_id": decision.decision_id,
        "event_id": decision.event_id,
        "event_type": decision.event_type,
        "certificate_number": decision.certificate_number,
        "authority": decision.authority,
        "outcome": decision.outcome,
        "errors": [{"code": each.code, "field": each.field, "message": each.message} for each in decision.errors],
        "participants": [
            {"role": each.role, "code": each.code, "participant": each.participant, "status": each.status, "as_of": each.as_of}
            for each in decision.participants
        ],
        "rules": [{"rule_id": each.rule_id, "version": each.version, "outcome": each.outcome} for each in decision.rules],
        "alert_ids": list(decision.alert_ids),
        "rulebook": decision.rulebook,
        "reference_revision": decision.reference_revision,
        "decided_at": decision.decided_at,
        "input_topic": topic,
        "input_partition": partition,
        "input_offset": offset,
    }


def decision_of(record: Mapping[str, Any]) -> Decision:
    """The decision of a decoded Avro record. Raises msgspec.ValidationError where a later version says what this one can't hold."""
    return msgspec.convert(record, Decision)


def decision_json(decision: Decision, topic: str, partition: int, offset: int) -> dict[str, Any]:
    """A decision as a JSON object; instants are RFC 3339, dates ISO 8601."""
    record = record_json(decision_record(decision, topic, partition, offset), ("decided_at",))
    record["participants"] = [{**each, "as_of": each["as_of"].isoformat() if each["as_of"] else None} for each in record["participants"]]
    return record


def record_json(record: Mapping[str, Any], instants: Sequence[str]) -> dict[str, Any]:
    """A record with its instants, milliseconds since the epoch, written as RFC 3339."""
    return {field: instant_text(value) if field in instants and value is not None else value for field, value in record.items()}


def alert_headers(alert: Alert, source: bytes, passed: Headers) -> Headers:
    """Headers by which a consumer filters alerts without decoding them, and CloudEvents' own."""
    return [
        SPEC_VERSION,
        ("ce_id", f"{alert.alert_id}/{alert.revision}".encode()),
        ("ce_source", source),
        _ALERT_TYPES[alert.status],
        ("ce_time", instant_text(alert.effective_at).encode()),
        CONTENT_TYPE,
        ("kp_status", alert.status.encode()),
        ("kp_severity", alert.severity.encode()),
        ("kp_rule", alert.rule_id.encode()),
        ("kp_participants", ",".join(alert.participants).encode()),
        *passed,
    ]


def decision_headers(decision: Decision, source: bytes, decided_at: bytes, passed: Headers) -> Headers:
    """Headers by which a sender finds the answer to its event without decoding, and CloudEvents' own."""
    return [
        SPEC_VERSION,
        ("ce_id", decision.decision_id.encode()),
        ("ce_source", source),
        _DECISION_TYPE,
        ("ce_time", decided_at),
        CONTENT_TYPE,
        ("kp_event_id", decision.event_id.encode()),
        _AUTHORITIES[decision.authority],
        _OUTCOMES[decision.outcome],
        *passed,
    ]
