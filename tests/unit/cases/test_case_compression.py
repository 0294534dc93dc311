"""Cases at rest are stored compressed, and read back as they were."""

import contextlib
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import COMPRESSED_FORMAT, FORMAT, Case, Fact, Origin, is_at_rest, pack_case, plain_case, unpack_case, wakes_at
from kimberley.model.case_compression import LARGEST, compress, decompress
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from support.journeys import journey

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())


def cases(events: Any) -> dict[str, Case]:
    """The cases that events make."""
    return check([as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)], POLICY).cases


TRADE = cases(islice(simulate(seed=23, days=30, certificates_per_day=20), 2_000))


def test_every_case_of_a_trade_is_read_back_as_it_was() -> None:
    forms = set()
    for case in TRADE.values():
        packed = pack_case(case)
        forms.add(packed[:1])
        again = unpack_case(packed)
        assert (again.number, again.facts, again.conflicts, again.alerts) == (case.number, case.facts, case.conflicts, case.alerts)
        assert plain_case(again) == plain_case(case)
        assert unpack_case(packed).size == case.size == case.measure() == len(plain_case(case))
        assert wakes_at(packed) == case.wakes_at
    assert forms == {FORMAT, COMPRESSED_FORMAT}


def test_what_waits_or_is_not_confirmed_stays_as_it_is_and_what_is_at_rest_takes_less_than_six_tenths() -> None:
    for case in TRADE.values():
        confirmed = any(type(fact.event).__name__ == "ImportConfirmed" for fact in case.facts)
        assert is_at_rest(case) == (confirmed and case.wakes_at is None)
        assert (pack_case(case)[:1] == COMPRESSED_FORMAT) == is_at_rest(case)
    at_rest = [case for case in TRADE.values() if is_at_rest(case)]
    assert len(at_rest) > 300
    assert sum(len(pack_case(case)) for case in at_rest) < 0.6 * sum(case.size for case in at_rest)


def test_a_large_case_is_not_compressed() -> None:
    (case,) = cases(journey("BW000042")).values()
    assert pack_case(case)[:1] == COMPRESSED_FORMAT
    while case.measure() <= LARGEST:
        case.add(Fact(case.facts[0].event, Origin("again", 0, len(case.facts))))
    assert is_at_rest(case)
    assert pack_case(case)[:1] == FORMAT
    assert unpack_case(pack_case(case)) == case


@given(st.binary(max_size=LARGEST))
def test_whatever_is_compressed_comes_back(plain: bytes) -> None:
    assert decompress(compress(plain)) == plain


@given(st.binary(max_size=300))
def test_bytes_that_are_none_raise_a_value_error_or_are_few(random: bytes) -> None:
    with contextlib.suppress(ValueError):  # whatever else is raised fails
        assert len(decompress(random)) <= LARGEST


@pytest.mark.parametrize("damage", [lambda each: each[:-1], lambda each: each + b"\x00", lambda each: b""], ids=["cut", "longer", "empty"])
def test_a_compressed_case_that_is_cut_or_has_more_after_it_is_refused(damage: Any) -> None:
    with pytest.raises(ValueError, match="damaged"):
        decompress(damage(compress(b"a case of diamonds" * 20)))


def test_no_few_bytes_become_a_memory_full() -> None:
    with pytest.raises(ValueError, match=f"more than {LARGEST:,} bytes"):
        decompress(compress(bytes(50 << 20)))
