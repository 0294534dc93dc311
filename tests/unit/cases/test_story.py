"""A case's story: who took back what and to what effect, every rule's outcome, what the stream has yet to say."""

from datetime import date
from typing import Any

import pytest

from kimberley.cases import evaluate as evaluating
from kimberley.cases.check import check
from kimberley.cases.evaluate import evaluate, explain
from kimberley.cases.judge import Policy, dossier_of
from kimberley.cases.story import Story, tell
from kimberley.commands.event_files import as_input
from kimberley.model.case import Case, Origin
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rule import PASS, Rule, Waiting
from kimberley.rules.rulebook import Rulebook, shipped_rulebook
from support.stories import arrival, event, export, issue, withdrawal

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
NUMBER = "BW000001"


def case_of(*events: dict[str, Any]) -> Case:
    """The case of some events, in their order of arrival."""
    return check([as_input(dict(each), Origin("file", 0, line)) for line, each in enumerate(events, 1)], POLICY).cases[NUMBER]


def story_of(*events: dict[str, Any], policy: Policy = POLICY) -> Story:
    return tell(case_of(*events), policy)


def test_the_timeline_is_in_order_of_occurrence_whatever_the_order_of_arrival() -> None:
    first, second, third = issue(), export(), arrival()
    told = story_of(third, first, second)
    assert [entry.fact.event.event_id for entry in told.timeline] == [each["event_id"] for each in (first, second, third)]
    assert [entry.fact.origin.offset for entry in told.timeline] == [2, 3, 1]


def effects(*events: dict[str, Any]) -> list[tuple[str, list[str], str | None]]:
    """Each entry: its event id, who took it back, its own effect."""
    return [(each.fact.event.event_id, [by.event_id for by in each.withdrawn_by], each.effect) for each in story_of(*events).timeline]


def test_a_withdrawn_fact_names_the_withdrawals_that_took_it_back_and_only_those() -> None:
    issued, exported = issue(), export()
    back = withdrawal(exported)
    assert effects(issued, exported, back) == [
        (issued["event_id"], [], None),
        (exported["event_id"], [back["event_id"]], None),
        (back["event_id"], [], "withdraws"),
    ]


def test_a_withdrawal_that_was_withdrawn_has_no_effect_and_says_so() -> None:
    exported = export()
    back = withdrawal(exported)
    again = withdrawal(back, at="2024-03-21T12:00:00Z")
    assert effects(exported, back, again) == [
        (exported["event_id"], [], None),
        (back["event_id"], [again["event_id"]], "withdrawn"),
        (again["event_id"], [], "withdraws"),
    ]


def test_a_strangers_withdrawal_that_came_first_and_one_without_a_target_have_no_effect() -> None:
    exported = export()
    strangers = withdrawal(exported, authority="AE")
    lonely = event("EventWithdrawn", "2024-03-22T12:00:00Z", "BW", withdrawn_event_id="never-sent", reason="DID_NOT_OCCUR")
    found = {event_id: (by, effect) for event_id, by, effect in effects(strangers, lonely, exported)}
    assert found[exported["event_id"]] == ([], None)
    assert found[strangers["event_id"]] == ([], "stranger")
    assert found[lonely["event_id"]] == ([], "no-target")


def test_withdrawals_in_a_circle_have_no_effect() -> None:
    one = event("EventWithdrawn", "2024-03-22T12:00:00Z", "BW", withdrawn_event_id="two", reason="DID_NOT_OCCUR")
    two = {**one, "event_id": "two", "withdrawn_event_id": one["event_id"]}
    assert [effect for _, _, effect in effects(one, two)] == ["circle", "circle"]


def test_parties_leave_out_those_whom_only_a_withdrawn_fact_names() -> None:
    exported, arrived = export(), arrival(authority="AE")
    parties = {(party.role, party.code) for party in story_of(issue(), exported, arrived).parties}
    assert parties == {("issuer", "BW"), ("destination", "EU"), ("importer", "AE")}
    parties = {(party.role, party.code) for party in story_of(issue(), exported, arrived, withdrawal(arrived)).parties}
    assert ("importer", "AE") not in parties


def test_a_party_stands_as_of_the_date_of_its_role() -> None:
    told = story_of(issue(), arrival(authority="BE"))
    importer = next(party for party in told.parties if party.role == "importer")
    assert (importer.participant, importer.status, importer.as_of) == ("EU", "participant", date(2024, 3, 7))


def test_every_rule_of_the_rulebook_has_an_outcome_and_it_is_what_evaluate_says() -> None:
    seen: set[str] = set()
    for case in (case_of(issue(carats=None), export(), arrival(parcel_count=3)), case_of(issue())):
        dossier = dossier_of(case, POLICY, 0)
        explained = explain(dossier, POLICY.rulebook)
        assert [each.rule.id for each in explained] == [rule.id for rule, _ in POLICY.rulebook.rules]
        evaluation = evaluate(dossier, POLICY.rulebook)
        worded = [each.outcome for each in explained if each.outcome.outcome not in ("pass", "not_applicable")]
        assert worded == list(evaluation.outcomes)
        assert [finding for each in explained for finding in each.findings] == list(evaluation.findings)
        for each in explained:
            verdict = each.rule.judge(dossier)
            assert (each.outcome.outcome == "pass") == (verdict is PASS or isinstance(verdict, Waiting)), each.rule.id
            seen.add(each.outcome.outcome)
    assert seen == {"pass", "violation", "undetermined", "not_applicable"}


def test_a_rule_that_raises_is_outcome_error_with_its_problem() -> None:
    def broken(_: object) -> Any:
        raise ZeroDivisionError("by nought")

    rule = Rule("broken", 1, "Broken", "none", (), (), broken)
    book = Rulebook("test", "0", ((rule, "HOLD"), *POLICY.rulebook.rules))
    told = story_of(issue(), policy=Policy(POLICY.reference, POLICY.bundle, book))
    assert told.rules[0].outcome.outcome == "error"
    assert told.rules[0].outcome.missing == ("ZeroDivisionError: by nought",)
    assert len(told.rules) == len(POLICY.rulebook.rules) + 1


def test_pending_is_empty_for_a_case_that_was_judged_by_the_same_policy() -> None:
    assert story_of(issue(), export(), arrival(parcel_count=3)).pending == []


def test_pending_says_what_another_policy_would_change() -> None:
    case = case_of(issue(), export(), arrival(parcel_count=3))
    without = Rulebook("less", "0", tuple((rule, severity) for rule, severity in POLICY.rulebook.rules if rule.id != "import-mismatch"))
    pending = tell(case, Policy(POLICY.reference, POLICY.bundle, without)).pending
    assert [(change.status, change.state.finding.rule_id) for change in pending] == [("RESOLVED", "import-mismatch")]
    assert case.alerts[0].is_open, "telling a story changes nothing"


def test_the_clock_is_the_latest_time_that_the_case_knows_of() -> None:
    case = case_of(issue(), export())
    assert tell(case, POLICY).now == max(fact.event.occurred_at for fact in case.facts)
    assert tell(case, POLICY, now=5).now == 5


def test_explaining_leaves_evaluate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hot path asks each rule once; only explaining asks for plain outcomes."""
    monkeypatch.setattr(evaluating, "_plain_outcome", None)
    evaluate(dossier_of(case_of(issue()), POLICY, 0), POLICY.rulebook)
