"""`docs/rules.md`, made of what the rules say of themselves: `python -m kimberley.rules.rules_page` prints it."""

import sys
from collections.abc import Iterator

from kimberley.model.findings import Severity
from kimberley.reference.bundle import shipped_bundle
from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.rule import Rule
from kimberley.rules.rulebook import Rulebook, shipped_rulebook

_HEAD = """\
# The rules

What is asked of every certificate, by rulebook `{book}` with definition `{definition}` of conflict diamonds.
`kimberley rules list` has the hashes of the rulebook and of the data that it came with. This page is made of the code: `make docs`.

A violation raises an alert; a rule is *undetermined* where a fact that it needs is missing, and *not applicable* where it has nothing to
judge. A violation that rests on reference data of low confidence says so, and a BLOCK is then raised as HOLD. A rulebook may set the
severity and the parameters of a rule, switch it off, and give it effective dates, which are compared with the date of issue (without a
certificate, with the local date of the earliest event).

| rule | severity | violated when |
|---|---|---|
{table}
"""


def rules_page() -> str:
    """The page, in Markdown."""
    book = shipped_rulebook()
    in_force = {rule.id: (rule, severity) for rule, severity in book.rules}
    # a theme stands where the rulebook first names one of its rules; what no rulebook names yet comes last
    themes = dict.fromkeys([*(rule.theme for rule, _ in book.rules), *sorted(rule.theme for rule in CATALOGUE.values())])
    listed = [in_force.get(rule.id, (rule, None)) for theme in themes for rule in CATALOGUE.values() if rule.theme == theme]
    table = (f"| [`{rule.id}`](#{rule.id}) | {severity or 'off'} | {rule.description} |" for rule, severity in listed)
    head = _HEAD.format(book=book.id, definition=shipped_bundle().definition(book.definition).id, table="\n".join(table))
    parts = [head]
    theme = ""
    for rule, severity in listed:
        if rule.theme != theme:
            theme = rule.theme
            parts.append(f"## {_title(theme)}\n")
        parts.append("\n".join(_section(rule, severity, book)))
    return "\n".join(parts)


def _title(theme: str) -> str:
    """A theme's module says in its docstring, before the colon, what it is about."""
    return (sys.modules[theme].__doc__ or "").partition(":")[0].strip()


def _section(rule: Rule, severity: Severity | None, book: Rulebook) -> Iterator[str]:
    yield f"### {rule.id}\n"
    yield f"*{rule.title}.* {rule.description}\n"
    yield f"- severity: {severity or f'off in rulebook {book.id}'}"
    yield f"- basis: {rule.basis}"
    for each in rule.stated_parameters:
        yield f"- parameter `{each.name}` = {each.value} ({each.unit}): {each.description}"
    if rule.valid_from or rule.valid_to:
        yield f"- effective: from {rule.valid_from or 'the start'} until {rule.valid_to or 'further notice'}"
    yield f"- reads: {', '.join(f'`{each}`' for each in rule.reads)}"
    yield f"- may be innocent: {'; '.join(rule.innocent_causes) or 'no innocent cause is known'}"
    yield f"- version: {rule.version}\n"


if __name__ == "__main__":
    sys.stdout.write(rules_page())
