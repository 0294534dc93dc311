"""A rule that is not asked again would have said the same: what a rule does not declare to read, it does not read."""

from functools import cache
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.cases import check as checking
from kimberley.cases.check import EventInput, ReferenceInput, check
from kimberley.cases.judge import Memory, Policy, dossier_of, judge
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import Case, Fact, Origin
from kimberley.model.events import EVENT_TYPES, AnyEvent
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.dossier import PRESENT
from kimberley.rules.rule import NOT_APPLICABLE, Rule
from kimberley.rules.rulebook import shipped_rulebook
from support.journeys import journey
from support.stories import issue

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
NUMBER = "BW000042"
SOURCES = {
    "conflicts",
    "sources",
    "uses",
    "participants",
    "measures",
    "notices",
    "issuer profiles",
    "producers",
    "price bands",
    "definitions",
}
RULES = list({**CATALOGUE, **{rule.id: rule for rule, _ in POLICY.rulebook.rules}}.values())
"""Those in force, on the rulebook's terms, and those that no rulebook names yet."""

_INSTANTS = st.sampled_from(["2003-05-01T10:00:00Z", "2014-03-03T10:00:00Z", "2024-03-05T09:00:00+02:00", "2024-11-20T23:30:00-08:00"])
_CODES = st.sampled_from(["BW", "EU", "BE", "RU", "KE", "CF", "UZ", "VE", "GB"])
_CARATS = st.sampled_from(["120.50", "99.00", None])
_GOODS = {"carats": _CARATS, "value_usd": st.sampled_from(["24100.00", "1.00", None]), "parcel_count": st.sampled_from([1, 2, None])}
_SHIPMENT = {"shipment_id": st.sampled_from(["SH-1", "SH-2"])}
_SEALS = st.sampled_from([None, [], ["S-1"], ["S-2"]])
_PARCELS = st.fixed_dictionaries({"hs_code": st.just("7102.31"), "carats": _CARATS, "value_usd": st.sampled_from(["24100.00", None])})
_FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "CertificateIssued": {
        **_GOODS,
        "issued_on": st.sampled_from(["2003-05-01", "2014-03-03", "2024-03-04", "2024-11-14"]),
        "expires_on": st.sampled_from(["2014-05-01", "2024-04-01", None]),
        "destination": _CODES | st.none(),
        "origins": st.sampled_from([["BW"], ["RU"], ["CF", "BW"], []]),
        "mixed_origin": st.sampled_from([True, False, None]),
        "seal_numbers": _SEALS,
        "parcels": st.lists(_PARCELS, max_size=3),
        "source_certificates": st.sampled_from([[], ["RU000007"], ["RU000007", "CF000001"]]),
    },
    "CertificateInvalidated": {"reason": st.just("VOIDED")},
    "ShipmentExported": {**_SHIPMENT, **_GOODS, "destination": _CODES | st.none(), "seal_numbers": _SEALS},
    "ShipmentTransited": {
        **_SHIPMENT,
        "country": _CODES,
        "seal_numbers": _SEALS,
        "new_seal_numbers": _SEALS,
        "opened": st.sampled_from([True, False, None]),
    },
    "ShipmentArrived": {**_SHIPMENT, **_GOODS, "seal_numbers": _SEALS, "new_seal_numbers": _SEALS},
    "ImportConfirmed": {"carats": _CARATS, "exporter": st.sampled_from([None, {"name": "Exporter One Ltd"}])},
    "ShipmentDetained": {**_SHIPMENT, "reason": st.just("seal")},
    "ShipmentReleased": _SHIPMENT,
    "ShipmentReturned": _SHIPMENT,
}

_TAKEN_BACK = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["BW", "EU", "KE"])), max_size=3)


@st.composite
def _events(draw: st.DrawFn, types: tuple[str, ...] = tuple(_FIELDS), least: int = 0) -> list[AnyEvent]:
    """Some events of one certificate, of the types named."""
    found: list[AnyEvent] = []
    for index in range(draw(st.integers(least, 6))):
        kind = draw(st.sampled_from(types))
        head = {"type": kind, "event_id": f"{types[0]}-{index}", "occurred_at": draw(_INSTANTS), "authority": draw(_CODES)}
        each = as_input({**head, "certificate_number": NUMBER, **draw(st.fixed_dictionaries(_FIELDS[kind]))}, Origin("f", 0, index))
        assert isinstance(each, EventInput), each
        found.append(each.event)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_events_of_types_that_a_rule_does_not_declare_never_change_its_verdict(rule: Rule, data: st.DataObject) -> None:
    facts = data.draw(_events())
    unread = tuple(sorted(set(_FIELDS) - rule.event_types))
    more = data.draw(_events(unread, 1)) if unread else []
    origin = Origin("f", 0, 0)

    def verdict(events: list[AnyEvent]) -> Any:
        return rule.judge(dossier_of(Case(NUMBER, [Fact(event, origin) for event in events]), POLICY, 0))

    assert verdict(facts + more) == verdict(facts)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.needs], ids=lambda rule: rule.id)
@settings(max_examples=60, deadline=None)
@given(_events())
def test_a_rule_is_not_applicable_without_what_it_needs(rule: Rule, facts: list[AnyEvent]) -> None:
    dossier = dossier_of(Case(NUMBER, [Fact(event, Origin("f", 0, 0)) for event in facts]), POLICY, 0)
    if not all(PRESENT[need] & dossier.present for need in rule.needs):
        assert rule.judge(dossier) is NOT_APPLICABLE


@settings(max_examples=200, deadline=None)
@given(
    _events(), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["BW", "EU", "KE"])), max_size=3), st.randoms(use_true_random=False)
)
def test_a_case_at_hand_is_judged_as_one_read_back_for_every_event(events: list[AnyEvent], takes: list[Any], random: Any) -> None:
    withdrawals = []
    for index, (target, authority) in enumerate(takes):
        if events:
            said = {"withdrawn_event_id": events[target % len(events)].event_id, "reason": "INCORRECT_DATA", "authority": authority}
            head = {"type": "EventWithdrawn", "event_id": f"w-{index}", "occurred_at": "2024-12-01T00:00:00Z", "certificate_number": NUMBER}
            each = as_input({**head, **said}, Origin("f", 0, 0))
            assert isinstance(each, EventInput)
            withdrawals.append(each.event)
    conflicting = [msgspec.structs.replace(event, office=f"office {index % 2}") for index, event in enumerate((events + withdrawals)[:4])]
    sequence = events + withdrawals + events[:2] + conflicting + conflicting[:1]
    random.shuffle(sequence)

    def play(memory: Memory | None) -> list[Any]:
        case, answers = Case(NUMBER), []
        for offset, event in enumerate(sequence):
            answers.append(judge(case, event, Origin("f", 0, offset), POLICY, now=0, processed_at=0, memory=memory))
            if memory and memory.recall(POLICY, 0):
                assert laid_out(memory.dossier) == laid_out(dossier_of(case, POLICY, 0))
        return answers

    assert play(Memory()) == play(None)


def test_a_rule_that_loses_what_it_needed_falls_silent() -> None:
    """An earlier certificate comes that names no sources: it is the one that counts."""
    later = issue(NUMBER, on="2024-03-04", source_certificates=["RU000007"])
    earlier = issue(NUMBER, on="2024-03-01", event_id="earlier")
    case, memory, said = Case(NUMBER), Memory(), []
    for offset, told in enumerate((later, earlier)):
        each = as_input(told, Origin("f", 0, offset))
        assert isinstance(each, EventInput)
        answer = judge(case, each.event, each.origin, POLICY, now=0, processed_at=0, memory=memory)
        said.append({outcome.rule_id for outcome in answer.decision.rules})
    assert "source-unknown" in said[0]
    assert "source-unknown" not in said[1]


def laid_out(dossier: Any) -> dict[str, Any]:
    """All that a dossier holds."""
    return dict(vars(dossier))


def test_every_type_of_event_is_read_or_known_to_be_read_by_none() -> None:
    """A misspelt type in a rule's `reads` would silence it."""
    for rule in RULES:
        for each in rule.reads:
            name, dot, field = each.partition(".")
            if name in EVENT_TYPES:
                assert not dot or field in EVENT_TYPES[name].__struct_fields__, each
            else:
                assert name == "clock" or name.partition(":")[0] in SOURCES, each


def test_another_policy_asks_every_rule_anew() -> None:
    first, *rest = journey(NUMBER)
    memory = Memory()
    case = Case(NUMBER)
    other = Policy(POLICY.reference, POLICY.bundle, POLICY.rulebook)
    for offset, step in enumerate([first, *rest]):
        each = as_input(step, Origin("f", 0, offset))
        assert isinstance(each, EventInput)
        policy = POLICY if offset % 2 else other
        assert memory.recall(policy, 0) is None
        judge(case, each.event, each.origin, policy, now=0, processed_at=0, memory=memory)
        assert memory.recall(policy, 0) is not None


@cache
def _trade(seed: int) -> list[dict[str, Any]]:
    """Some weeks of linked certificates, with every fault that the simulation knows."""
    return list(simulate(seed=seed, days=24, certificates_per_day=4))


_SUSPENSION = {
    "type": "MeasureListed",
    "id": "test-suspension",
    "kind": "SUSPENSION",
    "imposed_by": "KP",
    "territory": "BW",
    "valid_from": "2024-10-09",
    "basis": "a decision",
}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=20), st.integers(0, 999), st.data())
def test_a_check_that_remembers_finds_what_one_that_asks_every_rule_at_every_event_does(
    seed: int, moves: list[tuple[int, int]], revised_at: int, data: st.DataObject
) -> None:
    events = _trade(seed)
    start = data.draw(st.integers(0, len(events) - 300))
    events = events[start : start + 300]
    for taken, put in moves:  # some come late, some again, some not at all
        event = events[taken % len(events)]
        if put % 3:
            del events[taken % len(events)]
        events.insert(put % len(events), event)
    inputs = [as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)]
    revision = as_input(_SUSPENSION, Origin("file", 0, 999))
    assert isinstance(revision, ReferenceInput)
    inputs.insert(revised_at % len(inputs), revision)
    expected = check(inputs, POLICY, afresh=True)
    for most_remembered in (1, 7, 30_000):
        with patch.object(checking, "_MOST_REMEMBERED", most_remembered):
            found = check(inputs, POLICY)
        assert (found.history, found.decisions, found.cases) == (expected.history, expected.decisions, expected.cases)
