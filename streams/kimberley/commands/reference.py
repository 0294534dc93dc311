"""`kimberley reference`."""

import click

from kimberley.commands.topics import servers_option
from kimberley.reference.files import shipped_reference
from kimberley.settings import load_settings
from kimberley.wire.reference_loader import load_reference


@click.group()
def reference() -> None:
    """The reference data: who was a Participant when, and which measures were in force."""


@reference.command()
@servers_option
def load(bootstrap_servers: str | None) -> None:
    """Make the topics `participants`, `measures` and `notices` hold the reference data that ships with this version.

    Only what differs is sent, then a manifest; workers take the new revision over once all of it has reached them.
    """
    settings = load_settings(bootstrap_servers=bootstrap_servers)
    loaded = load_reference(settings, shipped_reference())
    click.echo(f"reference revision {loaded.revision}: {loaded.changed} records sent, {loaded.removed} removed")
