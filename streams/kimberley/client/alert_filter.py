"""Which alerts a subscriber wants, told by their headers alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from kimberley.errors import ConfigurationError
from kimberley.model.findings import SEVERITIES, Alert
from kimberley.model.text import normalise_code
from kimberley.wire.envelope import header

STATUSES = ("OPENED", "UPDATED", "RESOLVED")

Wanted = frozenset[str] | None
Words = Iterable[str] | str | None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What is wanted; None: all. Of participants it is enough that one is concerned."""

    severities: Wanted = None
    rules: Wanted = None
    participants: Wanted = None
    statuses: Wanted = None

    @classmethod
    def of(cls, *, severities: Words = None, rules: Words = None, participants: Words = None, statuses: Words = None) -> Self:
        """A filter of what people write. Raises ConfigurationError where a severity or status is none."""
        codes = _words(participants)
        return cls(
            _known("severity", _words(severities), SEVERITIES),
            _words(rules),
            None if codes is None else frozenset(map(normalise_code, codes)),
            _known("status", _words(statuses), STATUSES),
        )

    def wants(self, headers: Sequence[tuple[str, bytes]]) -> bool | None:
        """Whether an alert with these headers is wanted; None where they do not tell."""
        for name, wanted in (("kp_severity", self.severities), ("kp_rule", self.rules), ("kp_status", self.statuses)):
            if wanted is not None:
                said = header(headers, name)
                if said is None:
                    return None
                if said not in wanted:
                    return False
        if self.participants is None:
            return True
        concerned = header(headers, "kp_participants")
        return None if concerned is None else not self.participants.isdisjoint(concerned.split(","))

    def wants_alert(self, alert: Alert) -> bool:
        """Whether a decoded alert is wanted."""
        return (
            (self.severities is None or alert.severity in self.severities)
            and (self.rules is None or alert.rule_id in self.rules)
            and (self.statuses is None or alert.status in self.statuses)
            and (self.participants is None or not self.participants.isdisjoint(alert.participants))
        )

    def of_any_status(self) -> "AlertFilter":
        """The same without a word on status."""
        return AlertFilter(self.severities, self.rules, self.participants)


def _words(given: Words) -> Wanted:
    return None if given is None else frozenset((given,) if isinstance(given, str) else given)


def _known(what: str, given: Wanted, known: Sequence[str]) -> Wanted:
    if given is None:
        return None
    words = frozenset(word.strip().upper() for word in given)
    if unknown := sorted(words - set(known)):
        raise ConfigurationError(f"{unknown[0]!r} is no {what} of alerts: use {', '.join(known)}")
    return words
