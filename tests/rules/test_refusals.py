"""What is refused: codes that are none, events without what identifies them, invalidations by another."""

import pytest

from support.decided import decided, said
from support.stories import Event, arrival, event, export, invalidation, issue, judge, withdrawal

MISMATCH, REUSED, TOTALS, MALFORMED = "import-mismatch", "number-reused", "totals-mismatch", "number-malformed"


# Refusals


CODE_FIELDS: list[tuple[str, Event]] = [
    ("authority", issue(authority="XX", origins=["BW"])),
    ("destination", issue(destination="XX")),
    ("origins", issue(origins=["BW", "XX"])),
    ("provenance", issue(provenance="XX")),
    ("parcels", issue(parcels=[{"hs_code": "7102.31", "carats": "100", "value_usd": "20000", "origins": ["XX"]}])),
    ("destination", export(destination="XX")),
    ("route", export(route=["ZA", "XX"])),
    ("country", event("ShipmentTransited", "2024-03-06T12:00:00Z", "ZA", shipment_id="SH-1", country="XX")),
    ("authority", event("ShipmentTransited", "2024-03-06T12:00:00Z", "XX", shipment_id="SH-1", country="ZA")),
    ("authority", arrival(authority="XX")),
    ("confirms_to", event("ImportConfirmed", "2024-03-08T12:00:00Z", "EU", confirms_to="XX")),
    ("authority", invalidation(authority="XX")),
    ("authority", withdrawal(arrival(), authority="XX")),
    ("authority", event("ShipmentDetained", "2024-03-08T12:00:00Z", "XX", shipment_id="SH-1", reason="seal")),
    ("authority", event("ShipmentReturned", "2024-03-08T12:00:00Z", "XX", shipment_id="SH-1")),
]


@pytest.mark.parametrize(("field", "refused"), CODE_FIELDS, ids=[f"{each['type']}-{field}" for field, each in CODE_FIELDS])
def test_an_unknown_code_in_any_field_is_refused(field: str, refused: Event) -> None:
    found = decided(issue("BW000009"), refused)
    assert [row["outcome"] for row in found.rows] == ["ACCEPTED", "REFUSED"]
    (error,) = found.rows[-1]["errors"]
    assert field in error["field"]
    assert "XX" in error["message"]
    assert (error["code"] or "") != ""
    assert found.exit_status == 1
    assert "XX" in found.errors
    assert field in found.errors
    assert judge(issue("BW000009"), refused).rows == [], "and counts for nothing"


@pytest.mark.parametrize("code", ["UK", "EC0", "E", "XK", "ZZ", "SU", "YU", "AN", "QO", "EL", "BWA", "**"])
def test_what_is_not_in_iso_3166_is_no_code(code: str) -> None:
    assert said(issue(destination=code)) == ["REFUSED"]


@pytest.mark.parametrize("code", ["EU", "eu", " Bw", "EC", "SS", "TW", "PS", "AQ", "GG", "CW"])
def test_all_of_iso_3166_and_eu_are_codes_and_case_and_blanks_are_forgiven(code: str) -> None:
    assert said(issue(destination=code)) == ["ACCEPTED"]


@pytest.mark.parametrize("how", ["absent", "null"])
@pytest.mark.parametrize("field", ["event_id", "occurred_at", "authority", "certificate_number", "issued_on"])
def test_an_event_without_what_identifies_it_is_refused(field: str, how: str) -> None:
    certificate = issue(mixed_origin=False, parcels=[])
    broken = {**certificate, field: None} if how == "null" else {name: value for name, value in certificate.items() if name != field}
    found = decided(issue("BW000009"), broken)
    assert found.exit_status == 1
    assert [row["outcome"] for row in found.rows if row["outcome"] != "REFUSED"] == ["ACCEPTED"]
    assert field in found.errors
    assert judge(issue("BW000009"), {**broken, "carats": "1", "destination": "KE"}).rows == []


@pytest.mark.parametrize("number", ["", "   ", " - / "])
def test_a_number_of_blanks_is_none(number: str) -> None:
    found = judge(issue(number))
    assert (found.exit_status, found.rows) == (1, [])
    assert "certificate_number" in found.errors


@pytest.mark.parametrize(
    "field",
    [
        *("destination", "expires_on", "exporter", "importer", "mixed_origin", "origins"),
        *("parcels", "parcel_count", "carats", "value_usd"),
    ],
)
def test_any_other_absent_field_is_the_rules_matter(field: str) -> None:
    certificate = issue()
    without = {name: value for name, value in certificate.items() if name != field}
    assert said(without) == said({**certificate, field: None}) == ["ACCEPTED"]


@pytest.mark.parametrize("field", ["shipment_id", "destination", "carats", "value_usd", "parcel_count"])
def test_an_export_may_lack_anything_but_what_identifies_it(field: str) -> None:
    assert said(issue(), {name: value for name, value in export().items() if name != field}) == ["ACCEPTED", "ACCEPTED"]


@pytest.mark.parametrize(
    ("number", "authority", "on", "refused"),
    [
        ("BW000001", "BW", "2024-03-20", False),
        ("BW000001", "ZA", "2024-03-20", True),
        ("EU12345678", "EU", "2024-03-20", False),
        ("EU12345678", "BE", "2024-03-20", False),
        ("EC12345678", "EU", "2024-03-20", False),
        ("EC12345678", "FR", "2024-03-20", False),
        ("EC12345678", "EC", "2024-03-20", True),  # a prefix of the EU's, not Ecuador
        ("EU12345678", "BW", "2024-03-20", True),
        ("EU12345678", "GB", "2020-12-31", False),
        ("EU12345678", "GB", "2021-01-01", True),
        ("GB000001", "GB", "2024-03-20", False),
        ("GB000001", "EU", "2024-03-20", True),
        ("HK000001", "HK", "2024-03-20", False),
        ("CN000001", "HK", "2024-03-20", False),
        ("HK000001", "CN", "2024-03-20", False),
        ("HK000001", "EU", "2024-03-20", True),
    ],
)
def test_an_invalidation_by_another_than_the_prefix_names_is_refused(number: str, authority: str, on: str, refused: bool) -> None:
    found = decided(invalidation(f"{on}T12:00:00Z", authority, number))
    assert [row["outcome"] for row in found.rows] == ["REFUSED" if refused else "ACCEPTED"]
    assert found.exit_status == (1 if refused else 0)


def test_an_unknown_word_where_one_of_a_list_is_due_is_refused() -> None:
    found = judge(invalidation(reason="LOST_IN_POST"))
    assert found.exit_status == 1
    assert "reason" in found.errors


def test_a_refused_event_s_id_is_free_for_its_correction() -> None:
    """A refused event counts for nothing, so its id has no content yet."""
    wrong = arrival(authority="XX", carats="98")
    assert said(issue(), wrong, {**wrong, "authority": "EU"}) == ["ACCEPTED", "REFUSED", "ACCEPTED"]
