"""Events as a border system writes them down: what a language has at hand (aware datetimes, dates, Decimals, text), never floats.

The fields are those of docs/events.md. An instant is a datetime with its time zone, or RFC 3339 text; a day is a date or `YYYY-MM-DD`;
carats and US$ are Decimal, int or text, with at most 3 and 2 places. Codes are ISO 3166-1 alpha-2, or `EU`. None is "not stated"; of
seals, None is "not looked at" and an empty list "looked, none". Nothing is checked before it is published (or `check_event` is asked).
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from kimberley.model.events import Declaration, Party

Instant = datetime | str
Day = date | str
Amount = Decimal | int | str

__all__ = [
    "Approval",
    "CertificateInvalidated",
    "CertificateIssued",
    "Declaration",
    "EventWithdrawn",
    "Extraction",
    "ImportConfirmed",
    "Parcel",
    "Party",
    "ShipmentArrived",
    "ShipmentDetained",
    "ShipmentExported",
    "ShipmentReleased",
    "ShipmentReturned",
    "ShipmentTransited",
]


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One itemised parcel of a certificate."""

    hs_code: str | None = None
    carats: Amount | None = None
    value_usd: Amount | None = None
    origins: Sequence[str] = ()


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """Where, and when, the stones were mined."""

    zone: str | None = None
    produced_on: Day | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """An approval that a regime asks for before a certificate is issued."""

    kind: str
    reference: str | None = None
    granted_on: Day | None = None


class BorderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What every event says: who saw what, when, under which certificate number. `event_id` is the sender's, unique for ever."""

    event_id: str | UUID
    occurred_at: Instant
    authority: str
    certificate_number: str
    office: str | None = None


class CertificateIssued(BorderEvent, frozen=True, kw_only=True):
    """A certificate was issued (CORE Annex I)."""

    issued_on: Day
    expires_on: Day | None = None
    destination: str | None = None
    exporter: Party | None = None
    importer: Party | None = None
    mixed_origin: bool | None = None
    origins: Sequence[str] = ()
    provenance: str | None = None
    parcels: Sequence[Parcel] = ()
    parcel_count: int | None = None
    carats: Amount | None = None
    value_usd: Amount | None = None
    seal_numbers: Sequence[str] | None = None
    source_certificates: Sequence[str] = ()
    replaces: str | None = None
    min_stone_carats: Amount | None = None
    max_stone_carats: Amount | None = None
    extraction: Extraction | None = None
    approvals: Sequence[Approval] = ()
    declarations: Sequence[Declaration] = ()
    remarks: str | None = None


class CertificateInvalidated(BorderEvent, frozen=True, kw_only=True):
    """A certificate is void. `reason`: REPLACED, VOIDED, RETURNED_UNUSED or REVOKED."""

    reason: str
    replacement_number: str | None = None


class EventWithdrawn(BorderEvent, frozen=True, kw_only=True):
    """An authority takes back an event of its own. `reason`: DID_NOT_OCCUR or INCORRECT_DATA."""

    withdrawn_event_id: str | UUID
    reason: str
    corrective_event_ids: Sequence[str | UUID] = ()


class ShipmentExported(BorderEvent, frozen=True, kw_only=True):
    """A shipment left the exporting Participant."""

    shipment_id: str = ""
    destination: str | None = None
    carats: Amount | None = None
    value_usd: Amount | None = None
    parcel_count: int | None = None
    seal_numbers: Sequence[str] | None = None
    route: Sequence[str] = ()


class ShipmentTransited(BorderEvent, frozen=True, kw_only=True):
    """A shipment passed through a country on its way."""

    shipment_id: str = ""
    country: str | None = None
    left_at: Instant | None = None
    seal_numbers: Sequence[str] | None = None
    opened: bool | None = None
    new_seal_numbers: Sequence[str] | None = None


class ShipmentArrived(BorderEvent, frozen=True, kw_only=True):
    """A shipment arrived; carats and parcels as found."""

    shipment_id: str = ""
    carats: Amount | None = None
    parcel_count: int | None = None
    value_usd: Amount | None = None
    seal_numbers: Sequence[str] | None = None
    new_seal_numbers: Sequence[str] | None = None
    exporter: Party | None = None
    importer: Party | None = None
    original_presented: bool | None = None


class ImportConfirmed(BorderEvent, frozen=True, kw_only=True):
    """The importing authority confirms the import to the exporting one (CORE III(b))."""

    parcel_count: int | None = None
    carats: Amount | None = None
    exporter: Party | None = None
    importer: Party | None = None
    confirms_to: str | None = None


class ShipmentDetained(BorderEvent, frozen=True, kw_only=True):
    """An authority holds a shipment."""

    shipment_id: str = ""
    reason: str | None = None


class ShipmentReleased(BorderEvent, frozen=True, kw_only=True):
    """An authority lets a held shipment go."""

    shipment_id: str = ""


class ShipmentReturned(BorderEvent, frozen=True, kw_only=True):
    """A shipment is sent back; reported by whoever sends it."""

    shipment_id: str = ""
