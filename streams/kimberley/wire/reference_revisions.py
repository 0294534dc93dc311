"""Complete revisions of the reference data, from the records of its topics: for the stream that follows them, and for commands."""

from collections.abc import Callable, Mapping
from typing import Any

from kafka import TopicPartition

from kimberley.errors import RefusedEventError, UnreadableRecordError
from kimberley.reference.reference import Reference, ReferenceRecord
from kimberley.settings import Settings
from kimberley.wire.avro import Codec
from kimberley.wire.log_reader import log_consumer, places_of, read_to_end
from kimberley.wire.reference_records import MANIFEST, reference_record
from kimberley.wire.topics import REFERENCE_TOPICS

OnProblem = Callable[..., object]
"""Told of a record or revision at fault: the problem's name, then details as keywords (as a structlog logger's `error` takes them)."""


class RevisionBuilder:
    """Builds revisions of what is read; a revision is complete once its manifest and all that it names have been read.

    Records are kept with their offsets, so that a manifest's revision is what stood at its offsets, even if more came since.
    """

    def __init__(self, codec: Codec, on_problem: OnProblem) -> None:
        self._codec = codec
        self._on_problem = on_problem
        self._records: dict[str, dict[str, list[tuple[int, ReferenceRecord | None]]]] = {topic: {} for topic in REFERENCE_TOPICS}
        self._positions: dict[str, int] = dict.fromkeys(REFERENCE_TOPICS, 0)
        self._waiting: list[dict[str, Any]] = []

    def add(self, topic: str, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record of a reference topic. One that can't be read is told of and passed over: its revision never completes."""
        self._positions[topic] = offset + 1
        name = (key or b"").decode(errors="replace")
        if value is None:
            self._records[topic].setdefault(name, []).append((offset, None))
            return
        try:
            type_name, fields = self._codec.decode(topic, value)
            if type_name == MANIFEST:
                self._waiting.append(fields)
            else:
                self._records[topic].setdefault(name, []).append((offset, reference_record(type_name, fields)))
        except (UnreadableRecordError, RefusedEventError) as problem:
            self._on_problem("reference_record_unreadable", topic=topic, offset=offset, key=name, problem=str(problem))

    def reached(self, topic: str, position: int) -> None:
        """Everything before `position` has been read, if only transaction markers."""
        self._positions[topic] = max(self._positions[topic], position)

    def completed(self) -> list[Reference]:
        """The revisions that have become complete since the last call, oldest first.

        A manifest that is still not read to its offsets when a later one is will never be: it is told of and dropped.
        """
        found = []
        read = [index for index, manifest in enumerate(self._waiting) if self._is_read(manifest)]
        due = self._waiting[: read[-1] + 1] if read else []
        del self._waiting[: len(due)]
        for manifest in due:
            reference = self._at(manifest) if self._is_read(manifest) else None
            if reference is not None and reference.revision == manifest["revision"]:
                found.append(reference)
            else:
                self._on_problem(
                    "reference_incomplete",
                    revision=manifest["revision"],
                    found=reference.revision if reference else None,
                    remedy="kimberley reference load",
                )
        return found

    def _is_read(self, manifest: Mapping[str, Any]) -> bool:
        return all(self._positions[each["topic"]] >= each["end_offset"] for each in manifest["topics"])

    def _at(self, manifest: Mapping[str, Any]) -> Reference:
        ends = {each["topic"]: each["end_offset"] for each in manifest["topics"]}
        standing: dict[str, list[Any]] = {}
        for topic, by_key in self._records.items():
            last = [next((record for offset, record in reversed(versions) if offset < ends[topic]), None) for versions in by_key.values()]
            standing[topic] = [record for record in last if record is not None]
        return Reference(*(standing[topic] for topic in REFERENCE_TOPICS))


def newest_reference(settings: Settings, codec: Codec, on_problem: OnProblem) -> Reference | None:
    """The newest complete revision that the topics hold now, None where they hold none.

    Raises ServiceUnavailableError when the broker does not answer, ConfigurationError where the topics are not there.
    """
    return next(reversed(complete_references(settings, codec, on_problem)), None)


def complete_references(settings: Settings, codec: Codec, on_problem: OnProblem) -> list[Reference]:
    """Every complete revision that the topics hold, in their order. Raises as `newest_reference` does."""
    return _read(settings, codec, on_problem).completed()


def _read(settings: Settings, codec: Codec, on_problem: OnProblem) -> RevisionBuilder:
    """A builder that has read the topics to their end."""
    builder = RevisionBuilder(codec, on_problem)
    ends: dict[TopicPartition, int] = {}
    with log_consumer(settings) as consumer:
        places = [place for topic in REFERENCE_TOPICS for place in places_of(consumer, topic)]
        for record in read_to_end(consumer, places, ends):
            builder.add(record.topic, record.offset, record.key, record.value)
    for place, end in ends.items():
        builder.reached(place.topic, end)
    return builder
