"""What the catalogue promises of every alert, and short ways to ask `kimberley check` about one rule."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from support.messages import figures, says_day
from support.stories import Event, arrival, confirmation, export, issue, judge

NAMESPACE = UUID("8c1f2a52-6f0e-5d8e-9c55-2f4c7a1b9d10")
Story = Sequence[Event]

SEVERITIES = {
    "issuer-not-participant": "BLOCK",
    "destination-not-participant": "BLOCK",
    "importer-not-participant": "BLOCK",
    "trade-suspended": "BLOCK",
    "number-malformed": "HOLD",
    "number-reused": "BLOCK",
    "number-on-notice": "BLOCK",
    "required-field-missing": "HOLD",
    "origin-missing": "HOLD",
    "hs-code-out-of-scope": "HOLD",
    "totals-mismatch": "HOLD",
    "dates-out-of-order": "HOLD",
    "validity-too-long": "REVIEW",
    "certificate-expired": "HOLD",
    "certificate-invalidated": "BLOCK",
    "certificate-unknown": "HOLD",
    "event-conflict": "HOLD",
    "certificate-reused": "BLOCK",
    "export-mismatch": "HOLD",
    "import-mismatch": "HOLD",
    "wrong-destination": "HOLD",
    "seal-mismatch": "HOLD",
    "arrival-overdue": "REVIEW",
    "confirmation-overdue": "REVIEW",
    "confirmation-incomplete": "REVIEW",
    "zone-not-compliant": "BLOCK",
    "approval-missing": "BLOCK",
    "suspension-stockpile": "BLOCK",
    "import-banned": "BLOCK",
    "transit-banned": "BLOCK",
    "origin-undisclosed": "HOLD",
    "conflict-diamond": "BLOCK",
    "source-unknown": "HOLD",
    "source-missing": "INFO",
    "weight-growth": "BLOCK",
    "source-overdrawn": "BLOCK",
    "origin-laundered": "BLOCK",
    "origin-dropped": "REVIEW",
    "value-uplift": "REVIEW",
    "round-trip": "INFO",
    "origin-without-production": "REVIEW",
    "price-out-of-band": "REVIEW",
}
"""Every rule id of the catalogue with its severity."""


def as_of(clock: str | None) -> tuple[str, ...]:
    """The option that sets the clock."""
    return () if clock is None else ("--as-of", clock)


def opened(
    rule: str,
    events: Story,
    *,
    subject: str = "",
    days: Sequence[str] = (),
    amounts: Sequence[str] = (),
    low: bool = False,
    clock: str | None = None,
    options: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The rule's open alert on a subject, with all that holds of every alert."""
    judged = judge(*events, options=(*as_of(clock), *options))
    found = [row for row in judged.of(rule) if row["subject"] == subject]
    assert len(found) == 1, (rule, subject, [(row["rule_id"], row["subject"]) for row in judged.rows], judged.errors)
    alert = found[0]
    assert alert["severity"] == ("HOLD" if low and SEVERITIES[rule] == "BLOCK" else SEVERITIES[rule])
    assert (alert["confidence"] == "low") is low
    assert alert["alert_id"] == str(uuid5(NAMESPACE, f"{alert['certificate_number']}|{rule}|{subject}"))
    assert alert["evidence"], "an alert shows what it rests on"
    assert all(each["field"] for each in alert["evidence"])
    for day in days:
        assert says_day(alert["message"], day), alert["message"]
    said = figures(alert["message"])
    for amount in amounts:
        assert Decimal(amount) in said, alert["message"]
    written = json.dumps(alert)
    assert "Exporter One" not in written, "names stay on the event topics"
    assert "Importer Two" not in written, "names stay on the event topics"
    return alert


def verdict(rule: str, events: Story, *, number: str | None = None, clock: str | None = None, options: tuple[str, ...] = ()) -> str:
    """What the last decision on a certificate says of a rule: `violation`, `undetermined`, or `quiet`."""
    asked = judge(*events, options=("--decisions", *as_of(clock), *options)).rows
    stated = number or next(each["certificate_number"] for each in events if "certificate_number" in each)
    of = re.sub(r"[\s/-]", "", stated).upper()
    rules = [row for row in asked if row["certificate_number"] == of][-1]["rules"]
    return {each["rule_id"]: str(each["outcome"]) for each in rules}.get(rule, "quiet")


def quiet(rule: str, events: Story, *, clock: str | None = None, options: tuple[str, ...] = ()) -> None:
    """No alert of the rule is open, and no needed fact was missing."""
    judged = judge(*events, options=(*as_of(clock), *options))
    assert rule not in judged.rules, judged.of(rule)
    assert verdict(rule, events, clock=clock, options=options) == "quiet"


def lawful(events: Story, *, clock: str | None = None, options: tuple[str, ...] = ()) -> None:
    """Nothing at all is open."""
    judged = judge(*events, options=(*as_of(clock), *options))
    assert judged.exit_status == 0, judged.errors
    assert judged.rows == [], [(row["rule_id"], row["message"]) for row in judged.rows]


def undetermined(rule: str, events: Story, *, clock: str | None = None, options: tuple[str, ...] = ()) -> None:
    """No alert is open, and the decision says that a needed fact is missing."""
    assert rule not in judge(*events, options=(*as_of(clock), *options)).rules
    assert verdict(rule, events, clock=clock, options=options) == "undetermined"


def resolved(rule: str, events: Story, *, clock: str | None = None, options: tuple[str, ...] = ()) -> None:
    """The rule's alerts were open on the way, and are no longer."""
    found = judge(*events, options=("--all", *as_of(clock), *options)).of(rule)
    assert found, "it opened on the way"
    assert {row["status"] for row in found} == {"RESOLVED"}


def states(events: Story, *, clock: str | None = None) -> set[tuple[str, str, str, str]]:
    """The open alerts: number, rule, subject and id."""
    rows = judge(*events, options=as_of(clock)).rows
    return {(row["certificate_number"], row["rule_id"], row["subject"], row["alert_id"]) for row in rows}


def complete(number: str = "BW000001", authority: str = "BW", to: str = "EU", **issued: Any) -> list[Event]:
    """A whole lawful journey: issued, exported, arrived and confirmed in March 2024."""
    fields = {"destination": to, **issued}
    carats, value = fields.get("carats", "100.00"), fields.get("value_usd", "20000.00")
    return [
        issue(number, authority, **fields),
        export(authority=authority, number=number, shipment=f"SH-{number}", destination=to, carats=carats, value_usd=value),
        arrival(authority=to, number=number, shipment=f"SH-{number}", carats=carats),
        confirmation(authority=to, number=number, carats=carats),
    ]


def goods(carats: str, value_usd: str, **fields: Any) -> dict[str, Any]:
    """One parcel and the totals that it adds up to."""
    parcel = {"hs_code": "7102.31", "carats": carats, "value_usd": value_usd, **fields}
    return {"parcels": [parcel], "parcel_count": 1, "carats": carats, "value_usd": value_usd}


def corrected(wrong: Event, right: Event, at: str = "2024-03-25T12:00:00Z") -> list[Event]:
    """A wrong event, then the sender's withdrawal and the right one."""
    taken_back = {
        "type": "EventWithdrawn",
        "event_id": f"withdrawal-of-{wrong['event_id']}",
        "occurred_at": at,
        "authority": wrong["authority"],
        "certificate_number": wrong["certificate_number"],
        "withdrawn_event_id": wrong["event_id"],
        "reason": "INCORRECT_DATA",
    }
    return [wrong, taken_back, right]
