"""What all tests share: real services once a run, and a visible word on what could not run here."""

import os
from collections.abc import Iterator

import pytest

from support.java import why_no_java
from support.kafka import RealKafka
from support.registry import RealRegistry

_NEED_JAVA = ("kafka", "registry")
_skipped: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs Java and Maven where they are missing; in CI they are required, and a missing one fails those tests."""
    reason = why_no_java()
    if reason is None or os.environ.get("CI"):
        return
    for item in items:
        if any(item.get_closest_marker(name) for name in _NEED_JAVA):
            item.add_marker(pytest.mark.skip(reason=reason))
            _skipped.append(item.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, where nobody overlooks it."""
    if _skipped:
        terminalreporter.section("skipped", sep="!", yellow=True, bold=True)
        terminalreporter.line(f"{len(_skipped)} tests on real Kafka and a real registry were SKIPPED: {why_no_java()}.")
        terminalreporter.line("They need Java 17+ and Maven; where CI is set they are required. What ran here used the embedded broker.")


@pytest.fixture(scope="session")
def kafka() -> Iterator[RealKafka]:
    """Real Apache Kafka, started once a run."""
    _require_java()
    with RealKafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def registry_url() -> Iterator[str]:
    """The Confluent API of a real schema registry, started once a run."""
    _require_java()
    with RealRegistry() as registry:
        yield registry.url


def _require_java() -> None:
    reason = why_no_java()
    if reason:
        pytest.fail(f"{reason}: it is required where CI is set")
