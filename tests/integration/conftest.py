"""Brokers for the stream's tests: each test gets one without topics and groups."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kimberley.embedded import EmbeddedBroker
from support.kafka import RealKafka
from support.wheels import build_wheel


@pytest.fixture
def clean_kafka(kafka: RealKafka) -> str:
    """The address of real Kafka, emptied of what other tests left."""
    kafka.empty()
    address: str = kafka.bootstrap_servers
    return address


@pytest.fixture
def fresh_embedded() -> Iterator[str]:
    """The address of an embedded broker of one's own."""
    with EmbeddedBroker() as broker:
        yield broker.bootstrap_servers


@pytest.fixture(params=[pytest.param("clean_kafka", marks=pytest.mark.kafka), pytest.param("fresh_embedded", marks=pytest.mark.embedded)])
def broker(request: pytest.FixtureRequest) -> str:
    """A broker's address, once real Kafka's and once the embedded one's."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as it is built for a release; built once a run."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
