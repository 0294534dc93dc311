"""Who was what on which date: exact at the edges of every interval."""

from datetime import date, timedelta

import pytest

from kimberley.reference.files import shipped_reference
from kimberley.reference.participants import ParticipantRegister
from kimberley.reference.reference import Reference

REGISTER: ParticipantRegister = shipped_reference().participants


@pytest.mark.parametrize(
    ("code", "on", "participant", "status"),
    [
        ("CF", "2013-05-22", "CF", "participant"),
        ("CF", "2013-05-23", "CF", "suspended"),
        ("CF", "2015-07-16", "CF", "suspended"),
        ("CF", "2015-07-17", "CF", "restricted"),
        ("CF", "2024-11-14", "CF", "restricted"),
        ("CF", "2024-11-15", "CF", "participant"),
        ("GB", "2020-12-31", "EU", "participant"),
        ("GB", "2021-01-01", "GB", "participant"),
        ("UZ", "2024-11-14", "UZ", "non_participant"),
        ("UZ", "2024-11-15", "UZ", "participant"),
        ("VE", "2008-06-18", "VE", "participant"),
        ("VE", "2008-06-19", "VE", "self_suspended"),
        ("VE", "2016-11-16", "VE", "self_suspended"),
        ("VE", "2016-11-17", "VE", "participant"),
        ("HK", "2003-01-01", "CN", "participant"),
        ("HK", "2026-11-01", "CN", "participant"),
        ("MO", "2019-09-30", "MO", "non_participant"),
        ("MO", "2019-10-01", "CN", "participant"),
        ("BE", "2003-01-01", "EU", "participant"),
        ("BE", "2026-11-01", "EU", "participant"),
        ("GL", "2015-01-31", "GL", "candidate"),
        ("GL", "2015-02-01", "EU", "participant"),
        ("PE", "2024-01-01", "PE", "non_participant"),
        ("BW", "2002-12-31", "BW", "unknown"),
        ("BW", "2003-01-01", "BW", "participant"),
    ],
)
def test_standing_is_exact_at_interval_edges(code, on, participant, status):
    """The Participant that a code belonged to, and its status, on the last day before and the first day of a change."""
    standing = REGISTER.standing(code, date.fromisoformat(on))
    assert (standing.participant, standing.status) == (participant, status)


def test_a_code_nobody_has_never_took_part():
    """A code without a history is no Participant on any day, and is its own Participant."""
    standing = REGISTER.standing("ZZ", date(2024, 1, 1))
    assert (standing.participant, standing.status, standing.confidence) == ("ZZ", "non_participant", "high")


def test_every_day_of_every_code_has_one_status():
    """No history has a gap: from the scheme's start on, each code stands somehow on each interval's first and last day."""
    for code, participant in REGISTER.by_code.items():
        assert participant.periods[0].valid_from == date(2003, 1, 1), code
        for period in participant.periods:
            assert REGISTER._period(code, period.valid_from) is period
            if period.valid_to:
                assert REGISTER._period(code, period.valid_to - timedelta(days=1)) is period


def test_sixty_participants_for_eighty_six_countries_today():
    """The register adds up to the published count: 60 Participants, the EU's 27 members among 86 countries, Chinese Taipei outside."""
    today = date(2026, 11, 1)
    standing = {code: REGISTER.standing(code, today) for code in REGISTER.by_code}
    own = [
        code for code, each in standing.items() if each.participant == code and each.status == "participant" and each.kind == "participant"
    ]
    own_and_eu = {*own, "EU"}
    members = [code for code, each in standing.items() if each.participant == "EU" and each.kind == "eu_member"]
    assert len(own_and_eu) == 60
    assert len(own_and_eu) - 1 + len(members) == 86


def test_revision_names_content_not_order():
    """Two references with equal records have one revision, in whatever order they came; one changed record makes another."""
    shipped = shipped_reference()
    participants = list(shipped.participants.by_code.values())
    measures = list(shipped.measures.by_id.values())
    assert Reference(reversed(participants), reversed(measures)).revision == shipped.revision
    assert Reference(participants[1:], measures).revision != shipped.revision
