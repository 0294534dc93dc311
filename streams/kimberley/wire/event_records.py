"""An event as the record that is published: topic, key, value, headers."""

from typing import Any, NamedTuple

from kimberley.model.events import TOPICS_OF
from kimberley.model.text import normalise_number
from kimberley.wire.avro import Codec
from kimberley.wire.envelope import Headers, event_headers


class EventRecord(NamedTuple):
    """A record ready to be sent; the default partitioner of Java's and kafka-python's clients puts it right by its key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


def event_record(codec: Codec, type_name: str, fields: dict[str, Any], topic: str | None = None) -> EventRecord:
    """The record of an event's fields (`wire.records`). `topic` chooses where a type may go to several; default: its first."""
    topic = topic or TOPICS_OF[type_name][0]
    key = normalise_number(fields["certificate_number"]).encode()
    return EventRecord(topic, key, codec.encode(topic, type_name, fields), event_headers(type_name, fields))
