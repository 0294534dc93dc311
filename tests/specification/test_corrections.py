"""A case is a set: order, repeats, withdrawals and what is refused; taking an event back is never having had it."""

import random
from itertools import permutations
from typing import Any

import pytest

from support.specified import complete, goods, lawful, opened, resolved, states
from support.stories import (
    Event,
    arrival,
    confirmation,
    event,
    export,
    invalidation,
    issue,
    judge,
    notice,
    sent_back,
    transit,
    withdrawal,
)

CLOCK = "2024-05-01T00:00:00Z"
SHORT = [
    issue(expires_on="2024-03-04"),
    export(carats="90.00"),
    arrival(authority="AE", carats="80.00"),
    confirmation(carats=None),
]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_every_order_gives_the_same_open_alerts_with_the_same_ids(order: tuple[int, ...]) -> None:
    assert states([SHORT[index] for index in order]) == states(SHORT)
    assert {rule for _, rule, _, _ in states(SHORT)} == {
        "certificate-expired",
        "confirmation-incomplete",
        "export-mismatch",
        "import-mismatch",
        "wrong-destination",
    }


EVERYTHING: list[Event] = [
    issue(expires_on="2024-03-04", seal_numbers=["S1"]),
    issue(at="2024-03-04T10:00:00Z", expires_on="2024-06-04", seal_numbers=["S1"]),
    export(carats="90.00"),
    export("2024-03-06T12:00:00Z", shipment="SH-2"),
    transit(opened=True),
    transit("2024-03-06T15:00:00Z", "RU", seal_numbers=["S2"]),
    arrival(authority="AE", carats="80.00", seal_numbers=["S3"]),
    arrival("2024-03-08T12:00:00Z", shipment="SH-2"),
    sent_back("2024-03-09T12:00:00Z", "AE"),
    invalidation("2024-03-05T10:00:00Z"),
    confirmation("2024-03-11T12:00:00Z", carats=None),
    notice("n-1"),
    notice("n-2", valid_from="2024-03-07"),
    issue("BW000002", origins=[]),
    export(number="BW000002"),
]
EVERYTHING += [withdrawal(EVERYTHING[3]), withdrawal(EVERYTHING[10])]


@pytest.mark.parametrize("seed", range(12))
def test_any_shuffle_and_any_repeats_of_a_long_story_give_the_same(seed: int) -> None:
    chance = random.Random(seed)
    shuffled = EVERYTHING + chance.choices(EVERYTHING, k=6)
    chance.shuffle(shuffled)
    assert states(shuffled, clock=CLOCK) == states(EVERYTHING, clock=CLOCK)
    assert len(states(EVERYTHING, clock=CLOCK)) >= 8


ADDED: list[Event] = [
    issue(at="2024-03-04T08:00:00Z", destination="FJ", carats="1.00"),
    issue(at="2024-03-06T08:00:00Z", origins=["CF"]),
    export("2024-03-01T12:00:00Z", "ZA", carats="1.00", destination="AE"),
    export("2024-03-06T12:00:00Z", shipment="SH-2", route=["RU"]),
    transit(country="RU", opened=True),
    arrival("2024-03-06T12:00:00Z", "AE", carats="1.00", seal_numbers=[]),
    arrival("2024-03-09T12:00:00Z", "FJ", shipment="SH-7"),
    confirmation("2024-03-30T12:00:00Z", carats="1.00", importer=None),
    invalidation("2024-03-04T10:00:00Z"),
    sent_back("2024-03-07T15:00:00Z"),
    event("ShipmentDetained", "2024-03-07T15:00:00Z", "EU", shipment_id="SH-1", reason="papers"),
]
JOURNEYS: dict[str, list[Event]] = {
    "lawful": [issue(), export(), arrival(), confirmation()],
    "unconfirmed": [issue(), export(), arrival()],
    "on its way": [issue(), export()],
    "uncertified": [export(carats="90.00")],
    "none": [],
}


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("added", ADDED, ids=lambda added: f"{added['type']}-{added['event_id']}")
def test_adding_an_event_and_withdrawing_it_is_the_same_as_never_having_had_it(journey: str, added: Event) -> None:
    story = JOURNEYS[journey]
    for mixed in (
        [*story, added, withdrawal(added)],
        [withdrawal(added), added, *story],
        [*story[:1], added, *story[1:2], withdrawal(added), *story[2:]],
    ):
        assert states(mixed, clock=CLOCK) == states(story, clock=CLOCK)


@pytest.mark.parametrize("reason", ["DID_NOT_OCCUR", "INCORRECT_DATA"])
def test_a_withdrawal_counts_for_either_reason_and_may_come_before_its_target(reason: str) -> None:
    second = export(shipment="SH-2")
    gone = withdrawal(second, reason=reason)
    assert states([*complete(), second]) != set()
    for story in ([*complete(), second, gone], [*complete(), gone, second], [gone, second, *complete()]):
        lawful(story)


def test_a_withdrawal_may_itself_be_withdrawn_and_that_again() -> None:
    second = export(shipment="SH-BW000001-B")
    first = withdrawal(second, at="2024-03-08T13:00:00Z")
    back = withdrawal(first, at="2024-03-08T14:00:00Z")
    gone = withdrawal(back, at="2024-03-08T15:00:00Z")
    story = [*complete(), second, first]
    lawful(story)
    for order in permutations([second, first, back]):
        opened("certificate-reused", [*complete(), *order])
    for order in permutations([second, first, back, gone]):
        lawful([*complete(), *order])


def test_withdrawals_in_a_circle_have_no_effect() -> None:
    second = export(shipment="SH-2")
    one = withdrawal(second, at="2024-03-08T13:00:00Z")
    two = {**withdrawal(one, at="2024-03-08T14:00:00Z"), "event_id": "circle-2"}
    three = {**withdrawal(two, at="2024-03-08T15:00:00Z"), "event_id": "circle-3"}
    turning = {**two, "withdrawn_event_id": "circle-3"}
    # circle-2 and circle-3 withdraw each other: neither has effect, so `one` still withdraws the second export
    lawful([*complete(), second, one, turning, three])
    itself = {**withdrawal(second), "event_id": "self", "withdrawn_event_id": "self"}
    opened("certificate-reused", [*complete(), second, itself])
    lawful([*complete(), itself])


@pytest.mark.parametrize("stranger", ["ZA", "EU", "AE"])
def test_a_strangers_withdrawal_has_no_effect(stranger: str) -> None:
    second = export(shipment="SH-2")
    foreign = withdrawal(second, authority=stranger)
    for story in ([*complete(), second, foreign], [foreign, second, *complete()]):
        opened("certificate-reused", story)
    assert judge(*complete(), second, foreign, options=("--decisions",)).rows[-1]["outcome"] == "REFUSED"


@pytest.mark.parametrize(
    ("sender", "at", "withdrawer", "withdrawn_at", "counts"),
    [
        ("EU", "2024-03-07T12:00:00Z", "BE", "2024-03-20T12:00:00Z", True),
        ("BE", "2024-03-07T12:00:00Z", "NL", "2024-03-20T12:00:00Z", True),
        ("GB", "2020-12-30T12:00:00Z", "BE", "2020-12-31T12:00:00Z", True),
        ("GB", "2020-12-30T12:00:00Z", "BE", "2021-01-20T12:00:00Z", True),  # each on the date of its own event
        ("GB", "2020-12-30T12:00:00Z", "GB", "2021-01-20T12:00:00Z", True),  # equal codes
        ("BE", "2020-12-30T12:00:00Z", "GB", "2021-01-20T12:00:00Z", False),
        ("HK", "2024-03-07T12:00:00Z", "CN", "2024-03-20T12:00:00Z", True),
    ],
)
def test_a_withdrawal_counts_from_an_authority_of_the_same_participant(
    sender: str, at: str, withdrawer: str, withdrawn_at: str, counts: bool
) -> None:
    wrong = arrival(at, sender, carats="10.00")
    story = [issue(on="2020-12-01"), wrong, withdrawal(wrong, at=withdrawn_at, authority=withdrawer)]
    assert ("import-mismatch" not in judge(*story).rules) is counts


def test_a_withdrawn_id_stays_withdrawn_whatever_content_comes_under_it() -> None:
    wrong = arrival(carats="10.00")
    gone = withdrawal(wrong, at="2024-03-08T13:00:00Z")
    lawful([issue(), export(), wrong, gone, {**wrong, "carats": "20.00"}, arrival()])


def test_decisions_follow_the_log() -> None:
    first = arrival()
    story = [issue(), export(), first, first, {**first, "carats": "1.00"}, arrival(authority="XX"), withdrawal(first, authority="ZA")]
    judged = judge(*story, options=("--decisions",))
    outcomes = [row["outcome"] for row in judged.rows]
    assert outcomes == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED", "REFUSED"]
    refused = judged.rows[5]
    assert refused["errors"]
    assert all(each["code"] and each["message"] for each in refused["errors"])


@pytest.mark.parametrize("field", ["event_id", "occurred_at", "authority", "certificate_number", "issued_on"])
def test_an_event_without_its_envelope_is_refused(field: str) -> None:
    for left_out in (True, False):
        wrong = issue(carats="1.00")
        if left_out:
            del wrong[field]
        else:
            wrong[field] = None
        judged = judge(issue(), wrong, export())
        assert judged.exit_status == 1
        assert judged.rows == [], "it counts for nothing"
        assert field in judged.errors
        assert "2" in judged.errors


@pytest.mark.parametrize(
    "wrong",
    [
        issue(destination="XX"),
        issue(origins=["BW", "QQ"]),
        issue(provenance="ZZ"),
        issue(**goods("100.00", "20000.00", origins=["XX"])),
        issue(authority="UK"),
        export(destination="E1"),
        export(route=["ZA", "XX"]),
        transit(country="XX", authority="ZA"),
        arrival(authority="XX"),
        confirmation(confirms_to="XX"),
        invalidation(reason="UNKNOWN"),
        invalidation(reason="LOST"),
        issue(carats="1.0001"),
        issue(value_usd="1.001"),
        export(carats="one"),
        issue(on="2024-02-30"),
        export("yesterday"),
    ],
    ids=lambda wrong: wrong["event_id"],
)
def test_what_no_reader_could_mean_is_refused_and_counts_for_nothing(wrong: Event) -> None:
    judged = judge(*complete(), wrong)
    assert judged.exit_status == 1
    assert judged.rows == []
    assert "5" in judged.errors


def test_numbers_are_taken_as_well_as_strings_and_never_rounded() -> None:
    parcel = {"hs_code": "7102.31", "carats": 100.1, "value_usd": 20000.07}
    stated: dict[str, Any] = {"parcels": [parcel], "carats": "100.100", "value_usd": "20000.07"}
    lawful([issue(**stated), export(carats=100.1, value_usd=20000.07), arrival(carats=100.1)])


def test_an_alert_keeps_its_id_through_updates_and_a_return() -> None:
    first = arrival(carats="90.00")
    second = {**arrival(carats="80.00"), "shipment_id": "SH-1"}
    taken = withdrawal(first, at="2024-03-09T12:00:00Z")
    story = [issue(), export(), first, taken, second]
    alert = opened("import-mismatch", story, subject="SH-1", amounts=["80"])
    assert alert["revision"] >= 3
    before = opened("import-mismatch", story[:3], subject="SH-1", amounts=["90"])
    assert before["alert_id"] == alert["alert_id"]
    assert before["revision"] == 1


def test_evidence_that_changes_updates_and_evidence_that_stays_does_not() -> None:
    found = arrival(carats="90.00")
    rows = judge(issue(), export(), found, transit(), confirmation("2024-03-09T12:00:00Z")).of("import-mismatch")
    assert [(row["status"], row["revision"]) for row in rows] == [("OPENED", 1)]


def test_certificate_numbers_are_one_case_however_they_are_written() -> None:
    story = [issue("bw-000 001"), export(number="BW/000001"), arrival(number="BW000001", carats="10.00")]
    alert = opened("import-mismatch", story, subject="SH-1")
    assert alert["certificate_number"] == "BW000001"


def test_withdrawing_the_certificate_leaves_the_shipment_without_one() -> None:
    issued = issue()
    story = [issued, export(), arrival(), confirmation(), withdrawal(issued)]
    opened("certificate-unknown", story)
    resolved("certificate-unknown", [*story, issue(at="2024-03-21T09:00:00Z")])


@pytest.mark.parametrize("kind", ["ShipmentDetained", "ShipmentReleased"])
def test_detentions_and_missing_originals_change_no_alert(kind: str) -> None:
    stated = {"reason": "papers"} if kind == "ShipmentDetained" else {}
    stopped = event(kind, "2024-03-07T13:00:00Z", "EU", shipment_id="SH-1", **stated)
    lawful([issue(), export(), arrival(original_presented=False), stopped, confirmation()])
    late = {**stopped, "occurred_at": "2024-05-02T13:00:00Z"}
    assert judge(issue(), export(), late).rules == {"arrival-overdue"}


def test_more_uses_of_a_number_on_notice_update_its_alert() -> None:
    story = [notice(), issue(), export(), arrival(), confirmation()]
    for length, status, revision in ((2, "OPENED", 1), (3, "UPDATED", 2), (4, "UPDATED", 3), (5, "UPDATED", 3)):
        (alert,) = judge(*story[:length]).rows
        assert (alert["rule_id"], alert["status"], alert["revision"]) == ("number-on-notice", status, revision)


def test_an_alert_names_the_event_that_set_it_off_and_its_time_at_the_border() -> None:
    found = arrival("2024-03-07T20:00:00-08:00", carats="90.00")
    alert = opened("import-mismatch", [issue(), export(), found], subject="SH-1")
    assert alert["event_id"] == found["event_id"]
    assert alert["effective_at"].startswith("2024-03-08T04:00:00")
    assert {"BW", "EU"} <= set(alert["participants"])


def test_decisions_name_rules_that_are_broken_or_lack_a_fact_and_the_alerts_open_since() -> None:
    rows = judge(issue(), export(carats=None), arrival(carats="90.00"), options=("--decisions",)).rows
    assert [{each["rule_id"]: each["outcome"] for each in row["rules"]} for row in rows] == [
        {},
        {"export-mismatch": "undetermined"},
        {"export-mismatch": "undetermined", "import-mismatch": "violation"},
    ]
    alert = opened("import-mismatch", [issue(), arrival(carats="90.00")], subject="SH-1")
    assert alert["alert_id"] in rows[-1]["alert_ids"]


def test_a_withdrawal_reaches_its_own_certificate_number_only() -> None:
    wrong = export(carats="90.00")
    other = issue("BW000002")
    same_id = {**export(number="BW000002", carats="80.00"), "event_id": wrong["event_id"]}
    story = [issue(), wrong, other, same_id, withdrawal(same_id)]
    rows = judge(*story, options=("--as-of", "2024-03-21T00:00:00Z")).of("export-mismatch")
    assert [row["certificate_number"] for row in rows] == ["BW000001"]


def test_of_two_contents_of_a_withdrawal_the_first_stands() -> None:
    second, third = export(shipment="SH-2"), export(shipment="SH-3")
    gone = withdrawal(second)
    other = {**gone, "withdrawn_event_id": third["event_id"]}
    story = [issue(), export(), second, gone, other]
    assert judge(*story).rules == {"event-conflict"}
    assert judge(issue(), export(), third, gone, other).rules == {"event-conflict", "certificate-reused"}


def test_a_refused_event_moves_no_clock() -> None:
    assert judge(issue(), export(), arrival("2024-06-01T12:00:00Z", "XX")).rows == []


@pytest.mark.parametrize("at", ["2024-03-05T23:59:59", "2024-03-05T23:59:59Z", "2024-03-06T05:29:59+05:30"])
def test_an_instant_is_the_same_by_utc_by_default_and_by_any_offset(at: str) -> None:
    story = [issue(), export(at), arrival("2024-03-05T23:59:58Z")]
    opened("dates-out-of-order", story)
    lawful([issue(), export(at), arrival("2024-03-06T00:00:00Z")])


LATE: list[Event] = [
    {
        "type": "MeasureListed",
        "id": "test-suspension",
        "kind": "SUSPENSION",
        "imposed_by": "KP",
        "territory": "bw",
        "route": "ANY",
        "valid_from": "2024-03-01",
        "basis": "a decision for this test",
        "confidence": "high",
    },
    {
        "type": "ParticipantListed",
        "code": "BW",
        "name": "Botswana",
        "kind": "participant",
        "periods": [{"kind": "participant", "status": "suspended", "valid_from": "2003-01-01", "confidence": "high"}],
    },
    notice(),
]


@pytest.mark.parametrize("told", LATE, ids=lambda told: told["type"])
def test_reference_events_later_than_the_clock_are_left_out_and_earlier_ones_count_back_to_their_own_dates(told: Event) -> None:
    known = {**told, "event_id": "told-1", "occurred_at": "2024-06-01T00:00:00Z"}
    before = judge(*complete(), known, options=("--as-of", "2024-05-31T23:59:59Z"))
    assert before.rows == []
    assert "1 event" in before.errors
    for story in ([*complete(), known], [known, *complete()]):
        after = judge(*story, options=("--as-of", "2024-06-01T00:00:00Z")).rules
        assert after == {"number-on-notice" if told["type"] == "NoticePublished" else "trade-suspended"}
