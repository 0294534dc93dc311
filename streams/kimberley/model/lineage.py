"""What certificates tell each other: that one names another as its source, and what that one says of itself."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from kimberley.model.events import Approval, Extraction
from kimberley.model.value import Value

Content = TypeVar("Content", Extraction, Approval)
MOST_HOPS = 64
"""Re-exports through which a zone or an approval is inherited. Certificates that name each other in a circle end by it: what none of
them states comes round with more hops each time, and is dropped here."""


class InheritedExtraction(Value, frozen=True, array_like=True):
    """Where stones of an origin were mined, as a certificate so many re-exports before states it."""

    origin: str
    extraction: Extraction
    hops: int


class InheritedApproval(Value, frozen=True, array_like=True):
    """An approval of stones of an origin, as a certificate so many re-exports before states it."""

    origin: str
    approval: Approval
    hops: int


class IssueFact(Value, frozen=True, array_like=True):
    """What a source's certificate says. `origins`: its own and its parcels' together, sorted. `issued_at`: when it was reported.

    `extractions` and `approvals` are inherited, and empty where the certificate states its own. `source_issuers`: who issued the
    certificates that it names in turn, each with the date of issue, as far as they are known.
    """

    authority: str
    issued_on: date
    issued_at: int
    event_id: str
    origins: tuple[str, ...]
    carats: Decimal | None
    value_usd: Decimal | None
    extraction: Extraction | None
    own_approvals: tuple[Approval, ...]
    extractions: tuple[InheritedExtraction, ...] = ()
    approvals: tuple[InheritedApproval, ...] = ()
    source_issuers: tuple[tuple[str, date], ...] = ()

    def extractions_of(self, origin: str) -> Iterator[tuple[Extraction, int]]:
        """Where its stones of an origin were mined, and how many re-exports before that was stated."""
        if origin not in self.origins:
            return
        if self.extraction is not None:
            yield self.extraction, 0
        else:
            yield from ((each.extraction, each.hops) for each in self.extractions if each.origin == origin)

    def approvals_of(self, origin: str) -> Iterator[tuple[Approval, int]]:
        """The approvals of its stones of an origin, and how many re-exports before they were stated."""
        if origin not in self.origins:
            return
        if self.own_approvals:
            yield from ((approval, 0) for approval in self.own_approvals)
        else:
            yield from ((each.approval, each.hops) for each in self.approvals if each.origin == origin)


class ArrivalFact(Value, frozen=True, array_like=True):
    """An arrival of a source's goods."""

    authority: str
    arrived_at: int
    on: date
    carats: Decimal | None


class Description(Value, frozen=True, array_like=True):
    """What is known of a source: its issue event's content (None: it has none), its arrivals, earliest first, and when it was
    invalidated by its issuer (None: it was not).
    """

    issue: IssueFact | None = None
    arrivals: tuple[ArrivalFact, ...] = ()
    invalidated_at: int | None = None

    @property
    def carats(self) -> Decimal | None:
        """What it had: the weight of the earliest arrival that reports one, else as certified."""
        for each in self.arrivals:
            if each.carats is not None:
                return each.carats
        return None if self.issue is None else self.issue.carats


class Use(Value, frozen=True, array_like=True):
    """That a certificate names another as a source: as its only one or not, who issued it, by which event, and its weight.

    `is_void`: it was invalidated, and nothing was exported under it before: it uses nothing up.
    """

    is_only: bool
    authority: str
    event_id: str
    carats: Decimal | None
    is_void: bool = False


class KnownSource(Value, frozen=True, array_like=True):
    """What a source told last, and the version of that."""

    number: str
    version: int
    description: Description


class KnownUse(Value, frozen=True, array_like=True):
    """What a certificate told last of its use of this one, and the version of that."""

    number: str
    version: int
    use: Use


class LineageMessage(Value, frozen=True):
    """A fact on its way from one certificate's case to another's. Either `use` (None: no longer) or `description` is told.

    `version` grows with every message of the sender, so that a repeat takes nothing back. `event_id` and `at` (milliseconds since the
    epoch): the event that set it off, and its time; an event elsewhere may open an alert here.
    """

    to: str
    by: str
    version: int
    at: int
    event_id: str | None = None
    use: Use | None = None
    description: Description | None = None

    @property
    def tells_of(self) -> Literal["sources", "uses"]:
        """What its receiver hears of: one of its sources, or of those that name it."""
        return "uses" if self.description is None else "sources"


def least_hops(found: Iterable[tuple[str, Content, int]]) -> dict[tuple[str, Content], int]:
    """Each content of each origin with the fewest hops by which it is reached, sorted; what lies too far back is left out."""
    nearest: dict[tuple[str, Content], int] = {}
    for origin, content, hops in found:
        if hops <= MOST_HOPS and hops < nearest.get((origin, content), MOST_HOPS + 1):
            nearest[origin, content] = hops
    if len(nearest) < 2:
        return nearest
    return dict(sorted(nearest.items(), key=lambda item: (item[0][0], msgspec.json.encode(item[0][1]))))
