"""One consistent state of the reference data: what a judgement rests on, and the name by which a decision cites it."""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

import msgspec

from kimberley.model.decisions import Party
from kimberley.model.kept import Kept
from kimberley.model.reference_data import Measure, Notice, Participant
from kimberley.reference.measures import EVERYONE, MeasureRegister
from kimberley.reference.notices import NoticeRanges
from kimberley.reference.participants import ParticipantRegister

ReferenceRecord = Participant | Measure | Notice
DATA = Path(__file__).parent / "data"


class Reference:
    """Participants, measures and notices at one revision. Immutable: a change makes another one."""

    def __init__(self, participants: Iterable[Participant], measures: Iterable[Measure], notices: Iterable[Notice] = ()) -> None:
        self.participants = ParticipantRegister(participants)
        self.measures = MeasureRegister(measures)
        self.notices = {notice.notice_id: notice for notice in notices}
        self.parties = Kept(self._party)
        """The party of a role, a code and a date: the same few come again and again."""
        self._binding = Kept(self._find_binding)

    def name(self, code: str) -> str:
        """A jurisdiction as a sentence has it: `Uzbekistan (UZ)`, `the United Arab Emirates (AE)`."""
        name = _sentence_names().get(code) or self.participants.name(code) or country_names().get(code)
        return f"{name} ({code})" if name else code

    def same_participant(self, one: str, one_on: date, other: str, other_on: date) -> bool:
        """Whether two authorities are the same: equal codes, or the same Participant, each on its own date."""
        if one == other:
            return True
        standings = self.participants.standings
        return standings[one, one_on].participant == standings[other, other_on].participant

    def binding(self, kind: str, importer: str | None, on: date) -> tuple[Measure, ...]:
        """The measures of a kind in force on a date that bind imports by an authority: KP's and UN's bind all, others their own."""
        return self._binding[kind, importer, on]

    def _find_binding(self, key: tuple[str, str | None, date]) -> tuple[Measure, ...]:
        kind, importer, on = key
        return tuple(each for each in self.measures.of(kind, on) if self.binds(each, importer, on))

    def _party(self, key: tuple[str, str, date]) -> Party:
        role, code, on = key
        standing = self.participants.standing(code, on)
        return Party(role, code, standing.participant, standing.status, on)

    def notices_on(self, number: str) -> tuple[Notice, ...]:
        """The notices whose range holds a normalised certificate number, by id."""
        return self._notice_ranges.of(number)

    @cached_property
    def _notice_ranges(self) -> NoticeRanges:
        return NoticeRanges(self.notices.values())

    def binds(self, measure: Measure, importer: str | None, on: date) -> bool:
        """Whether a measure, when it is in force, binds imports by an authority on a date."""
        if measure.imposed_by in EVERYONE:
            return True
        return importer is not None and self.same_participant(measure.imposed_by, on, importer, on)

    def replace(self, records: Iterable[ReferenceRecord]) -> "Reference":
        """This reference with some records added, or put in the place of those with the same code or id."""
        participants, measures, notices = dict(self.participants.by_code), dict(self.measures.by_id), dict(self.notices)
        for record in records:
            match record:
                case Participant():
                    participants[record.code] = record
                case Measure():
                    measures[record.measure_id] = record
                case Notice():
                    notices[record.notice_id] = record
        return Reference(participants.values(), measures.values(), notices.values())

    @cached_property
    def content_hashes(self) -> dict[str, str]:
        """SHA-256 in hexadecimal of each topic's records, whatever their order."""
        return {
            "participants": _content_hash(self.participants.by_code),
            "measures": _content_hash(self.measures.by_id),
            "notices": _content_hash(self.notices),
        }

    @cached_property
    def revision(self) -> str:
        """The name of this state: equal contents have equal names, wherever they came from."""
        return sha256("|".join(self.content_hashes[topic] for topic in sorted(self.content_hashes)).encode()).hexdigest()[:12]


def _content_hash(records: Mapping[str, ReferenceRecord]) -> str:
    return sha256(msgspec.json.encode([records[key] for key in sorted(records)])).hexdigest()


@cache
def country_names() -> dict[str, str]:
    """English names by code: ISO 3166-1 alpha-2, and `EU`."""
    return {**{row["code"]: row["name"] for row in _countries()}, "EU": "European Union"}


def known_codes() -> frozenset[str]:
    """Codes that an event may carry."""
    return frozenset(country_names())


@cache
def _sentence_names() -> dict[str, str]:
    """Names that a sentence has otherwise than a list has them."""
    return {**{row["code"]: row["in_a_sentence"] for row in _countries() if row["in_a_sentence"]}, "EU": "the European Union"}


@cache
def _countries() -> list[dict[str, str]]:
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
