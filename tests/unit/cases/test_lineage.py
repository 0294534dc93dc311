"""Lineage: what cases tell each other, whatever the order, and that it comes to rest."""

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.cases.check import EventInput, Report, check
from kimberley.cases.judge import Policy, dossier_of
from kimberley.cases.limits import MOST_USES
from kimberley.cases.lineage import TOLD_OF, leaves_out, take_in_lineage, tell
from kimberley.commands.event_files import as_input
from kimberley.model.case import Case, Fact, NamedSource, Origin, pack_case, unpack_case
from kimberley.model.events import EVENT_TYPES, Approval, Extraction
from kimberley.model.lineage import MOST_HOPS, Description, LineageMessage, Use, least_hops
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from support.stories import Event, arrival, export, issue, withdrawal

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
AT = 1_750_000_000_000


def judged(*events: Event) -> Report:
    inputs = [as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)]
    assert all(isinstance(each, EventInput) for each in inputs)
    return check(inputs, POLICY, AT)


def chain(length: int, **first: Any) -> list[Event]:
    """A certificate from the mine, and so many re-exports of its goods, each naming the one before."""
    events = [issue("CF000000", "CF", "2016-03-01", destination="AE", **first)]
    for index in range(1, length + 1):
        before = "CF000000" if index == 1 else f"AE{index - 1:06d}"
        stated = {"origins": ["CF"], "destination": "AE", "source_certificates": [before]}
        events.append(issue(f"AE{index:06d}", "AE", "2016-04-01", **stated))
    return events


def zones(report: Report, number: str) -> list[str | None]:
    return [each.zone for each in dossier_of(report.cases[number], report.policy, AT).extractions_of("CF")]


@pytest.mark.parametrize("length", [1, 2, 5, 30])
def test_a_zone_is_inherited_through_any_number_of_re_exports_in_any_order(length: int) -> None:
    events = chain(length, extraction={"zone": "Berbérati"})
    for seed in range(3):
        shuffled = random.Random(seed).sample(events, len(events))
        assert zones(judged(*shuffled), f"AE{length:06d}") == ["Berbérati"]


def test_what_a_certificate_states_itself_is_not_inherited() -> None:
    events = chain(3, extraction={"zone": "Berbérati"})
    events[2] = {**events[2], "extraction": {"zone": "Bria"}}
    report = judged(*events)
    assert zones(report, "AE000001") == ["Berbérati"]
    assert zones(report, "AE000003") == ["Bria"]


def test_nothing_is_inherited_through_a_source_that_does_not_hold_the_origin() -> None:
    events = chain(3, extraction={"zone": "Berbérati"})
    for origins in ([], ["BW"]):
        report = judged(*events[:2], {**events[2], "origins": origins, "mixed_origin": not origins}, events[3])
        assert zones(report, "AE000003") == []


def test_what_is_taken_back_at_the_mine_is_taken_back_along_the_whole_way() -> None:
    events = chain(4, extraction={"zone": "Berbérati"})
    right = {**events[0], "event_id": "right", "extraction": {"zone": "Nola"}}
    back = withdrawal(events[0], "2016-05-01T00:00:00Z")
    assert zones(judged(*events, back), "AE000004") == []
    assert zones(judged(*events, back, right), "AE000004") == ["Nola"]


def test_certificates_that_name_each_other_in_a_circle_come_to_rest_and_keep_nothing_alive() -> None:
    """One of a circle names a source from the mine; when that is withdrawn, the circle does not go on telling itself of its zone."""
    mine = issue("CF000000", "CF", "2016-03-01", destination="AE", extraction={"zone": "Bria"})
    stated = {"origins": ["CF"], "destination": "AE"}
    circle = [
        issue("AE000001", "AE", "2016-04-01", source_certificates=["AE000002", "CF000000"], **stated),
        issue("AE000002", "AE", "2016-04-01", source_certificates=["AE000003"], **stated),
        issue("AE000003", "AE", "2016-04-01", source_certificates=["AE000001"], **stated),
        issue("AE000004", "AE", "2016-04-01", source_certificates=["AE000004"], **stated),
    ]
    report = judged(mine, *circle)
    assert [zones(report, f"AE00000{index}") for index in (1, 2, 3, 4)] == [["Bria"], ["Bria"], ["Bria"], []]
    report = judged(mine, *circle, withdrawal(mine, "2016-05-01T00:00:00Z"))
    assert [zones(report, f"AE00000{index}") for index in (1, 2, 3, 4)] == [[], [], [], []]


def test_a_source_that_is_replaced_by_another_is_forgotten_on_both_sides() -> None:
    first, other = issue(), issue("BW000002")
    wrong = issue("AE000001", "AE", "2024-04-01", origins=["BW"], source_certificates=["BW000001"])
    right = {**wrong, "event_id": "right", "source_certificates": ["BW000002"]}
    report = judged(first, other, wrong, withdrawal(wrong, "2024-04-02T00:00:00Z"), right)
    assert [use.number for use in report.cases["BW000001"].uses] == []
    assert [use.number for use in report.cases["BW000002"].uses] == ["AE000001"]
    assert [source.number for source in report.cases["AE000001"].sources] == ["BW000002"]


def test_a_case_that_nothing_is_known_of_answers_too() -> None:
    report = judged(issue("AE000001", "AE", "2024-04-01", origins=["BW"], source_certificates=["BW000009"]))
    (source,) = report.cases["AE000001"].sources
    assert (source.number, source.description) == ("BW000009", Description())


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES.keys() - {kind.__name__ for kind in TOLD_OF}))
def test_events_of_other_types_change_nothing_of_what_a_case_tells(kind: str) -> None:
    report = judged(issue(), export(), arrival(), issue("AE000001", "AE", "2024-04-01", origins=["BW"], source_certificates=["BW000001"]))
    for number in ("BW000001", "AE000001"):
        case = report.cases[number]
        assert tell(case, dossier_of(case, POLICY, AT), at=AT, event_id=None, least_version=1) == [], "it has told all"
        record = {"type": kind, "event_id": "more", "authority": "BE", "certificate_number": number, "occurred_at": "2024-04-09T00:00:00Z"}
        more = as_input(record, Origin("file", 0, 99))
        assert isinstance(more, EventInput)
        case.add(Fact(more.event, more.origin))
        assert tell(case, dossier_of(case, POLICY, AT), at=AT, event_id="more", least_version=1) == []


def test_repeats_and_older_messages_take_nothing_back() -> None:
    case = Case("BW000001")
    use = Use(True, "AE", "e", Decimal(5))
    assert take_in_lineage(case, LineageMessage("BW000001", "AE1", 7, 0, use=use))
    assert not take_in_lineage(case, LineageMessage("BW000001", "AE1", 7, 0, use=use))
    assert not take_in_lineage(case, LineageMessage("BW000001", "AE1", 6, 0, use=None))
    assert [each.use for each in case.uses] == [use]
    assert take_in_lineage(case, LineageMessage("BW000001", "AE1", 8, 0, use=None))
    assert case.uses == []


def test_a_description_counts_only_from_a_source_that_is_named() -> None:
    case = Case("AE000001")
    told = LineageMessage("AE000001", "BW000001", 3, 0, description=Description())
    assert not take_in_lineage(case, told)
    case.named = [NamedSource("BW000001", Use(True, "AE", "e", None))]
    assert take_in_lineage(case, told)
    assert not take_in_lineage(case, told)


def test_what_a_case_keeps_of_those_that_name_it_is_bounded() -> None:
    case = Case("BW000001")
    named = [LineageMessage("BW000001", f"A{index:05d}", 1, 0, use=Use(True, "AE", "e", None)) for index in range(MOST_USES)]
    assert all(take_in_lineage(case, each) for each in named)
    one_more = LineageMessage("BW000001", "ZZ", 1, 0, use=Use(True, "AE", "e", None))
    assert leaves_out(case, one_more)
    assert not take_in_lineage(case, one_more)
    assert len(case.uses) == MOST_USES
    assert take_in_lineage(case, msgspec.structs.replace(named[7], version=2, use=None)), "who names it no longer makes room"
    assert take_in_lineage(case, one_more)


def test_a_case_with_lineage_is_stored_and_read_back_whole() -> None:
    report = judged(*chain(2, extraction={"zone": "Berbérati", "produced_on": "2016-01-02"}), export(), arrival())
    for case in report.cases.values():
        assert unpack_case(pack_case(case)) == case


def test_the_fewest_hops_count_and_too_many_do_not() -> None:
    near, far = Extraction("A"), Approval("KIND", "r")
    found = least_hops([("CF", near, 3), ("CF", near, 2), ("CI", near, MOST_HOPS + 1), ("CF", far, MOST_HOPS)])
    assert found == {("CF", near): 2, ("CF", far): MOST_HOPS}


def _network() -> list[Event]:
    """Mines, hubs, mixed parcels, a circle, corrections: all of lineage in small."""
    mines = [
        issue(f"CF{index:06d}", "CF", "2016-03-01", destination="AE", extraction={"zone": zone})
        for index, zone in enumerate(("Bria", "Nola"))
    ]
    came = [arrival("2016-03-10T00:00:00Z", "AE", f"CF{index:06d}", f"SH-{index}", carats="90.00") for index in range(2)]
    stated = {"origins": ["CF"], "destination": "AE"}
    hubs = [
        issue("AE000001", "AE", "2016-04-01", source_certificates=["CF000000"], carats="95.00", **stated),
        issue("AE000002", "AE", "2016-04-01", source_certificates=["CF000001", "AE000001"], **stated),
        issue("AE000003", "AE", "2016-04-01", source_certificates=["AE000002", "AE000004"], value_usd="900000.00", **stated),
        issue("AE000004", "AE", "2016-04-01", source_certificates=["AE000003"], **{**stated, "destination": "CF"}),
        issue("AE000005", "AE", "2016-04-01", source_certificates=["CF000000"], carats="10.00", **stated),
    ]
    corrected = {**hubs[0], "event_id": "corrected", "carats": "80.00"}
    return [*mines, *came, *hubs, withdrawal(hubs[0], "2016-05-01T00:00:00Z"), corrected, withdrawal(mines[1], "2016-05-02T00:00:00Z")]


NETWORK = _network()


@settings(max_examples=60, deadline=None)
@given(st.permutations(NETWORK), st.lists(st.sampled_from(NETWORK), max_size=4))
def test_the_open_alerts_and_what_cases_know_are_the_same_in_any_order_with_any_repeats(order: list[Event], repeats: list[Event]) -> None:
    expected, found = judged(*NETWORK), judged(*order, *repeats)
    assert {alert.alert_id for alert in found.open_alerts} == {alert.alert_id for alert in expected.open_alerts}
    assert {alert.message for alert in found.open_alerts} == {alert.message for alert in expected.open_alerts}
    for number, case in expected.cases.items():
        other = found.cases[number]
        assert [(each.number, each.description) for each in other.sources] == [(each.number, each.description) for each in case.sources]
        assert [(each.number, each.use) for each in other.uses] == [(each.number, each.use) for each in case.uses]


def test_what_can_not_be_a_number_is_told_nothing() -> None:
    report = judged(issue("AE000001", "AE", "2016-03-01", source_certificates=[" - ", "ß" * 40, "BW000001"]))
    assert [each.number for each in report.cases["AE000001"].named] == ["BW000001"]
    assert report.cases.keys() == {"AE000001", "BW000001"}
