"""Where schemas are looked up by id, and the id to write with: the files that ship, or a Confluent-compatible registry by URL."""

import json
import time
from typing import Any, Protocol

import httpx

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.settings import Settings
from kimberley.wire.schemas import FIRST_ID, SchemaFiles, folder_of, subject

Schema = dict[str, Any]

_TIMEOUT_SECONDS = 10.0
_UNKNOWN_SECONDS = 30.0
_CONTENT = "application/vnd.schemaregistry.v1+json"
COMPATIBILITY = "FULL_TRANSITIVE"


class Registry(Protocol):
    """What a codec asks of a registry."""

    def schema_of(self, schema_id: int) -> Schema | None:
        """The schema of an id, None where nobody has it. Raises ServiceUnavailableError where that can't be told now."""

    def is_settled(self, schema_id: int) -> bool:
        """Whether `schema_of` would answer from memory."""

    def id_to_write(self, topic: str, record: str) -> int:
        """The id of the schema with which a topic's record type is written. Raises ConfigurationError that says what to run."""


class FileRegistry:
    """The files as registry: every frozen version by its id, records written with the newest."""

    def __init__(self, files: SchemaFiles, prefix: str) -> None:
        self._files = files
        self._prefix = prefix

    def schema_of(self, schema_id: int) -> Schema | None:
        """The frozen version of an id."""
        found = self._files.by_id.get(schema_id)
        return found.schema if found else None

    def is_settled(self, schema_id: int) -> bool:
        """Always: files do not change under a running program."""
        return True

    def id_to_write(self, topic: str, record: str) -> int:
        """The newest frozen version's id."""
        return self._files.newest(folder_of(topic, self._prefix), record).schema_id


class HttpRegistry:
    """A registry by URL for what it gave out; ids from 1,000,000,000 up come from the files.

    A schema never changes under its id, so what was found is kept; an id that nobody has is asked for again after half a minute.
    """

    def __init__(self, files: FileRegistry, schema_files: SchemaFiles, client: httpx.Client, prefix: str) -> None:
        self._files = files
        self._schema_files = schema_files
        self._client = client
        self._prefix = prefix
        self._schemas: dict[int, Schema] = {}
        self._unknown_until: dict[int, float] = {}
        self._write_ids: dict[tuple[str, str], int] = {}

    def schema_of(self, schema_id: int) -> Schema | None:
        """The schema of an id; asks the registry where it is not known yet."""
        if schema_id >= FIRST_ID:
            return self._files.schema_of(schema_id)
        if schema_id not in self._schemas and not self._is_unknown(schema_id):
            answer = self._ask("GET", f"/schemas/ids/{schema_id}")
            if answer is None or answer.get("schemaType", "AVRO") != "AVRO":
                self._unknown_until[schema_id] = time.monotonic() + _UNKNOWN_SECONDS
            else:
                self._schemas[schema_id] = json.loads(answer["schema"])
        return self._schemas.get(schema_id)

    def is_settled(self, schema_id: int) -> bool:
        """Whether the id's schema, or that nobody has it, is in memory."""
        return schema_id >= FIRST_ID or schema_id in self._schemas or self._is_unknown(schema_id)

    def _is_unknown(self, schema_id: int) -> bool:
        return self._unknown_until.get(schema_id, 0.0) > time.monotonic()

    def id_to_write(self, topic: str, record: str) -> int:
        """The id under which the registry has the newest frozen version for this topic."""
        if (topic, record) not in self._write_ids:
            frozen = self._schema_files.newest(folder_of(topic, self._prefix), record)
            name = subject(topic, record)
            answer = self._ask("POST", f"/subjects/{name}", {"schema": json.dumps(frozen.schema)})
            if answer is None:
                raise ConfigurationError(
                    f"the registry does not have version {frozen.version} of {record} for {topic}: run `kimberley schemas register`"
                )
            self._write_ids[topic, record] = int(answer["id"])
        return self._write_ids[topic, record]

    def register(self, topic: str, record: str, schema: Schema) -> int:
        """Register a schema under its subject, whose compatibility is set to FULL_TRANSITIVE; the id it has there.

        Raises ConfigurationError where the registry refuses it as incompatible.
        """
        name = subject(topic, record)
        found = self._ask("POST", f"/subjects/{name}/versions", {"schema": json.dumps(schema)})
        if found is None:
            raise ConfigurationError(f"the registry has no place for {name}: is KIMBERLEY_REGISTRY_URL right?")
        self._ask("PUT", f"/config/{name}", {"compatibility": COMPATIBILITY})
        return int(found["id"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON, None where the registry does not have it (404)."""
        where = f"schema registry {self._client.base_url}"
        try:
            answer = self._client.request(method, path.lstrip("/"), json=body)
        except httpx.HTTPError as problem:
            raise ServiceUnavailableError(f"{where} can't be reached: {problem!r} (KIMBERLEY_REGISTRY_URL)") from None
        if answer.status_code == 404:
            return None
        if answer.status_code in (401, 403):
            raise ConfigurationError(f"{where} refuses us ({answer.status_code}): set KIMBERLEY_REGISTRY_USERNAME and _PASSWORD")
        if answer.status_code in (409, 422):
            raise ConfigurationError(f"{where} refuses {path}: {_said(answer)}")
        if answer.is_error:
            raise ServiceUnavailableError(f"{where} answers {answer.status_code} to {path}: {_said(answer)}")
        try:
            return answer.json()
        except ValueError:
            raise ServiceUnavailableError(f"{where} answers no JSON to {path} (KIMBERLEY_REGISTRY_URL)") from None


def make_registry(settings: Settings, files: SchemaFiles) -> FileRegistry | HttpRegistry:
    """The registry of the settings."""
    own = FileRegistry(files, settings.prefix)
    if not settings.registry_url:
        return own
    if settings.registry_cafile and not settings.registry_cafile.is_file():
        raise ConfigurationError(f"KIMBERLEY_REGISTRY_CAFILE: {settings.registry_cafile} is no file")
    password = settings.registry_password.get_secret_value() if settings.registry_password else ""
    client = httpx.Client(
        base_url=settings.registry_url,
        timeout=_TIMEOUT_SECONDS,
        headers={"Accept": f"{_CONTENT}, application/json", "Content-Type": _CONTENT},
        auth=(settings.registry_username, password) if settings.registry_username else None,
        verify=str(settings.registry_cafile) if settings.registry_cafile else True,
    )
    return HttpRegistry(own, files, client, settings.prefix)


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text[:300]))
    except (ValueError, AttributeError):
        return answer.text[:300]
