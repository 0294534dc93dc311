"""Origins along the lineage: what is stated that came in under no source, and what came in and is no longer stated."""

from decimal import Decimal
from typing import NamedTuple

from kimberley.model.events import CertificateIssued
from kimberley.model.findings import Confidence, Evidence, lowest
from kimberley.model.lineage import Description, IssueFact
from kimberley.model.reference_data import Measure
from kimberley.reference.measures import ANY_TERRITORY, is_zone_allowed
from kimberley.rules.dossier import Dossier
from kimberley.rules.lineage import without_issue
from kimberley.rules.rule import NOT_APPLICABLE, PASS, Plain, Undetermined, Verdict, Violation, rule
from kimberley.rules.sanctions import lacking_but_for_origin
from kimberley.rules.wording import carats, figure, listed

_READS = (
    "CertificateIssued",
    "ShipmentExported.occurred_at",
    "ShipmentExported.destination",
    "ShipmentArrived.occurred_at",
    "sources",
    "measures: SUSPENSION, EMBARGO, ZONES, IMPORT_BAN",
    "participants",
)


class _Hidden(NamedTuple):
    """A source of which every origin would be stopped here, and none is stated."""

    number: str
    issue: IssueFact
    measures: tuple[Measure, ...]


class _Sources(NamedTuple):
    """The sources that are hidden, what the others had together, and what the certificate covers, both in carats."""

    hidden: list[_Hidden]
    others: Decimal
    carats: Decimal


@rule(
    "origin-laundered",
    title="An origin that did not come in, or that came in and is hidden",
    basis="UN Panels of Experts and Kimberley Process cases",
    reads=_READS,
    needs=("sources",),
    innocent_causes=(
        "a source that was left out",
        "an origin's code mistyped",
        "an origin left out of the message that stands on the paper",
    ),
)
def origin_laundered(dossier: Dossier) -> Verdict:
    """A stated origin is in no source; or barred sources are left unnamed and the goods weigh more than the other sources."""
    certificate = dossier.certificate
    if certificate is None or not dossier.sources:
        return NOT_APPLICABLE
    if missing := _not_stated(dossier):
        return Undetermined(missing)
    came_in = {origin for issue in dossier.source_issues for origin in issue.origins}
    strange = [origin for origin in dossier.stated_origins if origin not in came_in]
    if strange:
        return Violation(
            message=f"Certificate {dossier.number} states stones of {listed(map(dossier.name, strange))}, but under its "
            f"{'sources' if len(dossier.sources) > 1 else 'source'}, {listed(dossier.sources)}, only stones of "
            f"{listed(map(dossier.name, sorted(came_in)))} came in.",
            evidence=(
                Evidence("origins", ", ".join(dossier.stated_origins), f"among {', '.join(sorted(came_in))}", certificate.event_id),
                *_origins_of_sources(dossier, f"with {', '.join(strange)}"),
            ),
            participants=_concerned(dossier, certificate, strange),
        )
    sources = _survey(dossier, certificate)
    if not isinstance(sources, _Sources):
        return sources
    if sources.carats <= sources.others:
        return PASS  # origin-dropped's matter
    rest = f"its other sources had only {carats(sources.others)}" if sources.others else "it has no other source"
    return Violation(
        message=f"Certificate {dossier.number} covers {carats(sources.carats)} and {rest}, so it must hold stones of "
        f"{_hidden_words(dossier, sources)}",
        evidence=(
            Evidence("carats", figure(sources.carats), f"no more than {figure(sources.others)}", certificate.event_id),
            Evidence("origins", ", ".join(dossier.stated_origins) or "none", "with the sources' origins", certificate.event_id),
            *_origins_of_sources(dossier, "stated here"),
        ),
        participants=_concerned(dossier, certificate, _hidden_origins(sources)),
        confidence=_confidence(sources),
    )


@rule(
    "origin-dropped",
    title="A barred origin came in and is not stated",
    basis="UN Panels of Experts and Kimberley Process cases",
    reads=_READS,
    needs=("sources",),
    innocent_causes=("the barred stones stayed behind", "an origin left out of the message that stands on the paper"),
)
def origin_dropped(dossier: Dossier) -> Verdict:
    """Sources whose every origin would be stopped here are left unnamed, and the weight alone does not prove that they are in it."""
    certificate = dossier.certificate
    if certificate is None or not dossier.sources:
        return NOT_APPLICABLE
    if missing := _not_stated(dossier):
        return Undetermined(missing)
    sources = _survey(dossier, certificate)
    if not isinstance(sources, _Sources):
        return sources
    if sources.carats > sources.others:
        return PASS  # origin-laundered's matter
    return Violation(
        message=f"Certificate {dossier.number} may hold stones of {_hidden_words(dossier, sources)}",
        evidence=(
            Evidence("origins", ", ".join(dossier.stated_origins) or "none", "with the sources' origins", certificate.event_id),
            *_origins_of_sources(dossier, "stated here"),
        ),
        participants=_concerned(dossier, certificate, _hidden_origins(sources)),
        confidence=_confidence(sources),
    )


def _not_stated(dossier: Dossier) -> tuple[str, ...]:
    """The sources that are not known, or state no origins."""
    silent = [number for number, source in dossier.sources.items() if source and source.issue and not source.issue.origins]
    if not silent and not dossier.unknown_sources:
        return ()
    return (*without_issue(dossier), *(f"origins of source {number}" for number in silent))


def _survey(dossier: Dossier, certificate: CertificateIssued) -> _Sources | Undetermined | Plain:
    """The sources, where some are hidden and all that is needed is known; else the verdict."""
    hidden: list[_Hidden] = []
    other_sources: list[Description] = []
    missing: list[str] = []
    for number, source in dossier.sources.items():
        assert source is not None  # all are known
        assert source.issue is not None
        measures = _all_stopped(dossier, certificate, source.issue, missing) if _is_unnamed(dossier, source.issue) else ()
        if measures:
            hidden.append(_Hidden(number, source.issue, measures))
        else:
            other_sources.append(source)
    if missing:
        return Undetermined(tuple(dict.fromkeys(missing)))
    if not hidden:
        return PASS
    others: Decimal | None = Decimal(0)
    for source in other_sources:
        others = _plus(others, source)
    if certificate.carats is None or others is None:
        return Undetermined(("carats",) if certificate.carats is None else ("carats of the sources",))
    return _Sources(hidden, others, certificate.carats)


def _is_unnamed(dossier: Dossier, issue: IssueFact) -> bool:
    return not [origin for origin in issue.origins if origin in dossier.stated_origins]


def _plus(total: Decimal | None, source: Description) -> Decimal | None:
    return None if total is None or source.carats is None else total + source.carats


def _all_stopped(dossier: Dossier, certificate: CertificateIssued, issue: IssueFact, missing: list[str]) -> tuple[Measure, ...]:
    """A measure for each of a source's origins that would stop it here; empty: one of them would pass, or that can't be said."""
    found = []
    lacking: list[str] = []
    for origin in issue.origins:
        unknown: list[str] = []
        measure = _stops(dossier, certificate, issue, origin, unknown)
        if measure is not None:
            found.append(measure)
        elif unknown:
            lacking += unknown
        else:
            return ()
    if lacking:
        missing += lacking
        return ()
    return tuple(found)


def _stops(dossier: Dossier, certificate: CertificateIssued, issue: IssueFact, origin: str, unknown: list[str]) -> Measure | None:
    """The measure that would stop these goods if they stated an origin: by each rule's own date and conditions, route ANY only."""
    exported, issued = dossier.export_date, certificate.issued_on
    assert exported is not None  # a certificate has one
    binding, destination = dossier.reference.binding, dossier.destination
    for measure in (*binding("SUSPENSION", destination, exported), *binding("EMBARGO", destination, exported)):
        if _is_on(measure, origin) and not dossier.is_exempt(measure, exported):
            return measure
    for measure in binding("ZONES", certificate.destination, issued):
        if _is_on(measure, origin):
            zones = [each.zone for each, _ in issue.extractions_of(origin) if each.zone and not each.zone.isspace()]
            if not zones or not all(is_zone_allowed(measure, zone, issued) for zone in zones):
                return measure
    entered = dossier.arrivals[0].local_date if dossier.arrivals else exported
    for measure in binding("IMPORT_BAN", destination, entered):
        if _is_on(measure, origin):
            lacking = lacking_but_for_origin(dossier, certificate, measure, entered)
            if lacking:
                unknown += lacking
            elif lacking is not None:
                return measure
    return None


def _is_on(measure: Measure, origin: str) -> bool:
    return measure.route == "ANY" and measure.territory in (origin, ANY_TERRITORY)


def _hidden_words(dossier: Dossier, sources: _Sources) -> str:
    origins = listed(map(dossier.name, _hidden_origins(sources)))
    numbers = [each.number for each in sources.hidden]
    measures = {each.measure_id: each for hidden in sources.hidden for each in hidden.measures}
    return (
        f"{origins}, which came in under {listed(numbers)}, would be stopped here "
        f"({'; '.join(each.basis for each in measures.values())}), and are not stated."
    )


def _hidden_origins(sources: _Sources) -> list[str]:
    return sorted({origin for each in sources.hidden for origin in each.issue.origins})


def _origins_of_sources(dossier: Dossier, expected: str) -> list[Evidence]:
    return [
        Evidence(f"origins of source {number}", ", ".join(source.issue.origins), expected, source.issue.event_id)
        for number, source in dossier.sources.items()
        if source is not None and source.issue is not None
    ]


def _concerned(dossier: Dossier, certificate: CertificateIssued, origins: list[str]) -> tuple[str, ...]:
    return tuple(sorted({certificate.authority, *origins, *(issue.authority for issue in dossier.source_issues)}))


def _confidence(sources: _Sources) -> Confidence:
    return lowest(measure.confidence for each in sources.hidden for measure in each.measures)
