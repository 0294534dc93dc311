"""`kimberley check`."""

from pathlib import Path

import click

from kimberley.cases.check import Report
from kimberley.cases.check import check as check_inputs
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import read_inputs
from kimberley.commands.options import INSTANT
from kimberley.commands.output import Column, format_option, is_jsonl, plain, print_jsonl, print_table, severity_text
from kimberley.garbage import collecting_rarely
from kimberley.reference.bundle import read_bundle, shipped_bundle
from kimberley.reference.files import read_reference, shipped_reference
from kimberley.rules.rulebook import load_rulebook, shipped_rulebook
from kimberley.wire.outputs import alert_json, decision_json


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--as-of", type=INSTANT, help="the clock at the end, such as 2024-03-07T12:00:00Z [default: the latest occurred_at]")
@click.option("--decisions", is_flag=True, help="print the decision on each event instead of alerts")
@click.option("--all", "everything", is_flag=True, help="print resolved alerts too")
@click.option("--rulebook", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="another rulebook than the one that ships")
@click.option("--definition", metavar="ID", help="what counts as a conflict diamond, such as expanded-draft, instead of the rulebook's")
@click.option(
    "--reference",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="a folder with other reference data in the form of what ships (participants.csv, measures.toml, …); what it lacks is what ships",
)
@format_option
def check(
    files: tuple[Path, ...],
    as_of: int | None,
    decisions: bool,
    everything: bool,
    rulebook: Path | None,
    definition: str | None,
    reference: Path | None,
    output: str | None,
) -> None:
    """Judge events from FILES (JSON lines, or a JSON array; `-` is standard input) as the stream would, without Kafka.

    Prints the alerts that are open at the end. Events later than --as-of are left out and counted on standard error. A line that is
    no event is refused: it is named on standard error with what to do, the rest is judged, and the exit status is 1.

    \b
    Examples:
      kimberley check events.jsonl
      kimberley check issued.jsonl border.json --as-of 2024-03-31T12:00:00Z --all
      kimberley check events.jsonl --definition expanded-draft --format jsonl
      kimberley check events.jsonl --decisions --format jsonl | jq 'select(.outcome != "ACCEPTED")'
      kimberley case BW000417 events.jsonl     (one certificate's story, with why)
    """
    book = load_rulebook(rulebook) if rulebook else shipped_rulebook()
    policy = Policy(
        read_reference(reference) if reference else shipped_reference(),
        read_bundle(reference) if reference else shipped_bundle(),
        book.with_definition(definition) if definition else book,
    )
    with collecting_rarely():
        inputs, unreadable = read_inputs(files)
        report = check_inputs(inputs, policy, as_of)
    if decisions:
        _print_decisions(report, output)
    else:
        _print_alerts(report, everything, output)
    refused = unreadable + _say_refusals(report)
    if report.left_out:
        click.echo(f"{report.left_out} {'event' if report.left_out == 1 else 'events'} later than the clock left out", err=True)
    if refused:
        raise SystemExit(1)


def _print_alerts(report: Report, everything: bool, output: str | None) -> None:
    alerts = report.alerts if everything else report.open_alerts
    if is_jsonl(output):
        print_jsonl(alert_json(alert) for alert in alerts)
        return
    rows = [
        (severity_text(alert.severity), plain(alert.certificate_number), alert.rule_id, alert.status, plain(alert.message))
        for alert in alerts
    ]
    if rows:
        print_table([*(Column(name, whole=True) for name in ("severity", "certificate", "rule", "status")), "why"], rows)
    events = len(report.decisions)
    certificates = len({decision.certificate_number for decision in report.decisions})
    click.echo(f"{events} events, {certificates} certificates, {len(report.open_alerts)} open alerts")


def _print_decisions(report: Report, output: str | None) -> None:
    if is_jsonl(output):
        print_jsonl(decision_json(decision, *_place(decision.decision_id)) for decision in report.decisions)
        return
    print_table(
        ["event", "type", "certificate", "outcome", "rules", "errors"],
        [
            (
                plain(decision.event_id),
                plain(decision.event_type),
                plain(decision.certificate_number),
                decision.outcome,
                ", ".join(f"{rule.rule_id}: {rule.outcome}" for rule in decision.rules),
                plain("; ".join(error.message for error in decision.errors)),
            )
            for decision in report.decisions
        ],
    )


def _say_refusals(report: Report) -> int:
    """Every refused event on standard error, with its file and line; their number."""
    refused = [decision for decision in report.decisions if decision.outcome == "REFUSED"]
    for decision in refused:
        file, _, line = _place(decision.decision_id)
        for error in decision.errors:
            click.echo(f"{file}, line {line}: {error.field or 'event'}: {error.message}", err=True)
    return len(refused)


def _place(decision_id: str) -> tuple[str, int, int]:
    file, partition, line = decision_id.rsplit("/", 2)
    return file, int(partition), int(line)
