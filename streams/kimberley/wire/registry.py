"""Where schemas are looked up by id, and the id to write with: the files that ship, or a Confluent-compatible registry by URL."""

import json
import time
from typing import Any, Protocol

import httpx
import structlog

from kimberley.errors import ConfigurationError, ServiceUnavailableError
from kimberley.settings import Settings
from kimberley.wire.schemas import FIRST_ID, SchemaFiles, folder_of, subject

log = structlog.get_logger(__name__)
Schema = dict[str, Any]

_TIMEOUT_SECONDS = 10.0
_UNKNOWN_SECONDS = 30.0
_REFUSALS_OF_ONE = (400, 403, 409, 410, 422)
"""Answers to a question for one id that asking again does not change, and that say nothing about other ids."""
_CONTENT = "application/vnd.schemaregistry.v1+json"
COMPATIBILITY = "FULL_TRANSITIVE"


class Registry(Protocol):
    """What a codec asks of a registry."""

    def schema_of(self, schema_id: int) -> Schema | None:
        """The schema of an id, None where nobody has it; asks nobody who was asked for it before.

        Raises ServiceUnavailableError where that can't be told now.
        """

    def is_settled(self, schema_id: int) -> bool:
        """Whether what is known of an id is in memory, and fresh."""

    def settle(self, schema_id: int) -> None:
        """Ask for an id that is not settled. Raises as `schema_of` does."""

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

    def settle(self, schema_id: int) -> None:
        """Nobody is to be asked."""

    def id_to_write(self, topic: str, record: str) -> int:
        """The newest frozen version's id."""
        return self._files.newest(folder_of(topic, self._prefix), record).schema_id


class HttpRegistry:
    """A registry by URL for what it gave out; ids from 1,000,000,000 up come from the files.

    A schema never changes under its id, so what was found is kept. An id that nobody has, or that the registry does not let us have, or
    not as a schema, is unknown: to be settled again after half a minute, so that it may be known to records that come then.
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
        """The schema of an id; asks the registry where it was never asked."""
        if schema_id >= FIRST_ID:
            return self._files.schema_of(schema_id)
        if schema_id not in self._schemas and schema_id not in self._unknown_until:
            self._look_up(schema_id)
        return self._schemas.get(schema_id)

    def is_settled(self, schema_id: int) -> bool:
        """Whether the id's schema, or that nobody has it, is in memory."""
        return schema_id >= FIRST_ID or schema_id in self._schemas or self._unknown_until.get(schema_id, 0.0) > time.monotonic()

    def settle(self, schema_id: int) -> None:
        """Ask the registry, unless it has answered of late."""
        if not self.is_settled(schema_id):
            self._look_up(schema_id)

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

    def _look_up(self, schema_id: int) -> None:
        path = f"/schemas/ids/{schema_id}"
        answer = self._send("GET", path)
        schema = None
        if answer.status_code in _REFUSALS_OF_ONE:
            log.error("schema_unusable", schema_id=schema_id, problem=f"the registry answers {answer.status_code}: {_said(answer)}")
        elif answer.status_code != 404:
            self._require_success(answer, path)
            try:
                found = answer.json()
                schema = json.loads(found["schema"]) if found.get("schemaType", "AVRO") == "AVRO" else None
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as problem:
                log.error("schema_unusable", schema_id=schema_id, problem=f"the registry's answer is no schema: {problem!r}")
        if schema is None:
            self._unknown_until[schema_id] = time.monotonic() + _UNKNOWN_SECONDS
        else:
            self._schemas[schema_id] = schema

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON, None where the registry does not have it (404)."""
        answer = self._send(method, path, body)
        if answer.status_code == 404:
            return None
        self._require_success(answer, path)
        try:
            return answer.json()
        except ValueError:
            raise ServiceUnavailableError(f"{self._where} answers no JSON to {path} (KIMBERLEY_REGISTRY_URL)") from None

    @property
    def _where(self) -> str:
        return f"schema registry {self._client.base_url}"

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            return self._client.request(method, path.lstrip("/"), json=body)
        except httpx.HTTPError as problem:
            raise ServiceUnavailableError(f"{self._where} can't be reached: {problem!r} (KIMBERLEY_REGISTRY_URL)") from None

    def _require_success(self, answer: httpx.Response, path: str) -> None:
        where = self._where
        if answer.status_code in (401, 403):
            raise ConfigurationError(f"{where} refuses us ({answer.status_code}): set KIMBERLEY_REGISTRY_USERNAME and _PASSWORD")
        if answer.status_code in (409, 422):
            raise ConfigurationError(f"{where} refuses {path}: {_said(answer)}")
        if answer.is_error:
            raise ServiceUnavailableError(f"{where} answers {answer.status_code} to {path}: {_said(answer)}")


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
