"""Which cases wait, and which of them it is time for."""

from hypothesis import given
from hypothesis import strategies as st

from kimberley.cases.deadlines import Deadlines


def test_cases_come_in_the_order_of_their_instants_and_once() -> None:
    waiting = Deadlines()
    for number, instant in (("C", 30), ("A", 10), ("B", 20)):
        waiting.put(number, instant)
    assert not waiting.has_due(9)
    assert list(waiting.due(9)) == []
    assert list(waiting.due(20)) == ["A", "B"], "its own instant is included"
    assert list(waiting.due(20)) == []
    assert len(waiting) == 1


def test_a_case_waits_for_its_last_instant_only() -> None:
    waiting = Deadlines()
    waiting.put("A", 10)
    waiting.put("A", 40)
    waiting.put("B", 10)
    waiting.put("B", None)
    assert not waiting.has_due(39)
    assert list(waiting.due(40)) == ["A"]


def test_what_is_put_to_an_instant_that_was_looked_at_takes_its_place_by_number() -> None:
    waiting = Deadlines()
    waiting.put("B", 10)
    assert waiting.has_due(10)
    waiting.put("C", 10)
    waiting.put("A", 10)
    assert list(waiting.due(10)) == ["A", "B", "C"]


def test_a_case_that_is_put_back_while_others_are_taken_is_taken_too() -> None:
    waiting = Deadlines()
    waiting.put("A", 10)
    taken = []
    for number in waiting.due(30):
        taken.append(number)
        if len(taken) == 1:
            waiting.put(number, 20)
    assert taken == ["A", "A"]


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.none() | st.integers(0, 50))), st.integers(0, 50))
def test_what_is_due_is_what_was_put_last_and_lies_before(puts: list[tuple[str, int | None]], now: int) -> None:
    waiting, last = Deadlines(), dict[str, int | None]()
    for number, instant in puts:
        waiting.put(number, instant)
        last[number] = instant
    expected = sorted((instant, number) for number, instant in last.items() if instant is not None and instant <= now)
    assert waiting.has_due(now) is bool(expected)
    assert list(waiting.due(now)) == [number for _, number in expected]
