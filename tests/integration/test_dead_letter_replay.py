"""Dead letters sent again, once, byte for byte, and dropped: on real brokers, with real crashes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer, TopicPartition

from kimberley.commands import main
from kimberley.errors import ServiceUnavailableError
from kimberley.settings import Settings
from kimberley.wire.audit import AuditRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.dead_letters import DeadLetter, dead_letter
from kimberley.wire.envelope import dead_letter_headers
from kimberley.wire.event_records import EventRecord
from kimberley.wire.letter_actions import FencedOperatorError, RefusedActionError, letter_actions
from kimberley.wire.log_reader import log_consumer, places_of, read_to_end, record_at
from kimberley.wire.schemas import shipped_schemas
from support.journeys import journey
from support.kafka import RealKafka
from support.registry_server import RegistryServer
from support.stream import count_records, event_records, prepared, publish, read_topic, wait_until
from support.worker import WorkerProcess, environment

LINK = "__kimberley.replay.of"
ATTEMPTS = "__kimberley.errors.attempts"


class Latin1(str):
    """A header's name in another encoding than UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return super().encode("latin-1")


STRANGE = [(Latin1("absender-ü"), b"x"), ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]


def kimberley(settings: Settings, *arguments: str) -> Result:
    """`kimberley dead-letters …` as an operator runs it."""
    result = CliRunner().invoke(main, ["dead-letters", *arguments], env=environment(settings))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(settings: Settings, *arguments: str) -> list[dict[str, Any]]:
    """What it prints as JSON lines; it must end well."""
    done = kimberley(settings, *arguments, "--format", "jsonl")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def died(settings: Settings, records: list[EventRecord], *, forwarded: bool = False, partition: int = 1) -> list[str]:
    """Records on their topics and a dead letter of each, as the stream writes it, without a stream; where the records lie.

    `forwarded`: with another key, as of a record that was re-routed before it died.
    """
    places = publish(settings.bootstrap_servers, records, partition=partition)
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all", max_request_size=8 << 20)
    try:
        with log_consumer(settings) as consumer:
            for record, (topic, number, offset) in zip(records, places, strict=True):
                lies = record_at(consumer, TopicPartition(topic, number), offset)
                assert lies is not None
                escaped = [(name.encode().decode(errors="backslashreplace"), value) for name, value in record.headers]
                why = dead_letter_headers(topic, number, offset, "frame", ValueError("broken"), "")
                key = b"another" if forwarded else record.key
                producer.send(
                    "dead-letters", key=key, value=record.value, headers=[*escaped, *why], timestamp_ms=lies.timestamp, partition=number
                ).get(30)
    finally:
        producer.close()
    return [f"{topic}-{number}@{offset}" for topic, number, offset in places]


def certificates(settings: Settings, isolation: str = "read_committed") -> list[Any]:
    """What lies on the topic; header names that are no UTF-8 stop the tests' usual reader."""
    with log_consumer(settings, isolation_level=isolation) as consumer:
        return list(read_to_end(consumer, places_of(consumer, "certificates")))


def letters(settings: Settings) -> list[DeadLetter]:
    return [dead_letter(record) for record in read_topic(settings.bootstrap_servers, "dead-letters")]


def raw(settings: Settings, place: str) -> tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]:
    """Key, value and headers of a record to the byte."""
    topic, rest = place.rsplit("-", 1)
    number, offset = map(int, rest.split("@"))
    with log_consumer(settings) as consumer:
        record = record_at(consumer, TopicPartition(topic, number), offset)
    assert record is not None
    return record.key, record.value, [(name.encode("utf-8"), value) for name, value in record.headers]


def as_sent(record: EventRecord) -> tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]:
    return record.key, record.value, [(name.encode("utf-8"), value) for name, value in record.headers]


def without_link(found: tuple[Any, Any, list[tuple[bytes, Any]]]) -> tuple[Any, Any, list[tuple[bytes, Any]]]:
    return found[0], found[1], [each for each in found[2] if not each[0].startswith(b"__kimberley.")]


GARBAGE = EventRecord("certificates", b"BW000701", b"no Avro at all", STRANGE)


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


@pytest.mark.kafka
@pytest.mark.slow
def test_what_was_mended_is_decided_once_and_what_was_not_dies_again(clean_kafka: str, registry: RegistryServer, tmp_path: Path) -> None:
    settings = prepared(clean_kafka, registry_url=registry.url)
    (event, *_) = event_records(make_codec(settings), journey("BW000701"))
    mendable = event._replace(value=b"\x00" + (4711).to_bytes(4, "big") + event.value[5:], headers=[*event.headers, *STRANGE])
    keyed = EventRecord("certificates", b"bw-000701", b"\x00\x00\x00\x12\x67" + event.value[5:-3], [])  # schema 4711, and cut
    sent = [mendable, GARBAGE, keyed]
    places = [f"{topic}-{partition}@{offset}" for topic, partition, offset in publish(clean_kafka, sent)]
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: count_records(clean_kafka, "dead-letters") >= 3, 60, "three dead letters", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    assert {row["stage"]: row["state"] for row in rows(settings, "list")} == {"schema": "waiting", "frame": "waiting"}
    with WorkerProcess(settings, tmp_path, "after") as worker:  # the one before would ask for an unknown id after half a minute only
        registry.schemas[4711] = json.dumps(shipped_schemas().newest("certificates", "CertificateIssued").schema)
        done = rows(settings, "replay", "--all", "--by", "ada", "--reason", "the schema is there")
        assert [(row["action"], row["by"], row["attempts"], row["source"]) for row in done] == [("replay", "ada", 1, "topic")] * 3
        to = {row["letter"]: row["replayed_to"] for row in done}
        assert set(to) == set(places)
        wait_until(lambda: count_records(clean_kafka, "decisions", "dead-letters") >= 6, 60, "three answers more", worker.text)
        for place, record in zip(places, sent, strict=True):
            assert to[place].split("@")[0] == place.split("@")[0], "on the partition on which it lay"
            again = raw(settings, to[place])
            assert without_link(again) == as_sent(record)
            link = dict(again[2])
            assert link[LINK.encode()].decode() == place.replace("-", "/").replace("@", "/")
            assert link[ATTEMPTS.encode()] == b"1"
        refused = kimberley(settings, "replay", *places)
        assert refused.exit_code == 1
        assert all(f"{place} was replayed to {to[place]} by ada" in refused.stderr for place in places)
        assert rows(settings, "replay", "--topic", "shipments") == []
        (decision,) = read_topic(clean_kafka, "decisions")
        assert dict(decision.headers)["ce_id"].decode().split("/")[2] == to[places[0]].split("@")[1]
        (shown,) = rows(settings, "show", places[0])
        assert (shown["state"], shown["answer"].split(",")[0]) == ("replayed", "decided: ACCEPTED")
        (shown,) = rows(settings, "show", places[1])
        assert f"died again at {to[places[1]]}, stage frame, 2 attempts" in shown["answer"]
        left = rows(settings, "list")
        assert {(row["place"], row["replay_of"], row["attempts"]) for row in left} == {(to[place], place, 2) for place in places[1:]}
        (third,) = rows(settings, "replay", to[places[1]])
        wait_until(lambda: count_records(clean_kafka, "dead-letters") >= 6, 60, "it dies a third time", worker.text)
        assert without_link(raw(settings, third["replayed_to"])) == as_sent(GARBAGE), "links do not pile up"
        assert max(letter.attempts for letter in letters(settings)) == 3
        assert worker.terminate(10) == 0, worker.text()
    assert len(certificates(settings)) == 3 + 3 + 1, "nothing was sent twice"


@pytest.mark.embedded
def test_nothing_is_dropped_without_yes_and_each_drop_leaves_an_audit_record(fresh_embedded: str) -> None:
    settings = prepared(fresh_embedded)
    places = died(settings, [GARBAGE, GARBAGE._replace(topic="shipments"), GARBAGE])
    told = kimberley(settings, "drop", "--topic", "certificates", "--reason", "a test")
    assert told.exit_code == 2
    assert "2 dead letters: 2 frame would be dropped" in told.stderr
    assert count_records(fresh_embedded, "kimberley-audit") == 0
    assert len(rows(settings, "list")) == 3
    dropped = rows(settings, "drop", "--topic", "certificates", "--reason", "a test", "--by", "ada", "--yes")
    kept = [json.loads(each.value) for each in read_topic(fresh_embedded, "kimberley-audit") if each.key != b"probe"]
    assert kept == dropped
    assert [(row["action"], row["letter"], row["by"], row["reason"]) for row in kept] == [
        ("drop", place, "ada", "a test") for place in (places[0], places[2])
    ]
    assert [row["place"] for row in rows(settings, "list")] == [places[1]]
    again = kimberley(settings, "drop", places[0], "--reason", "a test", "--yes")
    assert again.exit_code == 1
    assert f"{places[0]} was dropped by ada" in again.stderr
    assert kimberley(settings, "replay", places[0]).exit_code == 1, "what was dropped is not sent by accident"
    (sent,) = rows(settings, "replay", places[0], "--again")
    assert without_link(raw(settings, sent["replayed_to"])) == as_sent(GARBAGE)
    assert len(letters(settings)) == 3, "nothing is deleted"


CRASH = """
import os, sys
from kimberley.commands import main
from kimberley.wire import letter_actions
{patch}
main(["dead-letters", "replay", "--all", "--by", "ada"])
"""


def crash(settings: Settings, patch: str) -> None:
    """A replay whose process ends at some point without a word."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH.format(patch=patch)],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 9, done.stderr


@pytest.mark.kafka
def test_a_crash_between_sending_and_recording_sends_nothing(clean_kafka: str) -> None:
    settings = prepared(clean_kafka)
    (place,) = died(settings, [GARBAGE])
    crash(settings, "letter_actions._Producer.commit_transaction = lambda self: os._exit(9)")
    assert len(certificates(settings, "read_uncommitted")) == 2, "it was under way"
    (done,) = rows(settings, "replay", "--all")
    assert done["letter"] == place
    assert len(certificates(settings, "read_uncommitted")) == 3
    assert [record.value for record in certificates(settings)] == [GARBAGE.value] * 2, "the first replay was taken back"
    (audit,) = [each for each in read_topic(clean_kafka, "kimberley-audit") if each.key != b"probe"]
    assert json.loads(audit.value) == done
    assert rows(settings, "replay", "--all") == []


@pytest.mark.kafka
def test_two_who_replay_at_the_same_time_send_once(clean_kafka: str) -> None:
    settings = prepared(clean_kafka)
    died(settings, [GARBAGE])
    (letter,) = letters(settings)
    with letter_actions(settings, "first") as first:
        assert first.is_transactional
        with letter_actions(settings, "second") as second:
            with pytest.raises(FencedOperatorError, match="taken back"):
                first.replay(letter)
            second.replay(letter)
            with pytest.raises(RefusedActionError, match="nothing is sent twice"):
                second.replay(letter, again=True)
    assert len(certificates(settings)) == 2
    with letter_actions(settings, "third") as third, pytest.raises(RefusedActionError, match="by second"):
        third.replay(letter)


@pytest.mark.kafka
def test_a_broker_that_goes_away_half_way_ends_it_in_words_and_the_record_is_sent_once(
    kafka: RealKafka, clean_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kimberley.wire.letter_actions._SECONDS", 2.0)
    settings = prepared(clean_kafka)
    (place,) = died(settings, [GARBAGE])
    (letter,) = letters(settings)
    with letter_actions(settings, "ada") as actions:
        write = actions._write

        def pause_and_write(record: AuditRecord) -> None:
            kafka.pause()
            write(record)

        monkeypatch.setattr(actions, "_write", pause_and_write)
        try:
            with pytest.raises(ServiceUnavailableError):
                actions.replay(letter)
        finally:
            kafka.resume()
    assert [row["letter"] for row in rows(settings, "replay", "--all")] == [place]
    assert len(certificates(settings)) == 2


@pytest.mark.kafka
def test_the_record_itself_is_sent_and_its_dead_letter_where_it_lies_there_no_more(clean_kafka: str) -> None:
    settings = prepared(clean_kafka)
    odd = GARBAGE._replace(key=b"bw-0007/01")
    large = GARBAGE._replace(value=b"x" * ((1 << 20) - 200))
    died(settings, [odd, large, GARBAGE], forwarded=True)
    first, second, third = letters(settings)
    lost = dead_letter(moved(settings, third))
    with letter_actions(settings, "ada") as actions:
        sent = actions.replay(first)
        assert without_link(raw(settings, str(sent.replayed_to))) == as_sent(odd), "not the key by which it was forwarded"
        with pytest.raises(RefusedActionError, match="larger than certificates takes"):
            actions.replay(second)
        assert actions.ledger.state(second) == "waiting"
        sent = actions.replay(lost)
        assert sent.source == "letter"
        key, value, headers = without_link(raw(settings, str(sent.replayed_to)))
        assert (key, value) == (b"another", GARBAGE.value)
        assert headers[0] == (rb"absender-\xfc", b"x"), "as the stream wrote it"


def moved(settings: Settings, letter: DeadLetter) -> Any:
    """The record of a dead letter, as of a record whose topic was made anew since."""
    (record,) = [each for each in read_topic(settings.bootstrap_servers, "dead-letters") if each.offset == letter.place.offset]
    record.timestamp -= 1
    return record


@pytest.mark.embedded
def test_without_transactions_a_replay_that_ended_half_way_is_unclear_until_someone_decides(fresh_embedded: str) -> None:
    settings = prepared(fresh_embedded)
    (place,) = died(settings, [GARBAGE])
    crash(
        settings,
        """
write = letter_actions.LetterActions._write
letter_actions.LetterActions._write = lambda self, record: write(self, record) if record.action == "replay-begun" else os._exit(9)
""",
    )
    (row,) = rows(settings, "list")
    assert (row["place"], row["state"], row["audit"]["by"]) == (place, "unclear", "ada")
    skipped = kimberley(settings, "replay", "--all")
    assert skipped.exit_code == 0
    assert "1 dead letter may have been sent" in skipped.stderr
    refused = kimberley(settings, "replay", place)
    assert refused.exit_code == 1
    assert "--again" in refused.stderr
    assert len(certificates(settings)) == 2
    assert len(rows(settings, "replay", "--all", "--again")) == 1
    assert rows(settings, "list") == []
    assert len(certificates(settings)) == 3
