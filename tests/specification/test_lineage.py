"""Where the stones came in: sources named or not, known or not, their weight, origins, value and way, and what a re-export inherits."""

from typing import Any

import pytest

from kimberley.rules.catalogue import CATALOGUE
from support.specified import Story, complete, corrected, goods, lawful, opened, quiet, resolved, states, undetermined, verdict
from support.stories import Event, arrival, confirmation, export, invalidation, issue, judge, withdrawal


def _written(rule: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(rule not in CATALOGUE, reason=f"{rule} is not written yet")


inherits = pytest.mark.skipif("weight-growth" not in CATALOGUE, reason="what a re-export inherits is not written yet")

ON = "2024-03-10"
"""When the re-exports below are issued: three days after their sources arrived."""


def _source(number: str = "BW000001", carats: str = "100.00", value: str = "20000.00", **fields: Any) -> list[Event]:
    """A lawful journey into the Emirates, from its number's prefix."""
    return complete(number, number[:2], "AE", **{**goods(carats, value), **fields})


def _reexport(carats: str = "100.00", value: str = "20000.00", number: str = "AE000001", **fields: Any) -> Event:
    stated: dict[str, Any] = {"destination": "IN", "origins": ["BW"], "source_certificates": ["BW000001"], "on": ON, **fields}
    return issue(number, number[:2], **{**goods(carats, value), **stated})


def _quiet(rule: str, story: Story, number: str = "AE000001", clock: str | None = None) -> None:
    """The rule says nothing, neither of a certificate nor of a missing fact."""
    options = () if clock is None else ("--as-of", clock)
    assert rule not in judge(*story, options=options).rules
    assert verdict(rule, story, number=number, clock=clock) == "quiet"


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
        ([_source()], {}),
        ([_source()], {"carats": "60.00", "value": "12000.00"}),
        ([_source(), _source("ZA000001")], {"carats": "200.00", "value": "40000.00", "mixed_origin": True, "origins": ["BW", "ZA"]}),
        ([_source(), _source("BW000002")], {"carats": "180.00", "value": "36000.00"}),
    ],
)
def test_lawful_goods_stay_lawful_on_the_way(sources: list[list[Event]], fields: dict[str, Any]) -> None:
    named = [journey[0]["certificate_number"] for journey in sources]
    story = [each for journey in sources for each in journey]
    lawful([*story, _reexport(**{**fields, "source_certificates": named})], clock="2024-03-14T00:00:00Z")


# source-unknown

LATER = "2024-03-13T09:00:01Z"
"""A second after three times 24 hours from the re-export's issue."""


@_written("source-unknown")
@pytest.mark.parametrize(
    "story",
    [
        [],
        _source()[1:],  # never issued
        _source()[:2],  # never arrived
        [*_source()[:2], arrival(authority="IN")],  # arrived elsewhere
        [*_source(), invalidation("2024-03-10T08:59:59Z")],
        [*_source()[:1], invalidation("2024-03-05T09:00:00Z"), *_source()[1:]],
    ],
    ids=["nothing", "not-issued", "not-arrived", "elsewhere", "void", "void-before-arrival"],
)
def test_a_source_that_is_not_known_in_three_days_is_held(story: list[Event]) -> None:
    told = [*story, _reexport()]
    assert "source-unknown" not in judge(*told, options=("--as-of", "2024-03-13T09:00:00Z")).rules
    alert = opened("source-unknown", told, subject="BW000001", clock=LATER)
    assert alert["certificate_number"] == "AE000001"
    assert "BW000001" in alert["message"]


@_written("source-unknown")
@pytest.mark.parametrize(
    "story",
    [
        _source(),
        [*_source(), invalidation("2024-03-10T09:00:00Z")],  # not before this issue
        [*_source(), invalidation("2024-03-11T09:00:00Z")],
    ],
    ids=["known", "void-at-that-instant", "void-after"],
)
def test_a_source_that_was_issued_and_arrived_here_is_not(story: list[Event]) -> None:
    _quiet("source-unknown", [*story, _reexport()], clock="2024-06-01T00:00:00Z")


@_written("source-unknown")
def test_a_source_arrived_here_if_any_authority_of_the_participant_says_so() -> None:
    came = [issue("BW000001"), export(), arrival(authority="NL")]
    sources: dict[str, Any] = {"origins": ["BW"], "source_certificates": ["BW000001"]}
    onward = issue("EU00000001", "BE", ON, destination="IN", expires_on="2024-05-01", **sources)
    _quiet("source-unknown", [*came, onward], number="EU00000001", clock=LATER)
    british = issue("GB000001", "GB", "2021-03-10", destination="IN", origins=["BW"], source_certificates=["BW000001"])
    then = [issue(on="2020-12-01"), arrival("2020-12-20T12:00:00Z", "GB"), british]
    _quiet("source-unknown", then, number="GB000001", clock="2021-04-01T00:00:00Z")  # the code is equal


@_written("source-unknown")
def test_each_unknown_source_is_a_subject_and_what_comes_late_resolves() -> None:
    story = [*_source(), _reexport(source_certificates=["BW000001", "BW000002", "bw-000 003"])]
    opened("source-unknown", story, subject="BW000002", clock=LATER)
    opened("source-unknown", story, subject="BW000003", clock=LATER)
    known = [_reexport(), *_source()]
    resolved("source-unknown", [_reexport(), issue("ZA000009", "ZA", "2024-03-14"), *_source()])
    _quiet("source-unknown", known, clock=LATER)


@_written("source-unknown")
def test_no_source_is_nothing_to_judge_and_a_withdrawn_source_is_unknown() -> None:
    _quiet("source-unknown", [_reexport(source_certificates=[])], clock="2024-06-01T00:00:00Z")
    source = _source()
    opened("source-unknown", [*source, _reexport(), withdrawal(source[0])], subject="BW000001")


# weight-growth


@_written("weight-growth")
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
    source = _source()
    source[2]["carats"] = arrived
    story = [*source, _reexport(carats)]
    if grown:
        opened("weight-growth", story, amounts=[carats, arrived or "100"])
    else:
        _quiet("weight-growth", story)


@_written("weight-growth")
def test_a_small_parcel_has_the_absolute_tolerance_and_sources_add_up() -> None:
    small = _source(carats="10.00", value="2000.00")
    _quiet("weight-growth", [*small, _reexport("10.05")])
    opened("weight-growth", [*small, _reexport("10.051")], amounts=["10.051", "10"])
    two = [*_source(), *_source("BW000002", "50.00", "10000.00")]
    named: dict[str, Any] = {"source_certificates": ["BW000001", "BW000002"]}
    _quiet("weight-growth", [*two, _reexport("150.15", **named)])
    opened("weight-growth", [*two, _reexport("150.151", **named)], amounts=["150.151", "150"])
    twice: dict[str, Any] = {"source_certificates": ["BW000001", "bw-000001"]}
    opened("weight-growth", [*_source(), _reexport("150.00", **twice)])


@_written("weight-growth")
def test_the_earliest_arrival_that_reports_a_weight_counts() -> None:
    story = [*_source()[:2], arrival(authority="AE", carats=None), arrival("2024-03-08T12:00:00Z", "AE", carats="90.00")]
    late = arrival("2024-03-09T12:00:00Z", "AE", carats="100.00")
    for order in ([*story, late], [late, *story]):
        opened("weight-growth", [*order, _reexport("95.00")], amounts=["95", "90"])


@_written("weight-growth")
def test_unless_all_sources_are_known_the_weight_proves_nothing() -> None:
    story = [*_source(), _reexport("500.00", source_certificates=["BW000001", "BW000009"])]
    assert "weight-growth" not in judge(*story).rules
    assert "weight-growth" not in judge(_reexport("500.00", source_certificates=[])).rules
    opened("weight-growth", [*story, issue("BW000009")])
    unweighed = {**_reexport(), "carats": None, "parcels": []}
    assert verdict("weight-growth", [*_source(), unweighed], number="AE000001") == "undetermined"


@_written("weight-growth")
def test_a_corrected_weight_of_either_resolves() -> None:
    resolved("weight-growth", [*_source(), *corrected(_reexport("1000.00"), _reexport("100.00"))])
    light = _source()
    light[2]["carats"] = "10.00"
    resolved("weight-growth", [*light, _reexport(), withdrawal(light[2]), arrival(authority="AE", shipment="SH-BW000001")])


# source-overdrawn


def _two(first: str, second: str, **fields: Any) -> list[Event]:
    return [_reexport(first, number="AE000001"), _reexport(second, number="AE000002", **fields)]


@_written("source-overdrawn")
@pytest.mark.parametrize(("second", "overdrawn"), [("40.100", False), ("40.101", True), ("40.000", False)])
def test_one_source_gives_no_more_than_it_had(second: str, overdrawn: bool) -> None:
    story = [*_source(), *_two("60.00", second)]
    for order in (story, story[::-1]):
        if overdrawn:
            alert = opened("source-overdrawn", order, amounts=["100.101", "100"])
            assert alert["certificate_number"] == "BW000001"
        else:
            _quiet("source-overdrawn", order, number="BW000001")


@_written("source-overdrawn")
def test_what_arrived_counts_and_not_what_was_certified() -> None:
    source = _source()
    source[2]["carats"] = "99.00"
    _quiet("source-overdrawn", [*source, *_two("59.00", "40.099")], number="BW000001")
    opened("source-overdrawn", [*source, *_two("59.00", "40.100")], amounts=["99.1", "99"])


@_written("source-overdrawn")
def test_only_certificates_with_that_only_source_add_up() -> None:
    blend = _two("90.00", "90.00", source_certificates=["BW000001", "BW000002"])
    _quiet("source-overdrawn", [*_source(), *_source("BW000002"), *blend], number="BW000001")
    repeated = _two("90.00", "90.00", source_certificates=["BW000001", "bw-000001"])
    opened("source-overdrawn", [*_source(), *repeated])


@_written("source-overdrawn")
def test_a_certificate_that_was_voided_before_any_export_uses_nothing_up() -> None:
    story = [*_source(), *_two("60.00", "60.00")]
    void = invalidation("2024-03-12T12:00:00Z", "AE", "AE000001")
    opened("source-overdrawn", story)
    resolved("source-overdrawn", [*story, void])
    left: dict[str, Any] = {"authority": "AE", "number": "AE000001", "destination": "IN", "carats": "60.00"}
    opened("source-overdrawn", [*story, export("2024-03-12T11:59:59Z", **left), void])
    late = [*story, export("2024-03-12T12:00:01Z", **left), void]
    _quiet("source-overdrawn", late, number="BW000001")


@_written("source-overdrawn")
def test_withdrawing_one_of_the_two_resolves() -> None:
    story = [*_source(), *_two("60.00", "60.00")]
    resolved("source-overdrawn", [*story, withdrawal(story[-1])])
    assert states([*story, withdrawal(story[-1])], clock="2024-03-21T00:00:00Z") == states(story[:-1], clock="2024-03-21T00:00:00Z")


# origin-laundered and origin-dropped


@_written("origin-laundered")
def test_an_origin_that_no_source_has_is_laundered() -> None:
    alert = opened("origin-laundered", [*_source("RU000001", value="9000.00"), _reexport(source_certificates=["RU000001"])])
    assert "BW" in alert["message"] or "Botswana" in alert["message"]
    mixed = _reexport(mixed_origin=True, origins=["BW", "ZA"])
    opened("origin-laundered", [*_source(), mixed])


@_written("origin-laundered")
@pytest.mark.parametrize(
    ("fields", "reexport"),
    [
        ({}, {}),
        ({}, {"mixed_origin": True, "origins": []}),  # states none: nothing is in none of them
        ({"mixed_origin": True, "origins": ["BW", "ZA"]}, {}),
        ({"origins": []}, {}),  # a source that states no origins
        ({"mixed_origin": True, "origins": []}, {"origins": ["ZA"]}),
    ],
    ids=["same", "undisclosed", "one-of-two", "not-stated", "undisclosed-source"],
)
def test_an_origin_of_a_source_or_a_source_that_states_none_is_not(fields: dict[str, Any], reexport: dict[str, Any]) -> None:
    assert "origin-laundered" not in judge(*_source(**fields), _reexport(**reexport)).rules


@_written("origin-laundered")
def test_unless_all_sources_are_known_nothing_is_laundered() -> None:
    story = [*_source(), _reexport(origins=["ZA"], source_certificates=["BW000001", "ZA000009"])]
    assert "origin-laundered" not in judge(*story).rules
    opened("origin-laundered", [*story, issue("ZA000009", "ZA", origins=["CD"])])
    resolved("origin-laundered", [*_source(), *corrected(_reexport(origins=["ZA"]), _reexport())])


def _with_russian(carats: str, **fields: Any) -> list[Event]:
    """A source of 100 carats from Botswana and one of 100 from Russia; the re-export names Botswana alone."""
    stated: dict[str, Any] = {"destination": "EU", "source_certificates": ["BW000001", "RU000001"], **fields}
    return [*_source(), *_source("RU000001", value="9000.00"), _reexport(carats, **stated)]


@_written("origin-laundered")
@pytest.mark.parametrize(("carats", "rule"), [("100.001", "origin-laundered"), ("150.00", "origin-laundered")])
def test_more_weight_than_the_other_sources_had_proves_the_banned_one(carats: str, rule: str) -> None:
    judged = judge(*_with_russian(carats))
    opened(rule, _with_russian(carats), amounts=[carats, "100"])
    assert "origin-dropped" not in judged.rules


@_written("origin-dropped")
@pytest.mark.parametrize("carats", ["100.000", "40.00"])
def test_a_weight_that_the_others_could_give_is_reviewed_only(carats: str) -> None:
    opened("origin-dropped", _with_russian(carats))
    assert "origin-laundered" not in judge(*_with_russian(carats)).rules


DROPPED = pytest.mark.parametrize(
    ("fields", "stopped"),
    [
        ({}, True),
        ({"destination": "BE"}, True),
        ({"destination": "IN"}, False),
        ({"origins": ["BW", "RU"], "mixed_origin": True}, False),  # named
        ({"origins": [], "mixed_origin": True}, True),
        ({"destination": "US"}, True),  # 7102.31
        ({"destination": "JP"}, False),  # direct only
        ({"destination": "GB", "max_stone_carats": "1.000"}, True),
        ({"destination": "GB", "max_stone_carats": "0.999"}, False),
        ({"destination": "CA", "max_stone_carats": "2.000", "declarations": [{"kind": "GRANDFATHERED", "reference": "G-1"}]}, False),
        ({"destination": "EU", "declarations": [{"kind": "GRANDFATHERED", "reference": "G-1"}]}, True),  # not exempt before 24 June
    ],
    ids=str,
)


@_written("origin-dropped")
@DROPPED
def test_a_source_counts_as_stopped_by_all_conditions_of_its_measure(fields: dict[str, Any], stopped: bool) -> None:
    found = judge(*_with_russian("60.00", **fields)).rules
    assert ("origin-dropped" in found) is stopped
    assert "origin-laundered" not in found
    heavy = judge(*_with_russian("160.00", **fields)).rules
    assert ("origin-laundered" in heavy) is stopped
    assert "origin-dropped" not in heavy


@_written("origin-dropped")
def test_a_source_with_a_lawful_origin_beside_the_banned_one_or_one_that_is_named_is_not_left_unnamed() -> None:
    blend: dict[str, Any] = {"mixed_origin": True, "origins": ["RU", "ZA"]}
    stated: dict[str, Any] = {"destination": "EU", "source_certificates": ["BW000001", "RU000001"]}
    story = [*_source(), *_source("RU000001", value="9000.00", **blend), _reexport("60.00", **stated)]
    assert "origin-dropped" not in judge(*story).rules
    own = [*_source(), *_source("RU000001", value="9000.00", mixed_origin=True, origins=["RU", "BW"]), _reexport("60.00", **stated)]
    assert "origin-dropped" not in judge(*own).rules
    silent = [*_source(), *_source("RU000001", value="9000.00", mixed_origin=True, origins=[]), _reexport("60.00", **stated)]
    assert "origin-dropped" not in judge(*silent).rules


@_written("origin-dropped")
@pytest.mark.parametrize(
    ("origin", "on", "zone", "stopped"),
    [
        ("CF", "2014-03-10", None, True),  # suspended
        ("CF", "2013-05-22", None, False),
        ("CF", "2016-10-10", "Bria", True),  # zones not met
        ("CF", "2016-10-10", "Boda", False),
        ("CF", "2024-11-15", None, False),
        ("CI", "2010-03-10", None, True),  # embargo
        ("LR", "2005-03-10", None, False),  # direct only
    ],
)
def test_suspensions_embargoes_and_zones_stop_as_well(origin: str, on: str, zone: str | None, stopped: bool) -> None:
    extraction = None if zone is None else {"zone": zone}
    days: dict[str, Any] = {"on": on[:8] + "01"}
    bad = issue(f"{origin}000001", origin, destination="AE", extraction=extraction, **days)
    good = issue("BW000001", "BW", destination="AE", **days)
    onward = _reexport("60.00", on=on, source_certificates=["BW000001", f"{origin}000001"])
    found = judge(bad, good, onward).rules
    assert ("origin-dropped" in found) is stopped


@_written("origin-dropped")
def test_a_measure_that_arrives_late_stops_a_source_of_old() -> None:
    ban = {
        "type": "MeasureListed",
        "id": "test-ban",
        "kind": "IMPORT_BAN",
        "imposed_by": "IN",
        "territory": "RU",
        "route": "ANY",
        "valid_from": "2024-01-01",
        "basis": "an act for this test",
        "confidence": "high",
    }
    story = _with_russian("60.00", destination="IN")
    assert "origin-dropped" not in judge(*story).rules
    opened("origin-dropped", [*story, ban])
    assert "origin-dropped" not in judge(*story, {**ban, "route": "DIRECT"}).rules
    assert "origin-dropped" not in judge(*story, {**ban, "valid_from": "2024-03-11"}).rules


@_written("origin-dropped")
def test_naming_the_origin_in_the_correction_resolves() -> None:
    story = _with_russian("60.00")
    right = _reexport("60.00", destination="EU", source_certificates=["BW000001"])
    resolved("origin-dropped", [*story[:-1], *corrected(story[-1], right)])


# value-uplift


@_written("value-uplift")
@pytest.mark.parametrize(("value", "lifted"), [("60000.00", False), ("60000.01", True), ("20000.00", False)])
def test_three_times_the_price_is_enough(value: str, lifted: bool) -> None:
    story = [*_source(), _reexport(value=value)]
    if lifted:
        opened("value-uplift", story)
    else:
        _quiet("value-uplift", story)


@_written("value-uplift")
@pytest.mark.parametrize(
    ("on", "judged"),
    [("2024-03-06", False), ("2024-03-07", True), ("2024-06-05", True), ("2024-06-06", False)],
)
def test_the_days_run_from_the_last_sources_arrival_here(on: str, judged: bool) -> None:
    story = [*_source(), _reexport(value="90000.00", on=on)]
    assert ("value-uplift" in judge(*story).rules) is judged


@_written("value-uplift")
def test_the_last_of_several_arrivals_counts_and_certified_figures_add_up() -> None:
    first, second = _source(), _source("BW000002", carats="300.00", value="180000.00")
    second[2]["occurred_at"] = "2024-05-01T12:00:00Z"
    second[2]["carats"] = "10.00"  # certified figures count here
    named: dict[str, Any] = {"source_certificates": ["BW000001", "BW000002"], "on": "2024-07-30"}
    story = [*first, *second]
    _quiet("value-uplift", [*story, _reexport("100.00", "150000.00", **named)])  # 500 US$/ct of the sources
    opened("value-uplift", [*story, _reexport("100.00", "150000.01", **named)])
    assert "value-uplift" not in judge(*story, _reexport("100.00", "190000.00", **{**named, "on": "2024-07-31"})).rules


@_written("value-uplift")
def test_unknown_sources_and_sources_that_arrived_elsewhere_are_no_uplift() -> None:
    assert "value-uplift" not in judge(_reexport(value="90000.00")).rules
    assert "value-uplift" not in judge(*_source(), _reexport(value="90000.00", source_certificates=["BW000001", "BW000009"])).rules
    elsewhere = [*_source()[:2], arrival(authority="IN"), confirmation(authority="IN")]
    assert "value-uplift" not in judge(*elsewhere, _reexport(value="90000.00")).rules
    resolved("value-uplift", [*_source(), *corrected(_reexport(value="90000.00"), _reexport())])


# round-trip


@_written("round-trip")
def test_stones_that_go_back_to_where_they_came_from_are_noted() -> None:
    opened("round-trip", [*_source(), _reexport(destination="BW")])
    _quiet("round-trip", [*_source(), _reexport()])
    through = [*_source(), _reexport(), issue("IN000001", "IN", "2024-03-20", origins=["BW"], source_certificates=["AE000001"])]
    for destination, noted in (("BW", True), ("AE", True), ("EU", False)):
        story = [*through[:-1], {**through[-1], "destination": destination}]
        assert ("round-trip" in {row["rule_id"] for row in judge(*story).rows if row["certificate_number"] == "IN000001"}) is noted


@_written("round-trip")
def test_three_steps_back_are_too_far_and_participants_compare() -> None:
    chain = [
        *_source(),
        _reexport(),
        issue("IN000001", "IN", "2024-03-20", destination="CN", origins=["BW"], source_certificates=["AE000001"]),
        issue("CN000001", "CN", "2024-03-30", destination="BW", origins=["BW"], source_certificates=["IN000001"]),
    ]
    assert "round-trip" not in {row["rule_id"] for row in judge(*chain).rows if row["certificate_number"] == "CN000001"}
    european = issue("EU00000001", "EU", destination="AE", expires_on="2024-05-01", origins=["BW"], source_certificates=["BW000001"])
    opened("round-trip", [european, _reexport(destination="BE", source_certificates=["EU00000001"])])


@_written("round-trip")
def test_an_unnamed_source_is_no_round_trip_and_another_destination_resolves() -> None:
    _quiet("round-trip", [*_source(), _reexport(destination="BW", source_certificates=[])])
    resolved("round-trip", [*_source(), *corrected(_reexport(destination="BW"), _reexport())])


# What a re-export inherits

TEAM = [{"kind": "KP_MONITORING_TEAM", "reference": "MT-1", "granted_on": "2016-09-26"}]


def _car(number: str = "CF000001", zone: str | None = "Boda", approvals: Any = TEAM, **fields: Any) -> Event:
    extraction = None if zone is None else {"zone": zone, "produced_on": "2016-01-01"}
    stated: dict[str, Any] = {"destination": "AE", "origins": ["CF"], "extraction": extraction, "approvals": approvals, **fields}
    return issue(number, "CF", "2016-10-01", **stated)


def _onward(sources: list[str], number: str = "AE000001", on: str = "2016-10-20", **fields: Any) -> Event:
    return issue(number, number[:2], on, **{"destination": "IN", "origins": ["CF"], "source_certificates": sources, **fields})


@inherits
def test_zone_approval_and_production_come_with_the_source_through_any_number_of_reexports() -> None:
    chain = [
        _car(),
        _onward(["CF000001"]),
        _onward(["AE000001"], "IN000001", "2016-10-25", destination="CN"),
        _onward(["IN000001"], "CN000001", "2016-10-30", destination="AE"),
    ]
    rules = {"zone-not-compliant", "approval-missing", "suspension-stockpile", "conflict-diamond"}
    for length in (2, 3, 4):
        assert not judge(*chain[:length]).rules & rules
        assert not judge(*chain[:length][::-1]).rules & rules


@inherits
@pytest.mark.parametrize(
    ("sources", "held"),
    [
        ([_car(zone="Boda"), _car("CF000002", zone="Nola")], False),
        ([_car(zone="Boda"), _car("CF000002", zone="Bria")], True),  # each must be allowed
        ([_car(zone="Bria")], True),
        ([_car(zone=None)], True),
    ],
    ids=["allowed", "one-not", "not", "nowhere"],
)
def test_of_several_inherited_zones_each_must_be_allowed(sources: list[Event], held: bool) -> None:
    onward = _onward([each["certificate_number"] for each in sources], **goods("150.00", "30000.00"))
    rows = judge(*sources, onward).rows
    found = {row["rule_id"] for row in rows if row["certificate_number"] == "AE000001"}
    assert ("zone-not-compliant" in found) is held
    assert ("conflict-diamond" in found) is held


@inherits
def test_of_inherited_approvals_one_is_enough_and_own_ones_replace_them() -> None:
    def found(*story: Event) -> set[str]:
        return {row["rule_id"] for row in judge(*story).rows if row["certificate_number"] == "AE000001"}

    two = [_car(), _car("CF000002", approvals=None)]
    assert "approval-missing" not in found(*two, _onward(["CF000001", "CF000002"], **goods("150.00", "30000.00")))
    assert "approval-missing" in found(_car(approvals=None), _onward(["CF000001"]))
    other = [{"kind": "FORENSIC_AUDIT", "reference": "F-1", "granted_on": "2016-09-26"}]
    assert "approval-missing" in found(_car(), _onward(["CF000001"], approvals=other))
    late = [{"kind": "KP_MONITORING_TEAM", "reference": "MT-2", "granted_on": "2016-10-21"}]
    assert "approval-missing" in found(_car(), _onward(["CF000001"], approvals=late))
    assert "zone-not-compliant" in found(_car(), _onward(["CF000001"], extraction={"zone": "Bria"}))
    # each is taken by itself: a stated zone does not end the inheritance of approvals
    stated = _onward(["CF000001"], extraction={"zone": "Nola", "produced_on": "2016-01-01"})
    assert not found(_car(), stated) & {"zone-not-compliant", "approval-missing"}


@inherits
def test_nothing_comes_from_sources_that_are_unknown_hold_another_origin_or_state_none() -> None:
    def zones(*story: Event) -> bool:
        return "zone-not-compliant" in {row["rule_id"] for row in judge(*story).rows if row["certificate_number"] == "AE000001"}

    assert zones(_onward(["CF000001"]))
    assert zones(_car(origins=["CD"]), _onward(["CF000001"]))
    assert zones(_car(origins=[], mixed_origin=True), _onward(["CF000001"]))
    assert not zones(_car(), _onward(["CF000001"]))
    mixed: dict[str, Any] = {"origins": ["CF", "CD"], "mixed_origin": True, **goods("150.00", "30000.00")}
    other = issue("CD000001", "CD", "2016-10-01", destination="AE", extraction={"zone": "Bria"})
    assert not zones(_car(), other, _onward(["CF000001", "CD000001"], **mixed))


@inherits
def test_a_source_that_comes_late_resolves_and_its_withdrawal_opens_again() -> None:
    source, onward = _car(), _onward(["CF000001"])
    resolved("zone-not-compliant", [onward, source])
    opened("zone-not-compliant", [onward, source, withdrawal(source, at="2016-11-01T09:00:00Z")], subject="kp-car-compliant-zones")


@inherits
@pytest.mark.parametrize(("produced_on", "barred"), [("2014-03-04", True), ("2016-01-01", False)])
def test_goods_of_the_suspension_stay_barred_on_the_way(produced_on: str, barred: bool) -> None:
    source = _car(extraction={"zone": "Boda", "produced_on": produced_on})
    rows = judge(source, _onward(["CF000001"])).rows
    assert (("AE000001", "suspension-stockpile") in {(row["certificate_number"], row["rule_id"]) for row in rows}) is barred
    audit = [*TEAM, {"kind": "FORENSIC_AUDIT", "reference": "F-1", "granted_on": "2016-09-26"}]
    freed = judge({**source, "approvals": audit}, _onward(["CF000001"])).rules
    assert "suspension-stockpile" not in freed
