"""What goes wrong in the simulated trade: errors that are put right, errors that nobody notices, and what is no error."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimberley.history.simulation import Event, Journey, Trade

Steps = list[tuple[int, dict[str, Any]]]

_HOUR = 3_600_000
_DAY = 24 * _HOUR
_FEW_MINUTES = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A violation that is played on the first day, then every so many days, until a date.

    `rule_id`: what it breaks. `innocent`: an error that its sender later corrects.
    """

    rule_id: str
    innocent: bool
    first: int
    every: int
    play: Callable[["Trade", "Fault", date], Steps]
    until: date = date.max

    def is_due(self, index: int, today: date) -> bool:
        """Whether it is played on the day of this index."""
        return today < self.until and index >= self.first and (index - self.first) % self.every == 0


def _backlog(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A box of old papers is entered at last: an export of March 2014, when the Central African Republic was suspended."""
    journey = trade.from_mine("CF", date(2014, 3, 3), "AE")
    opening = trade.sending_time(today, 6)
    return [(opening, journey.issue), (opening + _FEW_MINUTES, journey.export)]


def _wrong_total(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A slip of the decimal point in the total; withdrawn and sent again within the day."""
    journey = _from_somewhere(trade, today)
    right = journey.issue["carats"]
    wrong = {**journey.issue, "carats": f"{right[:-3]}0{right[-3:]}"}
    return _corrected(trade, journey, wrong, journey.issue, hours=5, early=True)


def _wrong_arrival(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Two digits swapped, or one lost, at the importer's counter."""
    journey = _from_somewhere(trade, today)
    right = journey.arrival["carats"]
    wrong = {**journey.arrival, "carats": right[1:] if len(right) > 4 else f"1{right}"}
    if not fault.innocent:  # short on arrival, and nobody says why
        wrong = {**journey.arrival, "parcel_count": journey.arrival["parcel_count"] + 1, "carats": f"{right[:-3]}5{right[-3:]}"}
        return [(sent, wrong if event is journey.arrival else event) for sent, event in journey.steps if event is not journey.confirmation]
    return _corrected(trade, journey, wrong, journey.arrival, hours=20)


def _malformed_number(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A digit too few in the EU's number; the certificate is entered again under the right one."""
    journey = trade.from_mine("BR", today, "AE", provenance="BR")
    number = trade.number("EU")
    issue = {**journey.issue, "authority": "EU", "provenance": "EU", "origins": ["BR"]}
    wrong = {**issue, "certificate_number": number[:-1]}
    right = trade.again(issue, certificate_number=number)
    sent = journey.steps[0][0]
    taken_back = trade.withdrawal(wrong, sent + 3 * _HOUR, "INCORRECT_DATA", right)
    return [(sent, wrong), (sent + 3 * _HOUR, taken_back), (sent + 3 * _HOUR + _FEW_MINUTES, right)]


def _mistyped_destination(trade: "Trade", fault: Fault, today: date) -> Steps:
    """KE, Kenya, for KR, Korea; corrected when the carrier asks."""
    journey = trade.from_mine("BW", today, "KR")
    wrong = {**journey.issue, "destination": "KE"}
    return _corrected(trade, journey, wrong, journey.issue, hours=8, early=True)


def _barred_import(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Russian goods sent straight to the European Union."""
    return trade.from_mine("RU", today, "EU").steps


def _expired(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A certificate used a day or more after its last day."""
    return trade.from_mine("ZA", today, "AE", expires_on=today.isoformat()).steps


def _reused_number(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The same number on a second certificate for other goods."""
    journey, other = trade.from_mine("ZW", today, "AE"), trade.from_mine("ZW", today, "AE")
    second = {**other.issue, "certificate_number": journey.number}
    return [*journey.steps, (journey.steps[0][0] + 30 * _HOUR, second)]


def _to_tashkent(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Goods sent to Uzbekistan before its admission of 15 November 2024."""
    return trade.from_mine("RU", today, "UZ").steps


def _from_tashkent(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A certificate of Uzbekistan's, some days before its admission."""
    journey = trade.from_mine("ZA", today, "AE")
    number = trade.number("UZ")
    issue = {**journey.issue, "authority": "UZ", "certificate_number": number}
    return [(journey.steps[0][0], issue), (journey.steps[1][0], {**journey.export, "authority": "UZ", "certificate_number": number})]


def _late_confirmation(trade: "Trade", fault: Fault, today: date) -> Steps:
    """An import that was confirmed in time, and reported three weeks after."""
    journey = trade.from_mine("NA", today, "US")
    return [(sent + 21 * _DAY if event is journey.confirmation else sent, event) for sent, event in journey.steps]


def _never_arrived(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Goods that leave and are never heard of again."""
    journey = trade.from_mine("AO", today, "AE")
    return journey.steps[:2]


def _late_issue(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The issuing office's line is down for nine days; the goods are under way."""
    journey = _from_somewhere(trade, today)
    return [(sent + 9 * _DAY if event is journey.issue else sent, event) for sent, event in journey.steps]


def _never_issued(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A shipment whose number no issuer knows."""
    journey = _from_somewhere(trade, today)
    return [(sent, event) for sent, event in journey.steps if event is not journey.issue]


FAULTS = (
    Fault("trade-suspended", False, 0, 60, _backlog),
    Fault("totals-mismatch", True, 0, 3, _wrong_total),
    Fault("import-mismatch", True, 0, 2, _wrong_arrival),
    Fault("destination-not-participant", True, 1, 9, _mistyped_destination),
    Fault("number-malformed", True, 2, 7, _malformed_number),
    Fault("import-banned", False, 3, 12, _barred_import),
    Fault("import-mismatch", False, 4, 13, _wrong_arrival),
    Fault("certificate-expired", False, 5, 15, _expired),
    Fault("confirmation-overdue", True, 0, 9, _late_confirmation),
    Fault("arrival-overdue", False, 1, 8, _never_arrived),
    Fault("certificate-unknown", True, 2, 6, _late_issue),
    Fault("certificate-unknown", False, 6, 17, _never_issued),
    Fault("number-reused", False, 8, 19, _reused_number),
    Fault("importer-not-participant", False, 9, 30, _to_tashkent, until=date(2024, 11, 1)),
    Fault("issuer-not-participant", False, 14, 60, _from_tashkent, until=date(2024, 11, 10)),
)


def _from_somewhere(trade: "Trade", today: date) -> "Journey":
    issuer = trade.rng.choice(("BW", "CA", "AO", "ZA", "NA", "CD"))
    return trade.from_mine(issuer, today)


def _corrected(trade: "Trade", journey: "Journey", wrong: "Event", right: "Event", *, hours: int, early: bool = False) -> Steps:
    """A journey in which one event was wrong at first: sent, taken back after some hours, sent again as it is."""
    corrected = trade.again(right)
    steps: Steps = []
    for sent, event in journey.steps:
        if event is right:
            if early:  # nine o'clock in the west of Canada is long after nine UTC
                sent = min(sent, max(trade.sending_time(_day_of(right), 9), _instant_of(right) + _FEW_MINUTES))
            taken_back = trade.withdrawal(wrong, sent + hours * _HOUR, "INCORRECT_DATA", corrected)
            steps += [(sent, wrong), (sent + hours * _HOUR, taken_back), (sent + hours * _HOUR + _FEW_MINUTES, corrected)]
        else:
            steps.append((sent, event))
    return steps


def _instant_of(event: "Event") -> int:
    return int(datetime.fromisoformat(event["occurred_at"]).timestamp() * 1000)


def _day_of(event: "Event") -> date:
    return date.fromisoformat(event["occurred_at"][:10])
