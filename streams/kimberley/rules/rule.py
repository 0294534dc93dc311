"""What a rule is: a function from a dossier to a verdict, and what it says of itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from functools import partial, update_wrapper, wraps
from inspect import unwrap
from typing import Any, Literal, NamedTuple, TypeVar, get_type_hints

import msgspec

from kimberley.model.events import EVENT_TYPES
from kimberley.model.findings import Confidence, Evidence
from kimberley.model.value import Value
from kimberley.rules.dossier import PRESENT, Dossier


class Plain(Enum):
    """Verdicts that need no words."""

    PASS = "pass"
    NOT_APPLICABLE = "not_applicable"


PASS = Plain.PASS
NOT_APPLICABLE = Plain.NOT_APPLICABLE


class Undetermined(Value, frozen=True):
    """The rule applies, but a fact that it needs is missing."""

    missing: tuple[str, ...]


class Waiting(Value, frozen=True):
    """Nothing is wrong yet; at the instant `until` (milliseconds since the epoch) time alone makes it a violation.

    Only a rule that says so may read the dossier's clock, and until then its verdict does not change with it.
    """

    until: int


class Violation(Value, frozen=True, kw_only=True):
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


Lineage = Literal["sources", "uses"]
"""What other certificates tell of themselves: those that are named as sources, and those that name this one."""
LINEAGE: tuple[Lineage, ...] = ("sources", "uses")
CONFLICTS = "conflicts"
"""Different contents under one event id, to a rule that reads them."""
F = TypeVar("F", bound=Callable[..., Any])
Verdict = Plain | Undetermined | Waiting | Violation | Sequence[Violation]
Judge = Callable[[Dossier], Verdict]


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rulebook may set of a rule: a subclass has a field for each, `Annotated[type, stated(unit, description)] = default`.

    Decimal, int, date, str and bool are read from TOML; a `__post_init__` that raises ValueError refuses a value.
    """


def stated(unit: str, description: str) -> msgspec.Meta:
    """What a parameter says of itself."""
    return msgspec.Meta(description=description, extra={"unit": unit})


class Parameter(NamedTuple):
    """One parameter of a rule, as a reader sees it. `value` is the one in force, `default` what holds where a rulebook is silent."""

    name: str
    value: Any
    default: Any
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the catalogue, or as a rulebook has it: with the rulebook's parameters and effective dates. `basis`: law and article.

    `reads`: the facts (`Type` or `Type.field`), conflicts and reference data that it rests on, and `clock` where time alone changes its
    verdict. It is asked again only when an event of one of these types or a withdrawal comes, or a conflict where it reads them,
    reference data changes, or the instant has come for which it said that it waits: what it does not name it must not read.
    `needs`: of what it reads, the types of event, or `sources`, `uses` or `conflicts`, without any one of which it is not applicable: it is
    not even asked then, which saves time.
    `valid_from`, `valid_to`: it is not applicable to a case whose `Dossier.effective_date` lies outside this half-open period.
    """

    id: str
    version: int
    title: str
    basis: str
    reads: tuple[str, ...]
    innocent_causes: tuple[str, ...]
    judge: Judge
    parameters: Parameters | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    needs: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """One sentence: when it is violated."""
        return (self.judge.__doc__ or "").strip()

    @property
    def theme(self) -> str:
        """The module that it stands in."""
        return str(unwrap(self.judge).__module__)

    @property
    def event_types(self) -> frozenset[str]:
        """The types of event that may change its verdict. Any may move the date by which effective dates are judged."""
        if self.valid_from or self.valid_to:
            return frozenset(EVENT_TYPES)
        return frozenset(each.partition(".")[0] for each in self.reads) & EVENT_TYPES.keys()

    @property
    def lineage(self) -> frozenset[Lineage]:
        """What of lineage may change its verdict."""
        return frozenset(each for each in LINEAGE if each in self.reads)

    @property
    def reads_clock(self) -> bool:
        """Whether time alone may change its verdict."""
        return "clock" in self.reads

    @property
    def stated_parameters(self) -> tuple[Parameter, ...]:
        """Its parameters, with what each says of itself."""
        if self.parameters is None:
            return ()
        kind = type(self.parameters)
        notes = {name: hint.__metadata__[0] for name, hint in get_type_hints(kind, include_extras=True).items()}
        return tuple(
            Parameter(name, getattr(self.parameters, name), getattr(kind(), name), note.extra["unit"], note.description)
            for name, note in notes.items()
        )

    def on_terms(self, parameters: Parameters | None, valid_from: date | None = None, valid_to: date | None = None) -> "Rule":
        """This rule with other parameters and effective dates."""
        judge = _with(unwrap(self.judge), parameters)
        if valid_from or valid_to:
            judge = _within(judge, valid_from, valid_to)
        return replace(self, judge=judge, parameters=parameters, valid_from=valid_from, valid_to=valid_to)


CATALOGUE: dict[str, Rule] = {}
"""Every rule of this version by id; filled as the theme modules are imported (see `catalogue`)."""


def rule(
    id: str,
    *,
    title: str,
    basis: str,
    reads: tuple[str, ...],
    innocent_causes: tuple[str, ...] = (),
    parameters: type[Parameters] | None = None,
    version: int = 1,
    needs: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Enter a function into the catalogue. Its docstring is the rule's description.

    The function takes a dossier and, where `parameters` are declared, these as `parameters`.
    """

    def enter(function: F) -> F:
        if id in CATALOGUE:
            raise ValueError(f"two rules have the id {id}")
        if strange := sorted(set(needs) - PRESENT.keys() | set(needs) - {each.partition(".")[0] for each in reads}):
            raise ValueError(f"{id} needs {', '.join(strange)}, which it does not read, or which is no such fact")
        values = parameters() if parameters else None
        CATALOGUE[id] = Rule(id, version, title, basis, reads, innocent_causes, _with(function, values), values, needs=needs)
        return function

    return enter


def _with(function: Callable[..., Verdict], parameters: Parameters | None) -> Judge:
    return function if parameters is None else update_wrapper(partial(function, parameters=parameters), function)


def _within(judge: Judge, valid_from: date | None, valid_to: date | None) -> Judge:
    @wraps(judge)
    def judge_within(dossier: Dossier) -> Verdict:
        on = dossier.effective_date
        if on is not None and ((valid_from and on < valid_from) or (valid_to and on >= valid_to)):
            return NOT_APPLICABLE
        return judge(dossier)

    return judge_within
