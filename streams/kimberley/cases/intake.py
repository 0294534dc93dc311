"""From a decoded record to an event: normalise what is forgiven, refuse what is not, name every fault."""

from collections.abc import Callable
from datetime import date
from math import inf
from typing import Any, NamedTuple

from kimberley.cases.limits import LONGEST_NUMBER, MOST_FAULTS, limits_within
from kimberley.errors import RefusedEventError
from kimberley.model.events import EVENT_TYPES, AnyEvent, Approval, Declaration, Extraction, Parcel, Party
from kimberley.model.text import normalise_code, normalise_hs_code, normalise_number, shown
from kimberley.reference.reference import known_codes

Record = dict[str, Any]

_CODES = known_codes()
FIRST_YEAR, LAST_YEAR = 1900, 2199
EARLIEST = -2_208_988_800_000
"""1900-01-01: older than any stone's paper."""
LATEST = 7_258_118_400_000
"""2200-01-01, excluded."""
_MOST_OFFSET = 18 * 60


class _Fields(NamedTuple):
    """What of a type's fields is what, besides texts and numbers."""

    codes: tuple[str, ...] = ()
    code_lists: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Of other certificates."""
    lists: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    """All that `reason` may be; empty: anything."""


_PLAIN = _Fields(codes=("authority",))
_FIELDS: dict[str, _Fields] = dict.fromkeys(EVENT_TYPES, _PLAIN) | {
    "CertificateIssued": _Fields(
        codes=("authority", "destination", "provenance"),
        code_lists=("origins",),
        numbers=("replaces",),
        lists=("origins", "parcels", "source_certificates", "approvals", "declarations"),
        seals=("seal_numbers",),
        parties=("exporter", "importer"),
    ),
    "CertificateInvalidated": _PLAIN._replace(
        numbers=("replacement_number",), reasons=frozenset({"REPLACED", "VOIDED", "RETURNED_UNUSED", "REVOKED"})
    ),
    "EventWithdrawn": _PLAIN._replace(lists=("corrective_event_ids",), reasons=frozenset({"DID_NOT_OCCUR", "INCORRECT_DATA"})),
    "ShipmentExported": _Fields(codes=("authority", "destination"), code_lists=("route",), lists=("route",), seals=("seal_numbers",)),
    "ShipmentTransited": _Fields(codes=("authority", "country"), seals=("seal_numbers", "new_seal_numbers")),
    "ShipmentArrived": _PLAIN._replace(seals=("seal_numbers", "new_seal_numbers"), parties=("exporter", "importer")),
    "ImportConfirmed": _Fields(codes=("authority", "confirms_to"), parties=("exporter", "importer")),
}
_REQUIRED = ("event_id", "authority", "certificate_number")


def take_in(type_name: str, record: Record, latest: int | None = None, size: float = inf) -> AnyEvent:
    """The event of a decoded record (a dict with the fields of `model.events`), which is changed on the way.

    `latest` is the last instant, in milliseconds since the epoch, at which the event may claim to have happened. `size`: the bytes that the
    record was read from, where it was.
    Raises RefusedEventError with every fault found: missing, unknown-code, unknown-symbol, range, future. Of an event that is larger
    than `cases.limits` allow, nothing further is looked at. The record's types are the decoder's matter (Avro or `wire.records`).
    """
    faults: list[tuple[str, str, str]] = []
    _check_sizes(type_name, record, size, faults)
    if faults:  # before anything is made of a million parcels
        raise RefusedEventError(faults)
    number = record.get("certificate_number")
    if isinstance(number, str):
        record["certificate_number"] = number = normalise_number(number)
        if len(number) > LONGEST_NUMBER:
            faults.append(_too_large("certificate_number", number, LONGEST_NUMBER))
    for field in _REQUIRED:
        value = record.get(field)
        if not isinstance(value, str) or not value or value.isspace():
            faults.append(("missing", field, f"{field} is missing: every event states it"))
    _check_time(record, latest, faults)
    if type_name == "CertificateIssued" and record.get("issued_on") is None:
        faults.append(("missing", "issued_on", "issued_on is missing: a certificate states its date of issue"))
    fields = _FIELDS[type_name]
    reasons = fields.reasons
    if reasons and record.get("reason") not in reasons:
        faults.append(("unknown-symbol", "reason", f"reason {shown(record.get('reason'))} is none of {', '.join(sorted(reasons))}"))
    _normalise(type_name, fields, record, faults)
    _build_parts(type_name, fields, record, faults)
    if faults:
        raise RefusedEventError(faults)
    make: Any = EVENT_TYPES[type_name]
    event: AnyEvent = make(**record)
    return event


def _check_sizes(type_name: str, record: Record, size: float, faults: list[tuple[str, str, str]]) -> None:
    """Lists of too many items, and texts of too many characters."""
    sizes, parts = limits_within(type_name, size)
    for field, most in sizes:
        value = record.get(field)
        if value and len(value) > most:
            faults.append(_too_large(field, value, most))
    if faults:
        return
    for field, limits in parts:
        part = record.get(field)
        if not part:
            continue
        if isinstance(limits, int):
            if len(max(part, key=len)) > limits:
                faults += [_too_large(f"{field}[{index}]", text, limits) for index, text in enumerate(part) if len(text) > limits]
        else:
            for index, each in enumerate(part) if isinstance(part, list) else ((None, part),):
                for name, most in limits:
                    value = each.get(name)
                    if value and len(value) > most:
                        path = field if index is None else f"{field}[{index}]"
                        faults.append(_too_large(f"{path}.{name}", value, most))
    del faults[MOST_FAULTS:]


def _too_large(path: str, value: Any, most: int) -> tuple[str, str, str]:
    what = "characters" if isinstance(value, str) else "items"
    return "range", path, f"{path} has {len(value):,} {what}; at most {most:,} are read"


def _check_time(record: Record, latest: int | None, faults: list[tuple[str, str, str]]) -> None:
    occurred_at = record.get("occurred_at")
    if occurred_at is None:
        faults.append(("missing", "occurred_at", "occurred_at is missing: say when it happened at the border"))
    elif not isinstance(occurred_at, int) or not EARLIEST <= occurred_at < LATEST:
        faults.append(("range", "occurred_at", "occurred_at lies outside the years 1900 to 2199"))
    elif latest is not None and occurred_at > latest:
        minutes = (occurred_at - latest + 59_999) // 60_000
        faults.append(
            (
                "future",
                "occurred_at",
                f"occurred_at lies {minutes} min beyond the allowed skew after the record's own time: set the sender's clock",
            )
        )
    for field in ("utc_offset_minutes", "left_at_utc_offset_minutes"):
        offset = record.get(field, 0)
        if not isinstance(offset, int) or abs(offset) > _MOST_OFFSET:
            faults.append(("range", field, f"{field} {offset!r} is beyond 18 hours"))
    left_at = record.get("left_at")
    if left_at is not None and (not isinstance(left_at, int) or not EARLIEST <= left_at < LATEST):
        faults.append(("range", "left_at", "left_at lies outside the years 1900 to 2199"))


def _normalise(type_name: str, fields: _Fields, record: Record, faults: list[tuple[str, str, str]]) -> None:
    for field in fields.codes:
        if record.get(field) not in _CODES:
            _code(record, field, field, faults)
    for field in fields.code_lists:
        _codes(record, field, field, faults)
    for field in fields.numbers:
        if isinstance(record.get(field), str):
            record[field] = normalise_number(record[field]) or None
    if type_name == "CertificateIssued":
        if sources := record.get("source_certificates"):
            record["source_certificates"] = _each(sources, normalise_number)
        for index, parcel in enumerate(record.get("parcels") or ()):
            if isinstance(parcel, dict):
                if parcel.get("origins") is None:
                    parcel.pop("origins", None)
                else:
                    _codes(parcel, "origins", f"parcels[{index}].origins", faults)
                    parcel["origins"] = tuple(parcel["origins"])
                if isinstance(parcel.get("hs_code"), str):
                    parcel["hs_code"] = normalise_hs_code(parcel["hs_code"]) or None


def _code(record: Record, field: str, path: str, faults: list[tuple[str, str, str]]) -> None:
    value = record.get(field)
    if not isinstance(value, str):
        return
    record[field] = code = normalise_code(value) or None
    if code is not None and code not in _CODES:
        faults.append(("unknown-code", path, f"{shown(value)} is no ISO 3166-1 alpha-2 code, nor EU"))


def _codes(record: Record, field: str, path: str, faults: list[tuple[str, str, str]]) -> None:
    values = record.get(field)
    if not values or _CODES.issuperset(values):
        return
    normal = {value: normalise_code(value) for value in set(values)}
    record[field] = codes = [normal[value] for value in values]
    if _CODES.issuperset(normal.values()):
        return
    for index, code in enumerate(codes):
        if len(faults) >= MOST_FAULTS:
            return
        if code not in _CODES:
            faults.append(("unknown-code", f"{path}[{index}]", f"{shown(values[index])} is no ISO 3166-1 alpha-2 code, nor EU"))


def _each(values: Any, normalise: Callable[[str], str]) -> Any:
    return [normalise(value) if isinstance(value, str) else value for value in values] if isinstance(values, list | tuple) else values


def _build_parts(type_name: str, fields: _Fields, record: Record, faults: list[tuple[str, str, str]]) -> None:
    """Put structs and tuples in the place of dicts and lists; an absent list is the field's default."""
    for field in fields.lists:
        if record.get(field) is None:
            record.pop(field, None)
        else:
            record[field] = tuple(record[field])
    for field in fields.seals:
        if record.get(field) is not None:
            record[field] = tuple(record[field])
    for field in fields.parties:
        if record.get(field) is not None:
            record[field] = Party(**record[field])
    if type_name != "CertificateIssued":
        return
    for field in ("issued_on", "expires_on"):
        _check_date(record.get(field), field, faults)
    if parcels := record.get("parcels"):
        record["parcels"] = tuple([Parcel(**parcel) for parcel in parcels])
    if extraction := record.get("extraction"):
        _check_date(extraction.get("produced_on"), "extraction.produced_on", faults)
        record["extraction"] = Extraction(**extraction)
    if approvals := record.get("approvals"):
        for index, approval in enumerate(approvals):
            _check_date(approval.get("granted_on"), f"approvals[{index}].granted_on", faults)
        record["approvals"] = tuple(Approval(**approval) for approval in approvals)
    if declarations := record.get("declarations"):
        record["declarations"] = tuple(Declaration(**declaration) for declaration in declarations)


def _check_date(value: Any, path: str, faults: list[tuple[str, str, str]]) -> None:
    """A date that no calendar has stays a number of days when it is decoded."""
    if value is not None and not (isinstance(value, date) and FIRST_YEAR <= value.year <= LAST_YEAR):
        faults.append(("range", path, f"{path} lies outside the years {FIRST_YEAR} to {LAST_YEAR}"))
