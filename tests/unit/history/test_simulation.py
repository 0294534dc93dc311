"""The simulated trade is what it says: lawful but for what it breaks on purpose, the same for the same seed."""

from collections import Counter
from datetime import date, datetime
from itertools import islice
from typing import Any

import pytest

from kimberley.cases.check import EventInput, Report, check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulated_faults import FAULTS, NOTICES
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin
from kimberley.model.events import EVENT_TYPES
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook

POLICY = Policy(shipped_reference().replace(NOTICES), shipped_bundle(), shipped_rulebook())


def judged(events: list[dict[str, Any]]) -> Report:
    inputs = [as_input(event, Origin("simulated", 0, line)) for line, event in enumerate(events)]
    refused = [each for each in inputs if not isinstance(each, EventInput)]
    assert not refused, refused[0]
    return check(inputs, POLICY)


def test_the_same_seed_gives_the_same_trade_and_another_another() -> None:
    one, same, other = (list(islice(simulate(seed=seed), 2000)) for seed in (3, 3, 4))
    assert one == same
    assert one != other


def test_without_faults_no_alert_is_ever_raised() -> None:
    report = judged(list(simulate(seed=2, faults=False)))
    assert [(alert.rule_id, alert.message) for alert in report.history] == []
    outcomes = Counter(decision.outcome for decision in report.decisions)
    assert outcomes["DUPLICATE"] > 0, "some events are sent twice"
    assert set(outcomes) == {"ACCEPTED", "DUPLICATE"}


def test_in_spring_2025_lawful_trade_names_its_origins_to_the_european_union_and_one_fault_does_not() -> None:
    spring = date(2025, 3, 3)
    assert judged(list(simulate(seed=5, start=spring, days=14, faults=False))).history == []
    assert "origin-undisclosed" in {alert.rule_id for alert in judged(list(simulate(start=spring, days=14))).open_alerts}


def test_every_rule_is_broken_and_what_is_innocent_is_put_right() -> None:
    report = judged(list(simulate()))
    opened = {alert.rule_id for alert in report.history if alert.status == "OPENED"}
    resolved = {alert.rule_id for alert in report.history if alert.status == "RESOLVED"}
    still_open = {alert.rule_id for alert in report.open_alerts}
    not_yet = {fault.rule_id for fault in FAULTS if fault.since > date(2024, 11, 18)}
    for alert in report.history:
        assert alert.evidence, alert.rule_id
        assert all(each.field and each.value and each.expected for each in alert.evidence), (alert.rule_id, alert.evidence)
    assert opened == {rule.id for rule, _ in shipped_rulebook().rules} - not_yet
    assert {fault.rule_id for fault in FAULTS if fault.innocent} <= resolved
    assert {fault.rule_id for fault in FAULTS if not fault.innocent} - not_yet <= still_open
    assert not {"totals-mismatch", "number-malformed"} & still_open, "these are only ever slips, and corrected"


@pytest.mark.parametrize("seed", [1, 5, 11])
def test_nothing_is_taken_back_before_it_happened(seed: int) -> None:
    events = [event for event in simulate(seed=seed) if event["type"] in EVENT_TYPES]
    happened = {event["event_id"]: datetime.fromisoformat(event["occurred_at"]) for event in events}
    withdrawals = [event for event in events if event["type"] == "EventWithdrawn"]
    assert len(withdrawals) > 50
    for event in withdrawals:
        assert happened[event["withdrawn_event_id"]] < happened[event["event_id"]], event


def test_the_trade_is_mostly_lawful_and_the_first_alert_comes_soon() -> None:
    events = list(simulate())
    report = judged(events)
    concerned = {alert.certificate_number for alert in report.history}
    certificates = {decision.certificate_number for decision in report.decisions}
    assert 8000 < len(events) < 12000
    assert len(concerned) < len(certificates) / 15
    assert judged(events[:60]).history
