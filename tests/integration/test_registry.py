"""A real registry: register, fetch, refusal of what would break readers; and records of other teams' libraries."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, record_subject_name_strategy, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from kimberley.commands import main
from kimberley.errors import ServiceUnavailableError
from kimberley.settings import load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.partitioner import partition_of
from kimberley.wire.records import record_from_json
from kimberley.wire.schemas import shipped_schemas
from support.journeys import journey
from support.stream import count_records, prepared, read_topic, wait_until
from support.worker import WorkerProcess

pytestmark = pytest.mark.registry


def register(url: str, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["schemas", "register", "--registry-url", url, "--format", "jsonl", *arguments])


def test_every_schema_is_registered_and_found_again_by_its_id(registry_url: str) -> None:
    result = register(registry_url)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == len(shipped_schemas().by_id)
    assert register(registry_url).stdout == result.stdout, "registering again changes nothing"
    codec = make_codec(load_settings(registry_url=registry_url))
    record = record_from_json(journey("BW000001")[0])[1]
    value = codec.encode("certificates", "CertificateIssued", record)
    schema_id = int.from_bytes(value[1:5], "big")
    assert schema_id == next(row["id"] for row in rows if (row["topic"], row["record"]) == ("certificates", "CertificateIssued"))
    elsewhere = make_codec(load_settings(registry_url=registry_url))
    assert elsewhere.missing_ids([value]) == {schema_id}
    elsewhere.ensure({schema_id})
    assert elsewhere.missing_ids([value]) == set()
    assert elsewhere.decode("certificates", value) == codec.decode("certificates", value)


def test_records_written_without_a_registry_stay_readable_with_one(registry_url: str) -> None:
    record = record_from_json(journey("BW000001")[0])[1]
    value = make_codec(load_settings()).encode("certificates", "CertificateIssued", record)
    assert make_codec(load_settings(registry_url=registry_url)).decode("certificates", value)[0] == "CertificateIssued"


def test_the_registry_refuses_a_version_that_not_every_reader_could_read(registry_url: str, tmp_path: Path) -> None:
    assert register(registry_url).exit_code == 0
    copy = tmp_path / "schemas"
    shutil.copytree(shipped_schemas().directory, copy)
    frozen = copy / "shipments" / "frozen" / "ShipmentReleased.1.avsc"
    schema = json.loads(frozen.read_text(encoding="utf-8"))
    schema["fields"].append({"name": "dock", "type": "string", "doc": "no default: an old record can't be read"})
    frozen.write_text(json.dumps(schema), encoding="utf-8")
    result = register(registry_url, "--directory", str(copy))
    assert result.exit_code == 2, result.output
    assert "shipments-kp.ShipmentReleased" in result.stderr


def test_a_registry_that_is_away_is_a_service_that_can_not_be_reached() -> None:
    result = register("http://127.0.0.1:1")
    assert result.exit_code == 3
    assert "KIMBERLEY_REGISTRY_URL" in result.stderr
    codec = make_codec(load_settings(registry_url="http://127.0.0.1:1"))
    with pytest.raises(ServiceUnavailableError):
        codec.ensure({42})


@pytest.mark.kafka
def test_another_team_s_event_is_judged_and_its_alert_is_read_by_another_library(
    clean_kafka: str, registry_url: str, tmp_path: Path
) -> None:
    """confluent-kafka's serializer with the registry, librdkafka's default partitioner, and its deserializer for the alert."""
    assert register(registry_url).exit_code == 0
    settings = prepared(clean_kafka, registry_url=registry_url)
    numbers = [f"AO{number:06d}" for number in range(5001, 5009)]
    events = [event for number in numbers for event in journey(number, found="80.00")[:3]]
    for event in events:
        if event["authority"] == "BW":
            event["authority"] = "AO"
        if "origins" in event:
            event["origins"] = ["AO"]
    client = SchemaRegistryClient({"url": registry_url})
    produce(clean_kafka, client, events)
    misplaced = sum(
        record.partition != partition_of(record.key.decode(), settings.partitions) for record in read_topic(clean_kafka, "certificates")
    )
    assert misplaced, "librdkafka's default partitioner is another one"
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: not worker.is_alive or count_records(clean_kafka, "decisions") >= len(events), 60, "decisions", worker.text)
        assert worker.terminate(10) == 0, worker.text()
    alerts = consume(clean_kafka, client, "flagged-shipments")
    found = {alert["certificate_number"] for alert in alerts if alert["rule_id"] == "import-mismatch"}
    assert found == set(numbers)
    assert all(alert["message"] and alert["severity"] == "HOLD" for alert in alerts)


def produce(bootstrap_servers: str, client: SchemaRegistryClient, events: list[dict[str, Any]]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    serializers: dict[str, AvroSerializer] = {}
    for event in events:
        name, record = record_from_json(event)
        topic = "certificates" if name == "CertificateIssued" else "shipments"
        if name not in serializers:
            text = json.dumps(shipped_schemas().current[topic, name])
            settings = {"auto.register.schemas": False, "subject.name.strategy": topic_record_subject_name_strategy}
            serializers[name] = AvroSerializer(client, text, conf=settings)
        value = serializers[name](record, SerializationContext(topic, MessageField.VALUE))
        producer.produce(topic, key=event["certificate_number"], value=value)
    assert producer.flush(30) == 0


def consume(bootstrap_servers: str, client: SchemaRegistryClient, topic: str) -> list[dict[str, Any]]:
    deserializer = AvroDeserializer(client, conf={"subject.name.strategy": record_subject_name_strategy})
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": "a-bank", "auto.offset.reset": "earliest", "enable.partition.eof": True}
    )
    consumer.subscribe([topic])
    found, ended = [], set()
    try:
        while len(ended) < 4:
            message = consumer.poll(20)
            assert message is not None, "nothing more comes"
            if message.error():
                ended.add(message.partition())
            else:
                found.append(deserializer(message.value(), SerializationContext(topic, MessageField.VALUE)))
    finally:
        consumer.close()
    return found
