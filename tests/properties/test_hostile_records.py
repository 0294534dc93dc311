"""Whatever a record holds: one answer, nothing raised, nothing written that its topic would not take, and what died kept byte for byte."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.cases.judge import Policy
from kimberley.cases.limits import MOST_CASE_BYTES
from kimberley.pipeline.batch import Batch
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.control import FIRST, LAST
from kimberley.wire.dead_letters import dead_letter
from kimberley.wire.event_records import event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS, EVENT_TOPICS, InternalNames
from support.hostile import Enemy, hostile_lineage, hostile_origin
from support.journeys import journey

NAMES = InternalNames("kimberley")
CODEC = make_codec(Settings.model_construct(partitions=1))
POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
NOW = 1_900_000_000_000
MOST_OUTPUT = (8 << 20) - (64 << 10)
LARGE = 200_000
KINDS = Enemy(CODEC, 0).kinds


class Stream:
    """One partition number without Kafka, which hears what it tells itself."""

    def __init__(self, partitions: int = 1) -> None:
        self.cases: dict[str, bytes] = {}
        self.processor = Processor(0, partitions, self.cases, CODEC, NAMES, skew_minutes=10, wall_clock=lambda: NOW / 1000)
        self.rerouted: list[MemoryRecord] = []

    def process(self, records: list[Any]) -> Batch:
        """Judge, check what must always hold, and store."""
        batch = self.processor.process(records, POLICY)
        self.cases.update(batch.cases)
        assert all(len(packed) <= MOST_CASE_BYTES for packed in batch.cases.values())
        for output in batch.outputs:
            size = len(output.key or b"") + len(output.value or b"") + sum(len(name) + len(value or b"") for name, value in output.headers)
            assert size <= MOST_OUTPUT, output.topic
        self.rerouted = [
            MemoryRecord(NAMES.rerouted, 0, index, NOW, each.key, each.value, each.headers)
            for index, each in enumerate(output for output in batch.outputs if output.topic == NAMES.rerouted)
        ]
        return batch


def answers(batch: Batch) -> dict[tuple[str, int, int], Any]:
    """Decisions and dead letters by the record that they answer; fails where there are two."""
    found: dict[tuple[str, int, int], Any] = {}
    for output in batch.outputs:
        if output.topic == DECISIONS:
            decision = CODEC.decode(DECISIONS, output.value)[1]
            place = decision["input_topic"], decision["input_partition"], decision["input_offset"]
            assert place not in found
            found[place] = decision
        elif output.topic == DEAD_LETTERS:
            letter = dead_letter(MemoryRecord(DEAD_LETTERS, 0, 0, NOW, output.key, output.value, output.headers))
            place = letter.origin.topic, letter.origin.partition, letter.origin.offset
            assert place not in found
            found[place] = letter
    return found


def check_one_answer_each(stream: Stream, records: list[MemoryRecord]) -> None:
    """Of events, those forwarded included."""
    found = answers(stream.process(records))
    forwarded = stream.rerouted
    if forwarded:
        found |= answers(stream.process(forwarded))
        assert not stream.rerouted
    assert found.keys() == {(each.topic, each.partition, each.offset) for each in records}
    for record in records:
        answer = found[record.topic, record.partition, record.offset]
        if not isinstance(answer, dict):
            assert (answer.key, answer.value) == (record.key, record.value) or answer.key != record.key  # the latter: forwarded
            assert answer.value == record.value
            own = [(name, value) for name, value in record.headers if not name.startswith("__kimberley.")]
            assert answer.headers == own


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_record_of_every_kind_gets_one_answer(kind: str) -> None:
    enemy = Enemy(CODEC, 1, LARGE)
    records = [enemy.record(kind) for _ in range(4 if kind.startswith("large") else 40)]
    made = [MemoryRecord(each.topic, 0, offset, NOW, each.key, each.value, each.headers) for offset, each in enumerate(records)]
    check_one_answer_each(Stream(), made)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.lists(st.sampled_from([kind for kind in KINDS if not kind.startswith("large")]), max_size=40))
def test_hostile_records_in_any_mixture_get_one_answer_each(seed: int, kinds: list[str]) -> None:
    enemy = Enemy(CODEC, seed)
    records = [enemy.record(kind) for kind in kinds]
    made = [MemoryRecord(each.topic, 0, offset, NOW, each.key, each.value, each.headers) for offset, each in enumerate(records)]
    check_one_answer_each(Stream(), made)


_HEADERS = st.lists(st.tuples(st.text(max_size=30), st.none() | st.binary(max_size=40)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EVENT_TOPICS), st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=300), _HEADERS, st.data())
def test_any_bytes_get_one_answer(topic: str, key: bytes | None, value: bytes | None, headers: Any, data: st.DataObject) -> None:
    if value is not None and data.draw(st.booleans()):
        sound = Enemy(CODEC, data.draw(st.integers(0, 1000))).record("another_topic")
        value = (sound.value or b"")[:5] + value
    check_one_answer_each(Stream(), [MemoryRecord(topic, 0, 0, NOW, key, value, headers)])


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 1 << 32))
def test_what_no_worker_writes_to_the_lineage_topic_stops_none(seed: int) -> None:
    random, stream = Random(seed), Stream()
    sources = [f"BW90000{index}" for index in range(9)]
    named = event_record(CODEC, *record_from_json({**journey("BW900001")[0], "source_certificates": sources, "origins": ["BW"]}))
    stream.process([MemoryRecord(named.topic, 0, 0, NOW, named.key, named.value, [])])
    values = [hostile_lineage(random) for _ in range(8)]
    batch = stream.process([MemoryRecord(NAMES.lineage, 0, offset, NOW, b"", value, []) for offset, value in enumerate(values)])
    assert batch.offsets[NAMES.lineage, 0] == len(values)
    assert not batch.counts.decisions


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 32))
def test_what_no_worker_writes_to_the_rerouted_topic_stops_none_and_is_answered(seed: int) -> None:
    random, enemy = Random(seed), Enemy(CODEC, seed)
    kinds = [kind for kind in KINDS if not kind.startswith("large")]
    hostile = enemy.record(random.choice(kinds))
    record = MemoryRecord(NAMES.rerouted, 0, 5, NOW, hostile.key, hostile.value, [*hostile.headers, *hostile_origin(random)])
    assert len(answers(Stream().process([record]))) == 1


@settings(max_examples=200, deadline=None)
@given(st.none() | st.binary(max_size=80) | st.integers().map(lambda time: b'{"time": %d, "revision": "x"}' % time))
def test_what_no_worker_writes_to_the_control_topic_is_a_dead_letter_or_a_time(value: bytes | None) -> None:
    processor = Stream().processor
    batch = processor.begin()
    controls = processor.read_controls([MemoryRecord(NAMES.control, 0, 0, NOW, None, value, [])], batch)
    assert len(controls) + len(batch.outputs) == 1
    assert all(FIRST <= control.time < LAST for control in controls)


def _of(hostile: Any, offset: int) -> MemoryRecord:
    return MemoryRecord(hostile.topic, 0, offset, NOW, hostile.key, hostile.value, hostile.headers)


def test_a_record_that_only_packing_made_small_is_kept_as_far_as_its_topic_takes_it() -> None:
    """Kafka measures a batch as it was packed; a gigabyte of one letter passes. What does not fit is told by its size and hash."""
    from hashlib import sha256

    stream = Stream()
    value, big = b"\x00" * (9 << 20), b"\x00" * (2 << 20)
    records = [MemoryRecord("shipments", 0, offset, NOW, b"BW1", each, [("a", b"b")]) for offset, each in enumerate((value, big))]
    batch = stream.process(records)
    assert batch.counts.dead_letters == {"frame": 2}
    cut, whole = batch.outputs
    assert (whole.value, whole.key) == (big, b"BW1")
    headers = dict(cut.headers)
    assert cut.value == value[: 1 << 20]
    assert headers["__kimberley.errors.value_size"] == str(len(value)).encode()
    assert headers["__kimberley.errors.value_sha256"] == sha256(value).hexdigest().encode()
    assert headers["a"] == b"b"
    assert "at most 1,048,576" in headers["__kimberley.errors.message"].decode()  # type: ignore[union-attr]


def test_headers_beyond_what_a_topic_takes_are_not_forwarded_but_told() -> None:
    sound = Enemy(CODEC, 1).record("keys_that_are_no_text")
    record = MemoryRecord(sound.topic, 0, 0, NOW, b"another", sound.value, [("h", b"x" * (9 << 20))])
    batch = Stream().process([record])
    assert batch.counts.dead_letters == {"envelope": 1}


def test_traces_that_would_fill_every_output_do_not_pass_through() -> None:
    sound = event_record(CODEC, *record_from_json(journey("BW900001")[0]))
    traces: Any = [("tracestate", b"t" * 5000), ("traceparent", None), *[("tracestate", b"a=1")] * 100]
    batch = Stream().process([MemoryRecord(sound.topic, 0, 0, NOW, sound.key, sound.value, traces)])
    (decision,) = (output for output in batch.outputs if output.topic == DECISIONS)
    assert [value for name, value in decision.headers if name.startswith("trace")] == [b"a=1"] * 8


@pytest.mark.parametrize(
    ("field", "value"),
    [("at", 1 << 62), ("at", -(1 << 62)), ("version", 1 << 62), ("version", -1), ("to", "bw-900001"), ("to", ""), ("by", "\x00state")],
)
def test_a_lineage_message_of_no_time_version_or_certificate_is_a_dead_letter(field: str, value: Any) -> None:
    use = {"use": [True, "EU", "e", "1.00", False]}
    message = {"to": "BW900001", "by": "BW900002", "version": 1, "at": 0, **use, field: value}
    stream = Stream()
    batch = stream.process([MemoryRecord(NAMES.lineage, 0, 0, NOW, b"", msgspec.json.encode(message), [])])
    assert batch.counts.dead_letters == {"decode": 1}
    assert not stream.cases
