"""Lineage: what a case tells the cases of its sources and of the certificates that name it, and what it takes in from them.

A case keeps what it was told last. What it tells is a function of its facts and of that, so that, once nothing is under way any more,
all cases know what they would know had the events come in any other order.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import TypeVar

import msgspec

from kimberley.cases.limits import LONGEST_NUMBER, MOST_CASE_BYTES, MOST_TOLD, MOST_USES
from kimberley.model.case import Case, NamedSource
from kimberley.model.events import CertificateInvalidated, CertificateIssued, EventWithdrawn, ShipmentArrived, ShipmentExported
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

Known = TypeVar("Known", bound=KnownSource | KnownUse)
Inherited = TypeVar("Inherited", InheritedExtraction, InheritedApproval)
TOLD_OF = frozenset({CertificateIssued, CertificateInvalidated, EventWithdrawn, ShipmentExported, ShipmentArrived})
"""Types of event by which a case may have something to tell: any other changes nothing of what it told before."""
_MOST_BYTES = 16 << 10
"""A description that is larger goes to all that name the certificate with little of what it inherits."""
_FEW_TOLD = 5
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
        case.size += len(_encoder.encode(case.named))
    if case.uses:
        description, seen = _as_told(dossier)
        hearers = [each.number for each in case.uses] if seen != case.told else [anew] if anew else []
        case.told = seen
        messages += [LineageMessage(number, case.number, version, at, event_id, description=description) for number in hearers]
    else:
        case.told = b""
    if messages:
        case.told_version = version
    return sorted(messages, key=lambda message: message.to)


def take_in_lineage(case: Case, message: LineageMessage) -> bool:
    """Note what another case tells; False: that was known, or concerns this case no longer, or the case is full (`leaves_out`)."""
    if leaves_out(case, message):
        return False
    before_it = case.mark()
    if message.description is not None:
        if all(each.number != message.by for each in case.named):
            return False
        known = _known(case.sources, message.by)
        if known is not None and known.version >= message.version:
            return False
        source = KnownSource(message.by, message.version, message.description)
        case.sources = _with(case.sources, source)
        case.size += len(_encoder.encode(source))
        is_news = known is None or known.description != message.description
    else:
        use = _known(case.uses, message.by)
        if use is not None and use.version >= message.version:
            return False
        if message.use is None:
            case.uses = [each for each in case.uses if each is not use]
            return use is not None
        new_use = KnownUse(message.by, message.version, message.use)
        case.uses = _with(case.uses, new_use)
        case.size += len(_encoder.encode(new_use))
        is_news = True
    if case.size > MOST_CASE_BYTES and case.measure() > MOST_CASE_BYTES:
        case.go_back_to(before_it)
        case.is_full = True
        return False
    return is_news


def description_hash(description: Description) -> bytes:
    """By which a case knows again what it told of itself last."""
    return _hash(_encoder.encode(description))


def _hash(encoded: bytes) -> bytes:
    return blake2b(encoded, digest_size=12).digest()


def _as_told(dossier: Dossier) -> tuple[Description, bytes]:
    """A case's description of itself, short enough to be told, and its hash."""
    description = describe(dossier)
    encoded = _encoder.encode(description)
    if len(encoded) > _MOST_BYTES:
        description = describe(dossier, _FEW_TOLD)
        encoded = _encoder.encode(description)
    return description, _hash(encoded)


def leaves_out(case: Case, message: LineageMessage) -> bool:
    """Whether a case is too full to note what another tells: by its size, or by how many name it."""
    if case.is_full:
        return True
    return message.use is not None and len(case.uses) >= MOST_USES and _known(case.uses, message.by) is None


def _known(told: Sequence[Known], number: str) -> Known | None:
    """What one of several certificates, sorted by number, told last."""
    index = bisect_left(told, number, key=_number)
    return told[index] if index < len(told) and told[index].number == number else None


def _with(told: Sequence[Known], new: Known) -> list[Known]:
    """What several told, sorted by number, with what one of them tells now."""
    index = bisect_left(told, new.number, key=_number)
    has_it = index < len(told) and told[index].number == new.number
    return [*told[:index], new, *told[index + has_it :]]


def _number(told: KnownSource | KnownUse) -> str:
    return told.number


def describe(dossier: Dossier, most: int = MOST_TOLD) -> Description:
    """What a certificate says of itself to those that name it as a source; of arrivals, approvals and zones so many at most."""
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
            own_approvals=certificate.approvals[:most],
            extractions=() if certificate.extraction else _inherited(dossier, IssueFact.extractions_of, InheritedExtraction)[:most],
            approvals=() if certificate.approvals else _inherited(dossier, IssueFact.approvals_of, InheritedApproval)[:most],
            source_issuers=tuple(sorted({(issue.authority, issue.issued_on) for issue in dossier.source_issues})),
        ),
        arrivals=tuple(ArrivalFact(each.authority, each.occurred_at, each.local_date, each.carats) for each in _arrivals(dossier, most)),
        invalidated_at=invalidation.occurred_at if invalidation else None,
    )


def _arrivals(dossier: Dossier, most: int) -> list[ShipmentArrived]:
    """The arrivals, earliest first; of very many those that matter: each authority's first, and the first that was weighed."""
    arrivals = dossier.arrivals
    if len(arrivals) <= most:
        return arrivals
    firsts: dict[str, ShipmentArrived] = {}
    for each in arrivals:
        firsts.setdefault(each.authority, each)
    weighed = next((each for each in arrivals if each.carats is not None), None)
    return [each for each in arrivals if each is weighed or firsts[each.authority] is each]


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
    if certificate is None or not certificate.source_certificates:
        return {}
    numbers = dict.fromkeys(certificate.source_certificates)
    use = Use(len(numbers) == 1, certificate.authority, certificate.event_id, certificate.carats, _is_void(dossier))
    # what can't be a certificate's number has no case to tell
    return {number: use for number in numbers if 0 < len(number) <= LONGEST_NUMBER}


def _is_void(dossier: Dossier) -> bool:
    """Whether it was invalidated before anything was exported under it."""
    invalidation = dossier.invalidation
    return invalidation is not None and not any(export.occurred_at < invalidation.occurred_at for export in dossier.exports)
