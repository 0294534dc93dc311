"""TLS and SASL settings reach every client: the commands', the worker's consumers, producers and followers."""

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kimberley.client import AlertSubscriber, Publisher
from kimberley.client.transport import KafkaTransport
from kimberley.errors import KimberleyError
from kimberley.settings import load_settings
from kimberley.wire.admin import check_topics
from kimberley.wire.avro import make_codec
from support.java import why_no_java
from support.journeys import journey
from support.kafka import RealKafka
from support.stream import count_records, event_records, prepared, publish, wait_until
from support.worker import WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

_PEM, _PKCS8, _OPEN = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, and a broker's certificate that it signed, in one folder: ca.pem, broker.pem."""
    folder = tmp_path_factory.mktemp("tls")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    ca = signed(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    broker_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    broker = signed(broker_name, ca_name, key, ca_key, names)
    (folder / "ca.pem").write_bytes(ca.public_bytes(_PEM))
    (folder / "broker.pem").write_bytes(key.private_bytes(_PEM, _PKCS8, _OPEN) + broker.public_bytes(_PEM) + ca.public_bytes(_PEM))
    return folder


def signed(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
) -> x509.Certificate:
    """A certificate for a day."""
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(by, hashes.SHA256())


@pytest.fixture(scope="module")
def secured(authority: Path) -> Iterator[RealKafka]:
    """A broker that takes clients by TLS and SASL/PLAIN only; inside it talks to itself in the clear."""
    if reason := why_no_java():
        pytest.fail(reason)
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_worker="sesame";'
    properties = {
        "listeners": "EXTERNAL://127.0.0.1:{port},INSIDE://127.0.0.1:{inside},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": "EXTERNAL://127.0.0.1:{port},INSIDE://127.0.0.1:{inside}",
        "listener.security.protocol.map": "EXTERNAL:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.external.plain.sasl.jaas.config": login,
        "listener.name.external.ssl.keystore.type": "PEM",
        "listener.name.external.ssl.keystore.location": str(authority / "broker.pem"),
    }
    with RealKafka(properties) as broker:
        yield broker


def chosen(authority: Path, **more: object) -> dict[str, object]:
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "worker",
        "sasl_password": "sesame",
        "ssl_cafile": authority / "ca.pem",
        **more,
    }


def test_topics_reference_data_and_the_worker_go_over_tls_and_sasl(secured: RealKafka, authority: Path, tmp_path: Path) -> None:
    settings = prepared(secured.bootstrap_servers, **chosen(authority))
    records = event_records(make_codec(settings), journey("BW000001") + journey("BW000002"))
    publish(secured.inside, records)
    with WorkerProcess(settings, tmp_path) as worker:
        wait_until(lambda: not worker.is_alive or count_records(secured.inside, "decisions") >= len(records), 60, "decisions", worker.text)
        assert "exactly once" in worker.text()
        assert worker.terminate(10) == 0, worker.text()
    assert "sesame" not in worker.text()


def test_the_client_goes_over_tls_and_sasl(secured: RealKafka, authority: Path, tmp_path: Path) -> None:
    settings = prepared(secured.bootstrap_servers, **chosen(authority))
    with WorkerProcess(settings, tmp_path) as worker, Publisher(settings) as publisher:
        receipts = publisher.publish_many(journey("BW000003", found="60.00"))
        assert {decision.outcome for decision in publisher.wait_for_decisions(receipts, 60)} == {"ACCEPTED"}, worker.text()
        with AlertSubscriber(settings, group="desk") as subscriber:
            assert [alert.certificate_number for alert in subscriber.current()] == ["BW000003"]
            alert = subscriber.next_alert(30)
        assert alert is not None
        assert alert.rule_id == "import-mismatch"


@pytest.mark.parametrize("wrong", [{"sasl_password": "mellon"}, {"ssl_cafile": None}])
def test_the_clients_wrong_secrets_end_in_words_too(
    secured: RealKafka, authority: Path, wrong: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KafkaTransport, "_BOOTSTRAP_MS", 4_000)
    settings = load_settings(bootstrap_servers=secured.bootstrap_servers, **chosen(authority, **wrong))
    with pytest.raises(KimberleyError, match="KIMBERLEY_"):
        Publisher(settings)
    with pytest.raises(KimberleyError, match="KIMBERLEY_"):
        AlertSubscriber(settings).current()


@pytest.mark.parametrize("wrong", [{"sasl_password": "mellon"}, {"ssl_cafile": None}, {"security_protocol": "PLAINTEXT"}])
def test_wrong_secrets_end_in_words_that_name_the_settings(secured: RealKafka, authority: Path, wrong: dict[str, object]) -> None:
    settings = load_settings(bootstrap_servers=secured.bootstrap_servers, **chosen(authority, **wrong))
    with pytest.raises(KimberleyError, match="KIMBERLEY_"):
        check_topics(settings)


def test_a_missing_file_is_named_before_anything_is_tried(tmp_path: Path) -> None:
    with pytest.raises(KimberleyError, match=r"nothing\.pem"):
        check_topics(load_settings(**chosen(tmp_path, ssl_cafile=tmp_path / "nothing.pem")))
