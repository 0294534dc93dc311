"""Cases made anew from what a pipeline in memory holds, as `kimberley rebuild` makes them from Kafka's topics."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from kimberley.cases.judge import Policy
from kimberley.model.case import AlertState, Case, unpack_case
from kimberley.pipeline.policies import Policies
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.repair.lineage_log import LineageLog
from kimberley.repair.rebuilding import Rebuilding, Rebuilt, Setting
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.testing import MemoryPipeline
from kimberley.wire.avro import make_codec
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS, EVENT_TOPICS, FLAGGED_SHIPMENTS, InternalNames

POLICIES = Policies(shipped_rulebook())
POLICIES.add(shipped_reference())
POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
NAMES = InternalNames("kimberley")
FIRST = (DECISIONS, DEAD_LETTERS, FLAGGED_SHIPMENTS, NAMES.control)
THEN = (*EVENT_TOPICS, NAMES.rerouted)
Records = Callable[[str], Iterable[Any]]


def rebuilt(
    pipeline: MemoryPipeline, committed: Mapping[str, int | None] | None = None, records: Records | None = None, is_atomic: bool = True
) -> dict[int, Rebuilt]:
    """By partition number. `committed`: as the group has it, instead of all that there is. `records`: of a topic, instead of all."""
    records = records or pipeline.records
    partitions = pipeline.settings.partitions
    ends = {topic: [0] * partitions for topic in NAMES.inputs}
    for topic, known in ends.items():
        for record in pipeline.records(topic):
            known[record.partition] = record.offset + 1
    stands = {topic: [committed.get(topic) if committed is not None else end for end in known] for topic, known in ends.items()}
    lineage = LineageLog(dict(enumerate(stands[NAMES.lineage])))
    for record in records(NAMES.lineage):
        lineage.add(record)
    setting = Setting(partitions, make_codec(pipeline.settings), NAMES, POLICIES, lineage, skew_minutes=10, is_atomic=is_atomic)
    found = {}
    for number in range(partitions):
        at = {topic: offsets[number] for topic, offsets in stands.items()}
        rebuilding = Rebuilding(number, setting, at, {topic: offsets[number] for topic, offsets in ends.items()})
        for topic in (*FIRST, *THEN):
            for record in records(topic):
                if record.partition == number:
                    rebuilding.add(record)
        found[number] = rebuilding.finish()
    return found


def cases_of(packed: Iterable[Mapping[str, bytes]]) -> dict[str, Case]:
    """Cases without what only judging them anew tells: when they wake, and since when time alone has made something a violation.

    And without the versions of what their sources told: a repeat that says the same counts up in memory, and is stored with the next
    change only. `named` is sorted: a rebuild can't tell the order in which a certificate states its sources.
    """
    found = {number: unpack_case(each) for cases in packed for number, each in cases.items()}
    for case in found.values():
        case.wakes_at = None
        case.alerts = [_timeless(state) for state in case.alerts]
        case.sources = [msgspec.structs.replace(each, version=0) for each in case.sources]
        case.named = sorted(case.named, key=lambda each: each.number)
    return found


def held_by(pipeline: MemoryPipeline) -> list[dict[str, bytes]]:
    """The cases that a pipeline in memory has, packed, by partition number."""
    return [processor.cases for processor in pipeline._processors]


def _timeless(state: AlertState) -> AlertState:
    return msgspec.structs.replace(state, finding=msgspec.structs.replace(state.finding, since=None))
