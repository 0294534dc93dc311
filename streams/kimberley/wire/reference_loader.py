"""Putting reference data onto its topics: what changed, then the manifest that makes the revision complete."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from kimberley.errors import UnreadableRecordError
from kimberley.reference.reference import Reference, ReferenceRecord
from kimberley.settings import Settings
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.envelope import event_headers
from kimberley.wire.log_reader import log_consumer, read_to_end
from kimberley.wire.reference_records import MANIFEST, MANIFEST_KEY, manifest_fields, reference_fields
from kimberley.wire.security import client_options, kafka_problem
from kimberley.wire.topics import PARTICIPANTS, REFERENCE_TOPICS

_TIMEOUT_SECONDS = 30
_HEAD = ("event_id", "occurred_at", "utc_offset_minutes", "authority")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did. `changed` and `removed` count records."""

    revision: str
    changed: int
    removed: int


def load_reference(settings: Settings, reference: Reference) -> Loaded:
    """Make the topics hold this reference data: send what differs, tombstones for what is gone, then the manifest.

    Loading what is there already sends the manifest alone. Raises ServiceUnavailableError when the broker does not answer.
    """
    options = client_options(settings)
    codec = make_codec(settings)
    try:
        present = _present(settings, codec)
        producer = KafkaProducer(client_id=f"{settings.prefix}-reference", acks="all", **options)
        try:
            return _load(reference, present, producer, codec)
        finally:
            producer.close()
    except KafkaError as problem:
        raise kafka_problem(settings, problem) from None


def _load(reference: Reference, present: Mapping[str, tuple[dict[str, Any], int]], producer: KafkaProducer, codec: Codec) -> Loaded:
    now = int(time.time() * 1000)
    ends = {topic: end for topic, (_, end) in present.items()}
    gone = {(topic, key) for topic, (held, _) in present.items() for key in held}
    sent = []
    changed = 0
    records: list[ReferenceRecord] = [
        *reference.participants.by_code.values(),
        *reference.measures.by_id.values(),
        *reference.notices.values(),
    ]
    for record in records:
        topic, key, type_name, fields = reference_fields(record, now)
        gone.discard((topic, key))
        value = codec.encode(topic, type_name, fields)
        # compared as read back, so that what the wire leaves out can make no difference
        if present[topic][0].get(key) == _content(codec.decode(topic, value)[1]):
            continue
        sent.append((topic, producer.send(topic, key=key.encode(), value=value, headers=event_headers(type_name, fields), partition=0)))
        changed += 1
    sent += [(topic, producer.send(topic, key=key.encode(), value=None, partition=0)) for topic, key in sorted(gone)]
    for topic, future in sent:
        ends[topic] = max(ends[topic], future.get(timeout=_TIMEOUT_SECONDS).offset + 1)
    manifest = codec.encode(PARTICIPANTS, MANIFEST, manifest_fields(reference, ends, now))
    producer.send(PARTICIPANTS, key=MANIFEST_KEY.encode(), value=manifest, partition=0).get(timeout=_TIMEOUT_SECONDS)
    return Loaded(reference.revision, changed, len(gone))


def _present(settings: Settings, codec: Codec) -> dict[str, tuple[dict[str, Any], int]]:
    """By topic: the newest content by key, and the offset after the last record."""
    places = [TopicPartition(topic, 0) for topic in REFERENCE_TOPICS]
    held: dict[str, dict[str, Any]] = {topic: {} for topic in REFERENCE_TOPICS}
    ends: dict[TopicPartition, int] = {}
    with log_consumer(settings) as consumer:
        for record in read_to_end(consumer, places, ends):
            _hold(held[record.topic], record, codec)
    return {place.topic: (held[place.topic], ends[place]) for place in places}


def _hold(held: dict[str, Any], record: Any, codec: Codec) -> None:
    key = (record.key or b"").decode(errors="replace")
    if key == MANIFEST_KEY:
        return
    if record.value is None:
        held.pop(key, None)
        return
    try:
        held[key] = _content(codec.decode(record.topic, record.value)[1])
    except UnreadableRecordError:
        held[key] = None  # differs from anything, so it is written again


def _content(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _HEAD}
