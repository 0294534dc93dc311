"""What is in force on a date, one record's history, and differences: for people, and as JSON objects."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kimberley.commands.output import Cell, Column, console, make_table, plain
from kimberley.model.period import covers
from kimberley.model.reference_data import Measure, Notice, Participant, StatusPeriod
from kimberley.reference.difference import Difference
from kimberley.reference.measures import ANY_TERRITORY, EVERYONE
from kimberley.reference.participants import ParticipantRegister
from kimberley.reference.reference import Reference, country_names
from kimberley.rules.wording import day, listed

_CONFIDENCE_STYLES = {"high": "", "medium": "yellow", "low": "bold yellow"}
_STATUS_STYLES = {"participant": "", "restricted": "yellow", "candidate": "dim", "non_participant": "dim"}
_CHANGE_STYLES = {"added": "green", "changed": "yellow", "removed": "red"}


def participant_json(reference: Reference, code: str, on: date) -> dict[str, Any]:
    """How a jurisdiction stands on a date."""
    register = reference.participants
    standing = register.standing(code, on)
    period = _period(register, code, on)
    return {
        "record": "participant",
        "code": code,
        "name": register.name(code) or country_names().get(code, ""),
        "kind": standing.kind,
        "participant": standing.participant,
        "status": standing.status,
        "since": _since(register, code, on),
        "until": standing.until,
        "confidence": standing.confidence,
        "note": period.note if period else "",
        "source": period.source if period else "",
    }


def record_json(record: Measure | Notice) -> dict[str, Any]:
    """A measure or notice with all its fields."""
    return {"record": "measure" if isinstance(record, Measure) else "notice", **msgspec.to_builtins(record)}


def history_json(reference: Reference, code: str, on: date) -> dict[str, Any]:
    """A jurisdiction's standing on a date, its whole history, and the measures that concern it."""
    participant = reference.participants.by_code.get(code)
    return {
        **participant_json(reference, code, on),
        "on": on,
        "periods": msgspec.to_builtins(participant.periods) if participant else [],
        "measures": [{**record_json(measure), "in_force": covers(measure, on)} for measure in _concerning(reference, code)],
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    """One record's difference."""
    return {
        "change": difference.change,
        "record": difference.kind,
        "key": difference.key,
        "fields": [{"field": each.field, "before": each.before, "after": each.after} for each in difference.fields],
    }


def in_force_on(reference: Reference, on: date) -> tuple[list[str], list[Measure], list[Notice]]:
    """The codes that have a history, the measures in force on a date, and the notices that were out by then."""
    measures = sorted((each for each in reference.measures.by_id.values() if covers(each, on)), key=lambda each: each.measure_id)
    notices = [each for each in reference.notices.values() if each.published_on is None or each.published_on <= on]
    return sorted(reference.participants.by_code), measures, sorted(notices, key=lambda each: each.notice_id)


def print_in_force(reference: Reference, on: date, *, long: bool) -> None:
    """Participants' standings and measures on a date. `long`: with each standing's note and source."""
    codes, measures, notices = in_force_on(reference, on)
    out = console()
    out.print(Text.assemble((f"In force on {day(on)}", "bold"), (f"   reference data {reference.revision}", "dim")))
    out.print()
    rows = [participant_json(reference, code, on) for code in codes]
    if long:
        out.print(Text("Jurisdictions", style="bold"))
        for row in rows:
            out.print(_standing_block(row))
    else:
        columns: list[str | Column] = [_whole("code"), "name", _whole("of"), "status", *map(_whole, ("since", "until", "confidence"))]
        out.print(make_table(columns, map(_standing_row, rows), title="Jurisdictions"))
        out.print("of: the Participant to which a territory or a member state belongs", style="dim")
    blocks = {"Measures": [_measure_block(reference, each) for each in measures], "Notices": [_notice_block(each) for each in notices]}
    for title, found in blocks.items():
        if found:
            out.print()
            out.print(Text(title, style="bold"))
            for block in found:
                out.print(block)


def print_history(reference: Reference, code: str, on: date) -> None:
    """One jurisdiction: how it stands on a date, its whole history, the measures on it and by it."""
    out = console()
    now = participant_json(reference, code, on)
    out.print(Text.assemble((f"{now['name']} ({code})", "bold"), f"   on {day(on)}: {_status_of(now)}", style=""))
    participant = reference.participants.by_code.get(code)
    if participant is None:
        out.print("no history: it never took part in the scheme")
    else:
        rows: list[list[Cell]] = [
            [
                str(period.valid_from),
                str(period.valid_to or ""),
                _status(period.status),
                period.member_of or "",
                _confidence(period.confidence),
                _note(period.note, period.source),
            ]
            for period in participant.periods
        ]
        out.print()
        columns: list[str | Column] = [_whole("since"), _whole("until"), "status", _whole("of"), _whole("confidence"), "note and source"]
        out.print(make_table(columns, rows, title="History"))
    concerning = _concerning(reference, code)
    if concerning:
        out.print()
        out.print(Text("Measures", style="bold"))
        for measure in concerning:
            out.print(_measure_block(reference, measure, over=not covers(measure, on)))


def print_record(record: Measure | Notice, on: date) -> None:
    """Every field of a measure or notice that it states."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in msgspec.to_builtins(record).items():
        if value in (None, "", ()):
            continue
        if name == "allowed_zones":
            value = "\n".join(f"{each['zone']}, {_period_words(each['valid_from'], each.get('valid_to'))}" for each in value)
        grid.add_row(name, plain("\n".join(map(str, value)) if isinstance(value, tuple) else value))
    if isinstance(record, Measure):
        grid.add_row(f"on {on}", Text("in force", style="bold") if covers(record, on) else Text("not in force", style="dim"))
    console().print(grid)


def print_differences(found: Iterable[Difference]) -> None:
    """Each record that differs, its fields under it."""
    out = console()
    for each in found:
        out.print(Text.assemble((f"{each.change:<9}", _CHANGE_STYLES[each.change]), f"{each.kind} ", plain(each.key, "bold")))
        if each.change == "removed":
            continue
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", overflow="fold", max_width=40)
        grid.add_column(overflow="fold")
        for field, before, after in each.fields:
            words = plain(after)
            if each.change == "changed":
                words = Text.assemble(plain(before or "not stated", "red"), " → ", plain(after or "not stated", "green"))
            grid.add_row(plain(field), words)
        out.print(Padding(grid, (0, 0, 0, 9)))


def _concerning(reference: Reference, code: str) -> list[Measure]:
    found = [each for each in reference.measures.by_id.values() if code in (each.territory, each.imposed_by)]
    return sorted(found, key=lambda each: (each.valid_from, each.measure_id))


def _standing_row(row: dict[str, Any]) -> list[Cell]:
    return [
        row["code"],
        plain(row["name"]),
        row["participant"] if row["participant"] != row["code"] else "",
        _status(row["status"]),
        str(row["since"] or ""),
        str(row["until"] or ""),
        _confidence(row["confidence"]),
    ]


def _standing_block(row: dict[str, Any]) -> RenderableType:
    """A standing as one line, its note and source folded under it."""
    grid = Table.grid()
    grid.add_column(overflow="fold")
    standing = f"   {_status_of(row)}; confidence {row['confidence']}"
    grid.add_row(Text.assemble((row["code"], "bold"), "  ", plain(row["name"], "bold"), standing))
    grid.add_row(Padding(_note(row["note"], row["source"]), (0, 0, 0, 4)))
    return grid


def _status_of(row: dict[str, Any]) -> str:
    through = f", through {row['participant']}" if row["participant"] != row["code"] else ""
    since = f" since {row['since']}" if row["since"] else ""
    until = f", until {row['until']}" if row["until"] else ""
    return f"{row['status'].replace('_', ' ')}{through}{since}{until}"


def _measure_block(reference: Reference, measure: Measure, *, over: bool = False) -> RenderableType:
    """A measure: its id and kind, then who bars what from where since when, then its basis."""
    quiet = "dim" if over else ""
    grid = Table.grid(padding=(0, 0, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_row(Text.assemble((measure.measure_id, f"{quiet} bold".strip()), (f"  {measure.kind}", quiet)))
    grid.add_row(Padding(plain("; ".join(_measure_words(reference, measure)), quiet), (0, 0, 0, 2)))
    grid.add_row(Padding(plain(measure.basis, "dim"), (0, 0, 0, 2)))
    return grid


def _measure_words(reference: Reference, measure: Measure) -> Iterator[str]:
    where = "any origin" if measure.territory == ANY_TERRITORY else reference.name(measure.territory)
    yield f"{where}, {'whatever the route' if measure.route == 'ANY' else 'as its exporter'}"
    yield f"imposed by {measure.imposed_by if measure.imposed_by in EVERYONE else reference.name(measure.imposed_by)}"
    yield _period_words(measure.valid_from, measure.valid_to)
    if measure.hs_codes:
        yield f"HS {', '.join(measure.hs_codes)}"
    if measure.min_stone_carats is not None:
        yield f"stones of {measure.min_stone_carats.normalize():f} ct and more"
    if measure.zones:
        yield f"zones {', '.join(measure.zones)}"
    if measure.allowed_zones:
        yield f"allowed: {listed(sorted({each.zone for each in measure.allowed_zones}))}"
    if measure.exempt_declarations:
        yield f"exempt: {', '.join(measure.exempt_declarations)}{f' from {measure.exempt_from}' if measure.exempt_from else ''}"
    yield f"confidence {measure.confidence}"


def _notice_block(notice: Notice) -> RenderableType:
    numbers = notice.first_number + (f" to {notice.last_number}" if notice.last_number else "")
    words = f"{notice.kind}  {notice.participant} {numbers}, published {notice.published_on or 'without a date'}"
    return Text.assemble((notice.notice_id, "bold"), "  ", plain(words), plain(f"\n  {notice.details}" if notice.details else "", "dim"))


def _period_words(since: Any, until: Any) -> str:
    return f"since {since}" + (f", until {until}" if until else "")


def _status(status: str) -> Text:
    return Text(status.replace("_", " "), style=_STATUS_STYLES.get(status, "bold red"))


def _confidence(confidence: str) -> Text:
    return Text(confidence, style=_CONFIDENCE_STYLES[confidence])


def _note(note: str, source: str) -> Text:
    return Text.assemble(plain(note), "\n" if note and source else "", plain(source, "dim"))


def _whole(name: str) -> Column:
    return Column(name, whole=True)


def _period(register: ParticipantRegister, code: str, on: date) -> StatusPeriod | None:
    participant: Participant | None = register.by_code.get(code)
    periods = participant.periods if participant else ()
    return next((each for each in periods if covers(each, on)), None)


def _since(register: ParticipantRegister, code: str, on: date) -> date | None:
    """From when on a jurisdiction stood as it does: its own period's beginning, or its Participant's where that is later."""
    period = _period(register, code, on)
    if period is None:
        return None
    above = _since(register, period.member_of, on) if period.member_of else None
    return max(period.valid_from, above) if above else period.valid_from
