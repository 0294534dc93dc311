"""Reference data as records of its topics, and the manifest that completes a revision."""

from typing import Any

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.reference_data import Measure, Notice, Participant, StatusPeriod
from kimberley.model.text import normalise_code, normalise_hs_code, normalise_number
from kimberley.reference.files import make_participant
from kimberley.reference.reference import Reference, ReferenceRecord
from kimberley.wire.topics import MEASURES, NOTICES, PARTICIPANTS

MANIFEST = "ReferenceManifest"
MANIFEST_KEY = "_manifest"
TYPE_OF = {PARTICIPANTS: "ParticipantListed", MEASURES: "MeasureListed", NOTICES: "NoticePublished"}


def reference_record(type_name: str, fields: dict[str, Any]) -> ReferenceRecord:
    """The reference record of a decoded event (dates, Decimals). Raises ConfigurationError that says what is wrong with it."""
    where = f"{type_name} {fields.get('code') or fields.get('measure_id') or fields.get('notice_id') or '?'}"
    stated = _stated(fields)
    for name in ("code", "territory", "participant"):
        if name in stated:
            stated[name] = normalise_code(stated[name])
    for name in ("first_number", "last_number"):
        if name in stated:
            stated[name] = normalise_number(stated[name])
    try:
        if type_name == "ParticipantListed":
            periods = msgspec.convert(stated.get("periods"), list[StatusPeriod])
            if not periods:
                raise ConfigurationError(f"{where}: no periods")
            return make_participant(stated["code"], stated.get("name") or stated["code"], periods, where)
        if type_name == "MeasureListed":
            stated["hs_codes"] = [normalise_hs_code(code) for code in stated.get("hs_codes", ())]
            return msgspec.convert(stated, Measure)
        return msgspec.convert(stated, Notice)
    except (KeyError, msgspec.ValidationError) as problem:
        raise ConfigurationError(f"{where}: {problem}") from None


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
