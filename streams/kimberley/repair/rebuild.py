"""Make the changelog of cases anew from the events, their answers and the alerts that were published."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import NamedTuple

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.model.case import Origin
from kimberley.model.partition_state import STATE_KEY, PartitionState, unpack_state
from kimberley.pipeline.batch import Batch, Output
from kimberley.pipeline.delivery import AtLeastOnce, Delivery, ExactlyOnce, has_transactions
from kimberley.pipeline.policies import Policies
from kimberley.repair.lineage_log import LineageLog
from kimberley.repair.open_alerts import UNREADABLE, Alert, corrections, read_open_alerts, unreadable
from kimberley.repair.rebuilding import Rebuilding, Rebuilt, Setting
from kimberley.repair.whole_topics import OnRead, Standing, WholeTopics
from kimberley.settings import Settings
from kimberley.wire.avro import Codec
from kimberley.wire.partitioner import partition_of
from kimberley.wire.security import client_options
from kimberley.wire.topics import DEAD_LETTERS, DECISIONS, EVENT_TOPICS, FLAGGED_SHIPMENTS, OPEN_ALERTS, InternalNames

_BATCH_BYTES = 4 << 20
_BATCH_CASES = 5000


class RebuiltPartition(NamedTuple):
    """What a partition number came to. `corrected`: records written to `open-alerts`. `unanswered`, `unusable`, `gone`: as in `Rebuilt`."""

    number: int
    facts: int
    cases: int
    alerts: int
    corrected: int
    unanswered: list[Origin]
    unusable: list[tuple[Origin, str]]
    gone: int
    seconds: float


def answering_topics(names: InternalNames) -> tuple[str, ...]:
    """What `Rebuilding` takes in first."""
    return (DECISIONS, DEAD_LETTERS, FLAGGED_SHIPMENTS, names.control)


def answered_topics(names: InternalNames) -> tuple[str, ...]:
    """What it takes in then."""
    return (*EVENT_TOPICS, names.rerouted)


async def rebuild_cases(
    settings: Settings,
    codec: Codec,
    policies: Policies,
    *,
    replace: bool,
    on_read: OnRead,
    on_partition: Callable[[RebuiltPartition], None],
) -> None:
    """Make all cases anew, partition number by partition number, and have `open-alerts` hold what is open by the alerts published. The
    state that says so is written last, so that a rebuild that was interrupted is known and can be run again. The worker then judges every
    case and puts out what differs.

    `policies`: of every complete revision of the reference data. `replace`: also where there are cases. `on_read`: as for `WholeTopics`.
    Raises ConfigurationError where workers run, or cases are there and not to be replaced; FencedError where a worker started meanwhile.
    """
    names = InternalNames(settings.prefix)
    is_atomic = await chosen_delivery(settings, names)
    async with WholeTopics(settings, codec, on_read) as topics:
        await topics.require_no_workers()
        await topics.expect((names.cases, names.lineage, OPEN_ALERTS, *answering_topics(names), *answered_topics(names)))
        present, is_whole = await _present(topics, settings, names)
        if is_whole and not replace and (count := sum(map(len, present.values()))):
            raise ConfigurationError(f"{names.cases} holds {count} cases: `kimberley rebuild --yes` replaces them")
        async with AsyncExitStack() as exits:
            deliveries = [_delivery(number, names, settings, is_atomic) for number in range(settings.partitions)]
            for delivery in deliveries:  # all before anything is read: nobody writes any more, not even one that the group gave up
                exits.push_async_callback(delivery.stop)
                await delivery.start()
            for delivery in deliveries:
                await delivery.deliver(Batch(state=PartitionState(is_whole=False)))
            standings = await topics.standings()
            lineage = await read_lineage_log(topics, settings, standings)
            held = await read_open_alerts(topics, settings.partitions, codec)
            if foreign := unreadable(held, settings.partitions):
                await deliveries[0].deliver(Batch(outputs=foreign))
            setting = Setting(settings.partitions, codec, names, policies, lineage, settings.clock_skew_minutes, is_atomic)
            for number, delivery in enumerate(deliveries):
                began = time.monotonic()
                rebuilt = await _rebuilt(number, topics, setting, standings, held)
                corrected = await corrections(number, rebuilt.last, held, topics, settings.partitions, codec)
                await _write(rebuilt, corrected, present.pop(number), delivery, names)
                on_partition(_summary(rebuilt, len(corrected), time.monotonic() - began))


async def chosen_delivery(settings: Settings, names: InternalNames) -> bool:
    """Whether workers of these settings deliver exactly once. Raises ServiceUnavailableError where the broker does not say."""
    if settings.delivery == "auto":
        return await has_transactions(client_options(settings), names)
    return settings.delivery == "exactly_once"


async def read_lineage_log(
    topics: WholeTopics,
    settings: Settings,
    standings: Mapping[tuple[str, int], Standing],
    on_waiting: Callable[[str], object] = lambda number: None,
) -> LineageLog:
    """What all cases told each other, as far as the group took it in; `on_waiting` hears to whom the rest is addressed."""
    lineage = InternalNames(settings.prefix).lineage
    log = LineageLog({number: standings[lineage, number].committed for number in range(settings.partitions)})
    async for record in topics.read([lineage], range(settings.partitions)):
        log.add(record)
        committed = standings[lineage, record.partition].committed
        if record.key and record.offset >= (committed or 0):
            on_waiting(record.key.decode(errors="replace"))
    return log


def _delivery(number: int, names: InternalNames, settings: Settings, is_atomic: bool) -> Delivery:
    options = client_options(settings)
    if is_atomic:
        return ExactlyOnce(number, names, options)

    async def commits_nothing(offsets: Mapping[tuple[str, int], int]) -> bool:
        return not offsets

    return AtLeastOnce(number, names, options, commits_nothing)


async def _present(topics: WholeTopics, settings: Settings, names: InternalNames) -> tuple[dict[int, set[bytes]], bool]:
    """By partition number, the keys of the cases that are there, whatever they hold; and whether no rebuild was interrupted."""
    found: dict[int, set[bytes]] = {number: set() for number in range(settings.partitions)}
    states: dict[int, bytes | None] = {}
    async for record in topics.read([names.cases], found):
        if record.key == STATE_KEY:
            states[record.partition] = record.value
        elif record.value is None:
            found[record.partition].discard(record.key)
        else:
            found[record.partition].add(record.key)
    return found, all(map(_is_whole, states.values()))


def _is_whole(packed: bytes | None) -> bool:
    try:
        return packed is None or unpack_state(packed).is_whole
    except msgspec.MsgspecError:
        return True


async def _rebuilt(
    number: int, topics: WholeTopics, setting: Setting, standings: Mapping[tuple[str, int], Standing], held: Mapping[str, Alert]
) -> Rebuilt:
    names = setting.names
    here = {topic: standings[topic, number] for topic in names.inputs}
    committed, ends = {topic: each.committed for topic, each in here.items()}, {topic: each.end for topic, each in here.items()}
    rebuilding = Rebuilding(number, setting, committed, ends)
    for several in (answering_topics(names), answered_topics(names)):
        async for record in topics.read(several, [number]):
            rebuilding.add(record)
    for alert in held.values():
        if partition_of(alert["certificate_number"], setting.partitions) == number and alert["status"] != UNREADABLE:
            rebuilding.add_open_alert(alert)
    return rebuilding.finish()


async def _write(rebuilt: Rebuilt, corrected: list[Output], present: set[bytes], delivery: Delivery, names: InternalNames) -> None:
    """Every case, then that they are whole."""
    number = rebuilt.number
    if corrected:
        await delivery.deliver(Batch(outputs=corrected))
    superfluous = [Output(names.cases, number, key, None, []) for key in present if key.decode(errors="replace") not in rebuilt.cases]
    for start in range(0, len(superfluous), _BATCH_CASES):
        await delivery.deliver(Batch(outputs=superfluous[start : start + _BATCH_CASES]))
    for cases in _batches(rebuilt.cases):
        await delivery.deliver(Batch(cases=cases))
    await delivery.deliver(Batch(state=rebuilt.state))


def _batches(cases: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    batch: dict[str, bytes] = {}
    size = 0
    for number, packed in cases.items():
        batch[number] = packed
        size += len(packed)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_CASES:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _summary(rebuilt: Rebuilt, corrected: int, seconds: float) -> RebuiltPartition:
    found = rebuilt.unanswered, rebuilt.unusable, rebuilt.gone
    return RebuiltPartition(rebuilt.number, rebuilt.facts, len(rebuilt.cases), rebuilt.alerts, corrected, *found, seconds)
