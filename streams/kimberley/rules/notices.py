"""Numbers on notice: lost, stolen, void and counterfeit certificates."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from kimberley.model.events import Event
from kimberley.model.findings import Evidence
from kimberley.model.reference_data import Notice
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Verdict, Violation, rule
from kimberley.rules.wording import day, listed


@rule(
    "number-on-notice",
    title="The number is on notice",
    basis="Kimberley Process practice: notices of lost, stolen, void and counterfeit certificates",
    reads=(
        "CertificateIssued.certificate_number",
        "CertificateIssued.issued_on",
        "CertificateIssued.authority",
        "ShipmentExported.occurred_at",
        "ShipmentExported.authority",
        "ShipmentExported.shipment_id",
        "ShipmentArrived.occurred_at",
        "ShipmentArrived.authority",
        "ShipmentArrived.shipment_id",
        "notices",
    ),
    innocent_causes=("a number mistyped for another certificate", "a notice whose range is too wide", "a lost certificate that was found"),
)
def number_on_notice(dossier: Dossier) -> Verdict:
    """The number lies in a notice's range and was issued, exported or reported as arrived on or after its date."""
    if not (dossier.issues or dossier.exports or dossier.arrivals):
        return NOT_APPLICABLE
    notices = dossier.reference.notices_on(dossier.number)
    if not notices:
        return PASS
    return [violation for notice in notices if (violation := _violation(dossier, notice))] or PASS


class _Use(NamedTuple):
    """One use of a number, on the date that counts."""

    words: str
    field: str
    on: date
    event: Event
    shipment_id: str | None = None


def _uses(dossier: Dossier) -> Iterator[_Use]:
    for issue in dossier.issues:
        yield _Use(f"issued on {day(issue.issued_on)}", "issued_on", issue.issued_on, issue)
    for export in dossier.exports:
        yield _Use(f"exported on {day(export.local_date)}", "export date", export.local_date, export, export.shipment_id)
    for arrival in dossier.arrivals:
        words = f"presented in {dossier.name(arrival.authority)} on {day(arrival.local_date)}"
        yield _Use(words, "arrival date", arrival.local_date, arrival, arrival.shipment_id)


def _violation(dossier: Dossier, notice: Notice) -> Violation | None:
    uses = [use for use in _uses(dossier) if notice.valid_from is None or use.on >= notice.valid_from]
    if not uses:
        return None
    numbers = f"numbers {notice.first_number} to {notice.last_number}" if notice.last_number else "it"
    published = f", published on {day(notice.published_on)}" if notice.published_on else ""
    since = f" from {day(notice.valid_from)} on" if notice.valid_from else ""
    expected = f"before {notice.valid_from}" if notice.valid_from else "never"
    return Violation(
        message=f"Certificate number {dossier.number} was {listed(use.words for use in uses)}, though {dossier.name(notice.participant)} "
        f"reports {numbers} as {notice.kind.lower()}{since} (notice {notice.notice_id}{published}).",
        evidence=tuple(Evidence(use.field, f"{use.on}", expected, use.event.event_id) for use in uses),
        participants=tuple(sorted({notice.participant, *(use.event.authority for use in uses)})),
        subject=notice.notice_id,
        shipment_id=next((use.shipment_id for use in uses if use.shipment_id), None),
    )
