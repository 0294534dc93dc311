"""Reference data as records of its topics, and the manifest that completes a revision."""

from collections.abc import Callable
from typing import Any

import msgspec

from kimberley.model.reference_data import Measure, Notice, Participant
from kimberley.reference.reference import Reference, ReferenceRecord
from kimberley.reference.validation import take_in_measure, take_in_notice, take_in_participant
from kimberley.wire.topics import MEASURES, NOTICES, PARTICIPANTS

MANIFEST = "ReferenceManifest"
MANIFEST_KEY = "_manifest"
TYPE_OF = {PARTICIPANTS: "ParticipantListed", MEASURES: "MeasureListed", NOTICES: "NoticePublished"}


_TAKE_IN: dict[str, Callable[[dict[str, Any]], ReferenceRecord]] = {
    "ParticipantListed": take_in_participant,
    "MeasureListed": take_in_measure,
    "NoticePublished": take_in_notice,
}


def reference_record(type_name: str, fields: dict[str, Any]) -> ReferenceRecord:
    """The reference record of a decoded event (dates, Decimals). Raises RefusedEventError that names the field at fault."""
    return _TAKE_IN[type_name](_stated(fields))


def reference_fields(record: ReferenceRecord, occurred_at: int) -> tuple[str, str, str, dict[str, Any]]:
    """Topic, key, type name and fields of a reference record that was listed at an instant (milliseconds since the epoch)."""
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    match record:
        case Participant():
            topic, key = PARTICIPANTS, record.code
            fields["periods"] = [msgspec.structs.asdict(period) for period in record.periods]
        case Measure():
            topic, key = MEASURES, record.measure_id
            fields["allowed_zones"] = [msgspec.structs.asdict(zone) for zone in record.allowed_zones]
            for name in ("hs_codes", "zones", "exempt_declarations"):
                fields[name] = list(fields[name])
        case Notice():
            topic, key = NOTICES, record.notice_id
    head = {"event_id": f"{topic}/{key}/{occurred_at}", "occurred_at": occurred_at, "utc_offset_minutes": 0, "authority": "KP"}
    return topic, key, TYPE_OF[topic], {**head, **fields}


def manifest_fields(reference: Reference, end_offsets: dict[str, int], published_at: int) -> dict[str, Any]:
    """The manifest of a revision whose records lie below `end_offsets` of the reference topics."""
    counts = {
        PARTICIPANTS: len(reference.participants.by_code),
        MEASURES: len(reference.measures.by_id),
        NOTICES: len(reference.notices),
    }
    return {
        "revision": reference.revision,
        "published_at": published_at,
        "topics": [
            {"topic": topic, "records": counts[topic], "content_hash": reference.content_hashes[topic], "end_offset": end_offsets[topic]}
            for topic in counts
        ],
    }


def _stated(value: Any) -> Any:
    """A record without what it does not state, at any depth, so that a struct's defaults take that place."""
    if isinstance(value, dict):
        return {name: _stated(item) for name, item in value.items() if item is not None}
    return [_stated(item) for item in value] if isinstance(value, list) else value
