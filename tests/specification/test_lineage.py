"""Where the stones came in: sources named or not, known or not, their weight, value and way."""

from typing import Any

import pytest

from support.re_exports import ON, came_in, re_export, silent
from support.specified import corrected, goods, lawful, opened, quiet, resolved, states, undetermined, verdict
from support.stories import Event, arrival, confirmation, export, invalidation, issue, judge, withdrawal

# source-missing


@pytest.mark.parametrize(
    ("number", "fields", "expected"),
    [
        ("BW000001", {}, "quiet"),
        ("BW000001", {"origins": ["ZA"]}, "violation"),
        ("AE000001", {"origins": ["BW"]}, "violation"),
        ("AE000001", {"origins": ["BW"], "source_certificates": ["BW000001"]}, "quiet"),
        ("BW000001", {"mixed_origin": True, "origins": []}, "violation"),
        ("BW000001", {"mixed_origin": True, "origins": ["BW", "ZA"]}, "violation"),
        ("BW000001", {"mixed_origin": True, "origins": [], "source_certificates": ["ZA000001"]}, "quiet"),
        ("BW000001", {"origins": []}, "quiet"),
        ("BW000001", {"mixed_origin": None}, "undetermined"),
        ("BW000001", {"mixed_origin": None, "origins": ["ZA"]}, "violation"),
    ],
)
def test_goods_from_elsewhere_name_their_sources(number: str, fields: dict[str, Any], expected: str) -> None:
    story = [issue(number, number[:2], **fields)]
    if expected == "violation":
        opened("source-missing", story)
    else:
        {"quiet": quiet, "undetermined": undetermined}[expected]("source-missing", story)


def test_a_parcels_origin_is_stated_too_and_sources_in_the_correction_resolve() -> None:
    opened("source-missing", [issue(origins=[], **goods("100.00", "20000.00", origins=["ZA"]))])
    wrong, right = issue(origins=["ZA"]), issue(origins=["ZA"], source_certificates=["ZA000001"])
    resolved("source-missing", corrected(wrong, right))
    quiet("source-missing", [export()])


# A lawful re-export


@pytest.mark.parametrize(
    ("sources", "fields"),
    [
        ([came_in()], {}),
        ([came_in()], {"carats": "60.00", "value": "12000.00"}),
        ([came_in(), came_in("ZA000001")], {"carats": "200.00", "value": "40000.00", "mixed_origin": True, "origins": ["BW", "ZA"]}),
        ([came_in(), came_in("BW000002")], {"carats": "180.00", "value": "36000.00"}),
    ],
)
def test_lawful_goods_stay_lawful_on_the_way(sources: list[list[Event]], fields: dict[str, Any]) -> None:
    named = [journey[0]["certificate_number"] for journey in sources]
    story = [each for journey in sources for each in journey]
    lawful([*story, re_export(**{**fields, "source_certificates": named})], clock="2024-03-14T00:00:00Z")


# source-unknown

LATER = "2024-03-13T09:00:01Z"
"""A second after three times 24 hours from the re-export's issue."""


@pytest.mark.parametrize(
    "story",
    [
        [],
        came_in()[1:],  # never issued
        came_in()[:2],  # never arrived
        [*came_in()[:2], arrival(authority="IN")],  # arrived elsewhere
        [*came_in(), invalidation("2024-03-10T08:59:59Z")],
        [*came_in()[:1], invalidation("2024-03-05T09:00:00Z"), *came_in()[1:]],
    ],
    ids=["nothing", "not-issued", "not-arrived", "elsewhere", "void", "void-before-arrival"],
)
def test_a_source_that_is_not_known_in_three_days_is_held(story: list[Event]) -> None:
    told = [*story, re_export()]
    assert "source-unknown" not in judge(*told, options=("--as-of", "2024-03-13T09:00:00Z")).rules
    alert = opened("source-unknown", told, subject="BW000001", clock=LATER)
    assert alert["certificate_number"] == "AE000001"
    assert "BW000001" in alert["message"]


@pytest.mark.parametrize(
    "story",
    [
        came_in(),
        [*came_in(), invalidation("2024-03-10T09:00:00Z")],  # not before this issue
        [*came_in(), invalidation("2024-03-11T09:00:00Z")],
    ],
    ids=["known", "void-at-that-instant", "void-after"],
)
def test_a_source_that_was_issued_and_arrived_here_is_not(story: list[Event]) -> None:
    silent("source-unknown", [*story, re_export()], clock="2024-06-01T00:00:00Z")


def test_a_source_arrived_here_if_any_authority_of_the_participant_says_so() -> None:
    came = [issue("BW000001"), export(), arrival(authority="NL")]
    sources: dict[str, Any] = {"origins": ["BW"], "source_certificates": ["BW000001"]}
    onward = issue("EU00000001", "BE", ON, destination="IN", expires_on="2024-05-01", **sources)
    silent("source-unknown", [*came, onward], number="EU00000001", clock=LATER)
    british = issue("GB000001", "GB", "2021-03-10", destination="IN", origins=["BW"], source_certificates=["BW000001"])
    then = [issue(on="2020-12-01"), arrival("2020-12-20T12:00:00Z", "GB"), british]
    silent("source-unknown", then, number="GB000001", clock="2021-04-01T00:00:00Z")  # the code is equal


def test_each_unknown_source_is_a_subject_and_what_comes_late_resolves() -> None:
    story = [*came_in(), re_export(source_certificates=["BW000001", "BW000002", "bw-000 003"])]
    opened("source-unknown", story, subject="BW000002", clock=LATER)
    opened("source-unknown", story, subject="BW000003", clock=LATER)
    known = [re_export(), *came_in()]
    resolved("source-unknown", [re_export(), issue("ZA000009", "ZA", "2024-03-14"), *came_in()])
    silent("source-unknown", known, clock=LATER)


def test_no_source_is_nothing_to_judge_and_a_withdrawn_source_is_unknown() -> None:
    silent("source-unknown", [re_export(source_certificates=[])], clock="2024-06-01T00:00:00Z")
    source = came_in()
    opened("source-unknown", [*source, re_export(), withdrawal(source[0])], subject="BW000001")


# weight-growth


@pytest.mark.parametrize(
    ("arrived", "carats", "grown"),
    [
        ("100.00", "100.100", False),
        ("100.00", "100.101", True),
        ("99.00", "99.099", False),  # what arrived, not what was certified
        ("99.00", "99.100", True),
        (None, "100.100", False),  # no weight reported: as certified
        (None, "100.101", True),
        ("100.00", "50.000", False),
    ],
)
def test_cutting_and_sorting_only_lose_weight(arrived: str | None, carats: str, grown: bool) -> None:
    source = came_in()
    source[2]["carats"] = arrived
    story = [*source, re_export(carats)]
    if grown:
        opened("weight-growth", story, amounts=[carats, arrived or "100"])
    else:
        silent("weight-growth", story)


def test_a_small_parcel_has_the_absolute_tolerance_and_sources_add_up() -> None:
    small = came_in(carats="10.00", value="2000.00")
    silent("weight-growth", [*small, re_export("10.05")])
    opened("weight-growth", [*small, re_export("10.051")], amounts=["10.051", "10"])
    two = [*came_in(), *came_in("BW000002", "50.00", "10000.00")]
    named: dict[str, Any] = {"source_certificates": ["BW000001", "BW000002"]}
    silent("weight-growth", [*two, re_export("150.15", **named)])
    opened("weight-growth", [*two, re_export("150.151", **named)], amounts=["150.151", "150"])
    twice: dict[str, Any] = {"source_certificates": ["BW000001", "bw-000001"]}
    opened("weight-growth", [*came_in(), re_export("150.00", **twice)])


def test_the_earliest_arrival_that_reports_a_weight_counts() -> None:
    story = [*came_in()[:2], arrival(authority="AE", carats=None), arrival("2024-03-08T12:00:00Z", "AE", carats="90.00")]
    late = arrival("2024-03-09T12:00:00Z", "AE", carats="100.00")
    for order in ([*story, late], [late, *story]):
        opened("weight-growth", [*order, re_export("95.00")], amounts=["95", "90"])


def test_unless_all_sources_are_known_the_weight_proves_nothing() -> None:
    story = [*came_in(), re_export("500.00", source_certificates=["BW000001", "BW000009"])]
    assert "weight-growth" not in judge(*story).rules
    assert "weight-growth" not in judge(re_export("500.00", source_certificates=[])).rules
    opened("weight-growth", [*story, issue("BW000009")])
    unweighed = {**re_export(), "carats": None, "parcels": []}
    assert verdict("weight-growth", [*came_in(), unweighed], number="AE000001") == "undetermined"


def test_a_corrected_weight_of_either_resolves() -> None:
    resolved("weight-growth", [*came_in(), *corrected(re_export("1000.00"), re_export("100.00"))])
    light = came_in()
    light[2]["carats"] = "10.00"
    resolved("weight-growth", [*light, re_export(), withdrawal(light[2]), arrival(authority="AE", shipment="SH-BW000001")])


# source-overdrawn


def _two(first: str, second: str, **fields: Any) -> list[Event]:
    return [re_export(first, number="AE000001"), re_export(second, number="AE000002", **fields)]


@pytest.mark.parametrize(("second", "overdrawn"), [("40.100", False), ("40.101", True), ("40.000", False)])
def test_one_source_gives_no_more_than_it_had(second: str, overdrawn: bool) -> None:
    story = [*came_in(), *_two("60.00", second)]
    for order in (story, story[::-1]):
        if overdrawn:
            alert = opened("source-overdrawn", order, amounts=["100.101", "100"])
            assert alert["certificate_number"] == "BW000001"
        else:
            silent("source-overdrawn", order, number="BW000001")


def test_what_arrived_counts_and_not_what_was_certified() -> None:
    source = came_in()
    source[2]["carats"] = "99.00"
    silent("source-overdrawn", [*source, *_two("59.00", "40.099")], number="BW000001")
    opened("source-overdrawn", [*source, *_two("59.00", "40.100")], amounts=["99.1", "99"])


def test_only_certificates_with_that_only_source_add_up() -> None:
    blend = _two("90.00", "90.00", source_certificates=["BW000001", "BW000002"])
    silent("source-overdrawn", [*came_in(), *came_in("BW000002"), *blend], number="BW000001")
    repeated = _two("90.00", "90.00", source_certificates=["BW000001", "bw-000001"])
    opened("source-overdrawn", [*came_in(), *repeated])


def test_a_certificate_that_was_voided_before_any_export_uses_nothing_up() -> None:
    story = [*came_in(), *_two("60.00", "60.00")]
    void = invalidation("2024-03-12T12:00:00Z", "AE", "AE000001")
    opened("source-overdrawn", story)
    resolved("source-overdrawn", [*story, void])
    left: dict[str, Any] = {"authority": "AE", "number": "AE000001", "destination": "IN", "carats": "60.00"}
    opened("source-overdrawn", [*story, export("2024-03-12T11:59:59Z", **left), void])
    late = [*story, export("2024-03-12T12:00:01Z", **left), void]
    silent("source-overdrawn", late, number="BW000001")


def test_withdrawing_one_of_the_two_resolves() -> None:
    story = [*came_in(), *_two("60.00", "60.00")]
    resolved("source-overdrawn", [*story, withdrawal(story[-1])])
    assert states([*story, withdrawal(story[-1])], clock="2024-03-21T00:00:00Z") == states(story[:-1], clock="2024-03-21T00:00:00Z")


# value-uplift


@pytest.mark.parametrize(("value", "lifted"), [("60000.00", False), ("60000.01", True), ("20000.00", False)])
def test_three_times_the_price_is_enough(value: str, lifted: bool) -> None:
    story = [*came_in(), re_export(value=value)]
    if lifted:
        opened("value-uplift", story)
    else:
        silent("value-uplift", story)


@pytest.mark.parametrize(
    ("on", "judged"),
    [("2024-03-06", False), ("2024-03-07", True), ("2024-06-05", True), ("2024-06-06", False)],
)
def test_the_days_run_from_the_last_sources_arrival_here(on: str, judged: bool) -> None:
    story = [*came_in(), re_export(value="90000.00", on=on)]
    assert ("value-uplift" in judge(*story).rules) is judged


def test_the_last_of_several_arrivals_counts_and_certified_figures_add_up() -> None:
    first, second = came_in(), came_in("BW000002", carats="300.00", value="180000.00")
    second[2]["occurred_at"] = "2024-05-01T12:00:00Z"
    second[2]["carats"] = "10.00"  # certified figures count here
    named: dict[str, Any] = {"source_certificates": ["BW000001", "BW000002"], "on": "2024-07-30"}
    story = [*first, *second]
    silent("value-uplift", [*story, re_export("100.00", "150000.00", **named)])  # 500 US$/ct of the sources
    opened("value-uplift", [*story, re_export("100.00", "150000.01", **named)])
    assert "value-uplift" not in judge(*story, re_export("100.00", "190000.00", **{**named, "on": "2024-07-31"})).rules


def test_unknown_sources_and_sources_that_arrived_elsewhere_are_no_uplift() -> None:
    assert "value-uplift" not in judge(re_export(value="90000.00")).rules
    assert "value-uplift" not in judge(*came_in(), re_export(value="90000.00", source_certificates=["BW000001", "BW000009"])).rules
    elsewhere = [*came_in()[:2], arrival(authority="IN"), confirmation(authority="IN")]
    assert "value-uplift" not in judge(*elsewhere, re_export(value="90000.00")).rules
    resolved("value-uplift", [*came_in(), *corrected(re_export(value="90000.00"), re_export())])


# round-trip


def test_stones_that_go_back_to_where_they_came_from_are_noted() -> None:
    opened("round-trip", [*came_in(), re_export(destination="BW")])
    silent("round-trip", [*came_in(), re_export()])
    through = [*came_in(), re_export(), issue("IN000001", "IN", "2024-03-20", origins=["BW"], source_certificates=["AE000001"])]
    for destination, noted in (("BW", True), ("AE", True), ("EU", False)):
        story = [*through[:-1], {**through[-1], "destination": destination}]
        assert ("round-trip" in {row["rule_id"] for row in judge(*story).rows if row["certificate_number"] == "IN000001"}) is noted


def test_three_steps_back_are_too_far_and_participants_compare() -> None:
    chain = [
        *came_in(),
        re_export(),
        issue("IN000001", "IN", "2024-03-20", destination="CN", origins=["BW"], source_certificates=["AE000001"]),
        issue("CN000001", "CN", "2024-03-30", destination="BW", origins=["BW"], source_certificates=["IN000001"]),
    ]
    assert "round-trip" not in {row["rule_id"] for row in judge(*chain).rows if row["certificate_number"] == "CN000001"}
    european = issue("EU00000001", "EU", destination="AE", expires_on="2024-05-01", origins=["BW"], source_certificates=["BW000001"])
    opened("round-trip", [european, re_export(destination="BE", source_certificates=["EU00000001"])])


def test_an_unnamed_source_is_no_round_trip_and_another_destination_resolves() -> None:
    silent("round-trip", [*came_in(), re_export(destination="BW", source_certificates=[])])
    resolved("round-trip", [*came_in(), *corrected(re_export(destination="BW"), re_export())])
