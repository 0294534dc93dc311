"""What rules say of a case, and what of it becomes an alert."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal
from uuid import UUID, uuid5

from kimberley.model.value import Value

Severity = Literal["BLOCK", "HOLD", "REVIEW", "INFO"]
Confidence = Literal["high", "medium", "low"]
Outcome = Literal["pass", "violation", "not_applicable", "undetermined", "error"]
AlertStatus = Literal["OPENED", "UPDATED", "RESOLVED"]

SEVERITIES: tuple[Severity, ...] = ("BLOCK", "HOLD", "REVIEW", "INFO")
_CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")
_ALERT_NAMESPACE = UUID("8c1f2a52-6f0e-5d8e-9c55-2f4c7a1b9d10")


def lowest(confidences: Iterable[Confidence]) -> Confidence:
    """The lowest of several confidences; `high` of none."""
    return min(confidences, key=_CONFIDENCES.index, default="high")


@lru_cache(maxsize=20_000)
def alert_id(certificate_number: str, rule_id: str, subject: str) -> str:
    """The id of an alert: the same violation has the same id for ever, wherever and whenever it is found (the contract)."""
    return str(uuid5(_ALERT_NAMESPACE, f"{certificate_number}|{rule_id}|{subject}"))


class Evidence(Value, frozen=True, array_like=True):
    """One fact that a finding rests on: `field` has `value` where `expected` was due, as event `event_id` said (None: reference data)."""

    field: str
    value: str
    expected: str
    event_id: str | None = None


class Finding(Value, frozen=True, array_like=True):
    """A violation of one rule by one certificate (and subject, where one certificate can violate a rule several times).

    `since`: the instant at which time alone made it one, milliseconds since the epoch; None where facts did.
    """

    rule_id: str
    rule_version: int
    subject: str
    severity: Severity
    message: str
    basis: str
    participants: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    confidence: Confidence = "high"
    shipment_id: str | None = None
    since: int | None = None


class RuleOutcome(Value, frozen=True):
    """What one rule said. `missing` names the facts that an `undetermined` rule lacked, or the problem of an `error`."""

    rule_id: str
    version: int
    outcome: Outcome
    missing: tuple[str, ...] = ()


class Alert(Value, frozen=True, kw_only=True):
    """One revision of an alert, as it goes to `flagged-shipments`. Instants are milliseconds since the epoch, UTC."""

    alert_id: str
    subject: str
    status: AlertStatus
    revision: int
    rule_id: str
    rule_version: int
    rulebook: str
    severity: Severity
    certificate_number: str
    shipment_id: str | None
    participants: tuple[str, ...]
    message: str
    basis: str
    evidence: tuple[Evidence, ...]
    confidence: Confidence
    event_id: str | None
    effective_at: int
    raised_at: int
    reference_revision: str
