"""What a rule is: a function from a dossier to a verdict, and what it says of itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from kimberley.model.events import EVENT_TYPES
from kimberley.model.findings import Confidence, Evidence
from kimberley.rules.dossier import Dossier


class Plain(Enum):
    """Verdicts that need no words."""

    PASS = "pass"
    NOT_APPLICABLE = "not_applicable"


PASS = Plain.PASS
NOT_APPLICABLE = Plain.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Undetermined:
    """The rule applies, but a fact that it needs is missing."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is wrong yet; at the instant `until` (milliseconds since the epoch) time alone makes it a violation.

    Only a rule that says so may read the dossier's clock, and until then its verdict does not change with it.
    """

    until: int


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One violation: a sentence for a customs officer, and the facts that it rests on.

    `since`: the instant (milliseconds since the epoch) at which a deadline passed; None where no deadline did.
    """

    message: str
    evidence: tuple[Evidence, ...]
    participants: tuple[str, ...] = ()
    subject: str = ""
    shipment_id: str | None = None
    confidence: Confidence = "high"
    since: int | None = None


Verdict = Plain | Undetermined | Waiting | Violation | Sequence[Violation]
Judge = Callable[[Dossier], Verdict]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the catalogue. `basis`: the legal text and article.

    `reads`: the facts (`Type` or `Type.field`) and reference data that it rests on, and `clock` where time alone changes its verdict.
    It is asked again only when an event of one of these types comes, reference data changes, or the instant has come for which it said
    that it waits: what it does not name it must not read.
    """

    id: str
    version: int
    title: str
    basis: str
    reads: tuple[str, ...]
    innocent_causes: tuple[str, ...]
    judge: Judge

    @property
    def description(self) -> str:
        """One sentence: when it is violated."""
        return (self.judge.__doc__ or "").strip()

    @property
    def event_types(self) -> frozenset[str]:
        """The types of event that it reads."""
        return frozenset(each.partition(".")[0] for each in self.reads) & EVENT_TYPES.keys()

    @property
    def reads_clock(self) -> bool:
        """Whether time alone may change its verdict."""
        return "clock" in self.reads


CATALOGUE: dict[str, Rule] = {}
"""Every rule of this version by id; filled as the theme modules are imported (see `catalogue`)."""


def rule(
    id: str, *, title: str, basis: str, reads: tuple[str, ...], innocent_causes: tuple[str, ...] = (), version: int = 1
) -> Callable[[Judge], Judge]:
    """Enter a function into the catalogue. Its docstring is the rule's description."""

    def enter(judge: Judge) -> Judge:
        if id in CATALOGUE:
            raise ValueError(f"two rules have the id {id}")
        CATALOGUE[id] = Rule(id, version, title, basis, reads, innocent_causes, judge)
        return judge

    return enter
