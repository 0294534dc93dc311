"""Records in Confluent framing: `0x00`, the schema's id in four bytes, big-endian, then the Avro body. fastavro does the work.

In memory an instant is `int` milliseconds since the epoch, UTC; a date is a `date`, or the bare number of days where no calendar has it
(so that the event can be refused in words); a decimal is a `Decimal`; an enum's symbol is `str`, UNKNOWN where ours does not have it.
"""

import struct
from collections.abc import Iterable
from datetime import date
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read
import fastavro.write

from kimberley.errors import UnreadableRecordError
from kimberley.model.days import date_or_day, day_of
from kimberley.settings import Settings
from kimberley.wire.compatibility import NamedTypes, incompatibilities, unreadable
from kimberley.wire.compiled_reader import Reader, compile_reader
from kimberley.wire.registry import Registry, make_registry
from kimberley.wire.schemas import NAMESPACE, Schema, SchemaFiles, folder_of, shipped_schemas

_HEAD = struct.Struct(">bI")
_MAGIC = 0
# fastavro's own readers make datetimes (slow, and out of range is an error that loses the event's name): ours stay numbers
_DATE = "kimberley-date"
_MATTERS = ("type", "name", "fields", "symbols", "items", "values", "size", "logicalType", "precision", "scale")


def _read_date(days: int, writer_schema: Any = None, reader_schema: Any = None) -> date | int:
    return date_or_day(days)


def _write_date(value: date | int, schema: Any = None) -> int:
    return day_of(value) if isinstance(value, date) else value


fastavro.read.LOGICAL_READERS[f"int-{_DATE}"] = _read_date
fastavro.write.LOGICAL_WRITERS[f"int-{_DATE}"] = _write_date


class Codec:
    """Encodes and decodes the records of our topics. Decoding asks no service: see `missing_ids` and `ensure`."""

    def __init__(self, files: SchemaFiles, registry: Registry, prefix: str) -> None:
        self._files = files
        self._registry = registry
        self._prefix = prefix
        self._readers: dict[tuple[str, str], tuple[Schema, Any]] = {
            place: (schema, fastavro.parse_schema(_as_kept(schema))) for place, schema in files.current.items()
        }
        self._writers: dict[tuple[str, str], tuple[bytes, Any]] = {}
        self._plans: dict[tuple[str, int], tuple[str, Reader]] = {}

    def encode(self, topic: str, record_name: str, record: dict[str, Any]) -> bytes:
        """A framed record. Raises ValueError or TypeError where a field does not fit its schema, and what `id_to_write` raises."""
        writer = self._writers.get((topic, record_name))
        if writer is None:
            writer = self._writers[topic, record_name] = self._make_writer(topic, record_name)
        head, schema = writer
        body = BytesIO(head)
        body.seek(5)
        fastavro.schemaless_writer(body, schema, record)
        return body.getvalue()

    def encode_for_both(self, topic: str, other: str, record_name: str, record: dict[str, Any]) -> tuple[bytes, bytes]:
        """A record framed for two topics, written once where they have the same schema. Raises as `encode` does."""
        value = self.encode(topic, record_name, record)
        writers = self._writers
        if (other, record_name) not in writers or writers[topic, record_name][1] is not writers[other, record_name][1]:
            return value, self.encode(other, record_name, record)
        return value, writers[other, record_name][0] + value[5:]

    def prepare(self, topics_and_records: Iterable[tuple[str, str]]) -> None:
        """Find out now the ids to write with, which may ask a registry."""
        for place in topics_and_records:
            self._writers[place] = self._make_writer(*place)

    def symbols(self, topic: str, record_name: str) -> dict[str, list[str]]:
        """The symbols of each enum of the schema that a record type is written with, in order, by the enum's name."""
        frozen = self._files.newest(folder_of(topic, self._prefix), record_name)
        return {name: schema["symbols"] for name, schema in NamedTypes(frozen.schema).items() if schema["type"] == "enum"}

    def decode(self, topic: str, value: bytes | None) -> tuple[str, dict[str, Any]]:
        """The record type's name and its fields.

        Raises UnreadableRecordError: stage `frame` (no such framing), `schema` (an id that nobody has, a type that the topic does not
        carry, a schema that ours can't read), `decode` (a body that is not what its schema says).
        """
        if value is None:
            raise UnreadableRecordError("frame", "a null value: events are facts and are not deleted; withdraw one by EventWithdrawn")
        schema_id = _schema_id(value)
        plan = self._plans.get((topic, schema_id))
        if plan is None:
            plan = self._make_plan(topic, schema_id)
        name, read = plan
        try:
            record, end = read(value, _HEAD.size)
        except Exception as problem:
            raise UnreadableRecordError("decode", f"the body is no {name} of schema {schema_id}: {_words(problem)}") from problem
        if end != len(value):
            fault = f"{len(value) - end} bytes follow" if end < len(value) else f"{end - len(value)} bytes lack of"
            raise UnreadableRecordError("decode", f"{fault} the {name} of schema {schema_id}")
        return name, record

    def decode_partly(self, value: bytes | None) -> tuple[str, dict[str, Any]]:
        """As many leading fields of a broken record as can be read, and its type by the schema that it names: for people who look into it.

        Empty where there is no framing or no one has that schema. What is read of a broken body may mean nothing.
        """
        if value is None or len(value) < 5 or value[0] != _MAGIC:
            return "", {}
        written = self._registry.schema_of(_schema_id(value))
        name = _full_name(written)
        if written is None or not name:
            return "", {}
        for count in range(len(written["fields"]), 0, -1):
            body = BytesIO(value)
            body.seek(5)
            try:
                schema = fastavro.parse_schema(_as_kept({**written, "fields": written["fields"][:count]}))
                record: dict[str, Any] = fastavro.schemaless_reader(body, schema, None)
            except Exception:
                continue
            return name.removeprefix(f"{NAMESPACE}."), record
        return name.removeprefix(f"{NAMESPACE}."), {}

    def missing_ids(self, values: Iterable[bytes | None]) -> set[int]:
        """The schema ids of framed values that have to be asked of the registry first."""
        found = {_HEAD.unpack_from(value)[1] for value in values if value and len(value) >= 5 and value[0] == _MAGIC}
        return {schema_id for schema_id in found if not self._registry.is_settled(schema_id)}

    def ensure(self, schema_ids: Iterable[int]) -> None:
        """Ask the registry for ids, so that decoding finds them in memory. Raises ServiceUnavailableError where it can't be asked."""
        for schema_id in schema_ids:
            self._registry.settle(schema_id)

    def _make_writer(self, topic: str, record_name: str) -> tuple[bytes, Any]:
        schema_id = self._registry.id_to_write(topic, record_name)
        frozen = self._files.newest(folder_of(topic, self._prefix), record_name)
        head = _HEAD.pack(_MAGIC, schema_id)
        for (place, name), (_, parsed) in self._writers.items():
            if name == record_name and self._files.newest(folder_of(place, self._prefix), name).schema == frozen.schema:
                return head, parsed
        return head, fastavro.parse_schema(_as_kept(frozen.schema))

    def _make_plan(self, topic: str, schema_id: int) -> tuple[str, Reader]:
        written = self._registry.schema_of(schema_id)
        if written is None:
            raise UnreadableRecordError(
                "schema", f"nobody has a schema of id {schema_id}: is the sender's registry ours (KIMBERLEY_REGISTRY_URL)?"
            )
        full_name = _full_name(written)
        name = full_name.removeprefix(f"{NAMESPACE}.")
        known = self._readers.get((folder_of(topic, self._prefix), name))
        if known is None or full_name != f"{NAMESPACE}.{name}":
            raise UnreadableRecordError("schema", f"schema {schema_id} describes {full_name or 'no record'}, which {topic} does not carry")
        schema, reader = known
        try:
            if why := unreadable(written):
                raise UnreadableRecordError("schema", f"schema {schema_id} of {full_name} is not read: {why}")
            differences = incompatibilities(written, schema)
            if not differences:
                read = compile_reader(written) if _bare(written) == _bare(schema) else None
                plan = self._plans[topic, schema_id] = (name, read or _resolving_reader(written, reader))
                return plan
        except UnreadableRecordError:
            raise
        except Exception as problem:  # whatever a registry may hold
            raise UnreadableRecordError("schema", f"schema {schema_id} of {full_name} is no Avro schema: {_words(problem)}") from problem
        raise UnreadableRecordError("schema", f"schema {schema_id} of {full_name} can't be read by ours: {'; '.join(differences)}")


def _resolving_reader(written: Any, reader: Any) -> Reader:
    """fastavro, which reads any schema as ours (a parsed one)."""
    writer = fastavro.parse_schema(_as_kept(written))

    def read(value: bytes, position: int) -> tuple[dict[str, Any], int]:
        body = BytesIO(value)
        body.seek(position)
        record: dict[str, Any] = fastavro.schemaless_reader(body, writer, reader)
        return record, body.tell()

    return read


def make_codec(settings: Settings) -> Codec:
    """The codec of the settings: the files that ship or a directory's, and a registry where one is set."""
    files = SchemaFiles(settings.schema_directory) if settings.schema_directory else shipped_schemas()
    return Codec(files, make_registry(settings, files), settings.prefix)


def _schema_id(value: bytes) -> int:
    if len(value) < 5 or value[0] != _MAGIC:
        raise UnreadableRecordError(
            "frame", f"{len(value)} bytes that do not begin with 0x00 and a schema id: encode with Confluent framing"
        )
    return int(_HEAD.unpack_from(value)[1])


def _full_name(schema: Any) -> str:
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return ""
    name, namespace = str(schema.get("name", "")), schema.get("namespace")
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _as_kept(schema: Any) -> Any:
    """A schema whose instants are bare numbers and whose dates are ours; the bytes are the same."""
    if isinstance(schema, list):
        return [_as_kept(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _as_kept(value) if key in ("type", "items", "values", "fields") else value for key, value in schema.items()}
    logical = kept.get("logicalType")
    if logical == "date":
        kept["logicalType"] = _DATE
    elif logical is not None and logical != "decimal":
        del kept["logicalType"]
    return kept


def _bare(schema: Any) -> Any:
    """What of a schema makes a difference to reading."""
    if isinstance(schema, list):
        return [_bare(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _bare(value) for key, value in schema.items() if key in _MATTERS}
    return kept["type"] if set(kept) == {"type"} else kept


def _words(problem: Exception) -> str:
    return str(problem) or type(problem).__name__
