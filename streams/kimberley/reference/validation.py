"""Taking reference data in: codes in their normal form, kinds and codes that exist, periods that do not overlap."""

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from kimberley.errors import RefusedEventError
from kimberley.model.reference_data import Measure, Notice, Participant, StatusPeriod
from kimberley.model.text import normalise_code, normalise_hs_code, normalise_number
from kimberley.reference.measures import ANY_TERRITORY, EVERYONE
from kimberley.reference.reference import known_codes

Fields = dict[str, Any]

_CARATS = Decimal("0.001")
_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
T = TypeVar("T")


def take_in_participant(fields: Fields) -> Participant:
    """A jurisdiction's history of `code`, `name` and `periods` in any order. Raises RefusedEventError that names the field."""
    code = _code(fields, "code")
    rows = enumerate(fields.get("periods") or ())
    made = [_convert(_coded(row, ("member_of",)), StatusPeriod, f"periods[{index}].") for index, row in rows]
    periods = sorted(made, key=lambda period: period.valid_from)
    if not periods:
        raise _refused("missing", "periods", "a history has one period at least")
    for index, period in enumerate(periods):
        if period.member_of is not None:
            _known(period.member_of, f"periods[{index}].member_of")
    for one, following in pairwise(periods):
        if one.valid_to is None or one.valid_to > following.valid_from:
            raise _refused("range", "periods", f"the period from {one.valid_from} runs into the one from {following.valid_from}")
    return Participant(code=code, name=fields.get("name") or code, kind=periods[-1].kind, periods=tuple(periods))


def take_in_measure(fields: Fields) -> Measure:
    """A measure of the fields of measures.toml (`measure_id` for its `id`). Raises RefusedEventError that names the field."""
    fields = _coded(fields, ("territory", "imposed_by"))
    fields["hs_codes"] = tuple(normalise_hs_code(code) for code in fields.get("hs_codes") or ())
    measure = _convert(fields, Measure)
    _known(measure.territory, "territory", {ANY_TERRITORY})
    _known(measure.imposed_by, "imposed_by", EVERYONE)
    if measure.min_stone_carats is None:
        return measure
    # as the wire has it, so that a file and a topic of the same content have the same revision
    return msgspec.structs.replace(measure, min_stone_carats=measure.min_stone_carats.quantize(_CARATS))


def take_in_notice(fields: Fields) -> Notice:
    """A notice of one certificate number or a range. Raises RefusedEventError that names the field."""
    fields = _coded(fields, ("participant",))
    for name in ("first_number", "last_number"):
        if isinstance(fields.get(name), str):
            fields[name] = normalise_number(fields[name])
    notice = _convert(fields, Notice)
    _known(notice.participant, "participant")
    return notice


def _coded(fields: Fields, names: Iterable[str]) -> Fields:
    return {**fields, **{name: normalise_code(fields[name]) for name in names if isinstance(fields.get(name), str)}}


def _code(fields: Fields, name: str) -> str:
    code = fields.get(name)
    if not isinstance(code, str):
        raise _refused("missing", name, f"{name} is missing")
    return _known(normalise_code(code), name)


def _known(code: str, field: str, besides: Iterable[str] = ()) -> str:
    if code not in known_codes() and code not in besides:
        raise _refused("unknown-code", field, f"{code!r} is no ISO 3166-1 alpha-2 code, nor {' nor '.join(sorted({'EU', *besides}))}")
    return code


def _convert(fields: Fields, kind: type[T], below: str = "") -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as problem:
        text = str(problem)
        found = _PATH.search(text)
        absent = re.search(r"required field `(\w+)`", text)
        field = below + (found["path"] if found else absent[1] if absent else "")
        raise _refused("missing" if absent else "format", field.rstrip("."), _PATH.sub("", text)) from None


def _refused(code: str, field: str, message: str) -> RefusedEventError:
    return RefusedEventError([(code, field, message)])
