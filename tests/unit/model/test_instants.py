"""Instants as text, whatever the calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kimberley.model.events import instant_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(-62_135_596_800_000 + 64_800_000, 253_402_300_799_999 - 64_800_000), st.integers(-1080, 1080))
@example(0, 0)
@example(-1, 0)
@example(1_709_164_799_999, 60)
def test_an_instant_s_text_is_that_instant_at_its_offset(instant: int, offset: int) -> None:
    text = instant_text(instant, offset)
    moment = _EPOCH + timedelta(milliseconds=instant)
    read = datetime.fromisoformat(text)
    assert read == moment
    assert read.utcoffset() == timedelta(minutes=offset)
    local = moment.astimezone(timezone(timedelta(minutes=offset))).replace(tzinfo=None)
    assert text.startswith(local.isoformat(timespec="milliseconds" if instant % 1000 else "seconds"))
    assert text.endswith("Z") is (offset == 0)


@pytest.mark.parametrize("instant", [-62_135_596_800_001, 253_402_300_800_000, 1 << 70])
def test_an_instant_beyond_all_calendars_has_no_text(instant: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        instant_text(instant)
