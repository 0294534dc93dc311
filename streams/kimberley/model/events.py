"""The events that border systems publish, one struct a type (the contract: docs and `schemas/`).

Units: carats are metric carats as Decimal with at most 3 places, values US$ as Decimal with at most 2 places. An instant is
`int` milliseconds since the epoch, UTC, with the sender's offset in minutes beside it: two reports of the same instant at
different offsets are different contents, and the local date is what rules compare with dates. Codes are ISO 3166-1 alpha-2
plus `EU`, upper case; certificate numbers upper case without blanks, hyphens or slashes; HS codes six digits without a dot.
An absent list is the empty tuple, but for seals, where `None` says "not looked at" (or "not stated") and `()` "looked, none".
The structs pack as arrays, so that a stored case is small: a new field goes last in its class and has a default.
"""

from datetime import date
from decimal import Decimal

from kimberley.model.days import DAY_MS, date_of
from kimberley.model.value import Value


def local_date(instant: int, utc_offset_minutes: int) -> date:
    """The calendar date at the sender's own offset of an instant in milliseconds since the epoch."""
    return date_of((instant + utc_offset_minutes * 60_000) // DAY_MS)


def instant_text(instant: int, utc_offset_minutes: int = 0) -> str:
    """RFC 3339 text of an instant in milliseconds since the epoch, at an offset; `Z` for offset 0.

    Raises ValueError or OverflowError outside the years 1 to 9999.
    """
    day, rest = divmod(instant + utc_offset_minutes * 60_000, DAY_MS)
    minutes, rest = divmod(rest, 60_000)
    seconds, milliseconds = divmod(rest, 1000)
    text = f"{date_of(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{f'.{milliseconds:03d}' if milliseconds else ''}"
    if not utc_offset_minutes:
        return text + "Z"
    hours, minutes = divmod(abs(utc_offset_minutes), 60)
    return f"{text}{'-' if utc_offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}"


class Party(Value, frozen=True, array_like=True):
    """An exporter or importer. Never leaves the event topics."""

    name: str | None = None
    id: str | None = None
    address: str | None = None


class Parcel(Value, frozen=True, array_like=True):
    """One itemised parcel of a certificate."""

    hs_code: str | None = None
    carats: Decimal | None = None
    value_usd: Decimal | None = None
    origins: tuple[str, ...] = ()


class Extraction(Value, frozen=True, array_like=True):
    """Where, and when, the stones were mined."""

    zone: str | None = None
    produced_on: date | None = None


class Approval(Value, frozen=True, array_like=True):
    """An approval that a regime asks for before a certificate is issued."""

    kind: str
    reference: str | None = None
    granted_on: date | None = None


class Declaration(Value, frozen=True, array_like=True):
    """A paper that exempts from a measure, such as `G7_CERTIFICATE` or `GRANDFATHERED`."""

    kind: str
    reference: str | None = None


class Event(Value, frozen=True, kw_only=True, array_like=True, tag=True):
    """What every event says of itself: who saw what, when, under which certificate number."""

    event_id: str
    occurred_at: int
    utc_offset_minutes: int = 0
    authority: str
    office: str | None = None
    certificate_number: str

    @property
    def local_date(self) -> date:
        """The date at the border: what rules compare with dates."""
        return date_of((self.occurred_at + self.utc_offset_minutes * 60_000) // DAY_MS)


class CertificateIssued(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """A Kimberley Process certificate (CORE Annex I) was issued."""

    issued_on: date
    expires_on: date | None = None
    destination: str | None = None
    exporter: Party | None = None
    importer: Party | None = None
    mixed_origin: bool | None = None
    origins: tuple[str, ...] = ()
    provenance: str | None = None
    parcels: tuple[Parcel, ...] = ()
    parcel_count: int | None = None
    carats: Decimal | None = None
    value_usd: Decimal | None = None
    seal_numbers: tuple[str, ...] | None = None
    source_certificates: tuple[str, ...] = ()
    replaces: str | None = None
    min_stone_carats: Decimal | None = None
    max_stone_carats: Decimal | None = None
    extraction: Extraction | None = None
    approvals: tuple[Approval, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    remarks: str | None = None


class CertificateInvalidated(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """A certificate is void. `reason`: REPLACED, VOIDED, RETURNED_UNUSED or REVOKED."""

    reason: str
    replacement_number: str | None = None


class EventWithdrawn(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """An authority takes back an event of its own. `reason`: DID_NOT_OCCUR or INCORRECT_DATA."""

    withdrawn_event_id: str
    reason: str
    corrective_event_ids: tuple[str, ...] = ()


class ShipmentExported(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """A shipment left the exporting Participant."""

    shipment_id: str = ""
    destination: str | None = None
    carats: Decimal | None = None
    value_usd: Decimal | None = None
    parcel_count: int | None = None
    seal_numbers: tuple[str, ...] | None = None
    route: tuple[str, ...] = ()


class ShipmentTransited(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """A shipment passed through a country on its way."""

    shipment_id: str = ""
    country: str | None = None
    left_at: int | None = None
    left_at_utc_offset_minutes: int = 0
    seal_numbers: tuple[str, ...] | None = None
    opened: bool | None = None
    new_seal_numbers: tuple[str, ...] | None = None


class ShipmentArrived(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """A shipment arrived; carats and parcels as found."""

    shipment_id: str = ""
    carats: Decimal | None = None
    parcel_count: int | None = None
    value_usd: Decimal | None = None
    seal_numbers: tuple[str, ...] | None = None
    new_seal_numbers: tuple[str, ...] | None = None
    exporter: Party | None = None
    importer: Party | None = None
    original_presented: bool = True


class ImportConfirmed(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """The importing authority confirms the import to the exporting one (CORE III(b))."""

    parcel_count: int | None = None
    carats: Decimal | None = None
    exporter: Party | None = None
    importer: Party | None = None
    confirms_to: str | None = None


class ShipmentDetained(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """An authority holds a shipment."""

    shipment_id: str = ""
    reason: str | None = None


class ShipmentReleased(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """An authority lets a held shipment go."""

    shipment_id: str = ""


class ShipmentReturned(Event, frozen=True, kw_only=True, array_like=True, tag=True):
    """A shipment is sent back; reported by whoever sends it."""

    shipment_id: str = ""


CERTIFICATE_EVENTS = (CertificateIssued, CertificateInvalidated, EventWithdrawn)
SHIPMENT_EVENTS = (
    ShipmentExported,
    ShipmentTransited,
    ShipmentArrived,
    ImportConfirmed,
    ShipmentDetained,
    ShipmentReleased,
    ShipmentReturned,
    EventWithdrawn,
)
EVENT_TYPES: dict[str, type[Event]] = {kind.__name__: kind for kind in (*CERTIFICATE_EVENTS, *SHIPMENT_EVENTS)}
TOPICS_OF: dict[str, tuple[str, ...]] = {
    name: tuple(topic for topic, kinds in (("certificates", CERTIFICATE_EVENTS), ("shipments", SHIPMENT_EVENTS)) if kind in kinds)
    for name, kind in EVENT_TYPES.items()
}

AnyEvent = (
    CertificateIssued
    | CertificateInvalidated
    | EventWithdrawn
    | ShipmentExported
    | ShipmentTransited
    | ShipmentArrived
    | ImportConfirmed
    | ShipmentDetained
    | ShipmentReleased
    | ShipmentReturned
)
