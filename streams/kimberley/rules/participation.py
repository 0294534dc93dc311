"""Participation: only Participants trade, and not while suspended (CORE III)."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from kimberley.model.events import ShipmentArrived
from kimberley.model.findings import Evidence, lowest
from kimberley.reference.participants import MAY_NOT_TRADE, SUSPENDED, Standing
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Parameters, Plain, Undetermined, Verdict, Violation, rule, stated
from kimberley.rules.wording import day, listed, status_words


class Tolerance(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until the confirmed list took effect, trade with those not yet on it was tolerated (Chair's notices of 2003)."""

    tolerated_before: Annotated[date, stated("date", "before this date the rule is not applicable")] = date(2003, 8, 31)


@rule(
    "issuer-not-participant",
    title="The issuer was no Participant",
    basis="CORE III(a), III(c)",
    reads=("CertificateIssued.authority", "CertificateIssued.issued_on", "participants"),
    innocent_causes=("a typing error in the date of issue", "an admission that the reference data does not have yet"),
    parameters=Tolerance,
)
def issuer_not_participant(dossier: Dossier, parameters: Tolerance) -> Verdict:
    """The certificate's issuer is no Participant on the date of issue."""
    certificate = dossier.certificate
    if certificate is None or certificate.issued_on < parameters.tolerated_before:
        return NOT_APPLICABLE
    standing = dossier.standing(certificate.authority, certificate.issued_on)
    if standing.status not in MAY_NOT_TRADE:
        return PASS
    return Violation(
        message=f"{dossier.name(standing.code)} issued certificate {dossier.number} on {day(certificate.issued_on)}, "
        f"when it was {_outside(dossier, standing, certificate.issued_on)}.",
        evidence=(Evidence("issuer status", standing.status, "participant", certificate.event_id),),
        participants=(standing.code,),
        confidence=standing.confidence,
    )


@rule(
    "destination-not-participant",
    title="The destination was no Participant",
    basis="CORE III(c)",
    reads=(
        "CertificateIssued.destination",
        "CertificateIssued.issued_on",
        "ShipmentExported.destination",
        "ShipmentExported.occurred_at",
        "participants",
    ),
    innocent_causes=("a typing error in the destination's code", "an admission that the reference data does not have yet"),
    parameters=Tolerance,
)
def destination_not_participant(dossier: Dossier, parameters: Tolerance) -> Verdict:
    """The destination is no Participant on the export date."""
    on = dossier.export_date
    if on is None or on < parameters.tolerated_before:
        return NOT_APPLICABLE
    if dossier.destination is None:
        return Undetermined(("destination",))
    standing = dossier.standing(dossier.destination, on)
    if standing.status not in MAY_NOT_TRADE:
        return PASS
    source = dossier.certificate or dossier.exports[0]
    return Violation(
        message=f"Certificate {dossier.number} sends goods to {dossier.name(standing.code)}, which on the export date, {day(on)}, "
        f"was {_outside(dossier, standing, on)}.",
        evidence=(Evidence("destination status", standing.status, "participant", source.event_id),),
        participants=(standing.code,),
        confidence=standing.confidence,
    )


@rule(
    "importer-not-participant",
    title="The importing authority was no Participant",
    basis="CORE III(c)",
    reads=("ShipmentArrived.shipment_id", "ShipmentArrived.authority", "ShipmentArrived.occurred_at", "participants"),
    needs=("ShipmentArrived",),
    innocent_causes=("goods that passed through a free port and were sent on", "an admission that the reference data does not have yet"),
    parameters=Tolerance,
)
def importer_not_participant(dossier: Dossier, parameters: Tolerance) -> Verdict:
    """The authority that reports arrival is no Participant on that date."""
    verdict: Plain = NOT_APPLICABLE
    outside: list[tuple[ShipmentArrived, Standing]] = []
    for arrival in dossier.arrivals:
        on = arrival.local_date
        if on < parameters.tolerated_before:
            continue
        verdict = PASS
        standing = dossier.standing(arrival.authority, on)
        if standing.status in MAY_NOT_TRADE:
            outside.append((arrival, standing))
    if not outside:
        return verdict
    arrival, standing = outside[0]
    return Violation(
        message=f"Goods under certificate {dossier.number} arrived in {dossier.name(standing.code)} on {day(arrival.local_date)}, "
        f"when it was {_outside(dossier, standing, arrival.local_date)}.",
        evidence=tuple(Evidence("importer status", each.status, "participant", event.event_id) for event, each in outside),
        participants=tuple(sorted({each.code for _, each in outside})),
        shipment_id=arrival.shipment_id,
        confidence=lowest(each.confidence for _, each in outside),
    )


@rule(
    "trade-suspended",
    title="Trade was suspended or under embargo",
    basis="Kimberley Process decisions, UN Security Council",
    reads=("CertificateIssued", "ShipmentExported", "participants", "measures: SUSPENSION, EMBARGO"),
    innocent_causes=("a typing error in a date or an origin", "a declaration that exempts the goods was not sent along"),
)
def trade_suspended(dossier: Dossier) -> Verdict:
    """On the export date the issuer or destination is suspended, or a suspension or embargo lies on the issuer or a stated origin."""
    on = dossier.export_date
    if on is None:
        return NOT_APPLICABLE
    binding = dossier.reference.binding
    measures = binding("SUSPENSION", dossier.destination, on) + binding("EMBARGO", dossier.destination, on)
    if dossier.certificate and dossier.destination and not measures:
        issuer, destination = dossier.standing(dossier.certificate.authority, on), dossier.standing(dossier.destination, on)
        if issuer.status not in SUSPENDED and destination.status not in SUSPENDED:
            return PASS
    source = dossier.certificate or dossier.exports[0]
    reasons: list[str] = []
    evidence: list[Evidence] = []
    confidences = []
    concerned: set[str] = set()
    for role, code in (("issuer", dossier.issuer), ("destination", dossier.destination)):
        if code and (standing := dossier.standing(code, on)).status in SUSPENDED:
            reasons.append(f"the {role}, {dossier.name(code)}, was {status_words(standing.status)}")
            evidence.append(Evidence(f"{role} status", standing.status, "participant", source.event_id))
            confidences.append(standing.confidence)
            concerned.add(code)
    for measure in measures:
        if dossier.is_on_origin(measure, on) and not dossier.is_exempt(measure, on):
            goods = "goods" if measure.route == "ANY" else "goods exported"
            until = f" until {day(measure.valid_to)}" if measure.valid_to else ""
            kind = "an embargo" if measure.kind == "EMBARGO" else "a suspension"
            reasons.append(
                f"{kind} lay on {goods} from {dossier.name(measure.territory)} from {day(measure.valid_from)}{until} ({measure.basis})"
            )
            evidence.append(Evidence(f"measure {measure.measure_id}", f"in force on {on.isoformat()}", "not in force", source.event_id))
            confidences.append(measure.confidence)
            concerned.add(measure.territory)
    if reasons:
        return Violation(
            message=f"Certificate {dossier.number}: on the export date, {day(on)}, {listed(reasons)}.",
            evidence=tuple(evidence),
            participants=tuple(sorted(concerned)),
            confidence=lowest(confidences),
        )
    missing = tuple(_missing(dossier))
    return Undetermined(missing) if missing else PASS


def _missing(dossier: Dossier) -> Iterator[str]:
    if dossier.certificate is None:
        yield "CertificateIssued"
    if dossier.destination is None:
        yield "destination"


def _outside(dossier: Dossier, standing: Standing, on: date) -> str:
    """Why a jurisdiction may not trade on a date, and when that ended."""
    admitted = dossier.reference.participants.admitted(standing.code, on)
    return status_words(standing.status) + (f" (it has been a Participant since {day(admitted)})" if admitted else "")
