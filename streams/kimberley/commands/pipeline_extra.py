"""What commands need of the extra `pipeline`, loaded when they run."""

from importlib import import_module
from typing import Any

import click

from kimberley.commands.reference_source import required_revisions
from kimberley.commands.rules import rulebook_in_force
from kimberley.settings import Settings
from kimberley.wire.admin import require_topics


def of_the_extra(module: str, name: str) -> Any:
    """Something of a module that the extra brings. Raises click.ClickException that says what to install."""
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as problem:
        raise click.ClickException(f"this needs {problem.name}: pip install 'kimberley[pipeline]'") from None


def stream_policies(settings: Settings) -> Any:
    """The `Policies` by which the stream of these settings judges: of every complete revision that its topics hold.

    Raises ConfigurationError where topics are not as they must be, or hold no complete reference data.
    """
    policies = of_the_extra("kimberley.pipeline.policies", "Policies")(rulebook_in_force(None))
    require_topics(settings)
    for reference in required_revisions(settings):
        policies.add(reference)
    return policies
