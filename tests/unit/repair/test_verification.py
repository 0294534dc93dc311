"""What `verify` finds in doctored records, and that it finds nothing in sound ones."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kimberley.history.simulation import simulate
from kimberley.model.case import Case, pack_case, unpack_case
from kimberley.model.events import EVENT_TYPES
from kimberley.model.partition_state import PartitionState
from kimberley.repair.alert_histories import AlertHistories
from kimberley.repair.ledger import DEAD_LETTER_DAYS, Ledger
from kimberley.repair.verification import case_differences, fact_differences, state_difference
from kimberley.testing import MemoryPipeline
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.envelope import dead_letter_headers
from kimberley.wire.topics import CERTIFICATES, DEAD_LETTERS, DECISIONS, EVENT_TOPICS, FLAGGED_SHIPMENTS, OPEN_ALERTS, SHIPMENTS
from support.journeys import journey
from support.rebuilt import NAMES, POLICY, held_by, rebuilt
from support.stream import decoded, event_records, standing

NUMBER = "BW000417"
CLOCK = 1_767_225_600_000
NOW = 1_800_000_000_000


@pytest.fixture(scope="module")
def trade() -> Iterator[MemoryPipeline]:
    """Some weeks of trade, with a stray record and one that is unreadable."""
    events = [event for event in simulate(seed=7, days=30, certificates_per_day=10) if event["type"] in EVENT_TYPES]
    with MemoryPipeline(clock=lambda: NOW / 1000) as pipeline, pipeline.publisher() as publisher:
        publisher.publish_many(events)
        (stray,) = event_records(make_codec(pipeline.settings), journey(NUMBER)[:1])
        for partition in range(4):
            pipeline.put(CERTIFICATES, stray.value, key=None, partition=partition)
        pipeline.put(SHIPMENTS, b"no Avro", key=NUMBER.encode())
        pipeline.advance(CLOCK)
        yield pipeline


def entered(pipeline: MemoryPipeline, *, is_atomic: bool = True, now: int = NOW, **instead: list[Any]) -> Ledger:
    """A ledger of what a pipeline holds; `instead`: of a topic, by its name with underscores, other records."""
    places = [(topic, number) for topic in NAMES.inputs for number in range(4)]
    committed = {place: len([each for each in pipeline.records(place[0]) if each.partition == place[1]]) for place in places}
    ledger = Ledger(committed, make_codec(pipeline.settings), NAMES.rerouted, is_atomic=is_atomic, now=now)
    for topic in (DECISIONS, DEAD_LETTERS, *EVENT_TOPICS, NAMES.rerouted):
        for record in instead.get(topic.replace("-", "_"), pipeline.records(topic)):
            ledger.add(record)
    return ledger


def kinds(ledger: Ledger) -> list[tuple[str, str]]:
    return [(each.origin.decision_id, each.kind) for each in ledger.remarks()]


def test_a_sound_stream_s_records_are_all_answered_once(trade: MemoryPipeline) -> None:
    ledger = entered(trade)
    assert kinds(ledger) == []
    assert ledger.records == sum(len(trade.records(topic)) for topic in EVENT_TOPICS)
    assert not ledger.under_way


def test_where_the_group_stands_nowhere_records_are_judged_as_far_as_is_told(trade: MemoryPipeline) -> None:
    """A partition that no worker has read yet has no answers, and lacks none."""
    ledger = Ledger({}, make_codec(trade.settings), NAMES.rerouted, is_atomic=True, now=NOW)
    for record in trade.records(SHIPMENTS):
        ledger.add(record)
    for number in range(3):
        ledger.reached(SHIPMENTS, number, 2)
    assert ledger.records == 6
    assert kinds(ledger) == [(f"{SHIPMENTS}/{number}/{offset}", "lost") for number in range(3) for offset in range(2)]


def test_a_lost_decision_is_found_by_its_record(trade: MemoryPipeline) -> None:
    decisions = trade.records(DECISIONS)
    place = dict(decisions[40].headers)["ce_id"].decode()
    assert kinds(entered(trade, decisions=decisions[:40] + decisions[41:])) == [(place, "lost")]


def test_a_record_that_was_answered_twice_is_found_where_none_may_be(trade: MemoryPipeline) -> None:
    decisions = trade.records(DECISIONS)
    place = dict(decisions[40].headers)["ce_id"].decode()
    assert kinds(entered(trade, decisions=[*decisions, decisions[40]])) == [(place, "twice")]
    allowed = entered(trade, decisions=[*decisions, decisions[40]], is_atomic=False)
    assert kinds(allowed) == []
    assert allowed.repeats == 1


def test_a_record_that_is_both_decided_and_dead_is_found(trade: MemoryPipeline) -> None:
    record = next(each for each in trade.records(SHIPMENTS) if each.key)
    headers = dead_letter_headers(SHIPMENTS, record.partition, record.offset, "process", ValueError("x"), "")
    letter = MemoryRecord(DEAD_LETTERS, record.partition, 9, NOW, record.key, record.value, headers)
    found = kinds(entered(trade, dead_letters=[*trade.records(DEAD_LETTERS), letter]))
    assert found == [(f"{SHIPMENTS}/{record.partition}/{record.offset}", "dead and decided")]


def test_a_decision_whose_record_is_gone_is_found(trade: MemoryPipeline) -> None:
    first, *rest = trade.records(SHIPMENTS)
    assert kinds(entered(trade, shipments=rest)) == [(f"{SHIPMENTS}/{first.partition}/{first.offset}", "gone")]


def test_a_dead_letter_that_is_older_than_they_are_kept_is_not_missed(trade: MemoryPipeline) -> None:
    (letter,) = trade.records(DEAD_LETTERS)
    assert [kind for _, kind in kinds(entered(trade, dead_letters=[]))] == ["lost"]
    later = entered(trade, dead_letters=[], now=NOW + (DEAD_LETTER_DAYS + 1) * 86_400_000)
    assert kinds(later) == []
    assert later.expired == 1
    assert letter.value == b"no Avro"


def test_a_record_that_is_still_on_its_way_to_its_partition_is_not_missed(trade: MemoryPipeline) -> None:
    """Forwarded, and not yet read there."""
    forwarded = trade.records(NAMES.rerouted)
    answered = {f"{CERTIFICATES}/{each.partition}/{each.offset}" for each in trade.records(CERTIFICATES) if each.key is None}
    decisions = [each for each in trade.records(DECISIONS) if dict(each.headers)["ce_id"].decode() not in answered]
    assert len(forwarded) == len(answered) == 4
    assert {kind for _, kind in kinds(entered(trade, decisions=decisions))} == {"lost"}
    beyond = [MemoryRecord(each.topic, each.partition, 1000, NOW, each.key, each.value, each.headers) for each in forwarded]
    assert kinds(entered(trade, decisions=decisions, kimberley_rerouted=beyond)) == []


@pytest.fixture(scope="module")
def alerts(trade: MemoryPipeline) -> list[dict[str, Any]]:
    return decoded(make_codec(trade.settings), trade.records(FLAGGED_SHIPMENTS))


@pytest.fixture(scope="module")
def held(trade: MemoryPipeline) -> dict[str, dict[str, Any]]:
    last = standing(trade.records(OPEN_ALERTS)).values()
    return {alert["alert_id"]: alert for alert in decoded(make_codec(trade.settings), last)}


def histories(alerts: list[dict[str, Any]], *, is_atomic: bool = True) -> AlertHistories:
    found = AlertHistories(is_atomic=is_atomic)
    for alert in alerts:
        found.add(alert)
    return found


def test_a_sound_stream_s_alerts_follow_one_another_and_are_those_that_are_held(
    alerts: list[dict[str, Any]], held: dict[str, dict[str, Any]]
) -> None:
    found = histories(alerts)
    assert not list(found.remarks())
    assert not list(found.compare(held))
    assert found.count_open() == len(held) > 20


def revised(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All revisions of an alert that has three."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for alert in alerts:
        by_id.setdefault(alert["alert_id"], []).append(alert)
    first = max(by_id.values(), key=len)[0]
    return [{**first, "revision": 1}, {**first, "revision": 2, "status": "RESOLVED"}, {**first, "revision": 3}]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one, two, three: [one, three], "lacks revision 2 of 3"),
        (lambda one, two, three: [two, three], "lacks revision 1 of 3"),
        (lambda one, two, three: [one, two, three, {**two, "message": "other"}], "says two different things by the same revision 2"),
        (lambda one, two, three: [one, two, {**three, "status": "UPDATED"}], "was updated by revision 3 after it resolved"),
        (lambda one, two, three: [one, {**two, "status": "OPENED"}], "opened by revision 2 after it opened"),
        (lambda one, two, three: [{**one, "status": "UPDATED"}], "was updated before it opened"),
        (lambda one, two, three: [one, two, two], "has its revision 2 twice"),
    ],
)
def test_revisions_that_do_not_follow_one_another_are_found(alerts: list[dict[str, Any]], spoil: Any, words: str) -> None:
    assert not list(histories(revised(alerts)).remarks())
    (remark,) = histories(spoil(*revised(alerts))).remarks()
    assert remark.words == words


def test_a_revision_that_came_again_is_counted_where_that_may_be(alerts: list[dict[str, Any]]) -> None:
    one, two, three = revised(alerts)
    found = histories([one, two, {**two, "raised_at": 0}, three], is_atomic=False)
    assert not list(found.remarks())
    assert found.repeats == 1


def test_open_alerts_that_are_stale_missing_or_nobody_s_are_found(alerts: list[dict[str, Any]]) -> None:
    one, two, three = revised(alerts)
    name = one["alert_id"]

    def words(published: list[dict[str, Any]], there: dict[str, dict[str, Any]]) -> list[str]:
        return [remark.words for remark in histories(published).compare(there)]

    assert words([one, two], {name: one}) == ["resolved by revision 2, and open-alerts has revision 1"]
    assert words([one, two, three], {name: one}) == ["is open by revision 3, and open-alerts has revision 1"]
    assert words([one], {name: {**one, "message": "other"}}) == ["is open by revision 1, and open-alerts has another content of it"]
    assert words([one], {}) == ["is open by revision 1, and open-alerts does not have it"]
    assert words([], {name: one}) == ["is on open-alerts and was never published on flagged-shipments"]


def light() -> Case:
    """A case with one open alert: the goods arrived too light."""
    with MemoryPipeline(partitions=1) as pipeline, pipeline.publisher() as publisher:
        publisher.publish_many(journey(NUMBER, found="60.00"))
        (each,) = rebuilt(pipeline).values()
    case = unpack_case(each.cases[NUMBER])
    assert [state.finding.rule_id for state in case.alerts if state.is_open] == ["import-mismatch"]
    return case


def test_a_sound_stream_s_open_alerts_are_what_the_facts_say(trade: MemoryPipeline) -> None:
    for each in rebuilt(trade).values():
        for packed in each.cases.values():
            assert not list(fact_differences(unpack_case(packed), POLICY, CLOCK))


def test_an_alert_that_facts_do_not_bear_or_that_lacks_or_says_otherwise_is_found() -> None:
    case = light()
    (state,) = case.alerts

    def what(alerts: list[Any]) -> list[str]:
        case.alerts = alerts
        return [each.what for each in fact_differences(case, POLICY, 0)]

    assert what([state]) == []
    assert what([msgspec.structs.replace(state, is_open=False)]) == [
        f"the facts violate import-mismatch ({state.finding.subject}), and no alert is open"
    ]
    milder = msgspec.structs.replace(state.finding, severity="INFO", message="All is well.")
    assert what([msgspec.structs.replace(state, finding=milder)]) == [
        f"the alert on import-mismatch ({state.finding.subject}) has another severity, message than the facts give"
    ]
    foreign = msgspec.structs.replace(state, alert_id="other", finding=msgspec.structs.replace(state.finding, rule_id="number-on-notice"))
    assert what([state, foreign]) == [f"an alert on number-on-notice ({state.finding.subject}) is open that the facts do not bear"]


def test_a_sound_stream_s_stored_cases_are_what_its_topics_tell(trade: MemoryPipeline) -> None:
    for number, each in rebuilt(trade).items():
        stored = held_by(trade)[number]
        assert stored.keys() == each.cases.keys()
        for key, packed in each.cases.items():
            assert not list(case_differences(stored[key], packed, key))


def test_a_tampered_missing_superfluous_or_foreign_case_is_found() -> None:
    sound = light()
    packed = pack_case(sound)

    def what(stored: bytes | None, made: bytes | None = packed) -> list[str]:
        return [each.what for each in case_differences(stored, made, NUMBER)]

    assert what(packed) == []
    assert what(pack_case(Case(NUMBER, sound.facts[:-1], [], sound.alerts))) == ["its stored case has other facts than the topics tell"]
    heavier = msgspec.structs.replace(sound.facts[0], event=msgspec.structs.replace(sound.facts[0].event, carats=None))
    tampered = Case(NUMBER, [heavier, *sound.facts[1:]], [], [])
    assert what(pack_case(tampered)) == ["its stored case has other facts, alerts than the topics tell"]
    assert what(None) == ["has no stored case"]
    assert what(packed, None) == ["has a stored case, and no event, alert or lineage tells of it"]
    assert what(b"\x01" + packed[1:])[0].startswith("its stored case can't be read: a stored case of format b'\\x01'")


def test_a_changelog_that_holds_less_than_the_group_has_committed_is_found() -> None:
    whole = PartitionState(applied={CERTIFICATES: 5, SHIPMENTS: 9})
    assert state_difference(2, NAMES.cases, whole, {CERTIFICATES: 5, SHIPMENTS: 9}) is None
    assert state_difference(2, NAMES.cases, whole, {CERTIFICATES: None, SHIPMENTS: None}) is None
    lost = state_difference(2, NAMES.cases, PartitionState(), {CERTIFICATES: 5, SHIPMENTS: 9})
    assert lost is not None
    assert "hold certificates up to offset 0, and the group has judged up to 5" in lost.what
    cut = state_difference(2, NAMES.cases, msgspec.structs.replace(whole, is_whole=False), {CERTIFICATES: 5, SHIPMENTS: 9})
    assert cut is not None
    assert cut.remedy == "run `kimberley rebuild` again"
