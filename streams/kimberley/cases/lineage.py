"""Lineage: what a case tells the cases of its sources and of the certificates that name it, and what it takes in from them.

A case keeps what it was told last. What it tells is a function of its facts and of that, so that, once nothing is under way any more,
all cases know what they would know had the events come in any other order.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TypeVar

import msgspec

from kimberley.model.case import Case, NamedSource
from kimberley.model.lineage import (
    ArrivalFact,
    Content,
    Description,
    InheritedApproval,
    InheritedExtraction,
    IssueFact,
    KnownSource,
    KnownUse,
    LineageMessage,
    Use,
    least_hops,
)
from kimberley.rules.dossier import Dossier

Inherited = TypeVar("Inherited", InheritedExtraction, InheritedApproval)
MOST_USES = 10_000
"""Certificates that a source's case keeps note of; what names it beyond that is not added up."""

_encoder = msgspec.msgpack.Encoder()


def has_lineage(case: Case, dossier: Dossier) -> bool:
    """Whether a case names sources, or did, or is named as one: most neither do nor are."""
    return bool(case.uses or case.named or (dossier.certificate and dossier.certificate.source_certificates))


def tell(
    case: Case, dossier: Dossier, *, at: int, event_id: str | None, least_version: int, anew: str | None = None
) -> list[LineageMessage]:
    """What a case has to tell after a change, addressed; the case notes that it told. Empty where nothing of it is news.

    `at` and `event_id` name what set it off. `least_version`: the versions are no lower, so that they grow also where a note of them was
    lost. `anew`: a certificate that has just named this one, and hears of it even where nothing changed.
    """
    version = max(case.told_version + 1, least_version)
    messages = []
    wanted = _uses(dossier)
    told = {each.number: each.use for each in case.named}
    for number in wanted.keys() | told.keys():
        if wanted.get(number) != told.get(number):
            messages.append(LineageMessage(number, case.number, version, at, event_id, use=wanted.get(number)))
    if messages:
        case.named = [NamedSource(number, use) for number, use in wanted.items()]
        case.sources = [source for source in case.sources if source.number in wanted]
    if case.uses:
        description = describe(dossier)
        seen = description_hash(description)
        hearers = [each.number for each in case.uses] if seen != case.told else [anew] if anew else []
        case.told = seen
        messages += [LineageMessage(number, case.number, version, at, event_id, description=description) for number in hearers]
    else:
        case.told = b""
    if messages:
        case.told_version = version
    return sorted(messages, key=lambda message: message.to)


def take_in_lineage(case: Case, message: LineageMessage) -> bool:
    """Note what another case tells; False: that was known, or concerns this case no longer."""
    if message.description is not None:
        if all(each.number != message.by for each in case.named):
            return False
        known = next((each for each in case.sources if each.number == message.by), None)
        if known is not None and known.version >= message.version:
            return False
        rest = [each for each in case.sources if each is not known]
        case.sources = sorted([*rest, KnownSource(message.by, message.version, message.description)], key=lambda each: each.number)
        return known is None or known.description != message.description
    use = next((each for each in case.uses if each.number == message.by), None)
    if use is not None and use.version >= message.version:
        return False
    others = [each for each in case.uses if each is not use]
    if message.use is None:
        case.uses = others
        return use is not None
    if use is None and len(others) >= MOST_USES:
        return False
    case.uses = sorted([*others, KnownUse(message.by, message.version, message.use)], key=lambda each: each.number)
    return True


def description_hash(description: Description) -> bytes:
    """By which a case knows again what it told of itself last."""
    return blake2b(_encoder.encode(description), digest_size=12).digest()


def describe(dossier: Dossier) -> Description:
    """What a certificate says of itself to those that name it as a source."""
    certificate = dossier.certificate
    invalidation = dossier.invalidation
    return Description(
        issue=None
        if certificate is None
        else IssueFact(
            authority=certificate.authority,
            issued_on=certificate.issued_on,
            issued_at=certificate.occurred_at,
            event_id=certificate.event_id,
            origins=dossier.stated_origins,
            carats=certificate.carats,
            value_usd=certificate.value_usd,
            extraction=certificate.extraction,
            own_approvals=certificate.approvals,
            extractions=() if certificate.extraction else _inherited(dossier, IssueFact.extractions_of, InheritedExtraction),
            approvals=() if certificate.approvals else _inherited(dossier, IssueFact.approvals_of, InheritedApproval),
            source_issuers=tuple(sorted({(issue.authority, issue.issued_on) for issue in dossier.source_issues})),
        ),
        arrivals=tuple(ArrivalFact(each.authority, each.occurred_at, each.local_date, each.carats) for each in dossier.arrivals),
        invalidated_at=invalidation.occurred_at if invalidation else None,
    )


def _inherited(
    dossier: Dossier, contents_of: Callable[[IssueFact, str], Iterator[tuple[Content, int]]], make: Callable[[str, Content, int], Inherited]
) -> tuple[Inherited, ...]:
    """What the known sources hold of each stated origin, one re-export further."""
    issues = dossier.source_issues
    found = least_hops(
        (origin, content, hops + 1) for origin in dossier.stated_origins for issue in issues for content, hops in contents_of(issue, origin)
    )
    return tuple(make(origin, content, hops) for (origin, content), hops in found.items())


def _uses(dossier: Dossier) -> dict[str, Use]:
    certificate = dossier.certificate
    if certificate is None:
        return {}
    numbers = dict.fromkeys(certificate.source_certificates)
    use = Use(len(numbers) == 1, certificate.authority, certificate.event_id, certificate.carats, _is_void(dossier))
    return dict.fromkeys(numbers, use)


def _is_void(dossier: Dossier) -> bool:
    """Whether it was invalidated before anything was exported under it."""
    invalidation = dossier.invalidation
    return invalidation is not None and not any(export.occurred_at < invalidation.occurred_at for export in dossier.exports)
