"""What one state of the reference data has otherwise than another: records added, changed field by field, removed."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest

from kimberley.model.reference_data import AllowedZone, Measure, Notice, Participant, StatusPeriod
from kimberley.reference.difference import Difference, FieldChange, differences
from kimberley.reference.files import shipped_reference
from kimberley.reference.reference import Reference

PERIODS = (
    StatusPeriod(kind="participant", status="candidate", valid_from=date(2003, 1, 1), valid_to=date(2010, 1, 1)),
    StatusPeriod(kind="participant", status="participant", valid_from=date(2010, 1, 1), source="a list"),
)
PARTICIPANT = Participant(code="XA", name="Land A", kind="participant", periods=PERIODS)
MEASURE = Measure(
    measure_id="m-1",
    kind="ZONES",
    imposed_by="KP",
    territory="XA",
    valid_from=date(2015, 1, 1),
    hs_codes=("710210",),
    allowed_zones=(AllowedZone(zone="North", valid_from=date(2016, 1, 1)),),
)
NOTICE = Notice(notice_id="n-1", kind="LOST", participant="XA", first_number="XA1")


@dataclass
class Case:
    """A change, and the fields that it must show."""

    before: Any
    after: Any
    fields: set[FieldChange]


def changed(record: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(record, **fields)


def state(record: Any) -> Reference:
    """A reference of one record."""
    return Reference((), ()).replace([record])


@pytest.mark.parametrize(
    "case",
    [
        Case(PARTICIPANT, changed(PARTICIPANT, name="Land B"), {FieldChange("name", "Land A", "Land B")}),
        Case(
            PARTICIPANT,
            changed(PARTICIPANT, periods=(PERIODS[0], changed(PERIODS[1], confidence="low", source=""))),
            {FieldChange("periods[2010-01-01].confidence", "high", "low"), FieldChange("periods[2010-01-01].source", "a list", "")},
        ),
        Case(
            PARTICIPANT,
            changed(PARTICIPANT, periods=PERIODS[1:]),
            {
                FieldChange("periods[2003-01-01].kind", "participant", ""),
                FieldChange("periods[2003-01-01].status", "candidate", ""),
                FieldChange("periods[2003-01-01].valid_to", "2010-01-01", ""),
                FieldChange("periods[2003-01-01].confidence", "high", ""),
            },
        ),
        Case(MEASURE, changed(MEASURE, hs_codes=("710210", "710231")), {FieldChange("hs_codes", "710210", "710210, 710231")}),
        Case(MEASURE, changed(MEASURE, valid_to=date(2020, 1, 1)), {FieldChange("valid_to", "", "2020-01-01")}),
        Case(
            MEASURE,
            changed(MEASURE, allowed_zones=(changed(MEASURE.allowed_zones[0], valid_to=date(2017, 1, 1)),)),
            {FieldChange("allowed_zones[North 2016-01-01].valid_to", "", "2017-01-01")},
        ),
        Case(NOTICE, changed(NOTICE, kind="STOLEN"), {FieldChange("kind", "LOST", "STOLEN")}),
    ],
    ids=lambda case: min(each.field for each in case.fields),
)
def test_a_changed_record_shows_the_fields_that_differ_and_no_others(case: Case) -> None:
    (found,) = differences(state(case.before), state(case.after))
    assert found.change == "changed"
    assert set(found.fields) == case.fields
    (back,) = differences(state(case.after), state(case.before))
    assert set(back.fields) == {FieldChange(each.field, each.after, each.before) for each in case.fields}


@pytest.mark.parametrize("record", [PARTICIPANT, MEASURE, NOTICE])
def test_a_new_record_is_added_and_one_that_is_gone_removed(record: Any) -> None:
    nothing = Reference((), ())
    (added,) = differences(nothing, state(record))
    (removed,) = differences(state(record), nothing)
    assert (added.change, removed.change) == ("added", "removed")
    assert (added.kind, added.key) == (removed.kind, removed.key)
    assert all(each.before == "" for each in added.fields)
    assert {(each.field, each.after) for each in added.fields} == {(each.field, each.before) for each in removed.fields}


def test_equal_states_do_not_differ_and_every_shipped_record_can_be_shown() -> None:
    shipped = shipped_reference()
    assert differences(shipped, shipped) == []
    found = differences(Reference((), ()), shipped)
    assert len(found) == len(shipped.participants.by_code) + len(shipped.measures.by_id)
    assert all(isinstance(each, Difference) and each.change == "added" and each.fields for each in found)
