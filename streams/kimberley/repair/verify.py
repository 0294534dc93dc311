"""Look through all topics and tell whether the stream's promises hold: for operators after an incident. Nothing is written."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from kimberley.cases.judge import Policy
from kimberley.errors import UnreadableRecordError
from kimberley.model.case import Origin, unpack_case
from kimberley.model.partition_state import STATE_KEY, PartitionState, unpack_state
from kimberley.pipeline.policies import Policies
from kimberley.repair.alert_histories import AlertHistories
from kimberley.repair.ledger import Ledger, Remark
from kimberley.repair.open_alerts import read_open_alerts
from kimberley.repair.rebuild import answered_topics, answering_topics, chosen_delivery, read_lineage_log
from kimberley.repair.rebuilding import Rebuilding, Rebuilt, Setting
from kimberley.repair.verification import (
    Check,
    Difference,
    answer_difference,
    case_differences,
    fact_differences,
    open_alert_difference,
    revision_difference,
    state_difference,
)
from kimberley.repair.whole_topics import OnRead, Standing, WholeTopics
from kimberley.settings import Settings
from kimberley.wire.avro import Codec
from kimberley.wire.topics import DECISIONS, EVENT_TOPICS, FLAGGED_SHIPMENTS, OPEN_ALERTS, InternalNames


class Verified(NamedTuple):
    """What was found. `under_way`: certificates whose cases changed meanwhile, or had events or messages waiting; they are left out."""

    checks: Sequence[Check]
    under_way: int
    waiting: int


async def verify_topics(settings: Settings, codec: Codec, policies: Policies, *, on_read: OnRead) -> Verified:
    """Look through everything that is there now. Workers may run: what changes meanwhile is left out.

    `policies`: of every complete revision on the topics. Raises ServiceUnavailableError where Kafka can't be read.
    """
    names = InternalNames(settings.prefix)
    is_atomic = await chosen_delivery(settings, names)
    async with WholeTopics(settings, codec, on_read) as topics:
        outputs = (DECISIONS, FLAGGED_SHIPMENTS, names.lineage)
        await topics.expect((*outputs[2:], OPEN_ALERTS, names.cases, *answering_topics(names), *answered_topics(names)))
        # before anything is read: a certificate of which more comes after this is under way
        tails = await topics.ends(outputs)
        standings = await topics.standings()
        look = _Look(settings, codec, policies, standings, is_atomic)
        await look.lineage(topics)
        for number in range(settings.partitions):
            await look.partition(number, topics)
        held = await read_open_alerts(topics, settings.partitions, codec)
        async for record in topics.read_on(tails):
            look.moved(record)
    return look.verified(held)


class _Look:
    """What is gathered on the way through the partition numbers."""

    def __init__(
        self, settings: Settings, codec: Codec, policies: Policies, standings: Mapping[tuple[str, int], Standing], is_atomic: bool
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._policies = policies
        self._names = InternalNames(settings.prefix)
        self._standings = standings
        self._is_atomic = is_atomic
        committed = {place: each.committed for place, each in standings.items() if each.committed is not None}
        now = int(time.time() * 1000)
        self._ledger = Ledger(committed, codec, self._names.rerouted, is_atomic=is_atomic, now=now)
        self._histories = AlertHistories(is_atomic=is_atomic)
        self._facts = Check("open alerts are what the facts say", "cases")
        self._cases = Check("stored cases are what the events say", "cases")
        self._under_way: set[str] = set()
        self._unanswered: list[Origin] = []

    async def lineage(self, topics: WholeTopics) -> None:
        """Read what all cases told each other; what is not taken in yet is under way."""
        log = await read_lineage_log(topics, self._settings, self._standings, self._under_way.add)
        settings = self._settings
        self._setting = Setting(
            settings.partitions, self._codec, self._names, self._policies, log, settings.clock_skew_minutes, self._is_atomic
        )

    async def partition(self, number: int, topics: WholeTopics) -> None:
        """Rebuild a partition number's cases, and compare."""
        names = self._names
        here = {topic: self._standings[topic, number] for topic in names.inputs}
        committed = {topic: each.committed for topic, each in here.items()}
        rebuilding = Rebuilding(number, self._setting, committed, {topic: each.end for topic, each in here.items()})
        for several in (answering_topics(names), answered_topics(names)):
            async for record in topics.read(several, [number]):
                rebuilding.add(record)
                if record.topic == FLAGGED_SHIPMENTS:
                    self._add_alert(record)
                elif record.topic != names.control:
                    self._ledger.add(record)
        rebuilt = rebuilding.finish()
        self._unanswered += rebuilt.unanswered
        for topic in EVENT_TOPICS:
            self._ledger.reached(topic, number, rebuilt.state.applied[topic])
        stored, state = await _stored(topics, names.cases, number)
        lost = state_difference(number, names.cases, state or PartitionState(), committed)
        if lost is not None:
            self._cases.differences.append(lost)
            self._cases.looked_at += len(rebuilt.cases)
        else:
            self._compare_cases(stored, rebuilt)
        self._compare_facts(rebuilt, state if state is not None and lost is None else rebuilt.state, is_lost=lost is not None)

    def moved(self, record: Any) -> None:
        """Something that came after the beginning."""
        if record.key:
            self._under_way.add(record.key.decode(errors="replace"))

    def verified(self, held: Mapping[str, Mapping[str, Any]]) -> Verified:
        """All checks, without what is under way."""
        under_way = self._under_way | self._ledger.under_way
        answers = Check("each event has one decision or dead letter", "events", self._ledger.records)
        remarks = list(self._ledger.remarks())
        known = {each.origin for each in remarks}
        # those whose answer was given to what lay there before the topic was made anew
        remarks += [Remark(origin, "lost") for origin in self._unanswered if origin not in known]
        answers.differences += [answer_difference(each) for each in remarks]
        if self._ledger.repeats and not self._is_atomic:
            answers.notes.append(f"{self._ledger.repeats} answers came again, as they may at least once")
        if self._ledger.expired:
            answers.notes.append(f"{self._ledger.expired} unreadable records are older than dead letters are kept")
        revisions = Check("alerts' revisions are gapless", "alerts", len(self._histories))
        revisions.differences += [revision_difference(each) for each in self._histories.remarks()]
        if self._histories.repeats and not self._is_atomic:
            revisions.notes.append(f"{self._histories.repeats} revisions came again, as they may at least once")
        current = Check("open-alerts holds what is open", "alerts", self._histories.count_open())
        current.differences += [open_alert_difference(each) for each in self._histories.compare(held)]
        checks = [answers, revisions, current, self._facts, self._cases]
        for check in checks:
            check.differences = [each for each in check.differences if each.certificate not in under_way]
        return Verified(checks, len(under_way), self._waiting())

    def _waiting(self) -> int:
        """Event records that the group has yet to commit; about, since a log may hold markers of transactions."""
        places = ((place, each) for place, each in self._standings.items() if place[0] in EVENT_TOPICS)
        return sum(max(0, each.end - (each.committed or 0)) for _, each in places if each.committed is not None)

    def _add_alert(self, record: Any) -> None:
        try:
            self._histories.add(self._codec.decode(FLAGGED_SHIPMENTS, record.value)[1])
        except UnreadableRecordError as problem:
            where = f"{record.topic}-{record.partition}@{record.offset}"
            self._facts.differences.append(Difference(where, f"is no alert: {problem}", "look who wrote it; consumers pass it over"))

    def _compare_cases(self, stored: Mapping[str, bytes], rebuilt: Rebuilt) -> None:
        for number in stored.keys() | rebuilt.cases.keys():
            self._cases.looked_at += 1
            self._cases.differences += case_differences(stored.get(number), rebuilt.cases.get(number), number)

    def _compare_facts(self, rebuilt: Rebuilt, state: PartitionState, *, is_lost: bool) -> None:
        where = f"partition {rebuilt.number}"
        if not state.is_reevaluated and rebuilt.cases and not is_lost:
            self._facts.is_partial = True
            self._facts.notes.append(f"{where} is yet to be judged anew by the worker: run this again then")
            return
        policy: Policy | None = self._policies.of(state.revision) if state.revision else self._policies.newest
        if policy is None:
            what = f"is judged by revision {state.revision} of the reference data, which the topics do not hold"
            self._facts.differences.append(Difference(where, what, "run `kimberley reference load` and restart the workers"))
            return
        for packed in rebuilt.cases.values():
            self._facts.looked_at += 1
            self._facts.differences += fact_differences(unpack_case(packed), policy, state.clock)


async def _stored(topics: WholeTopics, topic: str, number: int) -> tuple[dict[str, bytes], PartitionState | None]:
    """The cases of a partition number as they are stored, whatever they hold, and its state."""
    cases: dict[str, bytes] = {}
    state: PartitionState | None = None
    async for record in topics.read([topic], [number]):
        if record.key == STATE_KEY:
            try:
                state = unpack_state(record.value) if record.value else None
            except msgspec.MsgspecError:
                state = None
        elif record.value is None:
            cases.pop(record.key.decode(errors="replace"), None)
        else:
            cases[record.key.decode(errors="replace")] = record.value
    return cases, state
