"""The contract as an AsyncAPI 3 document, made of the schemas and topics themselves, so that the two can't differ."""

from collections.abc import Mapping
from typing import Any

from kimberley import __version__
from kimberley.model.events import EVENT_TYPES, TOPICS_OF
from kimberley.settings import Settings
from kimberley.wire.envelope import event_type
from kimberley.wire.schemas import NAMESPACE, SchemaFiles, folder_of, subject
from kimberley.wire.topics import (
    DEAD_LETTERS,
    DECISIONS,
    DISPOSITIONS,
    EVENT_TOPICS,
    FLAGGED_SHIPMENTS,
    OPEN_ALERTS,
    TopicSpec,
    topic_specs,
)

_AVRO = "application/vnd.apache.avro+json;version=1.9.0"
_TEXT = {"type": "string"}
_DESCRIPTION = """\
Border systems publish certificate and shipment events; the stream answers each with a decision and raises alerts.
Records are Avro in Confluent framing: 0x00, a four-byte schema id, the body. Values on `open-alerts` are null once an alert resolves."""

_CLOUD_EVENT = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "description": "the event's id, or what the output is known by"},
    "ce_source": {"type": "string", "description": "/kp/<authority>[/<office>] of an event, the stream's prefix of an output"},
    "ce_time": {"type": "string", "format": "date-time"},
    "content-type": {"type": "string", "const": "application/avro"},
    "traceparent": {"type": "string", "description": "W3C trace context; passes through to every output"},
    "tracestate": _TEXT,
}
_ALERT_HEADERS = {
    "kp_status": {"type": "string", "enum": ["OPENED", "UPDATED", "RESOLVED"]},
    "kp_severity": {"type": "string", "enum": ["BLOCK", "HOLD", "REVIEW", "INFO"]},
    "kp_rule": {"type": "string", "description": "the rule's id"},
    "kp_participants": {"type": "string", "description": "codes concerned, separated by commas"},
}
_OUTPUT_HEADERS: dict[str, dict[str, Any]] = {
    FLAGGED_SHIPMENTS: _ALERT_HEADERS,
    OPEN_ALERTS: _ALERT_HEADERS,
    DECISIONS: {
        "kp_event_id": {"type": "string", "description": "the event that is answered"},
        "kp_authority": {"type": "string", "description": "who sent it"},
        "kp_outcome": {"type": "string", "enum": ["ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED"]},
    },
}
_DEAD_LETTER_HEADERS = {
    f"__kimberley.errors.{name}": {"type": "string", "description": words}
    for name, words in {
        "topic": "where the record was read",
        "partition": "its partition",
        "offset": "its offset",
        "stage": "frame, schema, decode, envelope, signature or process",
        "exception": "kind of error",
        "message": "what was wrong",
        "stacktrace": "only of stage process",
        "attempts": "how often it has died",
    }.items()
}
_DEAD_LETTER_HEADERS |= {
    "__kimberley.replay.of": {"type": "string", "description": "of a record that was sent again: where it lay before"},
    "__kimberley.replay.letter": {"type": "string", "description": "of a record that was sent again: where its dead letter lies"},
}
_PUBLIC_WRITES = (DECISIONS, FLAGGED_SHIPMENTS, OPEN_ALERTS, DEAD_LETTERS)


def asyncapi_document(settings: Settings, files: SchemaFiles) -> dict[str, Any]:
    """The document as a JSON object: every public topic as a channel, every record type as a message with its frozen Avro schema.

    Operations are the stream's: it receives events and reference data, and sends decisions, alerts and dead letters.
    """
    specs = [spec for spec in topic_specs(settings) if not spec.name.startswith(f"{settings.prefix}-")]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kimberley: rough-diamond certificates and shipments, judged as they come",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "defaultContentType": "application/avro",
        "servers": {"kafka": {"host": "127.0.0.1:9092", "protocol": "kafka", "description": "a local cluster"}},
        "channels": {spec.name: _channel(spec, settings, files) for spec in specs},
        "operations": {
            f"{'send' if spec.name in _PUBLIC_WRITES else 'receive'}-{spec.name}": {
                "action": "send" if spec.name in _PUBLIC_WRITES else "receive",
                "channel": {"$ref": f"#/channels/{spec.name}"},
                "summary": spec.purpose,
            }
            for spec in specs
            if spec.name != DISPOSITIONS  # people's consoles write and read these; the stream does neither
        },
    }


def _channel(spec: TopicSpec, settings: Settings, files: SchemaFiles) -> dict[str, Any]:
    folder = folder_of(spec.name, settings.prefix)
    records = sorted(record for topic, record in files.frozen if topic == folder)
    messages = {record: _message(spec, record, files.newest(folder, record).schema, settings) for record in records}
    if spec.name == DEAD_LETTERS:
        messages = {"DeadLetter": _dead_letter(spec)}
    return {
        "address": spec.name,
        "description": f"{spec.purpose}; key: {spec.key}",
        "messages": messages,
        "bindings": {"kafka": {"topic": spec.name, "partitions": spec.partitions, "topicConfiguration": _configuration(spec.config)}},
    }


def _message(spec: TopicSpec, record: str, schema: Any, settings: Settings) -> dict[str, Any]:
    headers = {**_CLOUD_EVENT, **_OUTPUT_HEADERS.get(spec.name, {})}
    if record in EVENT_TYPES:
        headers["ce_type"] = {"type": "string", "const": event_type(record)}
        headers["kp_signature"] = {"type": "string", "description": "of a signed event"}
        headers["kp_key_id"] = {"type": "string", "description": "the key that signed it"}
    return {
        "name": f"{NAMESPACE}.{record}",
        "title": record,
        "summary": schema["doc"],
        "description": f"subject `{subject(spec.name, record)}`, compatibility FULL_TRANSITIVE" + _elsewhere(spec.name, record),
        "contentType": "application/avro",
        "headers": {"type": "object", "properties": headers},
        "payload": {"schemaFormat": _AVRO, "schema": schema},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": spec.key},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicRecordNameStrategy",
            }
        },
    }


def _elsewhere(topic: str, record: str) -> str:
    others = [name for name in TOPICS_OF.get(record, ()) if name != topic and topic in EVENT_TOPICS]
    return f"; also on `{others[0]}`" if others else ""


def _dead_letter(spec: TopicSpec) -> dict[str, Any]:
    return {
        "name": "DeadLetter",
        "title": "DeadLetter",
        "summary": "a record that could not be read: its value, key, headers and timestamp as they came, and why in added headers",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": _DEAD_LETTER_HEADERS},
        "payload": {"type": "string", "format": "binary"},
        "bindings": {"kafka": {"key": {"type": "string", "description": spec.key}}},
    }


def _configuration(config: Mapping[str, str]) -> dict[str, Any]:
    """A topic's promised settings as the Kafka binding has them: the policy as a list, durations as numbers."""
    stated: dict[str, Any] = {}
    if policy := config.get("cleanup.policy"):
        stated["cleanup.policy"] = policy.split(",")
    for name in ("retention.ms", "retention.bytes"):
        if name in config:
            stated[name] = int(config[name])
    return stated
