"""Alerts for people: one line with its sentence folded under it, or a block with all that it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kimberley.commands.output import plain, severity_text
from kimberley.model.findings import Evidence

_INDENT = 10
"""Where sentences begin: under the word after the severity, or after `resolved`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """What is shown of an alert. `state`: `open`, `resolved` or the revision's status; instants are RFC 3339, empty where not known.

    `events`: what to call the events that its evidence names, where more than their ids is known.
    """

    alert_id: str
    severity: str
    certificate_number: str
    rule_id: str
    state: str
    revision: int
    message: str
    basis: str
    confidence: str
    evidence: Sequence[Evidence]
    participants: Sequence[str]
    effective_at: str
    raised_at: str = ""
    events: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether it is resolved."""
        return self.state.lower() == "resolved"


def alert_text(alert: AlertView, *, long: bool, with_number: bool = True) -> RenderableType:
    """An alert: severity, certificate, rule and sentence; `long`: also basis, evidence, confidence, dates and id."""
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append_text(Text("resolved", style="green") if alert.is_over else severity_text(alert.severity))
    head.append(" " * (_INDENT - len(head.plain)))
    if with_number:
        head.append_text(plain(alert.certificate_number, "bold"))
        head.append("  ")
    head.append_text(plain(alert.rule_id, "" if long else "bold" if not with_number else ""))
    head.append(f"  {_when(alert)}", style="dim")
    sentence = Padding(plain(alert.message.removeprefix("Resolved: "), "dim" if alert.is_over else ""), (0, 0, 0, _INDENT))
    if not long:
        return Group(head, sentence)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(alert):
        facts.add_row(name, text)
    return Group(head, sentence, Padding(facts, (0, 0, 0, _INDENT)))


def _when(alert: AlertView) -> str:
    """The event time of the revision, to the minute, and whether it was not the first."""
    told = alert.state if alert.state in ("UPDATED", "OPENED") else ""
    return " ".join(part for part in (alert.effective_at[:16].replace("T", " ") + " UTC", told.lower()) if part)


def _facts(alert: AlertView) -> Iterator[tuple[str, Text]]:
    yield "basis", plain(alert.basis)
    for index, each in enumerate(alert.evidence):
        line = plain(f"{each.field}: {each.value or 'nothing'}")
        source = alert.events.get(each.event_id, f"event {each.event_id}") if each.event_id else ""
        line.append_text(plain(f" (due: {each.expected}){f', {source}' if source else ''}", "dim"))
        yield "evidence" if index == 0 else "", line
    if alert.participants:
        yield "concerns", plain(", ".join(alert.participants))
    yield "confidence", plain(alert.confidence)
    yield (
        "revision",
        plain(f"{alert.revision}, effective {alert.effective_at}" + (f", raised {alert.raised_at}" if alert.raised_at else "")),
    )
    yield "alert", plain(alert.alert_id)
