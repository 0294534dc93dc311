"""`kimberley rebuild`."""

import asyncio
from typing import Any

import click

from kimberley.commands.output import Column, format_option, is_jsonl, print_jsonl, print_table
from kimberley.commands.pipeline_extra import of_the_extra, stream_policies
from kimberley.commands.progress import bar
from kimberley.commands.topics import servers_option
from kimberley.settings import load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.dead_letters import place_text

_MOST_PLACES = 20


@click.command()
@click.option("--yes", "replace", is_flag=True, help="also where there are cases: they are replaced")
@servers_option
@format_option
def rebuild(replace: bool, bootstrap_servers: str | None, output: str | None) -> None:
    """Make the stored cases anew from the events, for when their changelog (`kimberley-cases`) was lost, damaged, or is of another version.

    Facts come from the event topics, in the order of their `decisions`; each alert goes on from its last revision on `flagged-shipments`;
    what certificates told each other and the clock come from `kimberley-lineage` and `kimberley-control`. Stop the workers first. It
    writes the changelog, and to `open-alerts` what that lacks; where it was interrupted, run it again. The workers then judge every case
    anew, in steps, and put out what differs. A partition number's cases are held in memory: about 1 GB for a million events.
    It needs the extra `pipeline`: pip install 'kimberley[pipeline]'.

    Exit status 1 where an event had no decision, could not be taken in, or is gone; `kimberley verify` tells more.

    \b
    Example:
      kimberley topics apply && kimberley rebuild && kimberley worker
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    rebuild_cases = of_the_extra("kimberley.repair.rebuild", "rebuild_cases")
    policies = stream_policies(settings)
    found: list[Any] = []
    with bar("rebuilding cases", None, "records") as moved:
        asyncio.run(rebuild_cases(settings, make_codec(settings), policies, replace=replace, on_read=moved, on_partition=found.append))
    if is_jsonl(output):
        print_jsonl(_json(each) for each in found)
    else:
        names = ("partition", "facts", "cases", "alerts", "open-alerts corrected", "seconds")
        print_table([Column(name, right=True) for name in names], [_row(each) for each in found])
        click.echo(f"{sum(each.cases for each in found):,} cases of {sum(each.facts for each in found):,} facts")
    for each in found:
        _complain(each)
    if any(each.unanswered or each.unusable or each.gone for each in found):
        raise SystemExit(1)


def _row(each: Any) -> list[str]:
    counts = (each.facts, each.cases, each.alerts, each.corrected)
    return [str(each.number), *(f"{count:,}" for count in counts), f"{each.seconds:.1f}"]


def _json(each: Any) -> dict[str, Any]:
    return {
        "partition": each.number,
        "facts": each.facts,
        "cases": each.cases,
        "alerts": each.alerts,
        "open_alerts_corrected": each.corrected,
        "seconds": round(each.seconds, 3),
        "unanswered": [place_text(origin) for origin in each.unanswered],
        "unusable": [{"place": place_text(origin), "problem": problem} for origin, problem in each.unusable],
        "gone": each.gone,
    }


def _complain(each: Any) -> None:
    if each.unanswered:
        places = ", ".join(map(place_text, each.unanswered[:_MOST_PLACES])) + (", …" if len(each.unanswered) > _MOST_PLACES else "")
        have = "event has" if len(each.unanswered) == 1 else "events have"
        click.echo(
            f"partition {each.number}: {len(each.unanswered)} {have} no decision, and came into the cases after those that have one, in "
            f"the order of their records' time: {places}. Publish again what needs a decision",
            err=True,
        )
    for origin, problem in each.unusable[:_MOST_PLACES]:
        click.echo(f"{place_text(origin)}: accepted once, and left out now: {problem}", err=True)
    if each.gone:
        were = "event was accepted and its record is" if each.gone == 1 else "events were accepted and their records are"
        click.echo(f"partition {each.number}: {each.gone} {were} gone, so no case has them; publish them again", err=True)
