"""Which measures were in force on a date, and whom they bind."""

from collections.abc import Iterable
from datetime import date

from kimberley.model.period import covers
from kimberley.model.reference_data import Measure
from kimberley.model.text import normalise_place

EVERYONE = frozenset({"KP", "UN"})
"""Bodies whose measures bind every Participant; any other `imposed_by` is a Participant's code and binds imports into it."""
ANY_TERRITORY = "*"
_MOST_REMEMBERED = 100_000


def zones_allowed(measure: Measure, on: date) -> list[str]:
    """The zones that may export under a ZONES measure on a date, by name."""
    return sorted(zone.zone for zone in measure.allowed_zones if covers(zone, on))


def is_zone_allowed(measure: Measure, zone: str, on: date) -> bool:
    """Whether a zone, however it is spelt, may export under a ZONES measure on a date."""
    return is_among(zone, zones_allowed(measure, on))


def is_among(zone: str, zones: Iterable[str]) -> bool:
    """Whether a zone is one of some, accents and case forgiven."""
    return normalise_place(zone) in map(normalise_place, zones)


class MeasureRegister:
    """All measures, by kind."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self.by_id = {measure.measure_id: measure for measure in measures}
        self._by_kind: dict[str, tuple[Measure, ...]] = {}
        for measure in sorted(self.by_id.values(), key=lambda each: each.measure_id):
            self._by_kind[measure.kind] = (*self._by_kind.get(measure.kind, ()), measure)
        self._of: dict[tuple[str, date], tuple[Measure, ...]] = {}

    def of_kind(self, kind: str) -> tuple[Measure, ...]:
        """The measures of a kind, whenever they were in force, by id."""
        return self._by_kind.get(kind, ())

    def of(self, kind: str, on: date) -> tuple[Measure, ...]:
        """The measures of a kind in force on a date, by id."""
        found = self._of.get((kind, on))
        if found is None:
            if len(self._of) > _MOST_REMEMBERED:
                self._of.clear()
            found = self._of[kind, on] = tuple(measure for measure in self.of_kind(kind) if covers(measure, on))
        return found
