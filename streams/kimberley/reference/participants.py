"""Who was a Participant of the Kimberley Process on which date."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date

from kimberley.model.findings import Confidence, lowest
from kimberley.model.kept import Kept
from kimberley.model.period import covers
from kimberley.model.reference_data import Participant, StatusPeriod
from kimberley.model.value import Value

SCHEME_START = date(2003, 1, 1)
UNKNOWN_STATUS = "unknown"
"""Status before the scheme began: nothing is known, so no rule can hold it against anyone."""

_OUTSIDE = frozenset({"candidate", "non_participant", "removed"})
MAY_NOT_TRADE = _OUTSIDE
"""Statuses under which a jurisdiction is no Participant at all (suspension is another rule's matter)."""
SUSPENDED = frozenset({"suspended", "self_suspended"})


class Standing(Value, frozen=True):
    """How a jurisdiction stood on a date: the Participant it belonged to (itself, mostly), that one's status, and how sure we are."""

    code: str
    participant: str
    status: str
    confidence: Confidence = "high"
    until: date | None = None
    """First date on which this no longer held; None: it still does."""
    kind: str = "participant"


class ParticipantRegister:
    """Every jurisdiction's history. Codes without one (most of the world) never took part."""

    def __init__(self, participants: Iterable[Participant]) -> None:
        self.by_code = {participant.code: participant for participant in participants}
        self._starts = {code: [period.valid_from for period in each.periods] for code, each in self.by_code.items()}
        self.standings = Kept(self._look_up)
        """How a code stood on a date, by both: a territory or member state leads to its Participant on the days when it belonged to one."""

    def name(self, code: str) -> str | None:
        """The name in the register, None for a code without a history."""
        participant = self.by_code.get(code)
        return participant.name if participant else None

    def standing(self, code: str, on: date) -> Standing:
        """How `code` stood on `on`, as `standings` has it."""
        return self.standings[code, on]

    def participant_of(self, code: str, on: date) -> str:
        """The code of the Participant that `code` belonged to on `on`; itself where it belonged to none."""
        return self.standings[code, on].participant

    def admitted(self, code: str, after: date) -> date | None:
        """The first date after `after` on which `code` was a Participant again, None if never."""
        participant = self.by_code.get(code)
        periods = participant.periods if participant else ()
        return next((period.valid_from for period in periods if period.valid_from > after and period.status not in _OUTSIDE), None)

    def _look_up(self, key: tuple[str, date]) -> Standing:
        code, on = key
        if on < SCHEME_START:
            return Standing(code, code, UNKNOWN_STATUS, until=SCHEME_START)
        period = self._period(code, on)
        if period is None:
            return Standing(code, code, "non_participant")
        if period.member_of is None or period.status in _OUTSIDE:
            return Standing(code, code, period.status, period.confidence, period.valid_to, period.kind)
        above = self.standing(period.member_of, on)
        until = min((end for end in (period.valid_to, above.until) if end), default=None)
        return Standing(code, above.participant, above.status, lowest((period.confidence, above.confidence)), until, period.kind)

    def _period(self, code: str, on: date) -> StatusPeriod | None:
        starts = self._starts.get(code)
        if not starts:
            return None
        index = bisect_right(starts, on) - 1
        if index < 0:
            return None
        period = self.by_code[code].periods[index]
        return period if covers(period, on) else None
