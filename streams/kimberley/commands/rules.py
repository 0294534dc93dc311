"""`kimberley rules`."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from kimberley.commands.options import near
from kimberley.commands.output import Cell, Column, console, format_option, is_jsonl, plain, print_jsonl, print_table, severity_text
from kimberley.model.findings import Severity
from kimberley.reference.bundle import shipped_bundle
from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.rule import Parameter, Rule
from kimberley.rules.rulebook import Rulebook, load_rulebook, shipped_rulebook
from kimberley.settings import load_settings

_OFF = "off"

rulebook_option = click.option(
    "--rulebook",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="another rulebook than the one in force [KIMBERLEY_RULEBOOK]",
)


@click.group()
def rules() -> None:
    """The rules: which are in force, how severe each is, and what each rests on.

    \b
    Examples:
      kimberley rules list
      kimberley rules show import-banned
    """


@rules.command(name="list")
@rulebook_option
@format_option
def list_(file: Path | None, output: str | None) -> None:
    """List every rule of this version with its severity in the rulebook; `off` where the rulebook leaves it out."""
    book = rulebook_in_force(file)
    severities = {rule.id: severity for rule, severity in book.rules}
    listed = [*(rule for rule, _ in book.rules), *(rule for rule in CATALOGUE.values() if rule.id not in severities)]
    bundle = shipped_bundle()
    if is_jsonl(output):
        print_jsonl(_described(rule, severities.get(rule.id), book) for rule in listed)
        return
    print_table(
        [Column("rule", whole=True), Column("severity", whole=True), "title", "basis"],
        [(rule.id, _severity(severities.get(rule.id)), plain(rule.title), plain(rule.basis, "dim")) for rule in listed],
        title=f"Rulebook {book.id} ({book.content_hash[:12]}), definition {bundle.definition(book.definition).id}, "
        f"bundle {bundle.content_hash[:12]}",
    )


@rules.command()
@click.argument("rule_id", metavar="ID")
@rulebook_option
@format_option
def show(rule_id: str, file: Path | None, output: str | None) -> None:
    """Explain one rule: when it is violated, by which law, what it reads, and what else may be behind a violation.

    Exit status 1 where there is no such rule.
    """
    rule = CATALOGUE.get(rule_id.strip().lower())
    if rule is None:
        click.echo(f"there is no rule {rule_id!r}{near(rule_id, CATALOGUE)}; `kimberley rules list` lists them", err=True)
        raise SystemExit(1)
    book = rulebook_in_force(file)
    rule, severity = next(((each, severity) for each, severity in book.rules if each.id == rule.id), (rule, None))
    if is_jsonl(output):
        print_jsonl([_described(rule, severity, book)])
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows: list[tuple[str, Cell]] = [
        ("rule", plain(rule.id, "bold")),
        ("title", plain(rule.title)),
        ("severity", _severity(severity) + plain(f" in rulebook {book.id}" if severity else f": rulebook {book.id} leaves it out")),
        ("violated when", plain(rule.description)),
        ("basis", plain(rule.basis)),
        ("parameters", plain("\n".join(map(_parameter, rule.stated_parameters)) or "none")),
        ("in force", plain(_effective(rule))),
        ("reads", plain("\n".join(rule.reads))),
        ("may be innocent", plain("\n".join(rule.innocent_causes) or "no innocent cause is known")),
        ("version", plain(rule.version)),
    ]
    for row in rows:
        table.add_row(*row)
    console().print(table)


def rulebook_in_force(file: Path | None) -> Rulebook:
    """The rulebook of a file, else of the settings, else the one that ships."""
    chosen = file or load_settings().rulebook
    return load_rulebook(chosen) if chosen else shipped_rulebook()


def _parameter(each: Parameter) -> str:
    default = "" if each.value == each.default else f"; default {each.default}"
    return f"{each.name} = {each.value} ({each.unit}{default}): {each.description}"


def _effective(rule: Rule) -> str:
    """From when to when, by the date of issue or, without a certificate, of the earliest event."""
    ends = (f"from {rule.valid_from}" if rule.valid_from else "", f"until {rule.valid_to}, not included" if rule.valid_to else "")
    return " ".join(filter(None, ends)) or "always"


def _severity(severity: Severity | None) -> Any:
    return severity_text(severity) if severity else plain(_OFF, "dim")


def _described(rule: Rule, severity: Severity | None, book: Rulebook) -> dict[str, Any]:
    return {
        "rule_id": rule.id,
        "version": rule.version,
        "severity": severity or _OFF,
        "title": rule.title,
        "description": rule.description,
        "basis": rule.basis,
        "parameters": [{**each._asdict(), "value": str(each.value), "default": str(each.default)} for each in rule.stated_parameters],
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        "reads": rule.reads,
        "innocent_causes": rule.innocent_causes,
        "rulebook": book.id,
        "rulebook_hash": book.content_hash,
        "definition": shipped_bundle().definition(book.definition).id,
        "bundle_hash": shipped_bundle().content_hash,
    }
