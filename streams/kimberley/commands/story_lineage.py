"""A case's sources, and the certificates that name it, for people and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from kimberley.cases.story import Story
from kimberley.commands.output import Column, make_table, plain
from kimberley.model.events import instant_text
from kimberley.model.lineage import Description, KnownUse
from kimberley.rules.wording import figure, listed


def print_lineage(out: Console, story: Story) -> None:
    """The sources and the uses; nothing where there are none."""
    name = story.policy.reference.name
    if story.sources:
        columns = _columns("certificate", "issued by", "on", "origins", "ct", "arrived in")
        rows = [(plain(number), *_source(description, name)) for number, description in story.sources.items()]
        out.print()
        out.print(make_table(columns, rows, title="Sources"))
    if story.uses:
        columns = _columns("certificate", "issued by", "ct", "its only source")
        rows = [
            (plain(each.number), plain(name(each.use.authority)), figure(each.use.carats), "yes" if each.use.is_only else "no")
            for each in story.uses
        ]
        out.print()
        out.print(make_table(columns, rows, title="Named as a source by"))


def _columns(*names: str) -> Sequence[str | Column]:
    return [Column(name, whole=name in ("certificate", "on"), right=name == "ct") for name in names]


def _source(description: Description | None, name: Any) -> tuple[Text | str, ...]:
    if description is None:
        return (Text("not heard of yet", style="yellow"), "", "", "", "")
    arrivals = listed([name(each.authority) for each in description.arrivals]) if description.arrivals else "nowhere"
    issue = description.issue
    if issue is None:
        return (Text("nobody has reported its issue", style="yellow"), "", "", figure(description.carats), plain(arrivals))
    void = Text(" (made void)", style="bold red") if description.invalidated_at is not None else Text()
    origins = ", ".join(issue.origins) or "none stated"
    return (
        plain(name(issue.authority)).append_text(void),
        issue.issued_on.isoformat(),
        origins,
        figure(description.carats),
        plain(arrivals),
    )


def lineage_json(story: Story) -> dict[str, Any]:
    """Sources and uses as part of the story's JSON object. Carats are text, as everywhere."""
    return {"sources": [_source_json(*each) for each in story.sources.items()], "uses": [_use_json(each) for each in story.uses]}


def _source_json(number: str, description: Description | None) -> dict[str, Any]:
    issue = description.issue if description else None
    return {
        "certificate_number": number,
        "known": issue is not None,
        "authority": issue.authority if issue else None,
        "issued_on": issue.issued_on if issue else None,
        "origins": issue.origins if issue else [],
        "carats": None if description is None or description.carats is None else str(description.carats),
        "invalidated_at": instant_text(description.invalidated_at) if description and description.invalidated_at is not None else None,
        "arrived_in": [each.authority for each in description.arrivals] if description else [],
    }


def _use_json(known: KnownUse) -> dict[str, Any]:
    use = known.use
    return {
        "certificate_number": known.number,
        "authority": use.authority,
        "carats": None if use.carats is None else str(use.carats),
        "only_source": use.is_only,
    }
