"""`kimberley schemas`."""

import json
from pathlib import Path

import click

from kimberley.commands.output import format_option, is_jsonl, print_jsonl, print_table
from kimberley.errors import ConfigurationError
from kimberley.settings import load_settings
from kimberley.wire.asyncapi import asyncapi_document
from kimberley.wire.event_tables import event_tables
from kimberley.wire.registry import HttpRegistry, make_registry
from kimberley.wire.schemas import SchemaFiles, shipped_schemas, topic_of

directory_option = click.option(
    "--directory", type=click.Path(exists=True, file_okay=False, path_type=Path), help="schema files to use instead of those that ship"
)
registry_option = click.option("--registry-url", help="a Confluent-compatible schema registry [KIMBERLEY_REGISTRY_URL]")


@click.group()
def schemas() -> None:
    """The Avro schemas: check the files, freeze a version, register at a schema registry.

    Without a registry the files serve; nothing needs to be registered then.

    \b
    Examples:
      kimberley schemas check
      kimberley schemas register --registry-url http://127.0.0.1:8081
      kimberley schemas asyncapi > asyncapi.json
    """


@schemas.command()
@directory_option
@format_option
def check(directory: Path | None, output: str | None) -> None:
    """Check the schema files: parsed, documented, frozen, and each version readable by each other. Exit status 1 on problems.

    \b
    Example:
      kimberley schemas check --directory schemas
    """
    states = _files(directory).check()
    if is_jsonl(output):
        print_jsonl({"topic": each.folder, "record": each.record, "versions": each.versions, "problems": each.problems} for each in states)
    else:
        rows = [(each.folder, each.record, str(each.versions), "\n".join(each.problems) or "ok") for each in states]
        print_table(["topic", "record", "versions", ""], rows)
    if any(each.problems for each in states):
        raise SystemExit(1)


@schemas.command()
@directory_option
def freeze(directory: Path | None) -> None:
    """Release each changed schema as its next version, with an id for ever. Refuses what other versions could not read.

    Records are written with the newest frozen version; `kimberley schemas register` then makes a registry know it.

    \b
    Example:
      kimberley schemas freeze --directory schemas && git add schemas
    """
    frozen = _files(directory).freeze()
    for each in frozen:
        click.echo(f"{each.folder}/{each.record}: version {each.version}, id {each.schema_id}")
    click.echo(f"{len(frozen)} schemas frozen")


@schemas.command()
@registry_option
@directory_option
@format_option
def register(registry_url: str | None, directory: Path | None, output: str | None) -> None:
    """Register every frozen version, oldest first, under its subject, whose compatibility is set to FULL_TRANSITIVE.

    Doing so again changes nothing. Exit status 2 where the registry refuses a schema, 3 where it can't be reached.

    \b
    Example:
      kimberley schemas register --registry-url https://registry.example:8081
    """
    settings = load_settings(registry_url=registry_url)
    files = _files(directory or settings.schema_directory)
    registry = make_registry(settings, files)
    if not isinstance(registry, HttpRegistry):
        raise ConfigurationError(
            "no registry is set: give --registry-url or KIMBERLEY_REGISTRY_URL; without one the files serve as they are"
        )
    rows = [
        (topic, each.record, each.version, registry.register(topic, each.record, each.schema))
        for (folder, _), versions in sorted(files.frozen.items())
        for topic in [topic_of(folder, settings.prefix)]
        for each in versions
    ]
    if is_jsonl(output):
        print_jsonl({"topic": topic, "record": record, "version": version, "id": schema_id} for topic, record, version, schema_id in rows)
    else:
        print_table(
            ["topic", "record", "version", "id"], [(topic, record, str(version), str(found)) for topic, record, version, found in rows]
        )


@schemas.command()
def asyncapi() -> None:
    """Print the contract as an AsyncAPI 3 document (JSON): topics, record types with their schemas, headers."""
    click.echo(json.dumps(asyncapi_document(load_settings(), shipped_schemas()), indent=2, ensure_ascii=False))


@schemas.command()
def tables() -> None:
    """Print every event's fields as Markdown tables (docs/events.md)."""
    click.echo(event_tables(shipped_schemas()), nl=False)


def _files(directory: Path | None) -> SchemaFiles:
    return SchemaFiles(directory) if directory else shipped_schemas()
