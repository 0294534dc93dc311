"""The Avro schemas as files: the current one of each record type, its frozen versions, and the ids by which frozen versions are known.

    schemas/<topic>/<Record>.avsc              the current schema
    schemas/<topic>/frozen/<Record>.<n>.avsc   version n as it was released; never changed again
    schemas/ids.json                           the id of each frozen version

Ids start at 1,000,000,000, beyond what registries give out: a record written with a file's id stays readable after a registry is set.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import avro.schema

from kimberley.errors import ConfigurationError
from kimberley.wire.compatibility import incompatibilities

FIRST_ID = 1_000_000_000
NAMESPACE = "kp"
_FROZEN_NAME = re.compile(r"(?P<record>[A-Za-z]+)\.(?P<version>[0-9]+)\.avsc")
_OWN_PREFIX = "kimberley"

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FrozenSchema:
    """A released version of a record type's schema."""

    folder: str
    record: str
    version: int
    schema_id: int
    schema: Schema


@dataclass(frozen=True, slots=True)
class SchemaState:
    """How one record type's files stand. `problems`: one sentence each, with what to do."""

    folder: str
    record: str
    versions: int
    problems: tuple[str, ...]


class SchemaFiles:
    """The schema files of one directory. Raises ConfigurationError that names the file at fault."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        if not directory.is_dir():
            raise ConfigurationError(f"{directory}: no such directory of schemas (KIMBERLEY_SCHEMA_DIRECTORY)")
        self.current: dict[tuple[str, str], Schema] = {
            (file.parent.name, file.stem): _read(file) for file in sorted(directory.glob("*/*.avsc"))
        }
        if not self.current:
            raise ConfigurationError(f"{directory}: holds no schemas, <topic>/<Record>.avsc (KIMBERLEY_SCHEMA_DIRECTORY)")
        ids = directory / "ids.json"
        self._ids: dict[str, int] = _read(ids) if ids.is_file() else {}
        self.frozen: dict[tuple[str, str], list[FrozenSchema]] = {}
        for file in directory.glob("*/frozen/*.avsc"):
            self._add_frozen(file)
        for versions in self.frozen.values():
            versions.sort(key=lambda each: each.version)
        self.by_id = {each.schema_id: each for versions in self.frozen.values() for each in versions}

    def _add_frozen(self, file: Path) -> None:
        named = _FROZEN_NAME.fullmatch(file.name)
        folder = file.parent.parent.name
        if not named:
            raise ConfigurationError(f"{file}: a frozen schema is named <Record>.<version>.avsc")
        record, version = named["record"], int(named["version"])
        schema_id = self._ids.get(_id_key(folder, record, version))
        if schema_id is None:
            raise ConfigurationError(f"{file}: has no id in ids.json: restore it from version control; ids are never given twice")
        self.frozen.setdefault((folder, record), []).append(FrozenSchema(folder, record, version, schema_id, _read(file)))

    def newest(self, folder: str, record: str) -> FrozenSchema:
        """The newest frozen version, with which records are written. Raises ConfigurationError where there is none."""
        versions = self.frozen.get((folder, record))
        if not versions:
            raise ConfigurationError(f"{self.directory}/{folder}/{record}.avsc is not frozen: run `kimberley schemas freeze`")
        return versions[-1]

    def check(self) -> list[SchemaState]:
        """Every record type: parsed by avro-python3, in the house's form, frozen, and compatible both ways with all its versions."""
        return [self._state(folder, record, schema) for (folder, record), schema in self.current.items()]

    def _state(self, folder: str, record: str, schema: Schema) -> SchemaState:
        where = f"{folder}/{record}.avsc"
        problems = [f"{where}: {problem}" for problem in _form_problems(schema, record)]
        versions = self.frozen.get((folder, record), [])
        if not versions:
            problems.append(f"{where} is not frozen: run `kimberley schemas freeze`")
        elif versions[-1].schema != schema:
            problems.append(f"{where} differs from its frozen version {versions[-1].version}: run `kimberley schemas freeze`")
        problems += _crosswise_problems(where, schema, versions)
        return SchemaState(folder, record, len(versions), tuple(problems))

    def freeze(self) -> list[FrozenSchema]:
        """Release every current schema that differs from its newest version. Raises ConfigurationError before anything is written."""
        due = [
            (folder, record, schema)
            for (folder, record), schema in self.current.items()
            if not (versions := self.frozen.get((folder, record))) or versions[-1].schema != schema
        ]
        for folder, record, schema in due:
            where = f"{folder}/{record}.avsc"
            problems = [f"{where}: {problem}" for problem in _form_problems(schema, record)]
            problems += _crosswise_problems(where, schema, self.frozen.get((folder, record), []))
            if problems:
                raise ConfigurationError("nothing was frozen:\n  " + "\n  ".join(problems))
        return [self._freeze(folder, record, schema) for folder, record, schema in due]

    def _freeze(self, folder: str, record: str, schema: Schema) -> FrozenSchema:
        versions = self.frozen.setdefault((folder, record), [])
        version = versions[-1].version + 1 if versions else 1
        schema_id = max(self._ids.values(), default=FIRST_ID - 1) + 1
        frozen = FrozenSchema(folder, record, version, schema_id, schema)
        self._ids[_id_key(folder, record, version)] = schema_id
        place = self.directory / folder / "frozen"
        place.mkdir(exist_ok=True)
        # the id first: a version without its id is refused, an id without its version only leaves a gap
        (self.directory / "ids.json").write_text(json.dumps(self._ids, indent=2) + "\n", encoding="utf-8")
        (place / f"{record}.{version}.avsc").write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        versions.append(frozen)
        self.by_id[schema_id] = frozen
        return frozen


def folder_of(topic: str, prefix: str) -> str:
    """The directory of a topic's schemas: its name, internal topics' under the default prefix."""
    return topic.replace(prefix, _OWN_PREFIX, 1) if topic.startswith(f"{prefix}-") else topic


def topic_of(folder: str, prefix: str) -> str:
    """The topic of a directory of schemas."""
    return folder.replace(_OWN_PREFIX, prefix, 1) if folder.startswith(f"{_OWN_PREFIX}-") else folder


def subject(topic: str, record: str) -> str:
    """The subject under which a registry knows a record type: by topic and record name, so that each type evolves by itself."""
    return f"{topic}-{NAMESPACE}.{record}"


@cache
def shipped_schemas() -> SchemaFiles:
    """The schema files that ship: inside the installed package, or beside the sources."""
    package = Path(__file__).parent.parent
    inside = package / "_schemas"
    return SchemaFiles(inside if inside.is_dir() else package.parent.parent / "schemas")


def _id_key(folder: str, record: str, version: int) -> str:
    return f"{folder}/{record}.{version}"


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ConfigurationError(f"{file}: {problem}") from None


def _form_problems(schema: Schema, record: str) -> list[str]:
    """What avro-python3 refuses, and what our contract asks for beyond Avro."""
    try:
        avro.schema.parse(json.dumps(schema))
    except (avro.schema.AvroException, AttributeError, KeyError, TypeError) as problem:
        return [f"avro-python3 can't parse it: {problem}"]
    problems = []
    if schema.get("name") != record or schema.get("namespace") != NAMESPACE:
        problems.append(f"must describe {NAMESPACE}.{record}, as its file is named")
    for part in _named_parts(schema):
        name = part["name"]
        if not part.get("doc"):
            problems.append(f"{name} has no doc")
        if part["type"] == "enum" and (part.get("default") != "UNKNOWN" or "UNKNOWN" not in part["symbols"]):
            problems.append(f"enum {name} needs the symbol UNKNOWN as its default")
        problems += [f"{name}.{field['name']} has no doc" for field in part.get("fields", ()) if not field.get("doc")]
    return problems


def _named_parts(schema: Any) -> list[Schema]:
    """Every record and enum of a schema, itself among them."""
    if isinstance(schema, list):
        return [part for branch in schema for part in _named_parts(branch)]
    if not isinstance(schema, dict):
        return []
    below = schema.get("items", []) if schema["type"] == "array" else [field["type"] for field in schema.get("fields", ())]
    own = [schema] if schema["type"] in ("record", "enum") else []
    return own + _named_parts(below)


def _crosswise_problems(where: str, schema: Schema, versions: list[FrozenSchema]) -> list[str]:
    problems = []
    for each in versions:
        problems += [f"{where} can't read version {each.version}: {why}" for why in incompatibilities(each.schema, schema)]
        problems += [f"version {each.version} can't read {where}: {why}" for why in incompatibilities(schema, each.schema)]
    return problems
