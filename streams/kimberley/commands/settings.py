"""`kimberley settings`."""

import os
import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from pydantic import SecretStr
from rich.text import Text

from kimberley.commands.output import Column, format_option, is_jsonl, plain, print_jsonl, print_table
from kimberley.errors import ConfigurationError
from kimberley.settings import DEFAULT_FILE, Settings, load_settings, settings_file

_MASK = "********"
_CREDENTIALS = re.compile(r"//.*@", re.DOTALL)


class _Stated(NamedTuple):
    """A setting, what it is and who says so. `value`: None where it is not set; a secret's is the mask."""

    name: str
    value: Any
    source: str
    description: str


@click.command()
@format_option
def settings(output: str | None) -> None:
    """Show every setting with the value in force and where it comes from.

    A setting comes from the environment (KIMBERLEY_ and its name in capitals), else from the file kimberley.toml or the one that
    KIMBERLEY_SETTINGS_FILE names, else it has its default. Passwords are masked in every format. A setting at fault is shown as
    it was given, and named on standard error; the exit status is then 2.

    \b
    Example:
      KIMBERLEY_PARTITIONS=4 kimberley settings
    """
    in_force: Settings | None = None
    problem: ConfigurationError | None = None
    try:
        in_force = load_settings()
    except ConfigurationError as found:
        problem = found
    rows = list(_stated(in_force))
    if is_jsonl(output):
        print_jsonl(
            {
                "setting": each.name,
                "variable": f"KIMBERLEY_{each.name.upper()}",
                "value": each.value,
                "from": each.source,
                "description": each.description,
            }
            for each in rows
        )
    else:
        print_table(
            [Column("setting", whole=True), "value", Column("from", whole=True), "description"],
            [(_name(each), _shown(each.value), each.source, plain(each.description, "dim")) for each in rows],
        )
    if problem:
        raise problem


def _stated(in_force: Settings | None) -> Iterator[_Stated]:
    """Every setting, as it is in force or, where settings can't be loaded, as it was given."""
    values = in_force.model_dump(mode="json") if in_force else {}
    environment = {name.upper(): value for name, value in os.environ.items()}
    file, in_file = _read_file()
    for name, field in Settings.model_fields.items():
        variable = f"KIMBERLEY_{name.upper()}"
        if variable in environment:
            source, given = "environment", environment[variable]
        elif name in in_file:
            source, given = file, in_file[name]
        else:
            source, given = "default", field.default
        value = values[name] if in_force else given
        yield _Stated(name, _masked(value, _is_secret(field.annotation)), source, field.description or "")


def _read_file() -> tuple[str, dict[str, Any]]:
    """The settings file's name and contents; of one that can't be read none, since `load_settings` says what is wrong with it."""
    try:
        file = settings_file()
        return (str(file), tomllib.loads(file.read_text(encoding="utf-8"))) if file else (DEFAULT_FILE, {})
    except (ConfigurationError, tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        return DEFAULT_FILE, {}


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def _masked(value: Any, secret: bool) -> Any:
    """A value without secrets: a password setting's, or the one inside an address."""
    if secret:
        return _MASK if value else None
    return _CREDENTIALS.sub(f"//{_MASK}@", value) if isinstance(value, str) else value


def _name(each: _Stated) -> Text:
    return Text(each.name, style="" if each.source == "default" else "bold")


def _shown(value: Any) -> Text:
    return plain("true" if value is True else "false" if value is False else "" if value is None else value)
