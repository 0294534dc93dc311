"""Reference records: participants' histories, measures, notices. All periods are half-open; `valid_to` None: still in force."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from kimberley.model.findings import Confidence

Kind = Literal["participant", "eu_member", "territory", "rough_trading_entity"]
"""In what capacity a jurisdiction stands in the scheme."""
Status = Literal["participant", "restricted", "suspended", "self_suspended", "candidate", "non_participant", "removed", "withdrawn"]
MeasureKind = Literal["SUSPENSION", "EMBARGO", "ZONES", "APPROVAL", "STOCKPILE", "IMPORT_BAN", "TRANSIT_BAN", "ORIGIN_DISCLOSURE"]
Route = Literal["ANY", "DIRECT"]
"""Whatever the route, or only what the territory itself exports."""
NoticeKind = Literal["LOST", "STOLEN", "VOID", "COUNTERFEIT"]


class StatusPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One interval of a jurisdiction's history (columns of participants.csv)."""

    kind: Kind
    member_of: str | None = None
    status: Status
    valid_from: date
    valid_to: date | None = None
    note: str = ""
    source: str = ""
    confidence: Confidence = "high"


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """A jurisdiction's whole history, oldest period first."""

    code: str
    name: str
    kind: Kind
    periods: tuple[StatusPeriod, ...]


class AllowedZone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone that may export under a ZONES measure."""

    zone: str
    valid_from: date
    valid_to: date | None = None
    confidence: Confidence = "high"


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A suspension, embargo, zone regime, approval, stockpile rule, ban or duty (fields of measures.toml)."""

    measure_id: str
    kind: MeasureKind
    imposed_by: str
    territory: str
    route: Route = "ANY"
    valid_from: date
    valid_to: date | None = None
    hs_codes: tuple[str, ...] = ()
    min_stone_carats: Decimal | None = None
    zones: tuple[str, ...] = ()
    allowed_zones: tuple[AllowedZone, ...] = ()
    approval_kind: str | None = None
    exempt_declarations: tuple[str, ...] = ()
    exempt_from: date | None = None
    exempt_exported_before: date | None = None
    produced_from: date | None = None
    produced_to: date | None = None
    basis: str = ""
    confidence: Confidence = "high"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Certificate numbers reported LOST, STOLEN, VOID or COUNTERFEIT."""

    notice_id: str
    kind: NoticeKind
    participant: str
    first_number: str
    last_number: str | None = None
    published_on: date | None = None
    valid_from: date | None = None
    details: str = ""
