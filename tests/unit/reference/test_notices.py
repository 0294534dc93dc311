"""Notices by number: found by length and order, never by reading all of them."""

from hypothesis import given
from hypothesis import strategies as st

from kimberley.model.reference_data import Notice
from kimberley.reference.reference import Reference

_NUMBERS = st.text("0123AZ", min_size=1, max_size=4)


def lost(notice_id: str, first: str, last: str | None = None) -> Notice:
    return Notice(notice_id=notice_id, kind="LOST", participant="BW", first_number=first, last_number=last)


def found(number: str, *notices: Notice) -> list[str]:
    return [notice.notice_id for notice in Reference((), (), notices).notices_on(number)]


def test_a_single_number_is_found_and_no_neighbour_of_it() -> None:
    notice = lost("n", "BW000002")
    assert [found(number, notice) for number in ("BW000001", "BW000002", "BW000003", "BW0000020", "BW00002")] == [[], ["n"], [], [], []]


def test_a_range_holds_its_bounds_and_what_lies_between() -> None:
    notice = lost("n", "BW000002", "BW000010")
    held = {number: bool(found(number, notice)) for number in ("BW000001", "BW000002", "BW000005", "BW000010", "BW000011", "BW00005")}
    assert held == {"BW000001": False, "BW000002": True, "BW000005": True, "BW000010": True, "BW000011": False, "BW00005": False}


def test_bounds_of_different_length_hold_nothing() -> None:
    assert not any(found(number, lost("n", "BW9", "BW10")) for number in ("BW9", "BW10", "BW5"))


def test_a_changed_notice_is_looked_up_as_changed() -> None:
    before = Reference((), (), [lost("n", "BW1")])
    assert before.notices_on("BW1")
    after = before.replace([lost("n", "BW2")])
    assert (after.notices_on("BW1"), len(after.notices_on("BW2"))) == ((), 1)
    assert before.notices_on("BW1"), "a reference never changes"


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS | st.none()), max_size=12), _NUMBERS)
def test_the_look_up_finds_what_reading_all_would(ranges: list[tuple[str, str | None]], number: str) -> None:
    notices = [lost(f"n-{index:02d}", first, last) for index, (first, last) in enumerate(ranges)]
    read = [
        notice.notice_id
        for notice in notices
        if len(number) == len(notice.first_number) == len(notice.last_number or notice.first_number)
        and notice.first_number <= number <= (notice.last_number or notice.first_number)
    ]
    assert found(number, *notices) == read
