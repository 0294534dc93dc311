"""Reference data as records of its topics, and the manifest that completes a revision."""

from typing import Any

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.reference_data import AllowedZone, Measure, Notice, Participant, StatusPeriod
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
    try:
        if type_name == "ParticipantListed":
            periods = [_struct(StatusPeriod, period) for period in fields["periods"] or ()]
            if not periods:
                raise ConfigurationError(f"{where}: no periods")
            return make_participant(normalise_code(fields["code"]), fields["name"] or fields["code"], periods, where)
        if type_name == "MeasureListed":
            zones = tuple(_struct(AllowedZone, zone) for zone in fields.get("allowed_zones") or ())
            codes = tuple(normalise_hs_code(code) for code in fields.get("hs_codes") or ())
            plain = {**fields, "allowed_zones": zones, "hs_codes": codes, "territory": normalise_code(fields["territory"])}
            return _struct(Measure, plain)
        plain = {**fields, "first_number": normalise_number(fields["first_number"])}
        if plain.get("last_number"):
            plain["last_number"] = normalise_number(plain["last_number"])
        return _struct(Notice, plain)
    except (KeyError, TypeError, msgspec.ValidationError) as problem:
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


def _struct(kind: Any, fields: dict[str, Any]) -> Any:
    """A struct of those fields that it has; lists become tuples, an absent field its default."""
    known = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fields.items()
        if name in kind.__struct_fields__ and value is not None
    }
    return kind(**known)
