"""What a rule reads, whatever it says that it reads: it is asked about a dossier that takes note of it."""

from collections.abc import Iterable
from typing import Any

from kimberley.cases import evaluate as evaluation
from kimberley.model.events import AnyEvent
from kimberley.rules.dossier import PRESENT, Dossier
from kimberley.rules.rule import NOT_APPLICABLE, Rule
from kimberley.rules.rulebook import Rulebook

_LISTS = {
    "issues": "CertificateIssued",
    "invalidations": "CertificateInvalidated",
    "exports": "ShipmentExported",
    "transits": "ShipmentTransited",
    "arrivals": "ShipmentArrived",
    "confirmations": "ImportConfirmed",
    "returns": "ShipmentReturned",
}
_DERIVED = {
    "certificate": ("CertificateIssued",),
    "issuer": ("CertificateIssued.authority",),
    "stated_origins": ("CertificateIssued.origins", "CertificateIssued.parcels"),
    "conflicts": ("conflicts",),
    "now": ("clock",),
    "profiles": ("issuer profiles",),
    "definition": ("definitions",),
}
_REFERENCE = {
    "participants": ("participants",),
    "same_participant": ("participants",),
    "measures": ("measures",),
    "binds": ("measures",),
    "binding": ("measures",),
    "notices_on": ("notices",),
}
_BUNDLE = {"profiles": ("issuer profiles",), "producers": ("producers",), "price_bands": ("price bands",)}
_FREE = frozenset({"event_id", "certificate_number", "utc_offset_minutes", "left_at_utc_offset_minutes"})
"""What every rule may read: what names an event, its case, and the calendar of its instants."""


def undeclared(rule: Rule, seen: Iterable[str]) -> list[str]:
    """What was read that the rule does not declare. Asking whether there is an event of a type needs one of its fields, or the type."""
    sources = {each.partition(":")[0] for each in rule.reads}
    types = {each.partition(".")[0] for each in rule.reads}

    def is_declared(each: str) -> bool:
        kind, _, field = each.partition(".")
        return each in sources or kind in sources or (kind in types and (not field or field in _FREE))

    return sorted(each for each in set(seen) if not is_declared(each))


def watched_evaluate(dossier: Dossier, rulebook: Rulebook, *before: Any) -> evaluation.Evaluation:
    """`evaluate`, which fails where a rule reads what it does not declare."""
    said = evaluation.evaluate(dossier, rulebook, *before)
    seen: set[str] = set()
    watched = _watched(dossier, seen)
    for place, (rule, _) in enumerate(rulebook.rules):
        each = said.said.get(place)
        if each is None or each.outcome is None or each.outcome.outcome != "error":
            seen.clear()
            verdict = rule.judge(watched)
            if not all(PRESENT[need] & dossier.present for need in rule.needs):
                assert verdict is NOT_APPLICABLE, f"{rule.id} says that it needs {', '.join(rule.needs)}, but is applicable without"
            if rule.valid_from is None and rule.valid_to is None:  # with dates any event may be read
                found = undeclared(rule, seen)
                assert not found, f"{rule.id} reads {', '.join(found)}, which its reads do not name"
    return said


class _Event:
    """An event in all but that it notes what is asked of it."""

    def __init__(self, event: AnyEvent, seen: set[str]) -> None:
        self._event, self._seen = event, seen

    def __getattr__(self, name: str) -> Any:
        event = self._event
        field = "occurred_at" if name == "local_date" else name
        if field in event.__struct_fields__:
            self._seen.add(f"{type(event).__name__}.{field}")
        return getattr(event, name)

    @property
    def __class__(self) -> Any:
        return type(self._event)

    def __eq__(self, other: object) -> bool:
        return self._event == (other._event if type(other) is _Event else other)

    def __hash__(self) -> int:
        return hash(self._event)


class _Part:
    """A part of the reference data that notes which of its parts is asked for."""

    def __init__(self, part: Any, names: dict[str, tuple[str, ...]], seen: set[str]) -> None:
        self._part, self._names, self._seen = part, names, seen

    def __getattr__(self, name: str) -> Any:
        self._seen.update(self._names.get(name, ()))
        return getattr(self._part, name)


class _Dossier(Dossier):
    """A dossier that notes what is asked of it."""

    seen: set[str]

    def __init__(self) -> None:
        """Filled by `_watched`."""

    def __getattribute__(self, name: str) -> Any:
        get = super().__getattribute__
        if name in _LISTS:
            get("seen").add(_LISTS[name])
        elif name == "destination":
            get("seen").add("CertificateIssued.destination" if get("issues") else "ShipmentExported.destination")
        elif name == "export_date":
            get("seen").add("ShipmentExported.occurred_at" if get("exports") else "CertificateIssued.issued_on")
        else:
            get("seen").update(_DERIVED.get(name, ()))
        return get(name)


def _watched(dossier: Dossier, seen: set[str]) -> Dossier:
    found = _Dossier()
    laid_out = dict(vars(dossier))
    for name in _LISTS:
        laid_out[name] = [_Event(event, seen) for event in laid_out[name]]
    laid_out["certificate"] = laid_out["issues"][0] if laid_out["issues"] else None
    laid_out["reference"] = _Part(dossier.reference, _REFERENCE, seen)
    laid_out["bundle"] = _Part(dossier.bundle, _BUNDLE, seen)
    object.__setattr__(found, "__dict__", {**laid_out, "seen": seen})
    return found
