"""`kimberley alerts`."""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from kimberley.client import Alert, AlertSubscriber
from kimberley.commands.alert_text import AlertView, alert_text
from kimberley.commands.options import INSTANT, near
from kimberley.commands.output import console, format_option, is_jsonl, print_jsonl
from kimberley.commands.progress import waiting
from kimberley.commands.topics import servers_option
from kimberley.model.events import instant_text
from kimberley.model.findings import SEVERITIES
from kimberley.model.text import normalise_code, normalise_number
from kimberley.reference.reference import known_codes
from kimberley.rules.catalogue import CATALOGUE
from kimberley.settings import load_settings
from kimberley.wire.outputs import alert_json
from kimberley.wire.topics import OPEN_ALERTS

_STATUSES = ("OPENED", "UPDATED", "RESOLVED")


class _Start(click.ParamType):
    """Where to begin: `beginning`, `now`, or an instant."""

    name = "beginning|now|INSTANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in ("beginning", "now"):
            return value
        return datetime.fromtimestamp(INSTANT.convert(value, param, ctx) / 1000, UTC)


class _RuleId(click.ParamType):
    """A rule of the catalogue."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        found = str(value).strip().lower()
        if found not in CATALOGUE:
            self.fail(f"there is no rule {value!r}{near(found, CATALOGUE)}; `kimberley rules list` lists them", param, ctx)
        return found


class _Code(click.ParamType):
    """A country code."""

    name = "CODE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        found = normalise_code(str(value))
        if found not in known_codes():
            self.fail(f"{value!r} is no ISO 3166-1 alpha-2 code, nor EU", param, ctx)
        return found


class _Number(click.ParamType):
    """A certificate number, normalised."""

    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        found = normalise_number(str(value))
        if not found:
            self.fail(f"{value!r} is no certificate number", param, ctx)
        return found


@click.command()
@click.option("--follow", "-f", is_flag=True, help="go on with alerts as they are opened, updated and resolved, until Ctrl-C")
@click.option("--from", "start", type=_Start(), help="with --follow: where to begin, by when alerts were raised [default: now]")
@click.option("--severity", "severities", multiple=True, type=click.Choice(SEVERITIES, case_sensitive=False), help="only these")
@click.option("--rule", "rules", multiple=True, type=_RuleId(), help="only alerts of these rules")
@click.option("--participant", "participants", multiple=True, type=_Code(), help="only alerts that concern one of these")
@click.option("--certificate", "certificates", multiple=True, type=_Number(), help="only alerts on these certificates")
@click.option("--status", "statuses", multiple=True, type=click.Choice(_STATUSES, case_sensitive=False), help="only these revisions")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="end after so many alerts")
@click.option("--long", "long", is_flag=True, help="add basis, evidence, confidence, dates and ids")
@servers_option
@format_option
def alerts(
    follow: bool,
    start: Any,
    severities: tuple[str, ...],
    rules: tuple[str, ...],
    participants: tuple[str, ...],
    certificates: tuple[str, ...],
    statuses: tuple[str, ...],
    limit: int | None,
    long: bool,
    bootstrap_servers: str | None,
    output: str | None,
) -> None:
    """List the alerts that are open now, the gravest first; or, with --follow, each revision of an alert as it comes.

    Options that narrow the choice may be repeated: `--severity BLOCK --severity HOLD`. `kimberley case NUMBER` tells what is behind one.

    \b
    Examples:
      kimberley alerts --severity BLOCK --participant EU
      kimberley alerts --certificate BW-000417 --long
      kimberley alerts --follow --from 2024-10-07 --rule import-banned
      kimberley alerts --follow --format jsonl | jq -r .message
    """
    if start is not None and not follow:
        raise click.UsageError("--from goes with --follow; without it the alerts that are open now are listed")
    if not follow and statuses and set(statuses) == {"RESOLVED"}:
        raise click.UsageError("what is open is not RESOLVED; --follow shows what was resolved")
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    numbers = set(certificates)
    subscriber = AlertSubscriber(
        settings,
        since=start or "now",
        severities=severities or None,
        rules=rules or None,
        participants=participants or None,
        statuses=statuses or None,
    )
    jsonl = is_jsonl(output)
    with subscriber:
        if follow:
            if not jsonl and sys.stderr.isatty():
                click.echo("following alerts as they are raised; Ctrl-C ends", err=True)
            with contextlib.suppress(KeyboardInterrupt):
                _print(islice(_of(subscriber, numbers), limit), jsonl, long)
            return
        with waiting(f"reading {OPEN_ALERTS}"):
            current = subscriber.current()
        found = [alert for alert in _of(current, numbers) if not statuses or alert.status in statuses]
        found.sort(key=lambda alert: SEVERITIES.index(alert.severity))
        _print(found[:limit], jsonl, long)
        if not jsonl:
            click.echo(_summary(found, limit))


def _of(found: Iterable[Alert], numbers: set[str]) -> Iterator[Alert]:
    """The alerts on some certificates; on all where none is named."""
    return (alert for alert in found if not numbers or alert.certificate_number in numbers)


def _print(found: Iterable[Alert], jsonl: bool, long: bool) -> None:
    """Each as it comes."""
    if jsonl:
        print_jsonl(map(alert_json, found))
        return
    out = console()
    for alert in found:
        out.print(alert_text(_view(alert), long=long))


def _summary(found: list[Alert], limit: int | None) -> str:
    counts = Counter(alert.severity for alert in found)
    total = f"{len(found)} open {'alert' if len(found) == 1 else 'alerts'}"
    by_severity = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
    shown = f"; the first {limit} shown" if limit and limit < len(found) else ""
    return f"{total}{f': {by_severity}' if found else ''}{shown}"


def _view(alert: Alert) -> AlertView:
    return AlertView(
        alert_id=alert.alert_id,
        severity=alert.severity,
        certificate_number=alert.certificate_number,
        rule_id=alert.rule_id,
        state=alert.status,
        revision=alert.revision,
        message=alert.message,
        basis=alert.basis,
        confidence=alert.confidence,
        evidence=alert.evidence,
        participants=alert.participants,
        effective_at=instant_text(alert.effective_at),
        raised_at=instant_text(alert.raised_at),
    )
