"""Where goods go, by the catalogue: one shipment to a certificate, to one Participant, its destination; and returns."""

from itertools import permutations

import pytest

from support.messages import says_day
from support.stories import Event, arrival, event, export, issue, judge, outcomes, sent_back, transit, withdrawal

REUSED, WRONG = "certificate-reused", "wrong-destination"


# One shipment


def test_two_shipments_under_one_certificate_are_one_too_many() -> None:
    alert = judge(issue(), export(), export("2024-03-19T12:00:00Z", shipment="SH-2")).one(REUSED)
    assert (alert["severity"], alert["subject"], alert["basis"]) == ("BLOCK", "", "CORE III")
    assert [(each["field"], each["value"]) for each in alert["evidence"]] == [("shipment_id", "SH-1"), ("shipment_id", "SH-2")]
    for said in ("SH-1", "SH-2", "BW000001"):
        assert said in alert["message"]
    assert says_day(alert["message"], "2024-03-05")
    assert says_day(alert["message"], "2024-03-19")


def test_one_shipment_exported_twice_is_one() -> None:
    assert REUSED not in judge(issue(), export(), export("2024-03-19T12:00:00Z")).rules


def test_three_shipments_are_one_alert_each_with_its_first_export() -> None:
    story = (
        export(),
        export("2024-03-06T12:00:00Z"),
        export("2024-03-07T12:00:00Z", shipment="A"),
        export("2024-03-08T12:00:00Z", shipment="B"),
    )
    alert = judge(issue(), *story).one(REUSED)
    assert [each["event_id"] for each in alert["evidence"]] == [story[index]["event_id"] for index in (0, 2, 3)]


def test_shipments_are_counted_where_they_are_exported_not_where_they_pass() -> None:
    assert REUSED not in judge(issue(), export(), transit(shipment="SH-2"), arrival(shipment="SH-3")).rules


def test_a_return_excuses_no_second_shipment() -> None:
    story = export(), arrival(), sent_back(), arrival("2024-03-10T12:00:00Z", "BW"), export("2024-03-12T12:00:00Z", shipment="SH-2")
    assert REUSED in judge(issue(), *story).rules


def test_without_a_certificate_too() -> None:
    assert REUSED in judge(export(), export("2024-03-06T12:00:00Z", shipment="SH-2")).rules


def test_a_shipment_without_an_id_may_be_the_same() -> None:
    assert outcomes(issue(), export(), export("2024-03-06T12:00:00Z", shipment=""))[REUSED] == "undetermined"
    assert outcomes(issue(), export(shipment=""), export("2024-03-06T12:00:00Z", shipment=""))[REUSED] == "undetermined"
    assert REUSED not in outcomes(issue(), export(shipment=""))
    three = export(), export("2024-03-06T12:00:00Z", shipment=""), export("2024-03-07T12:00:00Z", shipment="SH-2")
    assert REUSED in judge(issue(), *three).rules


def test_a_withdrawn_export_resolves_it() -> None:
    wrong = export("2024-03-06T12:00:00Z", shipment="SH-2")
    assert judge(issue(), export(), wrong, withdrawal(wrong), options=("--all",)).one(REUSED)["status"] == "RESOLVED"


# One Participant


def test_arrivals_at_two_participants_are_a_second_use() -> None:
    story = issue(), export(), arrival(), arrival("2024-03-19T12:00:00Z", "IN")
    alert = judge(*story).one(REUSED)
    assert [(each["field"], each["value"]) for each in alert["evidence"]] == [("arrived in", "EU"), ("arrived in", "IN")]
    for said in ("the European Union (EU)", "India (IN)"):
        assert said in alert["message"]
    assert says_day(alert["message"], "2024-03-07")
    assert says_day(alert["message"], "2024-03-19")
    assert alert["participants"] == ["EU", "IN"]


def test_whatever_the_shipment() -> None:
    assert REUSED in judge(issue(), arrival(), arrival("2024-03-08T12:00:00Z", "IN", shipment="SH-2")).rules


@pytest.mark.parametrize(
    ("first", "second", "on", "same"),
    [
        ("EU", "EU", "2024-03-09", True),
        ("EU", "BE", "2024-03-09", True),
        ("FR", "BE", "2024-03-09", True),
        ("HK", "MO", "2024-03-09", True),
        ("EU", "GB", "2024-03-09", False),
        ("EU", "CH", "2024-03-09", False),
    ],
)
def test_participants_are_compared_not_codes(first: str, second: str, on: str, same: bool) -> None:
    story = issue(destination=first), arrival(authority=first), arrival(f"{on}T12:00:00Z", second)
    assert (REUSED not in judge(*story).rules) is same


def test_each_arrival_s_participant_is_that_of_its_own_date() -> None:
    certificate, first = issue(on="2020-12-20"), arrival("2020-12-30T12:00:00Z", "GB")
    assert REUSED not in judge(certificate, first, arrival("2021-01-04T12:00:00Z", "EU")).rules
    assert REUSED not in judge(certificate, first, arrival("2021-01-04T12:00:00Z", "GB")).rules, "equal codes"
    assert REUSED in judge(certificate, arrival("2020-12-30T12:00:00Z", "BE"), arrival("2021-01-04T12:00:00Z", "GB")).rules


@pytest.mark.parametrize(
    ("returned", "reused"),
    [
        ("2024-03-07T11:59:59Z", True),  # before the first arrival
        ("2024-03-07T12:00:00Z", False),
        ("2024-03-08T12:00:00Z", False),
        ("2024-03-10T12:00:01Z", True),  # after the second
        ("2024-03-10T13:00:00+02:00", False),  # instants, not clocks
    ],
)
def test_a_return_in_between_excuses_arrivals(returned: str, reused: bool) -> None:
    story = issue(), export(), arrival(), sent_back(returned), arrival("2024-03-10T12:00:00Z", "BW")
    for order in permutations(story[1:]):
        assert (REUSED in judge(story[0], *order).rules) is reused


def test_each_change_of_participant_needs_a_return_of_its_own() -> None:
    home = arrival("2024-03-10T12:00:00Z", "BW")
    away = arrival("2024-03-15T12:00:00Z", "EU")
    alert = judge(issue(), arrival(), sent_back(), home, away).one(REUSED)
    assert [each["event_id"] for each in alert["evidence"]] == [home["event_id"], away["event_id"]]
    assert REUSED not in judge(issue(), arrival(), sent_back(), home, sent_back("2024-03-12T12:00:00Z", "BW"), away).rules


def test_an_arrival_between_two_at_other_places_does_not_hide_them() -> None:
    story = arrival(), arrival("2024-03-08T12:00:00Z", "BE"), arrival("2024-03-09T12:00:00Z", "IN")
    assert len(judge(issue(), *story).one(REUSED)["evidence"]) == 3


def test_both_ways_of_using_it_twice_are_one_alert() -> None:
    story = export(), export("2024-03-06T12:00:00Z", shipment="SH-2"), arrival(), arrival("2024-03-09T12:00:00Z", "IN", shipment="SH-2")
    assert len(judge(issue(), *story).one(REUSED)["evidence"]) == 4


def test_what_never_moved_is_not_reused() -> None:
    assert REUSED not in outcomes(issue())
    assert REUSED not in outcomes(issue(), sent_back())


def test_a_return_reported_late_resolves_it() -> None:
    story = issue(), arrival(), arrival("2024-03-10T12:00:00Z", "BW"), sent_back()
    assert judge(*story, options=("--all",)).one(REUSED)["status"] == "RESOLVED"


# The destination


def test_an_arrival_elsewhere_is_held() -> None:
    alert = judge(issue(), export(), arrival(authority="IN")).one(WRONG)
    assert (alert["severity"], alert["subject"], alert["shipment_id"]) == ("HOLD", "SH-1", "SH-1")
    (fact,) = alert["evidence"]
    assert (fact["field"], fact["value"], fact["expected"]) == ("arrived in", "IN", "EU")
    for said in ("SH-1", "BW000001", "India (IN)", "the European Union (EU)"):
        assert said in alert["message"]
    assert says_day(alert["message"], "2024-03-07")
    assert set(alert["participants"]) == {"BW", "EU", "IN"}


@pytest.mark.parametrize(
    ("destination", "importer", "on", "wrong"),
    [
        ("EU", "EU", "2024-03-07", False),
        ("EU", "BE", "2024-03-07", False),
        ("BE", "EU", "2024-03-07", False),
        ("BE", "FR", "2024-03-07", False),
        ("CN", "HK", "2024-03-07", False),
        ("HK", "MO", "2024-03-07", False),
        ("EU", "GB", "2024-03-07", True),
        ("EU", "CH", "2024-03-07", True),
        ("EU", "GB", "2020-12-31", False),  # at arrival, on the arrival date
        ("EU", "GB", "2021-01-01", True),
        ("GB", "EU", "2021-01-01", True),
        ("GB", "GB", "2021-01-01", False),
        ("EU", "GL", "2015-01-31", True),
        ("EU", "GL", "2015-02-01", False),
    ],
)
def test_destinations_compare_as_participants_on_the_arrival_date(destination: str, importer: str, on: str, wrong: bool) -> None:
    story = issue(on=f"{int(on[:4]) - 1}-12-20", destination=destination), arrival(f"{on}T12:00:00Z", importer)
    assert (WRONG in judge(*story).rules) is wrong


def test_the_destination_is_the_certificate_s_and_without_a_certificate_the_earliest_export_s() -> None:
    assert WRONG in judge(issue(), export(destination="IN"), arrival(authority="IN")).rules
    assert WRONG not in judge(issue(), export(destination="IN"), arrival()).rules
    later = export("2024-03-06T12:00:00Z", destination="EU", shipment="SH-2")
    assert "the export under certificate BW000001" in judge(export(destination="IN"), later, arrival()).one(WRONG)["message"]
    assert WRONG not in judge(export(destination="IN"), later, arrival(authority="IN")).rules


@pytest.mark.parametrize("story", [[arrival()], [issue(destination=None), export(), arrival()], [export(destination=None), arrival()]])
def test_without_a_destination_it_is_undetermined(story: list[Event]) -> None:
    assert outcomes(*story)[WRONG] == "undetermined"


@pytest.mark.parametrize(
    ("returned", "wrong"),
    [("2024-03-08T12:00:00Z", False), ("2024-03-10T12:00:00Z", False), ("2024-03-10T12:00:01Z", True), (None, True)],
)
def test_back_at_the_issuer_after_a_return_is_no_wrong_destination(returned: str | None, wrong: bool) -> None:
    back = arrival("2024-03-10T12:00:00Z", "BW")
    story = [issue(), export(), arrival(), *([sent_back(returned)] if returned else []), back]
    found = judge(*story)
    assert (WRONG in found.rules) is wrong
    if wrong:
        assert [each["event_id"] for each in found.one(WRONG)["evidence"]] == [back["event_id"]]


@pytest.mark.parametrize("sender", ["EU", "IN", "AE"])
def test_a_return_is_reported_by_whoever_sends_it_back(sender: str) -> None:
    assert WRONG not in judge(issue(), export(), sent_back("2024-03-06T12:00:00Z", sender), arrival(authority="BW")).rules


def test_a_return_excuses_no_third_place() -> None:
    assert WRONG in judge(issue(), export(), sent_back("2024-03-06T12:00:00Z"), arrival(authority="IN")).rules


def test_back_at_the_issuer_s_participant_is_back_at_the_issuer() -> None:
    story = issue("EU12345678", "BE", destination="IN", origins=["BW"]), sent_back("2024-03-06T12:00:00Z", "IN", "EU12345678")
    assert WRONG not in judge(*story, arrival(authority="NL", number="EU12345678")).rules


def test_without_a_certificate_nobody_knows_whether_it_is_back_at_the_issuer() -> None:
    story = export(), sent_back("2024-03-06T12:00:00Z"), arrival(authority="BW")
    assert outcomes(*story)[WRONG] == "undetermined"
    assert WRONG in judge(export(), arrival(authority="BW")).rules


def test_every_arrival_is_judged_and_each_shipment_has_its_own_alert() -> None:
    story = [
        arrival(authority="IN"),
        arrival("2024-03-08T12:00:00Z", "AE"),
        arrival("2024-03-09T12:00:00Z", "IN", shipment="SH-2"),
        arrival("2024-03-09T12:00:00Z", shipment="SH-3"),
    ]
    found = {alert["subject"]: alert for alert in judge(issue(), *story).of(WRONG)}
    assert set(found) == {"SH-1", "SH-2"}
    assert [each["value"] for each in found["SH-1"]["evidence"]] == ["IN", "AE"]


def test_a_transit_and_a_detention_are_no_arrival() -> None:
    held = event("ShipmentDetained", "2024-03-06T12:00:00Z", "IN", shipment_id="SH-1", reason="seal")
    assert WRONG not in outcomes(issue(), export(), transit(country="IN"), held)


def test_a_correction_resolves_it() -> None:
    wrong = arrival(authority="IN")
    found = judge(issue(), wrong, withdrawal(wrong), arrival(), options=("--all",))
    assert found.one(WRONG)["status"] == "RESOLVED"
