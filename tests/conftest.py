"""What all tests share: real services once a run, and a visible word on what could not run here."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from support.clock import why_no_faketime
from support.java import why_no_java
from support.kafka import RealKafka
from support.prometheus import why_no_prometheus
from support.registry import RealRegistry

_NEEDS: dict[str, Callable[[], str | None]] = {
    "kafka": why_no_java,
    "registry": why_no_java,
    "prometheus": why_no_prometheus,
    "faketime": why_no_faketime,
}
"""Why the tests of a marker can't run here, None: they can."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a service that is missing; in CI it is required, and those tests fail."""
    if os.environ.get("CI"):
        return
    for item in items:
        reasons = [reason for name, why in _NEEDS.items() if item.get_closest_marker(name) and (reason := why())]
        if reasons:
            item.add_marker(pytest.mark.skip(reason=reasons[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say in words what a test lacks where nothing may be skipped."""
    for name, why in _NEEDS.items():
        if os.environ.get("CI") and item.get_closest_marker(name) and (reason := why()):
            pytest.fail(f"{reason}: it is required where CI is set", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, where nobody overlooks it."""
    lacks = {reason for why in _NEEDS.values() if (reason := why())}
    # of the reports, for the tests may have run in processes of their own
    why_skipped = [str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])]
    if skipped := Counter(reason for reason in why_skipped if reason in lacks):
        terminalreporter.section("skipped", sep="!", yellow=True, bold=True)
        for reason, number in skipped.items():
            terminalreporter.line(f"{number} tests on real services were SKIPPED: {reason}.")
        terminalreporter.line("Kafka and the registry need Java 17+ and Maven, others the program of their name. Where CI is set they are")
        terminalreporter.line("required. What ran here used the embedded broker.")


@pytest.fixture(scope="session")
def kafka() -> Iterator[RealKafka]:
    """Real Apache Kafka, started once a run."""
    with RealKafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def registry_url() -> Iterator[str]:
    """The Confluent API of a real schema registry, started once a run."""
    with RealRegistry() as registry:
        yield registry.url
