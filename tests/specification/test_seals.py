"""Seals, shipment by shipment: what was last stated is what is seen, in transit and on arrival."""

from typing import Any

import pytest

from support.specified import corrected, lawful, opened, quiet, resolved, undetermined
from support.stories import Event, arrival, export, issue, transit


@pytest.mark.parametrize(
    ("certified", "exported", "arrived", "held"),
    [
        (["S1"], ["S1"], ["S1"], False),
        (["S1"], ["S1"], ["S2"], True),
        (["S1"], ["S2"], ["S2"], False),  # the export's, not the certificate's
        (["S1"], ["S2"], ["S1"], True),
        (["S1"], None, ["S1"], False),
        (["S1"], None, ["S2"], True),
        (["S1"], [], ["S1"], False),  # an export's empty list states none
        (["S1"], [], ["S2"], True),
        (["S1"], [], [], True),  # looked, and none
        (["S1"], ["S1"], [], True),
        (["S1"], ["S1"], None, False),  # not looked at
        (None, ["S1", "S2"], ["S2", "S1"], False),
        (None, ["S1", "S2"], ["S1", "S2", "S2"], False),
        (None, ["S1", "S2"], ["S1"], True),
        (None, ["S1"], ["S1", "S2"], True),
        (None, ["s 1"], ["S1 "], False),
    ],
)
def test_seals_seen_on_arrival_are_the_last_stated_ones(certified: Any, exported: Any, arrived: Any, held: bool) -> None:
    story = [issue(seal_numbers=certified), export(seal_numbers=exported), arrival(seal_numbers=arrived)]
    if held:
        alert = opened("seal-mismatch", story, subject="SH-1")
        assert alert["shipment_id"] == "SH-1"
    else:
        quiet("seal-mismatch", story)
        lawful(story)


@pytest.mark.parametrize(("certified", "exported"), [(None, None), (None, []), ([], []), ([], None)])
@pytest.mark.parametrize("seen", [["S1"], []])
def test_seals_that_were_never_stated_are_undetermined(certified: Any, exported: Any, seen: list[str]) -> None:
    undetermined("seal-mismatch", [issue(seal_numbers=certified), export(seal_numbers=exported), arrival(seal_numbers=seen)])


@pytest.mark.parametrize(
    ("passed", "arrived", "held"),
    [
        ({"seal_numbers": ["S1"]}, ["S1"], False),
        ({"seal_numbers": ["S2"]}, ["S1"], True),
        ({"seal_numbers": []}, ["S1"], True),
        ({"seal_numbers": None}, ["S1"], False),
        ({"opened": False}, ["S1"], False),
        ({"opened": True}, ["S1"], True),
        ({"opened": True}, None, True),
        ({"opened": True, "new_seal_numbers": ["S9"]}, ["S9"], True),
        ({"new_seal_numbers": ["S9"]}, ["S9"], False),  # resealing alone is no opening
        ({"new_seal_numbers": ["S9"]}, ["S1"], True),
        ({"seal_numbers": ["S1"], "new_seal_numbers": ["S9"]}, ["S9"], False),
        ({"seal_numbers": ["S9"], "new_seal_numbers": ["S9"]}, ["S9"], True),  # what was seen before the resealing is compared too
    ],
    ids=str,
)
def test_a_transit_is_looked_at_and_may_reseal(passed: dict[str, Any], arrived: Any, held: bool) -> None:
    story = [issue(), export(seal_numbers=["S1"]), transit(**passed), arrival(seal_numbers=arrived)]
    for order in (story, story[::-1], [story[2], story[0], story[3], story[1]]):
        if held:
            opened("seal-mismatch", order, subject="SH-1")
        else:
            quiet("seal-mismatch", order)


def test_transits_are_followed_by_their_instants() -> None:
    first = transit("2024-03-06T10:00:00Z", new_seal_numbers=["S2"])
    second = transit("2024-03-06T13:30:00+02:00", "MZ", seal_numbers=["S2"], new_seal_numbers=["S3"])
    for order in ([first, second], [second, first]):
        quiet("seal-mismatch", [issue(), export(seal_numbers=["S1"]), *order, arrival(seal_numbers=["S3"])])
        opened("seal-mismatch", [issue(), export(seal_numbers=["S1"]), *order, arrival(seal_numbers=["S2"])], subject="SH-1")


def test_an_empty_resealing_states_none_and_leaves_what_was_stated() -> None:
    quiet("seal-mismatch", [issue(), export(seal_numbers=["S1"]), transit(new_seal_numbers=[]), arrival(seal_numbers=None)])


def test_the_resealing_of_an_arrival_counts_for_what_is_seen_after_it() -> None:
    first = arrival("2024-03-07T12:00:00Z", seal_numbers=["S1"], new_seal_numbers=["S2"])
    quiet("seal-mismatch", [issue(), export(seal_numbers=["S1"]), first, arrival("2024-03-08T12:00:00Z", "BE", seal_numbers=["S2"])])
    again = arrival("2024-03-08T12:00:00Z", "BE", seal_numbers=["S1"])
    opened("seal-mismatch", [issue(), export(seal_numbers=["S1"]), first, again], subject="SH-1")


def test_each_shipment_has_its_own_seals_and_one_without_an_export_the_certificates() -> None:
    story = [issue(seal_numbers=["S1"]), export(seal_numbers=["S2"])]
    quiet("seal-mismatch", [*story, arrival(seal_numbers=["S2"]), arrival("2024-03-08T12:00:00Z", shipment="SH-2", seal_numbers=["S1"])])
    wrong = [*story, arrival(seal_numbers=["S1"]), arrival("2024-03-08T12:00:00Z", shipment="SH-2", seal_numbers=["S2"])]
    opened("seal-mismatch", wrong, subject="SH-1")
    opened("seal-mismatch", wrong, subject="SH-2")
    elsewhere = transit(shipment="SH-2", new_seal_numbers=["S9"])
    quiet("seal-mismatch", [*story, elsewhere, arrival(seal_numbers=["S2"])])


def test_nothing_looked_at_is_not_applicable_and_a_corrected_seal_resolves() -> None:
    quiet("seal-mismatch", [issue(seal_numbers=["S1"]), export(seal_numbers=["S1"])])
    quiet("seal-mismatch", [issue()])
    right: list[Event] = [issue(seal_numbers=["S1"]), export()]
    resolved("seal-mismatch", [*right, *corrected(arrival(seal_numbers=["S7"]), arrival(seal_numbers=["S1"]))])
    resolved("seal-mismatch", [*right, arrival(seal_numbers=["S7"]), transit(new_seal_numbers=["S7"])])
