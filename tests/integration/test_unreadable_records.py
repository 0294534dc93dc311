"""What can't be read, or is refused, ends as the contract says; everything else flows on."""

from pathlib import Path
from typing import Any

from click.testing import CliRunner

from kimberley.commands import main
from kimberley.settings import Settings
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.event_records import EventRecord
from kimberley.wire.partitioner import partition_of
from support.journeys import journey
from support.stream import count_records, decoded, event_records, prepared, publish, read_topic, wait_until
from support.worker import WorkerProcess

KINDS = ("CertificateIssued", "ShipmentExported", "ShipmentArrived", "ImportConfirmed")
TRACE = [("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]


def judged(broker: str, settings: Settings, folder: Path, expected: int) -> None:
    """Run a worker until so many decisions and dead letters are there; a second look finds no more."""
    with WorkerProcess(settings, folder) as worker:
        wait_until(lambda: count_records(broker, "decisions", "dead-letters") >= expected, 60, f"{expected} answers", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    assert count_records(broker, "decisions", "dead-letters") == expected


def arrival(codec: Codec, number: str, **changes: Any) -> EventRecord:
    """The record of an arrival, its fields changed to what no publisher of ours would send."""
    fields = {"event_id": f"{number}-again", "occurred_at": 1709805600000, "utc_offset_minutes": 60, "authority": "EU"}
    fields |= {"certificate_number": number, "shipment_id": "SH-1", "parcel_count": 1, **changes}
    return EventRecord("shipments", number.encode(), codec.encode("shipments", "ShipmentArrived", fields), [])


def place_of(letter: Any) -> tuple[str, int]:
    """Topic and offset of the record that died."""
    headers = header_map(letter)
    return headers["__kimberley.errors.topic"], int(headers["__kimberley.errors.offset"])


def header_map(record: Any) -> dict[str, str]:
    return {key: value.decode() for key, value in record.headers}


def test_each_unreadable_record_is_a_dead_letter_byte_for_byte_and_the_rest_flows_on(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker)
    codec = make_codec(settings)
    good = event_records(codec, journey("BW000101") + journey("BW000102"))
    sound = good[0]
    poison = {
        "frame": [b"no Avro at all", b"\x00\x01", b"", None],
        "schema": [b"\x00\x00\x00\x00\x2a" + sound.value[5:], b"\x00" + (1_000_000_003).to_bytes(4, "big") + sound.value[5:]],
        "decode": [sound.value[:-3], sound.value + b"\x00", sound.value[:5]],
    }
    bad = [(stage, EventRecord("certificates", b"BW000101", value, TRACE)) for stage, values in poison.items() for value in values]
    publish(broker, good[:4])
    places = publish(broker, [record for _, record in bad])
    publish(broker, good[4:])
    judged(broker, settings, tmp_path, len(good) + len(bad))
    letters = {place_of(letter): letter for letter in read_topic(broker, "dead-letters")}
    assert len(letters) == len(bad)
    for (stage, sent), (topic, partition, offset) in zip(bad, places, strict=True):
        letter = letters[topic, offset]
        headers = header_map(letter)
        assert (letter.key, letter.value) == (sent.key, sent.value)
        assert headers["__kimberley.errors.stage"] == stage, headers
        assert headers["__kimberley.errors.partition"] == str(partition)
        assert headers["__kimberley.errors.attempts"] == "1"
        assert headers["__kimberley.errors.message"]
        assert headers["__kimberley.errors.exception"] == "UnreadableRecordError"
        assert headers["traceparent"] == TRACE[0][1].decode()
    decisions = decoded(codec, read_topic(broker, "decisions"))
    assert {decision["event_id"] for decision in decisions} == {f"{number}-{kind}" for number in ("BW000101", "BW000102") for kind in KINDS}
    assert {decision["outcome"] for decision in decisions} == {"ACCEPTED"}


def test_records_with_another_key_or_none_or_on_another_partition_are_judged_with_their_certificate(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker)
    codec = make_codec(settings)
    numbers = [f"BW0002{n:02d}" for n in range(8)]
    records = event_records(codec, [event for number in numbers for event in journey(number, found="99.00")])
    keyless = [record._replace(key=None) for record in records[: 4 * 3]]
    foreign = [record._replace(key=b"bw-0002/05") for record in records[4 * 3 : 4 * 6]]
    places = publish(broker, keyless, partition=1) + publish(broker, foreign)
    places += publish(broker, records[4 * 6 : 4 * 7], partition=(partition_of(numbers[6], 4) + 1) % 4)
    publish(broker, records[4 * 7 :])
    judged(broker, settings, tmp_path, len(records))
    decisions = read_topic(broker, "decisions")
    assert {(record.key.decode(), record.partition) for record in decisions} == {(number, partition_of(number, 4)) for number in numbers}
    ids = {decision["decision_id"] for decision in decoded(codec, decisions)}
    assert {f"{topic}/{partition}/{offset}" for topic, partition, offset in places} <= ids, "a decision answers the record as it was sent"
    alerts = {record.key.decode() for record in read_topic(broker, "flagged-shipments")}
    assert alerts == set(numbers), "each certificate's events met in one case"


def test_well_formed_events_that_are_not_acceptable_are_refused_with_the_field_and_what_to_do(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker)
    codec = make_codec(settings)
    publish(broker, event_records(codec, journey("BW000301")))
    expected: dict[tuple[str, str], dict[str, Any]] = {
        ("unknown-code", "authority"): {"authority": "QQ"},
        ("future", "occurred_at"): {"occurred_at": 4_102_444_800_000},
        ("range", "occurred_at"): {"occurred_at": -9_000_000_000_000_000},
        ("missing", "event_id"): {"event_id": " "},
    }
    sent = [arrival(codec, "BW000301", **{"event_id": code, **changes}) for (code, _), changes in expected.items()]
    places = publish(broker, sent)
    other = publish(broker, [arrival(codec, "BW000301")._replace(headers=[("ce_id", b"something else")])])
    judged(broker, settings, tmp_path, 4 + len(sent) + 1)
    decisions = {decision["decision_id"]: decision for decision in decoded(codec, read_topic(broker, "decisions"))}
    for fault, place in zip(expected, places, strict=True):
        decision = decisions["{}/{}/{}".format(*place)]
        assert decision["outcome"] == "REFUSED", decision
        assert [(error["code"], error["field"]) for error in decision["errors"]] == [fault]
        assert decision["errors"][0]["message"]
    refused = decisions["{}/{}/{}".format(*other[0])]
    assert [(error["code"], error["field"]) for error in refused["errors"]] == [("ce-id", "event_id")]
    assert not read_topic(broker, "flagged-shipments"), "what is refused counts for nothing"


def test_traces_pass_through_to_decisions_and_alerts(fresh_embedded: str, tmp_path: Path) -> None:
    settings = prepared(fresh_embedded)
    codec = make_codec(settings)
    records = [record._replace(headers=[*record.headers, *TRACE]) for record in event_records(codec, journey("BW000401", found="60.00"))]
    publish(fresh_embedded, records)
    judged(fresh_embedded, settings, tmp_path, len(records))
    for topic in ("decisions", "flagged-shipments"):
        found = read_topic(fresh_embedded, topic)
        assert found
        assert all(header_map(record)["traceparent"] == TRACE[0][1].decode() for record in found)


class Latin1(str):
    """A header's name in another encoding than UTF-8, as some clients let a sender write it."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return super().encode("latin-1")


def test_a_header_whose_name_is_no_utf_8_stops_nothing(broker: str, tmp_path: Path) -> None:
    settings = prepared(broker, partitions=1)
    codec = make_codec(settings)
    strange = (Latin1("absender-ü"), b"x")
    good = event_records(codec, journey("BW000501") + journey("BW000502"))
    good[1] = good[1]._replace(headers=[*good[1].headers, strange])
    dead = EventRecord("certificates", b"BW000501", b"no Avro at all", [strange])
    forwarded = good[6]._replace(key=b"bw-000502", headers=[strange, *good[6].headers])
    sent = [*good[:2], dead, *good[2:6], forwarded, good[7]]
    publish(broker, sent)
    judged(broker, settings, tmp_path, len(sent))
    decisions = decoded(codec, read_topic(broker, "decisions"))
    assert len(decisions) == len(good)
    assert {decision["event_id"] for decision in decisions} == {f"{number}-{kind}" for number in ("BW000501", "BW000502") for kind in KINDS}
    assert {decision["outcome"] for decision in decisions} == {"ACCEPTED"}
    (letter,) = read_topic(broker, "dead-letters")
    assert (letter.key, letter.value) == (dead.key, dead.value)
    assert header_map(letter)[r"absender-\xfc"] == "x"
    environment = {"KIMBERLEY_BOOTSTRAP_SERVERS": broker}
    shown = CliRunner().invoke(main, ["dead-letters", "list", "--format", "jsonl"], env=environment, catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    assert len(shown.stdout.splitlines()) == 1
