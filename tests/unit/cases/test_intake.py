"""What a decoder lets through and no calendar can hold is refused when it is taken in."""

import pytest

from kimberley.cases.intake import take_in
from kimberley.errors import RefusedEventError


@pytest.mark.parametrize("field", ["utc_offset_minutes", "left_at_utc_offset_minutes"])
@pytest.mark.parametrize(("minutes", "refused"), [(1080, False), (-1080, False), (1081, True), (-(1 << 31), True)])
def test_an_offset_beyond_eighteen_hours_is_refused(field: str, minutes: int, refused: bool) -> None:
    stated = {"event_id": "e", "occurred_at": 0, "authority": "AE", "certificate_number": "BW1", "left_at": 0, field: minutes}
    if not refused:
        take_in("ShipmentTransited", stated)
        return
    with pytest.raises(RefusedEventError) as problem:
        take_in("ShipmentTransited", stated)
    assert [(code, name) for code, name, _ in problem.value.errors] == [("range", field)]
