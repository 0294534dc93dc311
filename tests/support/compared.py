"""What a stream came to beside what `check` says of the same events: nothing lost, nothing doubled, nothing else."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient

from kimberley.model.case import unpack_case, wakes_at
from kimberley.model.partition_state import STATE_KEY, PartitionState, unpack_state
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.control import latest, readable_controls
from kimberley.wire.dead_letters import dead_letter
from kimberley.wire.topics import EVENT_TOPICS, InternalNames
from support.stream import decoded, read_topic, rests, standing, unread, wait_until
from support.trade import Trade

Place = tuple[str, int, int]


@dataclass
class Compared:
    """`lost`: records without an answer; `double`: answers beyond one. `problems`: all that is not as it must be, in words."""

    events: int = 0
    lost: int = 0
    double: int = 0
    problems: list[str] = field(default_factory=list)

    def expect(self, found: Any, wanted: Any, what: str) -> None:
        """Note a problem where they differ."""
        if found != wanted:
            self.problems.append(f"{what}: {_short(found)}, expected {_short(wanted)}")


def settle(settings: Settings, broker: str, trade: Trade, seconds: float, detail: Any = str) -> None:
    """Return once every input is read, lineage is at rest and the alerts that `check` finds are open; or time is up: then compare."""
    direct = settings.model_copy(update={"bootstrap_servers": broker})
    wait_until(lambda: rests(direct), seconds, "every record read, lineage too", detail)
    try:
        wait_until(lambda: open_now(broker).keys() == trade.open_ids, seconds, "the open alerts of check")
        wait_until(lambda: _is_over(direct), seconds, "at rest")
    except AssertionError:
        return  # `compare` says what differs


def _is_over(settings: Settings) -> bool:
    """Nothing is under way, and no case waits to be judged anew: what the clock sets off is done in steps, and may tell other cases."""
    group = InternalNames(settings.prefix).group
    before = _committed(settings.bootstrap_servers, group)
    states: dict[int, PartitionState] = {}
    wakes: dict[tuple[int, bytes], int | None] = {}
    for record in read_topic(settings.bootstrap_servers, InternalNames(settings.prefix).cases):
        if record.key == STATE_KEY:
            states[record.partition] = unpack_state(record.value)
        else:
            wakes[record.partition, record.key] = None if record.value is None else wakes_at(record.value)
    is_due = any(at is not None and at <= states[number].clock for (number, _), at in wakes.items())
    if is_due or not all(state.is_reevaluated for state in states.values()) or not rests(settings):
        return False
    return _committed(settings.bootstrap_servers, group) == before  # nothing was heard meanwhile that a case may be due by


def compare(settings: Settings, broker: str, trade: Trade, *, is_ticking: bool = False) -> Compared:
    """Everything on every topic, read committed by the broker's own address, against the trade. The workers rest or are gone.

    `is_ticking`: the workers told the time themselves, by the time of day; else it is the trade's.
    """
    found = Compared()
    sent = {(record.topic, record.partition, record.offset): record for topic in EVENT_TOPICS for record in read_topic(broker, topic)}
    found.events = len(sent)
    found.expect(len(sent), len(trade), "records on the event topics")
    dead = {(row.topic, row.key, row.value) for row in trade.records if _is_unreadable(row)}
    dead_places = {place for place, record in sent.items() if (record.topic, record.key, record.value) in dead}
    found.expect(len(dead_places), trade.unreadable, "unreadable records on the event topics")
    _decisions(found, settings, broker, sent.keys() - dead_places)
    _dead_letters(found, broker, {place: sent[place] for place in dead_places})
    last = _alerts(found, settings, broker, trade)
    states = _changelog(found, settings, broker, trade, last, sent)
    clocks = {state.clock for state in states.values()}
    if not is_ticking:
        found.expect(clocks, {trade.as_of}, "clocks of the partitions")
        _rest(found, settings.model_copy(update={"bootstrap_servers": broker}), states)
    elif not trade.as_of <= min(clocks) <= max(clocks) <= time.time() * 1000:
        found.problems.append(f"clocks of the partitions: {clocks}, later than it is or earlier than they were told")
    names = InternalNames(settings.prefix)
    for topic in (names.rerouted, "dispositions"):
        found.expect(len(read_topic(broker, topic)), 0, f"records on {topic}")
    return found


def _rest(found: Compared, settings: Settings, states: dict[int, PartitionState]) -> None:
    """Nothing is unread, but for what a worker may have told the others when it took partition number 0 over from one that stopped: news
    to nobody."""
    names = InternalNames(settings.prefix)
    waiting = Counter[str]()
    for record in unread(settings):
        if record.topic == names.control:
            control, state = latest(readable_controls([record])), states[record.partition]
            if control.time <= state.clock and control.revision in ("", state.revision):
                continue
        waiting[record.topic] += 1
    found.expect(waiting, Counter(), "records that nobody read")


def open_now(broker: str) -> dict[str, Any]:
    """The alerts that `open-alerts` holds, by their id."""
    return {key.decode(): record for key, record in standing(read_topic(broker, "open-alerts")).items()}


def _is_unreadable(row: Any) -> bool:
    return any(name == "x-sent-as" for name, _ in row.headers)


def _decisions(found: Compared, settings: Settings, broker: str, expected: set[Place]) -> None:
    """Each readable record exactly one decision, which names it, on its own partition number."""
    codec = make_codec(settings)
    answers: Counter[Place] = Counter()
    for record in read_topic(broker, "decisions"):
        decision = codec.decode(record.topic, record.value)[1]
        place = decision["input_topic"], decision["input_partition"], decision["input_offset"]
        answers[place] += 1
        if decision["decision_id"] != "{}/{}/{}".format(*place) or record.partition != place[1]:
            found.problems.append(f"the decision on {place} is called {decision['decision_id']} and lies on partition {record.partition}")
    _count(found, answers, expected, "decisions")


def _dead_letters(found: Compared, broker: str, expected: dict[Place, Any]) -> None:
    """Each unreadable record exactly one dead letter, which is the record itself."""
    letters = [dead_letter(record) for record in read_topic(broker, "dead-letters")]
    _count(
        found, Counter((each.origin.topic, each.origin.partition, each.origin.offset) for each in letters), set(expected), "dead letters"
    )
    for letter in letters:
        place = letter.origin.topic, letter.origin.partition, letter.origin.offset
        if (sent := expected.get(place)) is not None:
            said = (letter.key, letter.value, list(letter.headers), letter.timestamp, letter.attempts)
            found.expect(said, (sent.key, sent.value, list(sent.headers), sent.timestamp, 1), f"the dead letter of {place}")


def _count(found: Compared, answers: Counter[Place], expected: set[Place], what: str) -> None:
    lost, foreign = expected - answers.keys(), answers.keys() - expected
    double = answers.total() - len(answers)
    found.lost += len(lost)
    found.double += double
    if lost or double or foreign:
        repeated = [place for place, count in answers.items() if count > 1]
        found.problems.append(
            f"{what}: lost {_short(sorted(lost))}; repeated {_short(sorted(repeated))}; foreign {_short(sorted(foreign))}"
        )


def _alerts(found: Compared, settings: Settings, broker: str, trade: Trade) -> dict[str, tuple[int, bool]]:
    """Revisions 1, 2, 3 … of each alert, each once; open is what `check` finds open. Revision and whether it is open, by alert."""
    codec = make_codec(settings)
    revisions: dict[str, list[tuple[int, bool]]] = {}
    alerts = decoded(codec, read_topic(broker, "flagged-shipments"))
    for alert in alerts:
        revisions.setdefault(alert["alert_id"], []).append((alert["revision"], alert["status"] != "RESOLVED"))
    for alert_id, known in revisions.items():
        found.expect([revision for revision, _ in known], list(range(1, len(known) + 1)), f"revisions of alert {alert_id}, in their order")
    last = {alert_id: max(known) for alert_id, known in revisions.items()}
    found.expect({alert_id for alert_id, (_, is_open) in last.items() if is_open}, trade.open_ids, "alerts whose last revision is open")
    still_open = open_now(broker)
    found.expect(set(still_open), trade.open_ids, "open-alerts")
    current = {alert_id: codec.decode("open-alerts", record.value)[1]["revision"] for alert_id, record in still_open.items()}
    found.expect(current, {alert_id: last[alert_id][0] for alert_id in still_open if alert_id in last}, "revisions on open-alerts")
    found.expect(len(read_topic(broker, "open-alerts")), len(alerts), "records on open-alerts, one an alert's revision")
    return last


def _changelog(
    found: Compared, settings: Settings, broker: str, trade: Trade, last: dict[str, tuple[int, bool]], sent: dict[Place, Any]
) -> dict[int, PartitionState]:
    """The stored cases know the alerts that were published, and say that they reach as far as the group's offsets: to the end.

    Returns the states of the partition numbers.
    """
    names = InternalNames(settings.prefix)
    states: dict[int, PartitionState] = {}
    cases: dict[tuple[int, bytes], bytes] = {}
    for record in read_topic(broker, names.cases):
        if record.key == STATE_KEY:
            states[record.partition] = unpack_state(record.value)
        else:
            cases[record.partition, record.key] = record.value
    stored = {
        alert.alert_id: (alert.revision, alert.is_open)
        for packed in cases.values()
        if packed is not None
        for alert in unpack_case(packed).alerts
    }
    found.expect({alert_id for alert_id, (_, is_open) in stored.items() if is_open}, trade.open_ids, "alerts that are open in the cases")
    found.expect(stored, {alert_id: last.get(alert_id) for alert_id in stored}, "alerts in the cases, as they were published last")
    committed = _committed(broker, names.group)
    applied = {(topic, number): offset for number, state in states.items() for topic, offset in state.applied.items()}
    found.expect(applied, {place: offset for place, offset in committed.items() if offset or place in applied}, "offsets with the cases")
    ends: dict[tuple[str, int], int] = {}
    for topic, number, offset in sent:
        ends[topic, number] = max(ends.get((topic, number), 0), offset + 1)
    found.expect({place: committed.get(place, 0) for place in ends}, ends, "committed offsets of the event topics")
    return states


def _committed(broker: str, group: str) -> dict[tuple[str, int], int]:
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        offsets = admin.list_group_offsets({group: None})[group]
    return {(place.topic, place.partition): found.offset for place, found in offsets.items()}


def _short(value: Any) -> str:
    """A value's beginning, and of what is counted how many."""
    if isinstance(value, set | list | dict):
        rows = sorted(value.items() if isinstance(value, dict) else value, key=str) if not isinstance(value, list) else value
        return f"{len(rows)} ({', '.join(map(str, rows[:3]))}{', …' if len(rows) > 3 else ''})"
    return str(value)[:300]
