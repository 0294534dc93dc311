"""A case's story for people, and as one JSON object."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from kimberley.cases.evaluate import Explained
from kimberley.cases.story import Entry, Story
from kimberley.commands.alert_text import AlertView, alert_text
from kimberley.commands.event_words import moment, said, without_private
from kimberley.commands.output import Column, console, make_table, plain, severity_text
from kimberley.commands.story_lineage import lineage_json, print_lineage
from kimberley.model.case import AlertState, Fact, Origin
from kimberley.model.events import AnyEvent, instant_text
from kimberley.model.findings import SEVERITIES
from kimberley.wire.event_records import event_json

_EFFECTS = {
    "withdraws": "",
    "withdrawn": "without effect: it was itself taken back",
    "no-target": "without effect so far: that event is not here",
    "stranger": "without effect: only its sender's Participant takes an event back",
    "circle": "without effect: the two take each other back",
}
_OUTCOMES = {
    "violation": ("violation", "bold red"),
    "error": ("error", "bold magenta"),
    "undetermined": ("undetermined", "yellow"),
    "pass": ("pass", "green"),
    "not_applicable": ("not applicable", "dim"),
}
_FINE = ("participant", "restricted", "unknown")


def print_story(story: Story, *, names: bool, long: bool) -> None:
    """The story on standard output, as wide as the terminal."""
    out = console()
    out.print(Text.assemble(("Certificate ", "bold"), plain(story.number, "bold"), "   ", _verdict(story.alerts)))
    policy = story.policy
    out.print(
        f"rulebook {policy.rulebook.id}, reference data {policy.reference.revision}, clock {moment(story.now, 0)}",
        style="dim",
        soft_wrap=False,
    )
    _print_timeline(out, story, names=names, long=long)
    _print_parties(out, story)
    print_lineage(out, story)
    _print_alerts(out, story, long=long)
    _print_rules(out, story.rules)


def _verdict(alerts: Sequence[AlertState]) -> Text:
    """How it stands, in a line."""
    standing = [state.finding.severity for state in alerts if state.is_open]
    words = Text(f"{len(standing) or 'no'} {'alert' if len(standing) == 1 else 'alerts'} open")
    for severity in SEVERITIES:
        if severity in standing:
            words.append(", ").append_text(severity_text(severity))
    return words.append(f"; {len(alerts) - len(standing)} resolved" if len(standing) < len(alerts) else "")


def _print_timeline(out: Console, story: Story, *, names: bool, long: bool) -> None:
    known = _known(story)
    out.print()
    columns: list[str | Column] = [_whole("when"), _whole("event"), "what it says"]
    rows = [(_when(entry.fact.event), *_told(entry, known, names=names, long=long)) for entry in story.timeline]
    out.print(make_table(columns, rows, title="Timeline"))
    if story.conflicts:
        out.print()
        rows = [(_when(fact.event), _head(fact.event), _conflict(fact, names=names, long=long)) for fact in story.conflicts]
        out.print(make_table(columns, rows, title="Other contents under an event id that was taken"))


def _when(event: AnyEvent) -> Text:
    return Text(moment(event.occurred_at, event.utc_offset_minutes, between="\n"))


def _head(event: AnyEvent, style: str = "") -> Text:
    by = f"by {event.authority}{f', {event.office}' if event.office else ''}"
    return Text.assemble((type(event).__name__, f"{style} bold".strip()), "\n", plain(by if len(by) <= 40 else f"{by[:39]}…", style))


def _told(entry: Entry, known: Mapping[str, str], *, names: bool, long: bool) -> tuple[Text, Text]:
    """A fact's head and words; what was taken back is struck through, and who did it says so."""
    event = entry.fact.event
    style = "strike dim" if entry.withdrawn_by else ""
    parts = [said(event, names, known)]
    if (target := getattr(event, "withdrawn_event_id", None)) is not None:
        parts.insert(0, f"takes back {known.get(target, f'event {target}')}")
    words = Text.assemble(plain("; ".join(part for part in parts if part), style))  # the style is the words', not that of what follows
    for withdrawal in entry.withdrawn_by:
        when = moment(withdrawal.occurred_at, withdrawal.utc_offset_minutes)
        words.append_text(plain(f"\ntaken back by {withdrawal.authority}, {when}: {withdrawal.reason}", "yellow"))
    if entry.effect and _EFFECTS[entry.effect]:
        words.append(f"\n{_EFFECTS[entry.effect]}", style="yellow")
    if long:
        words.append_text(_source(entry.fact))
    return _head(event, style), words


def _conflict(fact: Fact, *, names: bool, long: bool) -> Text:
    words = plain(f"{said(fact.event, names)}\nevent id {fact.event.event_id} was taken: the content that came first counts")
    return words + _source(fact) if long else words


def _known(story: Story) -> dict[str, str]:
    """What a sentence calls each event of the timeline, by its id."""
    return {event.event_id: _named(event) for event in (entry.fact.event for entry in story.timeline)}


def _named(event: AnyEvent) -> str:
    return f"{type(event).__name__} of {event.authority}, {moment(event.occurred_at, event.utc_offset_minutes)}"


def _source(fact: Fact) -> Text:
    return plain(f"\n{fact.event.event_id}\n{_place(fact.origin)}", "dim")


def _place(origin: Origin) -> str:
    return f"{origin.topic}-{origin.partition}@{origin.offset}"


def _print_parties(out: Console, story: Story) -> None:
    if not story.parties:
        return
    out.print()
    name = story.policy.reference.name
    rows = [
        (
            party.role,
            plain(name(party.code).removesuffix(f" ({party.code})")),
            party.code,
            party.participant,
            Text(party.status.replace("_", " "), style="" if party.status in _FINE else "bold red"),
            party.as_of.isoformat() if party.as_of else "",
        )
        for party in story.parties
    ]
    columns: list[str | Column] = [_whole("role"), "name", *map(_whole, ("code", "Participant", "status", "as of"))]
    out.print(make_table(columns, rows, title="Parties"))


def _print_alerts(out: Console, story: Story, *, long: bool) -> None:
    out.print()
    out.print(Text("Alerts", style="bold"))
    if not story.alerts:
        out.print("none was ever raised")
    known = {event_id: f"{words} ({event_id})" if long else words for event_id, words in _known(story).items()}
    for state in sorted(story.alerts, key=lambda each: (not each.is_open, SEVERITIES.index(each.finding.severity))):
        out.print(alert_text(_view(story.number, state, known), long=True, with_number=False))
    if story.pending:
        out.print()
        out.print(Text("The stream has not said this yet, by these rules and this reference data:", style="yellow"))
        for change in story.pending:
            out.print(plain(f"  {change.status.lower()}: {change.state.finding.rule_id}: {change.state.finding.message}", "yellow"))


def _view(number: str, state: AlertState, known: Mapping[str, str]) -> AlertView:
    finding = state.finding
    return AlertView(
        alert_id=state.alert_id,
        severity=finding.severity,
        certificate_number=number,
        rule_id=finding.rule_id,
        state="open" if state.is_open else "resolved",
        revision=state.revision,
        message=finding.message,
        basis=finding.basis,
        confidence=finding.confidence,
        evidence=finding.evidence,
        participants=finding.participants,
        effective_at=instant_text(state.effective_at),
        events=known,
    )


def _print_rules(out: Console, rules: list[Explained]) -> None:
    out.print()
    order = list(_OUTCOMES)
    rows = []
    for each in sorted(rules, key=lambda each: order.index(each.outcome.outcome)):
        word, style = _OUTCOMES[each.outcome.outcome]
        quiet = "dim" if each.outcome.outcome == "not_applicable" else ""
        rows.append((Text(word, style=style), Text(each.rule.id, style=quiet), severity_text(each.severity), _why(each, quiet)))
    columns: list[str | Column] = [*map(_whole, ("outcome", "rule", "severity")), "violated when"]
    out.print(make_table(columns, rows, title="Every rule"))


def _whole(name: str) -> Column:
    return Column(name, whole=True)


def _why(each: Explained, style: str) -> Text:
    words = plain(each.rule.title, style)
    if each.outcome.outcome == "undetermined":
        words.append_text(plain(f"\nmissing: {', '.join(each.outcome.missing)}", "yellow"))
    elif each.outcome.outcome == "error":
        words.append_text(plain(f"\n{', '.join(each.outcome.missing)}", "magenta"))
    if each.until is not None:
        words.append_text(plain(f"\nviolated from {moment(each.until, 0)} on, if nothing comes before", "yellow"))
    return words


def story_json(story: Story, *, names: bool) -> dict[str, Any]:
    """The story as one JSON object; instants are RFC 3339. `names`: with exporters, importers and remarks."""
    return {
        "certificate_number": story.number,
        "clock": instant_text(story.now),
        "rulebook": story.policy.rulebook.id,
        "reference_revision": story.policy.reference.revision,
        "facts": [_entry_json(entry, names) for entry in story.timeline],
        "conflicts": [_fact_json(fact, names) for fact in story.conflicts],
        "participants": [
            {
                "role": party.role,
                "code": party.code,
                "name": story.policy.reference.name(party.code).removesuffix(f" ({party.code})"),
                "participant": party.participant,
                "status": party.status,
                "as_of": party.as_of,
            }
            for party in story.parties
        ],
        **lineage_json(story),
        "alerts": [_alert_json(state) for state in story.alerts],
        "rules": [_rule_json(each) for each in story.rules],
        "pending": [{"status": change.status, **_alert_json(change.state)} for change in story.pending],
    }


def _entry_json(entry: Entry, names: bool) -> dict[str, Any]:
    withdrawals = [
        {
            "event_id": each.event_id,
            "authority": each.authority,
            "occurred_at": instant_text(each.occurred_at, each.utc_offset_minutes),
            "reason": each.reason,
        }
        for each in entry.withdrawn_by
    ]
    effect = {"effect": entry.effect} if entry.effect else {}
    return {**_fact_json(entry.fact, names), "withdrawn": bool(withdrawals), "withdrawn_by": withdrawals, **effect}


def _fact_json(fact: Fact, names: bool) -> dict[str, Any]:
    stated = event_json(fact.event)
    return {
        "event": stated if names else without_private(stated),
        "local_date": fact.event.local_date,
        "source": {"topic": fact.origin.topic, "partition": fact.origin.partition, "offset": fact.origin.offset},
    }


def _alert_json(state: AlertState) -> dict[str, Any]:
    finding = state.finding
    return {
        "alert_id": state.alert_id,
        "open": state.is_open,
        "revision": state.revision,
        "rule_id": finding.rule_id,
        "rule_version": finding.rule_version,
        "subject": finding.subject,
        "severity": finding.severity,
        "message": finding.message,
        "basis": finding.basis,
        "confidence": finding.confidence,
        "shipment_id": finding.shipment_id,
        "participants": finding.participants,
        "evidence": [
            {"field": each.field, "value": each.value, "expected": each.expected, "event_id": each.event_id} for each in finding.evidence
        ],
        "event_id": state.event_id,
        "effective_at": instant_text(state.effective_at),
    }


def _rule_json(each: Explained) -> dict[str, Any]:
    return {
        "rule_id": each.rule.id,
        "version": each.rule.version,
        "title": each.rule.title,
        "severity": each.severity,
        "outcome": each.outcome.outcome,
        "missing": each.outcome.missing,
        "waits_until": None if each.until is None else instant_text(each.until),
    }
