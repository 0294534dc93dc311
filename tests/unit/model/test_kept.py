"""What is kept is what would be made anew, and is bounded."""

import pytest

from kimberley.model.kept import Kept


def test_each_is_made_once() -> None:
    made: list[int] = []
    squares = Kept[int, int](lambda number: made.append(number) or number * number)
    assert [squares[3], squares[4], squares[3]] == [9, 16, 9]
    assert made == [3, 4]


def test_it_holds_no_more_than_it_may_whatever_is_asked_for() -> None:
    kept = Kept[int, str](str, most=10)
    for number in range(1000):
        assert kept[number % 37] == str(number % 37)
        assert len(kept) <= 10


def test_what_can_t_be_made_is_raised_and_not_kept() -> None:
    kept = Kept[str, int](int)
    with pytest.raises(ValueError, match="invalid literal"):
        kept["a"]
    assert kept == {}
