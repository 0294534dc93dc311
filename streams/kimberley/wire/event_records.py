"""An event as the record that is published: topic, key, value, headers."""

from typing import Any, NamedTuple

import msgspec

from kimberley.model.events import TOPICS_OF, AnyEvent
from kimberley.model.text import normalise_number
from kimberley.wire.avro import Codec
from kimberley.wire.envelope import Headers, event_headers
from kimberley.wire.records import json_from_record


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


def event_json(event: AnyEvent) -> dict[str, Any]:
    """An event in its JSON form, as it was taken in: codes and numbers normalised, what it does not state left out."""
    return json_from_record(type(event).__name__, _plain(event))


def _plain(value: Any) -> Any:
    """Structs as dicts and tuples as lists, at any depth."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
