"""The one program, `kimberley`: a module a verb, loaded when it is used."""

import logging
import sys
from importlib import import_module
from typing import Any

import click

from kimberley import __version__
from kimberley.errors import KimberleyError
from kimberley.logs import warn_on_stderr

VERBS = {
    "demo": "Play a realistic trade on an embedded broker and show alerts as they come.",
    "check": "Judge events from files, without Kafka.",
    "publish": "Validate events from files and publish them.",
    "alerts": "List open alerts, or follow them as they are raised.",
    "case": "Tell one certificate's whole story, with why.",
    "dead-letters": "List and show records that could not be read, send them again, drop them.",
    "rules": "List the rules and explain one.",
    "reference": "Load, show and compare reference data.",
    "worker": "Run a stream worker.",
    "verify": "Tell whether every event has its decision and every alert is what the facts say.",
    "rebuild": "Make the stored cases anew from the events.",
    "topics": "Create and check the topics.",
    "schemas": "Check and register the Avro schemas.",
    "settings": "Show the settings in force and where each comes from.",
}


class LazyGroup(click.Group):
    """Imports a verb's module only when the verb is called: `check` must not wait for Faust."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"kimberley.commands.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Errors that we raise on purpose end the program in words, with their exit status."""
        try:
            return super().invoke(ctx)
        except KimberleyError as problem:
            click.echo(f"kimberley: {problem}", err=True)
            sys.exit(problem.exit_status)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="kimberley")
def main() -> None:
    """Judge the trade in rough diamonds by the rules of the Kimberley Process.

    Settings come from the environment (KIMBERLEY_…) and a file (kimberley.toml, or what KIMBERLEY_SETTINGS_FILE names).

    Exit status: 0 done, 1 done with refused input, 2 wrong usage or settings, 3 a service cannot be reached.
    """
    # clients' own warnings say again, less well, what our errors say; `worker` sets up its log
    logging.getLogger().addHandler(logging.NullHandler())
    warn_on_stderr()
