"""One broker behind a proxy for all faults, and one trade; each test begins with empty topics."""

from collections.abc import Iterator

import pytest

from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from support.faulty import Faulty
from support.trade import Trade, make_trade

EVENTS = 6_000


@pytest.fixture(scope="session")
def services() -> Iterator[Faulty]:
    """Real Kafka behind a proxy, for the whole run."""
    with Faulty() as found:
        yield found


@pytest.fixture
def faulty(services: Faulty) -> Iterator[Faulty]:
    """The same, whole and without topics and groups."""
    services.mend()
    services.kafka.empty()
    yield services
    services.mend()


@pytest.fixture
def settings(faulty: Faulty) -> Settings:
    """Settings for workers, whose way to the broker is by the proxy; topics and reference data are ready."""
    return faulty.settings()


@pytest.fixture(scope="session")
def trade() -> Trade:
    """A trade of some thousand events."""
    return make_trade(make_codec(Settings.model_construct(partitions=4)), EVENTS)
