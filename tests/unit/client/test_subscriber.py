"""The subscriber, on the broker in memory: which alerts, in which order, how often, and from where on."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from kafka.errors import RebalanceInProgressError

from kimberley.client import Alert, AlertSubscriber, ConfigurationError, EventWithdrawn, Publisher, ServiceUnavailableError
from kimberley.client import alert_log as reading
from kimberley.testing import MemoryPipeline, MemoryRecord
from kimberley.testing.broker import MemoryConsumer
from support.journeys import journey

Told = list[tuple[str, int, str]]


class Clock:
    """A wall clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2024, 6, 1, tzinfo=UTC)

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pipeline(clock: Clock) -> Iterator[MemoryPipeline]:
    with MemoryPipeline(clock=clock) as found:
        yield found


@pytest.fixture
def publisher(pipeline: MemoryPipeline) -> Iterator[Publisher]:
    with pipeline.publisher() as found:
        yield found


def wrong(publisher: Publisher, *numbers: str) -> None:
    """Publish a journey of each number on which half the weight is lost: one alert each, HOLD, of BW and the EU."""
    for number in numbers:
        publisher.publish_many(journey(number, found="60.00"))


def mend(publisher: Publisher, number: str) -> None:
    """Take the wrong arrival and confirmation back: the alert resolves."""
    for kind in ("ShipmentArrived", "ImportConfirmed"):
        publisher.publish(
            EventWithdrawn(
                event_id=f"{number}-{kind}-w",
                occurred_at="2024-03-09T10:00:00Z",
                authority="EU",
                certificate_number=number,
                withdrawn_event_id=f"{number}-{kind}",
                reason="INCORRECT_DATA",
            )
        )


def read(subscriber: AlertSubscriber) -> Told:
    """What comes until nothing more does."""
    told: Told = []
    subscriber.run(lambda alert: told.append((alert.certificate_number, alert.revision, alert.status)), timeout=0)
    return told


def raw_alerts(pipeline: MemoryPipeline) -> list[MemoryRecord]:
    """The records of `flagged-shipments`."""
    return pipeline.records("flagged-shipments")


def again(pipeline: MemoryPipeline, record: MemoryRecord, value: bytes | None = None, headers: dict[str, bytes] | None = None) -> None:
    """Write a record anew behind the others of its partition, as a worker does that repeats itself."""
    kept = dict(record.headers) if headers is None else headers
    pipeline.put(record.topic, record.value if value is None else value, key=record.key, partition=record.partition, headers=kept)


def test_revisions_of_an_alert_come_in_order_and_once(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    mend(publisher, "BW000401")
    with pipeline.subscriber() as subscriber:
        told = read(subscriber)
        assert told[0] == ("BW000401", 1, "OPENED")
        assert told[-1][2] == "RESOLVED"
        assert [revision for _, revision, _ in told] == list(range(1, len(told) + 1))
        for record in raw_alerts(pipeline):
            again(pipeline, record)
        assert read(subscriber) == []
    with pipeline.subscriber() as fresh:
        assert read(fresh) == told


def test_current_is_what_is_open_in_a_steady_order(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000403", "BW000401", "BW000402")
    mend(publisher, "BW000402")
    with pipeline.subscriber() as subscriber:
        found = subscriber.current()
    assert [(alert.certificate_number, alert.rule_id) for alert in found] == [
        ("BW000401", "import-mismatch"),
        ("BW000403", "import-mismatch"),
    ]
    assert all(isinstance(alert, Alert) for alert in found)
    assert found == pipeline.open_alerts()


def test_current_is_not_taken_in_by_a_repeat_of_what_is_over(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    opened = pipeline.records("open-alerts")[0]
    mend(publisher, "BW000401")
    again(pipeline, opened)
    assert pipeline.open_alerts() == []


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"severities": ["HOLD"]}, 2),
        ({"severities": "hold"}, 2),
        ({"severities": ["BLOCK", "REVIEW"]}, 0),
        ({"rules": ["import-mismatch", "export-mismatch"]}, 2),
        ({"rules": "trade-suspended"}, 0),
        ({"participants": ["bw "]}, 2),
        ({"participants": ["AE", "EU"]}, 2),
        ({"participants": "AE"}, 0),
        ({"statuses": ["OPENED"]}, 2),
        ({"statuses": ["RESOLVED"]}, 0),
        ({"severities": ["HOLD"], "participants": ["AE"]}, 0),
        ({"severities": []}, 0),
    ],
)
def test_filters(pipeline: MemoryPipeline, publisher: Publisher, options: dict[str, Any], count: int) -> None:
    wrong(publisher, "BW000401", "BW000402")
    with pipeline.subscriber(**options) as subscriber:
        assert len(read(subscriber)) == count
        assert len(subscriber.current()) == (2 if "statuses" in options else count), "what is open is open, whatever its last revision did"


def test_what_is_not_wanted_is_not_decoded(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    record = raw_alerts(pipeline)[0]
    again(pipeline, record, value=b"unreadable", headers={**dict(record.headers), "ce_id": b"other/1"})
    with structlog.testing.capture_logs() as logs, pipeline.subscriber(severities=["BLOCK"]) as subscriber:
        assert read(subscriber) == []
    assert logs == []


def test_an_unreadable_alert_is_reported_with_its_place_and_stops_nothing(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    record = raw_alerts(pipeline)[0]
    again(pipeline, record, value=b"unreadable", headers={**dict(record.headers), "ce_id": b"other/1"})
    again(pipeline, record, value=b"unreadable", headers={})
    wrong(publisher, "BW000402")
    with structlog.testing.capture_logs() as logs, pipeline.subscriber(group="desk") as subscriber:
        assert {number for number, *_ in read(subscriber)} == {"BW000401", "BW000402"}
    places = [(entry["topic"], entry["partition"], entry["offset"]) for entry in logs if entry["event"] == "alert_unreadable"]
    assert places == [
        ("flagged-shipments", record.partition, record.offset + 1),
        ("flagged-shipments", record.partition, record.offset + 2),
    ]
    with structlog.testing.capture_logs() as logs, pipeline.subscriber(group="desk") as subscriber:
        assert read(subscriber) == []
    assert logs == [], "it is left behind for good"


def test_without_headers_an_alert_is_known_and_filtered_by_its_body(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    for record in raw_alerts(pipeline):
        again(pipeline, record, headers={})
    with pipeline.subscriber(severities=["HOLD"], participants=["EU"]) as subscriber:
        assert read(subscriber) == [("BW000401", 1, "OPENED")]
    with pipeline.subscriber(rules=["trade-suspended"]) as subscriber:
        assert read(subscriber) == []


def test_from_now_on_and_from_a_time_on(pipeline: MemoryPipeline, publisher: Publisher, clock: Clock) -> None:
    wrong(publisher, "BW000401")
    clock.now += timedelta(hours=1)
    between = clock.now
    wrong(publisher, "BW000402")
    with pipeline.subscriber(since="now") as now, pipeline.subscriber(since=between) as then, pipeline.subscriber() as ever:
        assert read(now) == []
        wrong(publisher, "BW000403")
        assert [number for number, *_ in read(now)] == ["BW000403"]
        assert {number for number, *_ in read(then)} == {"BW000402", "BW000403"}
        assert {number for number, *_ in read(ever)} == {"BW000401", "BW000402", "BW000403"}


def test_from_now_on_a_repeat_of_what_was_before_is_no_news(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    with pipeline.subscriber(since="now") as subscriber:
        assert read(subscriber) == []
        again(pipeline, raw_alerts(pipeline)[0])
        assert read(subscriber) == []


def test_a_group_goes_on_where_it_was_and_repeats_nothing(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401", "BW000402")
    with pipeline.subscriber(group="desk") as subscriber:
        first = read(subscriber)
    wrong(publisher, "BW000403")
    for record in raw_alerts(pipeline)[:2]:
        again(pipeline, record)  # what a restart must not mistake for news
    with pipeline.subscriber(group="desk") as subscriber:
        second = read(subscriber)
    assert {number for number, *_ in first} == {"BW000401", "BW000402"}
    assert [number for number, *_ in second] == ["BW000403"]
    with pipeline.subscriber(group="another") as subscriber:
        assert len(read(subscriber)) == 3


def test_a_look_back_of_the_group_ends_somewhere(pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LOOK_BACK", 1)
    wrong(publisher, "BW000401")
    partition = raw_alerts(pipeline)[0].partition
    same = [n for n in range(500, 600) if publisher.publish(journey(f"BW000{n}")[0]).partition == partition][:2]
    wrong(publisher, *(f"BW000{n}" for n in same))
    with pipeline.subscriber(group="desk") as subscriber:
        assert len(read(subscriber)) == 3
    again(pipeline, raw_alerts(pipeline)[0])
    with pipeline.subscriber(group="desk") as subscriber:
        assert read(subscriber) == [("BW000401", 1, "OPENED")], "the price of a bound, stated where it is set"


class LateConsumer(MemoryConsumer):
    """A group that lets nobody in before a while has passed."""

    seconds = 0.6

    def poll(self, timeout_ms: int, max_records: int | None = None) -> dict[Any, list[MemoryRecord]]:
        """Nothing until then."""
        self.since = getattr(self, "since", time.monotonic())
        if time.monotonic() - self.since < self.seconds and self.topics:
            time.sleep(timeout_ms / 1000)
            return {}
        return super().poll(timeout_ms, max_records)


def test_what_a_group_takes_to_let_one_in_is_no_silence(
    pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.transport, "consumer", lambda name, group=None, **_: LateConsumer(pipeline._broker, group))
    wrong(publisher, "BW000401")
    with pipeline.subscriber(group="desk") as subscriber:
        assert [number for number, *_ in read(subscriber)] == ["BW000401"]
        began = time.monotonic()
        assert read(subscriber) == []
    assert time.monotonic() - began < LateConsumer.seconds, "once it is in, it is in"


def test_who_is_never_let_in_gives_up_all_the_same(pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LateConsumer, "seconds", 60.0)
    monkeypatch.setattr(pipeline.transport, "consumer", lambda name, group=None, **_: LateConsumer(pipeline._broker, group))
    monkeypatch.setattr(pipeline.transport, "settings", pipeline.settings.model_copy(update={"session_timeout": 0.2}))
    wrong(publisher, "BW000401")
    with pipeline.subscriber(group="desk") as subscriber:
        began = time.monotonic()
        assert read(subscriber) == []
        assert 0.4 <= time.monotonic() - began < 5


def test_what_a_callback_raises_is_raised_and_its_alert_comes_again(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401", "BW000402", "BW000403")
    seen: list[str] = []

    def second_fails(alert: Alert) -> None:
        seen.append(alert.certificate_number)
        if len(seen) == 2:
            raise RuntimeError("the customs system is down")

    with pipeline.subscriber(group="desk") as subscriber:
        with pytest.raises(RuntimeError):
            subscriber.run(second_fails, timeout=0)
        assert subscriber.run(second_fails, timeout=0) == 2, "in the same subscriber"
    assert len(seen) == 4
    assert seen[1] == seen[2]
    with pipeline.subscriber(group="desk") as subscriber:
        assert read(subscriber) == []


def test_a_subscriber_that_dies_in_its_callback_leaves_that_alert_to_the_next_one(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401", "BW000402", "BW000403")
    applied: list[str] = []

    def dies(alert: Alert) -> None:
        if applied:
            raise KeyboardInterrupt
        applied.append(alert.certificate_number)

    with pytest.raises(KeyboardInterrupt), pipeline.subscriber(group="desk") as subscriber:
        subscriber.run(dies, timeout=0)
    with pipeline.subscriber(group="desk") as subscriber:
        rest = [number for number, *_ in read(subscriber)]
    assert sorted(applied + rest) == ["BW000401", "BW000402", "BW000403"]


def test_iterating_commits_an_alert_when_the_next_is_asked_for(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401", "BW000402", "BW000403")
    taken: list[str] = []

    def read_two_and_die() -> None:
        with pipeline.subscriber(group="desk") as subscriber:
            for alert in subscriber:
                taken.append(alert.certificate_number)
                if len(taken) == 2:
                    raise RuntimeError

    with pytest.raises(RuntimeError):
        read_two_and_die()
    with pipeline.subscriber(group="desk") as subscriber:
        alert = next(subscriber)
        assert alert.certificate_number == taken[1], "it was not dealt with"
        # a block that ends well deals with the last one
    with pipeline.subscriber(group="desk") as subscriber:
        last = subscriber.next_alert(timeout=0)
        assert last is not None
        assert {*taken, last.certificate_number} == {"BW000401", "BW000402", "BW000403"}
        assert subscriber.next_alert(timeout=0) is None


def test_commits_may_be_rarer(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401", "BW000402", "BW000403")
    committed: list[int] = []

    def note(alert: Alert) -> None:
        committed.append(sum(pipeline._broker.committed.values()))

    with pipeline.subscriber(group="desk", commit_every=2) as subscriber:
        subscriber.run(note, timeout=0)
    assert committed[0] == committed[1] < committed[2]


def test_a_group_that_begins_now_forgets_nothing_that_is_raised_while_it_is_away(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    with pipeline.subscriber(group="desk", since="now") as subscriber:
        assert read(subscriber) == []
    wrong(publisher, "BW000402")
    with pipeline.subscriber(group="desk", since="now") as subscriber:
        assert [number for number, *_ in read(subscriber)] == ["BW000402"]


def test_members_share_the_certificates_and_take_over(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    numbers = [f"BW0004{n:02d}" for n in range(12)]
    with pipeline.subscriber(group="desk") as one, pipeline.subscriber(group="desk") as other:
        assert read(one) == read(other) == []
        wrong(publisher, *numbers[:8])
        mine, others = read(one), read(other)
        assert mine
        assert others
        assert sorted(number for number, *_ in mine + others) == numbers[:8]
        one.close()
        wrong(publisher, *numbers[8:])
        assert sorted(number for number, *_ in read(other)) == numbers[8:]


def test_who_gets_certificates_back_does_not_repeat_what_another_member_applied(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    numbers = [f"BW0004{n:02d}" for n in range(12)]
    with pipeline.subscriber(group="desk") as one:
        assert read(one) == []
        with pipeline.subscriber(group="desk") as other:
            assert read(one) == read(other) == []
            wrong(publisher, *numbers)
            others = read(other)
            assert others
            assert len(others) + len(read(one)) == len(numbers)
        for record in raw_alerts(pipeline):
            again(pipeline, record)
        assert read(one) == []


def test_a_group_never_goes_back(pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_RECORDS", 1)
    wrong(publisher, *(f"BW0004{n:02d}" for n in range(8)))
    with pipeline.subscriber(group="desk") as subscriber:
        assert len(read(subscriber)) == 8
    stood = dict(pipeline._broker.committed)
    commits: list[dict[Any, int]] = []
    commit = MemoryConsumer.commit

    def note(consumer: MemoryConsumer, offsets: Any) -> None:
        commits.append({place: each.offset for place, each in offsets.items()})
        commit(consumer, offsets)

    monkeypatch.setattr(MemoryConsumer, "commit", note)
    wrong(publisher, "BW000410")
    with pipeline.subscriber(group="desk") as subscriber:
        assert len(read(subscriber)) == 1
    assert commits
    assert all(offset > stood["desk", place] for each in commits for place, offset in each.items()), "though it looked back"


def test_an_alert_at_hand_when_the_group_moves_on_goes_to_its_new_owner(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    numbers = [f"BW0004{n:02d}" for n in range(8)]
    wrong(publisher, *numbers)
    with structlog.testing.capture_logs() as logs, pipeline.subscriber(group="desk") as slow:
        at_hand = next(slow)
        with pipeline.subscriber(group="desk") as other:
            others = read(other)
            mine = read(slow)  # whose commit of the alert at hand may come too late
    numbers_told = [at_hand.certificate_number, *(number for number, *_ in [*others, *mine])]
    assert set(numbers_told) == set(numbers), "none is lost"
    assert [entry["event"] for entry in logs] in ([], ["group_moved_on"])


def test_what_could_not_be_committed_is_not_applied_again_by_who_applied_it_and_is_committed_later(
    pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(publisher, *(f"BW0004{n:02d}" for n in range(8)))
    commit = MemoryConsumer.commit
    refusals = iter([RebalanceInProgressError(), RebalanceInProgressError()])

    def refuse_at_first(consumer: MemoryConsumer, offsets: Any) -> None:
        if consumer.committed(next(iter(offsets))) is not None and (problem := next(refusals, None)):
            raise problem
        commit(consumer, offsets)

    monkeypatch.setattr(MemoryConsumer, "commit", refuse_at_first)
    with structlog.testing.capture_logs() as logs, pipeline.subscriber(group="desk") as subscriber:
        heard = read(subscriber)
    assert [entry["event"] for entry in logs] == ["group_moved_on"] * 2
    assert len(heard) == len({number for number, *_ in heard}) == 8
    with pipeline.subscriber(group="desk") as subscriber:
        assert read(subscriber) == []


def test_a_slow_callback_keeps_its_place_in_the_group(
    pipeline: MemoryPipeline, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_KEEP_ALIVE_SECONDS", -1.0)  # at once
    numbers = [f"BW0004{n:02d}" for n in range(6)]
    wrong(publisher, *numbers)
    with pipeline.subscriber(group="desk") as subscriber:
        told = read(subscriber)
    assert sorted(number for number, *_ in told) == numbers


def test_waiting_ends_with_an_alert_a_timeout_or_a_stop(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    subscriber = pipeline.subscriber()
    assert subscriber.next_alert(timeout=0.05) is None
    found: list[Alert] = []
    reader = threading.Thread(target=lambda: found.extend(subscriber))
    reader.start()
    wrong(publisher, "BW000401")
    with pipeline.subscriber() as witness:
        assert witness.next_alert(timeout=5)
    subscriber.stop()
    reader.join(5)
    assert not reader.is_alive()
    assert subscriber.next_alert() is None
    subscriber.close()
    subscriber.close()


def test_an_outage_is_waited_out_or_said_in_our_words(pipeline: MemoryPipeline, publisher: Publisher) -> None:
    wrong(publisher, "BW000401")
    with pipeline.subscriber() as subscriber:
        assert len(read(subscriber)) == 1
        wrong(publisher, "BW000402")
        with pipeline.outage():
            assert read(subscriber) == []
            with pytest.raises(ServiceUnavailableError, match="Kafka at memory"):
                subscriber.current()
        assert [number for number, *_ in read(subscriber)] == ["BW000402"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"severities": ["BLOK"]}, "'BLOK' is no severity of alerts: use BLOCK, HOLD, REVIEW, INFO"),
        ({"statuses": "open"}, "'OPEN' is no status"),
        ({"since": "yesterday"}, "'yesterday'"),
        ({"since": datetime(2024, 6, 1)}, "has no time zone"),
        ({"group": ""}, "group is empty"),
        ({"group": "kimberley"}, "the workers' own"),
        ({"commit_every": 0}, "commit_every"),
    ],
)
def test_wrong_arguments_are_said_in_words(pipeline: MemoryPipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        pipeline.subscriber(**options)


def test_a_missing_topic_is_said_in_words(pipeline: MemoryPipeline) -> None:
    pipeline._broker._logs.pop("flagged-shipments")
    for options in ({}, {"group": "desk"}):
        with pipeline.subscriber(**options) as subscriber, pytest.raises(ConfigurationError, match="kimberley topics apply"):
            subscriber.next_alert(timeout=0)
