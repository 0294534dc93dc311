"""Revisions of the reference data, built of what is read: complete ones only, and the newest of them."""

from typing import Any

import pytest

from kimberley.reference.files import shipped_reference
from kimberley.settings import load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.reference_records import MANIFEST, manifest_fields, reference_fields
from kimberley.wire.reference_revisions import RevisionBuilder
from kimberley.wire.topics import NOTICES, PARTICIPANTS, REFERENCE_TOPICS

CODEC = make_codec(load_settings())
REFERENCE = shipped_reference()
RECORDS = [*REFERENCE.participants.by_code.values(), *REFERENCE.measures.by_id.values(), *REFERENCE.notices.values()]


class Topics:
    """A builder, and the ends of the topics that it reads."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, dict[str, Any]]] = []
        self.builder = RevisionBuilder(CODEC, lambda name, **details: self.problems.append((name, details)))
        self.ends = dict.fromkeys(REFERENCE_TOPICS, 0)

    def load(self, **further: int) -> None:
        """Records and their manifest, whose offsets lie further than the topics' ends by so much."""
        for record in RECORDS:
            topic, key, name, fields = reference_fields(record, 1)
            self._add(topic, key, name, fields)
        promised = {topic: end + further.get(topic, 0) for topic, end in self.ends.items()}
        self._add(PARTICIPANTS, "_manifest", MANIFEST, manifest_fields(REFERENCE, promised, 1))

    def _add(self, topic: str, key: str, name: str, fields: dict[str, Any]) -> None:
        self.builder.add(topic, self.ends[topic], key.encode(), CODEC.encode(topic, name, fields))
        self.ends[topic] += 1


@pytest.fixture
def topics() -> Topics:
    return Topics()


def test_a_revision_is_handed_out_once_all_that_its_manifest_names_was_read(topics: Topics) -> None:
    topics.load(notices=2)
    assert not topics.builder.completed()
    topics.builder.reached(NOTICES, topics.ends[NOTICES] + 2)
    (found,) = topics.builder.completed()
    assert found.revision == REFERENCE.revision
    assert not topics.builder.completed()
    assert not topics.problems


def test_a_manifest_that_never_completes_does_not_stand_in_the_way_of_later_ones(topics: Topics) -> None:
    topics.load(notices=1000)
    assert not topics.builder.completed()
    assert not topics.problems, "what it names may still come"
    topics.load()
    (found,) = topics.builder.completed()
    assert found.revision == REFERENCE.revision
    ((name, details),) = topics.problems
    assert (name, details["revision"], details["found"]) == ("reference_incomplete", REFERENCE.revision, None)
    topics.builder.reached(NOTICES, topics.ends[NOTICES] + 1000)
    assert not topics.builder.completed(), "the older one is gone"
