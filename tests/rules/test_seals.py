"""Seals, by the catalogue: what is seen in transit and on arrival is what was last stated for the shipment, and nobody opened it."""

from itertools import permutations
from typing import Any

import pytest

from support.messages import says_day
from support.stories import Event, arrival, event, export, issue, judge, outcomes, transit, withdrawal

SEALS = "seal-mismatch"


def sealed(*seals: str) -> dict[str, Any]:
    """Seal numbers as a field."""
    return {"seal_numbers": list(seals)}


def mismatched(*story: Event) -> bool:
    """Whether a story's seals are at fault."""
    return SEALS in judge(*story).rules


def undetermined(*story: Event) -> bool:
    """Whether nothing can be said of a story's seals."""
    return outcomes(*story).get(SEALS) == "undetermined"


# What is seen is what was stated


def test_another_seal_on_arrival_is_held() -> None:
    alert = judge(issue(**sealed("S-1")), export(**sealed("S-1")), arrival(**sealed("S-9"))).one(SEALS)
    assert (alert["severity"], alert["subject"], alert["shipment_id"], alert["basis"]) == ("HOLD", "SH-1", "SH-1", "CORE III(d), IV")
    (fact,) = alert["evidence"]
    assert (fact["field"], fact["value"], fact["expected"]) == ("seal_numbers", "S-9", "S-1")
    for said in ("SH-1", "BW000001", "S-9", "S-1", "the European Union (EU)", "on arrival"):
        assert said in alert["message"]
    assert says_day(alert["message"], "2024-03-07")
    assert alert["participants"] == ["BW", "EU"]


def test_another_seal_in_transit_is_held() -> None:
    alert = judge(issue(), export(**sealed("S-1")), transit(**sealed("S-9")), arrival()).one(SEALS)
    assert "in transit through South Africa (ZA)" in alert["message"]
    assert says_day(alert["message"], "2024-03-06")
    assert alert["participants"] == ["BW", "ZA"]


def test_the_seals_that_were_stated_are_lawful() -> None:
    assert judge(issue(**sealed("S-1")), export(**sealed("S-1")), transit(**sealed("S-1")), arrival(**sealed("S-1"))).rows == []


def test_the_country_of_a_transit_is_named_whoever_reports_it() -> None:
    story = issue(), export(**sealed("S-1")), transit(country="AE", authority="BW", **sealed("S-9"))
    assert "the United Arab Emirates (AE)" in judge(*story).one(SEALS)["message"]
    nowhere = {**transit(**sealed("S-9")), "country": None}
    assert "South Africa (ZA)" in judge(issue(), export(**sealed("S-1")), nowhere).one(SEALS)["message"]


# Who states them: the export, else the certificate


@pytest.mark.parametrize(
    ("certified", "exported", "seen", "wrong"),
    [
        (["C-1"], ["E-1"], ["E-1"], False),  # the export's
        (["C-1"], ["E-1"], ["C-1"], True),
        (None, ["E-1"], ["E-1"], False),
        (None, ["E-1"], ["X"], True),
        (["C-1"], None, ["C-1"], False),  # else the certificate's
        (["C-1"], None, ["X"], True),
        (["C-1"], [], ["C-1"], False),  # an export's [] is not stated
        (["C-1"], [], [], True),
        (["C-1"], [" "], ["C-1"], False),
    ],
)
def test_the_export_s_seals_count_and_where_it_states_none_the_certificate_s(
    certified: list[str] | None, exported: list[str] | None, seen: list[str], wrong: bool
) -> None:
    story = issue(seal_numbers=certified), export(seal_numbers=exported), arrival(seal_numbers=seen)
    for order in permutations(story):
        assert mismatched(*order) is wrong


def test_without_a_certificate_the_export_s_count() -> None:
    assert not mismatched(export(**sealed("S-1")), arrival(**sealed("S-1")))
    assert mismatched(export(**sealed("S-1")), arrival(**sealed("S-9")))


def test_before_an_export_is_reported_the_certificate_s_count() -> None:
    assert not mismatched(issue(**sealed("S-1")), arrival(**sealed("S-1")))
    assert mismatched(issue(**sealed("S-1")), arrival(**sealed("S-9")))


def test_a_shipment_without_an_export_of_its_own_has_the_certificate_s_seals() -> None:
    first = issue(**sealed("C-1")), export(**sealed("E-1"))
    assert not mismatched(*first, arrival(shipment="SH-2", **sealed("C-1")))
    alert = judge(*first, arrival(shipment="SH-2", **sealed("E-1"))).one(SEALS)
    assert (alert["subject"], alert["evidence"][0]["expected"]) == ("SH-2", "C-1")


def test_a_shipment_s_seals_are_its_own() -> None:
    story = export(**sealed("A")), export("2024-03-06T12:00:00Z", shipment="SH-2", **sealed("B"))
    right = arrival(**sealed("A")), arrival("2024-03-08T12:00:00Z", shipment="SH-2", **sealed("B"))
    assert not mismatched(issue(), *story, *right)
    swapped = arrival(**sealed("B")), arrival("2024-03-08T12:00:00Z", shipment="SH-2", **sealed("A"))
    assert {alert["subject"] for alert in judge(issue(), *story, *swapped).of(SEALS)} == {"SH-1", "SH-2"}


def test_a_resealing_of_one_shipment_does_not_change_another_s() -> None:
    story = issue(**sealed("S-1")), transit(new_seal_numbers=["N-1"])
    assert not mismatched(*story, arrival(shipment="SH-2", **sealed("S-1")))
    assert mismatched(*story, arrival(shipment="SH-2", **sealed("N-1")))


def test_an_export_s_seals_count_even_where_its_clock_is_late() -> None:
    """That it is later than what it must come before is for dates-out-of-order to say."""
    assert not mismatched(issue(**sealed("C-1")), export("2024-03-08T12:00:00Z", **sealed("E-1")), arrival(**sealed("E-1")))


def test_a_later_export_of_a_shipment_states_its_seals_anew() -> None:
    story = issue(), export(**sealed("A")), transit(**sealed("A"), new_seal_numbers=["N-1"])
    again = export("2024-03-09T12:00:00Z", **sealed("B"))
    assert not mismatched(*story, arrival(**sealed("N-1")), again, arrival("2024-03-12T12:00:00Z", **sealed("B")))
    assert mismatched(*story, again, arrival("2024-03-12T12:00:00Z", **sealed("N-1")))
    silent = export("2024-03-09T12:00:00Z")
    assert not mismatched(*story, silent, arrival("2024-03-12T12:00:00Z", **sealed("N-1"))), "one that states none changes nothing"


# Resealing


def test_after_a_resealing_the_new_seals_count() -> None:
    story = issue(), export(**sealed("S-1")), transit(**sealed("S-1"), new_seal_numbers=["N-1", "N-2"])
    assert not mismatched(*story, arrival(**sealed("N-1", "N-2")))
    alert = judge(*story, arrival(**sealed("S-1"))).one(SEALS)
    assert (alert["evidence"][0]["value"], alert["evidence"][0]["expected"]) == ("S-1", "N-1, N-2")


def test_what_was_seen_before_a_resealing_is_compared_with_what_was_stated_before_it() -> None:
    story = issue(), export(**sealed("S-1")), arrival(**sealed("N-1"))
    assert not mismatched(*story, transit(**sealed("S-1"), new_seal_numbers=["N-1"]))
    assert mismatched(*story, transit(**sealed("N-1"), new_seal_numbers=["N-1"]))


def test_each_resealing_takes_the_place_of_the_one_before_by_occurrence() -> None:
    first = transit("2024-03-06T01:00:00Z", "ZA", **sealed("S-1"), new_seal_numbers=["N-1"])
    second = transit("2024-03-06T13:00:00Z", "AE", **sealed("N-1"), new_seal_numbers=["N-2"])
    story = export(**sealed("S-1")), first, second, arrival(**sealed("N-2"))
    for order in permutations(story):
        assert judge(issue(), *order).rows == []


def test_a_resealing_on_arrival_counts_for_the_next_arrival() -> None:
    story = issue(), export(**sealed("S-1")), arrival(**sealed("S-1"), new_seal_numbers=["N-1"])
    assert not mismatched(*story, arrival("2024-03-09T12:00:00Z", "BE", **sealed("N-1")))
    assert mismatched(*story, arrival("2024-03-09T12:00:00Z", "BE", **sealed("S-1")))


def test_new_seals_alone_are_no_opening() -> None:
    assert not mismatched(issue(), export(**sealed("S-1")), transit(new_seal_numbers=["N-1"]), arrival(**sealed("N-1")))
    assert not mismatched(issue(), export(**sealed("S-1")), transit(new_seal_numbers=["N-1"], opened=False))


def test_an_empty_list_of_new_seals_states_that_there_are_none() -> None:
    story = issue(), export(**sealed("S-1")), transit(**sealed("S-1"), new_seal_numbers=[])
    assert not mismatched(*story, arrival(**sealed()))
    alert = judge(*story, arrival(**sealed("S-1"))).one(SEALS)
    assert (alert["evidence"][0]["value"], alert["evidence"][0]["expected"]) == ("S-1", "none")
    assert "no seal" in alert["message"]


def test_no_list_of_new_seals_states_nothing() -> None:
    assert not mismatched(issue(), export(**sealed("S-1")), transit(new_seal_numbers=None), arrival(**sealed("S-1")))


# Opening


def test_a_transit_that_reports_opening_is_held() -> None:
    alert = judge(issue(), export(**sealed("S-1")), transit(opened=True), arrival()).one(SEALS)
    (fact,) = alert["evidence"]
    assert (fact["field"], fact["value"], fact["expected"]) == ("opened", "true", "false")
    assert "opened in transit through South Africa (ZA)" in alert["message"]
    assert says_day(alert["message"], "2024-03-06")


def test_an_opening_is_one_though_it_was_resealed_and_the_new_seals_arrive() -> None:
    story = issue(), export(**sealed("S-1")), transit(**sealed("S-1"), opened=True, new_seal_numbers=["N-1"]), arrival(**sealed("N-1"))
    assert [each["field"] for each in judge(*story).one(SEALS)["evidence"]] == ["opened"]


def test_an_opening_is_one_though_no_seal_was_ever_stated() -> None:
    assert mismatched(issue(), transit(opened=True))
    assert mismatched(transit(opened=True))


@pytest.mark.parametrize("opened", [False, None])
def test_what_was_not_opened_is_lawful(opened: bool | None) -> None:
    assert not mismatched(issue(), export(**sealed("S-1")), transit(**sealed("S-1"), opened=opened), arrival(**sealed("S-1")))


# Not looked at, and looked and none


def test_seals_that_nobody_looked_at_are_no_mismatch() -> None:
    story = issue(**sealed("S-1")), export(**sealed("S-1"))
    assert SEALS not in outcomes(*story, transit(seal_numbers=None), arrival(seal_numbers=None))
    assert SEALS not in outcomes(*story, transit(), arrival())
    assert SEALS not in outcomes(issue(), export(), arrival())


def test_none_where_some_were_stated_is_a_mismatch() -> None:
    story = issue(), export(**sealed("S-1"))
    for seen in (arrival(**sealed()), transit(**sealed())):
        alert = judge(*story, seen).one(SEALS)
        assert (alert["evidence"][0]["value"], alert["evidence"][0]["expected"]) == ("none", "S-1")
        assert "no seal" in alert["message"]


# None ever stated


@pytest.mark.parametrize("seen", [["S-1"], []])
@pytest.mark.parametrize(
    "before",
    [
        [],
        [issue()],
        [issue(), export()],
        [issue(), export(seal_numbers=[])],
        [issue(seal_numbers=[]), export(seal_numbers=[])],
        [export()],
        [export("2024-03-05T12:00:00Z", shipment="SH-2", seal_numbers=["S-1"])],  # another's
        [issue(), transit()],
    ],
)
def test_where_none_was_ever_stated_it_is_undetermined(before: list[Event], seen: list[str]) -> None:
    assert undetermined(*before, arrival(seal_numbers=seen))


def test_a_resealing_states_seals_where_none_were() -> None:
    assert not undetermined(issue(), transit(new_seal_numbers=["N-1"]), arrival(**sealed("N-1")))
    assert mismatched(issue(), transit(new_seal_numbers=["N-1"]), arrival(**sealed("S-1")))


def test_what_was_seen_before_anything_was_stated_stays_undetermined() -> None:
    assert undetermined(issue(), transit(**sealed("S-1"), new_seal_numbers=["N-1"]), arrival(**sealed("N-1")))


def test_one_shipment_s_silence_does_not_hide_another_s_mismatch() -> None:
    story = export(**sealed("S-1")), arrival(**sealed("S-9")), arrival("2024-03-08T12:00:00Z", shipment="SH-2", **sealed("S-1"))
    assert judge(issue(), *story).one(SEALS)["subject"] == "SH-1"


# Comparison


@pytest.mark.parametrize(
    ("stated", "seen", "wrong"),
    [
        (["A", "B"], ["B", "A"], False),
        (["A", "B"], ["A", "B", "A"], False),
        (["A", "B"], ["A"], True),
        (["A"], ["A", "B"], True),
        (["s-1"], ["S-1"], False),
        ([" S 1 "], ["s1"], False),
        (["S\t1"], ["S1"], False),
        (["S-1"], ["S1"], True),  # a hyphen is no blank
        (["S-1"], ["S/1"], True),
        (["S-1", " "], ["S-1"], False),
        (["01"], ["1"], True),
    ],
)
def test_seals_compare_as_sets_in_upper_case_without_blanks(stated: list[str], seen: list[str], wrong: bool) -> None:
    assert mismatched(issue(), export(seal_numbers=stated), arrival(seal_numbers=seen)) is wrong


# One alert a shipment


def test_all_that_is_wrong_with_a_shipment_is_one_alert_in_its_order() -> None:
    story = (
        export(**sealed("S-1")),
        transit(**sealed("S-2"), opened=True),
        arrival(**sealed()),
        arrival("2024-03-09T12:00:00Z", **sealed("S-1")),
    )
    alert = judge(issue(), *story).one(SEALS)
    assert [(each["field"], each["value"]) for each in alert["evidence"]] == [
        ("opened", "true"),
        ("seal_numbers", "S-2"),
        ("seal_numbers", "none"),
    ]
    assert alert["participants"] == ["BW", "EU", "ZA"]
    assert says_day(alert["message"], "2024-03-06")
    assert says_day(alert["message"], "2024-03-07")


def test_a_shipment_without_an_id_is_one_too() -> None:
    alert = judge(issue(), export(shipment="", **sealed("S-1")), arrival(shipment="", **sealed("S-9"))).one(SEALS)
    assert (alert["subject"], alert["shipment_id"]) == ("", "")


def test_without_a_sighting_it_does_not_apply() -> None:
    assert SEALS not in outcomes(issue(**sealed("S-1")), export(**sealed("S-2")))
    detained = event("ShipmentDetained", "2024-03-08T12:00:00Z", "EU", shipment_id="SH-1", reason="seal")
    assert SEALS not in outcomes(issue(**sealed("S-1")), detained)


def test_a_correction_resolves_it() -> None:
    wrong = arrival(**sealed("S-9"))
    found = judge(issue(**sealed("S-1")), wrong, withdrawal(wrong), arrival(**sealed("S-1")), options=("--all",))
    assert (found.one(SEALS)["status"], found.one(SEALS)["revision"]) == ("RESOLVED", 2)


def test_a_resealing_reported_late_resolves_it() -> None:
    story = issue(), export(**sealed("S-1")), arrival(**sealed("N-1")), transit(**sealed("S-1"), new_seal_numbers=["N-1"])
    assert judge(*story, options=("--all",)).one(SEALS)["status"] == "RESOLVED"
