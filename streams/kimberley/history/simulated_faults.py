"""What goes wrong in the simulated trade: errors that are put right, errors that nobody notices, and what is no error."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kimberley.model.reference_data import Notice

if TYPE_CHECKING:
    from kimberley.history.simulation import Event, Journey, Trade

Steps = list[tuple[int, dict[str, Any]]]

_HOUR = 3_600_000
_DAY = 24 * _HOUR
_FEW_MINUTES = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A violation that is played on the first day, then every so many days, from a date until a date.

    `rule_id`: what it breaks. `innocent`: an error that its sender later corrects.
    """

    rule_id: str
    innocent: bool
    first: int
    every: int
    play: Callable[["Trade", "Fault", date], Steps]
    since: date = date.min
    until: date = date.max

    def is_due(self, index: int, today: date) -> bool:
        """Whether it is played on the day of this index."""
        return self.since <= today < self.until and index >= self.first and (index - self.first) % self.every == 0


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
    """A digit too few in Sierra Leone's number; the certificate is entered again under the right one."""
    journey = trade.from_mine("SL", today, "AE")
    wrong = {**journey.issue, "certificate_number": journey.number[:-1]}
    right = trade.again(journey.issue)
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
    both = trade.from_mine("ZW", today, "AE"), trade.from_mine("ZW", today, "AE")
    journey, other = sorted(both, key=lambda each: _instant_of(each.issue))
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


def _from_bria(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Stones of a zone of the Central African Republic that was never approved; they are conflict diamonds too."""
    return trade.from_mine("CF", today, "AE", extraction={"zone": "Bria", "produced_on": "2024-06-03"}).steps


def _from_the_stockpile(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Stones of an approved zone, but mined while the Central African Republic was suspended, and never audited."""
    return trade.from_mine("CF", today, "AE", extraction={"zone": "Carnot", "produced_on": "2014-06-02"}).steps


def _marange(trade: "Trade", fault: Fault, today: date) -> Steps:
    """More old papers: an export from Marange of 2010, without the Kimberley Process monitor's approval."""
    journey = trade.from_mine("ZW", date(2010, 3, 2), "AE", extraction={"zone": "Marange", "produced_on": "2010-01-11"})
    opening = trade.sending_time(today, 7)
    return [(opening, journey.issue), (opening + _FEW_MINUTES, journey.export)]


def _over_moscow(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Goods for the European Union on a plane that calls at Moscow, as the route at export says."""
    journey = trade.from_mine("ZA", today, "EU")
    over = {**journey.export, "route": ["AE", "RU"]}
    return [(sent, over if event is journey.export else event) for sent, event in journey.steps]


def _undisclosed(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A mixed parcel for the European Union whose paper says ***."""
    carats, value = Decimal("640.00"), Decimal("71680.00")
    return trade.journey("AE", "EU", today, carats, value, (), trade.lot_at("AE", today), "7102.31").steps


def _mistyped_origin(trade: "Trade", fault: Fault, today: date) -> Steps:
    """SA, Saudi Arabia, for ZA, South Africa; corrected within the day."""
    journey = trade.from_mine("ZA", today, "AE")
    wrong = {**journey.issue, "origins": ["SA"]}
    return _corrected(trade, journey, wrong, journey.issue, hours=6, early=True)


def _undervalued(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Angolan stones at a tenth of what they are worth, to a buyer of the same house."""
    return trade.journey("AO", "AE", today, Decimal("850.00"), Decimal("10200.00"), ("AO",), [], "7102.31").steps


def _without_source(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A hub's certificate that does not say under which one its stones came in."""
    return trade.journey("AE", "IN", today, Decimal("310.00"), Decimal("41850.00"), ("ZA",), [], "7102.31").steps


def _counterfeit(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A forger's certificate under a number that Kinshasa never printed (`NOTICES`)."""
    journey = trade.from_mine("CD", today, "AE")
    number = f"CD9{journey.number[3:]}"
    return [(sent, {**event, "certificate_number": number}) for sent, event in journey.steps]


def _without_buyer(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The importer's name is lost on the way from one system to another; sent again with it."""
    journey = _from_somewhere(trade, today)
    return _corrected(trade, journey, {**journey.issue, "importer": {"name": ""}}, journey.issue, hours=6, early=True)


def _without_origin(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The field for the origin left blank on a producer's own stones; filled in the same day."""
    journey = _from_somewhere(trade, today)
    return _corrected(trade, journey, {**journey.issue, "origins": []}, journey.issue, hours=7, early=True)


def _polished(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The code of cut stones, 7102.39, keyed for that of rough ones."""
    journey = _from_somewhere(trade, today)
    wrong = {**journey.issue, "parcels": [{**parcel, "hs_code": "7102.39"} for parcel in journey.issue["parcels"]]}
    return _corrected(trade, journey, wrong, journey.issue, hours=4, early=True)


def _dated_tomorrow(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A certificate that bears tomorrow's date, and is reported today; the office dates it right."""
    journey = _from_somewhere(trade, today)
    wrong = {**journey.issue, "issued_on": (today + timedelta(days=1)).isoformat()}
    return _corrected(trade, journey, wrong, journey.issue, hours=3, early=True)


def _valid_too_long(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A Canadian certificate good for ninety days, where sixty are allowed."""
    return trade.from_mine("CA", today, "EU", expires_on=(today + timedelta(days=90)).isoformat()).steps


def _void(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A certificate made void before export; the goods leave under it all the same."""
    journey = trade.from_mine("NA", today, "BW")
    at = _instant_of(journey.issue) + 2 * _HOUR
    return [*journey.steps, (at + _FEW_MINUTES, trade.event("CertificateInvalidated", at, "NA", journey.number, reason="VOIDED"))]


def _same_id(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The importer weighs again and sends the new weight under the old id; when the border system asks, under one of its own."""
    journey = _from_somewhere(trade, today)
    sent, right = journey.steps[2]
    again = {**right, "carats": str(Decimal(right["carats"]) + Decimal("0.01"))}
    later = sent + 3 * _HOUR
    anew = trade.again(again)
    taken_back = trade.withdrawal(right, later, "INCORRECT_DATA", anew)
    return [*journey.steps, (sent + _HOUR, again), (later, taken_back), (later + _FEW_MINUTES, anew)]


def _second_shipment(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The papers of a shipment that has left serve for another like it."""
    journey = trade.from_mine("SL", today, "EU")
    sent, export = journey.steps[1]
    second = trade.again(export, shipment_id=f"{export['shipment_id']}-B", occurred_at=_later(export, hours=26))
    return [*journey.steps, (sent + 26 * _HOUR, second)]


def _undervalued_export(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A digit lost in the value at the counter of export; put right before the goods arrive."""
    journey = _from_somewhere(trade, today)
    wrong = {**journey.export, "value_usd": journey.export["value_usd"][1:]}
    return _corrected(trade, journey, wrong, journey.export, hours=2)


def _diverted(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Goods for the European Union that Dubai takes in."""
    journey = trade.from_mine("ZW", today, "EU")
    at_dubai = (journey.arrival, journey.confirmation)
    return [(sent, {**event, "authority": "AE"} if event in at_dubai else event) for sent, event in journey.steps]


def _other_seal(trade: "Trade", fault: Fault, today: date) -> Steps:
    """The weight is right, but the seal is not the one that left."""
    journey = _from_somewhere(trade, today)
    arrival = {**journey.arrival, "seal_numbers": [f"{seal}7" for seal in journey.arrival["seal_numbers"]]}
    return [(sent, arrival if event is journey.arrival else event) for sent, event in journey.steps]


def _half_confirmed(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A form of the importer's that has no field for the weight."""
    journey = _from_somewhere(trade, today)
    confirmation = {field: value for field, value in journey.confirmation.items() if field != "carats"}
    return [(sent, confirmation if event is journey.confirmation else event) for sent, event in journey.steps]


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


def _re_exported(
    trade: "Trade", today: date, mine: str, destination: str, *, carats: str = "0.9", value: str = "0.9", **stated: Any
) -> tuple["Journey", "Journey"]:
    """Goods from a mine to Dubai, and ten days later on to a destination: so many times their weight and value."""
    came = trade.from_mine(mine, today, "AE")
    weight, worth = (
        (Decimal(came.issue[field]) * Decimal(times)).quantize(Decimal("0.01"))
        for field, times in (("carats", carats), ("value_usd", value))
    )
    origins, sources = stated.pop("origins", (mine,)), stated.pop("sources", [came.number])
    hs_code = came.issue["parcels"][0]["hs_code"]
    return came, trade.journey("AE", destination, today + timedelta(days=10), weight, worth, origins, sources, hs_code, **stated)


def _grown(trade: "Trade", fault: Fault, today: date) -> Steps:
    """More leaves Dubai than came in."""
    came, left = _re_exported(trade, today, "BW", "IN", carats="1.04", value="1.04")
    return [*came.steps, *left.steps]


def _source_of_nobody(trade: "Trade", fault: Fault, today: date) -> Steps:
    """A certificate of Dubai's names a source that was never issued; mostly corrected when the office is asked."""
    came, left = _re_exported(trade, today, "ZA", "IN")
    wrong = {**left.issue, "source_certificates": [trade.number("ZA")]}
    if not fault.innocent:
        return [*came.steps, *((sent, wrong if event is left.issue else event) for sent, event in left.steps)]
    return [*came.steps, *_corrected(trade, left, wrong, left.issue, hours=5 * 24)]


def _washed(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Stones that came in from Zimbabwe leave as Botswana's."""
    came, left = _re_exported(trade, today, "ZW", "IN", origins=("BW",))
    return [*came.steps, *left.steps]


def _left_out(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Of a Russian source and a South African one only South Africa is stated, on a certificate for the European Union."""
    other = trade.from_mine("RU", today, "AE")
    came = trade.from_mine("ZA", today, "AE")
    carats, value = ((Decimal(came.issue[field]) * Decimal("0.8")).quantize(Decimal("0.01")) for field in ("carats", "value_usd"))
    sources = [came.number, other.number]
    left = trade.journey("AE", "EU", today + timedelta(days=10), carats, value, ("ZA",), sources, "7102.31")
    return [*other.steps, *came.steps, *left.steps]


def _dearer(trade: "Trade", fault: Fault, today: date) -> Steps:
    """What came in at a price leaves at three and a half times that price, ten days later."""
    came, left = _re_exported(trade, today, "SL", "IN", value="3.2")
    return [*came.steps, *left.steps]


def _and_back(trade: "Trade", fault: Fault, today: date) -> Steps:
    """Stones go back to the country that sent them."""
    came, left = _re_exported(trade, today, "NA", "NA")
    return [*came.steps, *left.steps]


NOTICES = (
    Notice(
        notice_id="simulated-counterfeit-cd",
        kind="COUNTERFEIT",
        participant="CD",
        first_number="CD900000",
        last_number="CD999999",
        published_on=date(2024, 9, 2),
        details="made up for the simulated trade, like all in it: no certificate under these numbers was printed",
    ),
)
"""What is on notice in this play, and never a lawful certificate's number."""

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
    Fault("transit-banned", False, 6, 20, _over_moscow),
    Fault("zone-not-compliant", False, 7, 14, _from_bria, until=date(2024, 11, 15)),
    Fault("source-missing", False, 7, 16, _without_source),
    Fault("origin-undisclosed", False, 7, 10, _undisclosed, since=date(2025, 3, 1)),
    Fault("origin-without-production", True, 8, 12, _mistyped_origin),
    Fault("suspension-stockpile", False, 10, 18, _from_the_stockpile, until=date(2024, 11, 15)),
    Fault("price-out-of-band", False, 11, 17, _undervalued),
    Fault("approval-missing", False, 12, 60, _marange),
    Fault("required-field-missing", True, 1, 16, _without_buyer),
    Fault("hs-code-out-of-scope", True, 2, 21, _polished),
    Fault("export-mismatch", True, 3, 11, _undervalued_export),
    Fault("number-on-notice", False, 3, 22, _counterfeit),
    Fault("seal-mismatch", False, 4, 19, _other_seal),
    Fault("origin-missing", True, 5, 17, _without_origin),
    Fault("confirmation-incomplete", False, 6, 18, _half_confirmed),
    Fault("event-conflict", True, 7, 15, _same_id),
    Fault("wrong-destination", False, 9, 20, _diverted),
    Fault("validity-too-long", False, 9, 24, _valid_too_long),
    Fault("dates-out-of-order", True, 10, 16, _dated_tomorrow),
    Fault("certificate-reused", False, 11, 25, _second_shipment),
    Fault("certificate-invalidated", False, 13, 23, _void),
    Fault("weight-growth", False, 0, 14, _grown),
    Fault("source-unknown", True, 1, 12, _source_of_nobody),
    Fault("source-unknown", False, 6, 19, _source_of_nobody),
    Fault("origin-laundered", False, 2, 15, _washed),
    Fault("origin-dropped", False, 3, 16, _left_out),
    Fault("value-uplift", False, 4, 13, _dearer),
    Fault("round-trip", False, 5, 11, _and_back),
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


def _later(event: "Event", *, hours: int) -> str:
    """When something happened some hours after an event."""
    return (datetime.fromisoformat(event["occurred_at"]) + timedelta(hours=hours)).isoformat()


def _instant_of(event: "Event") -> int:
    return int(datetime.fromisoformat(event["occurred_at"]).timestamp() * 1000)


def _day_of(event: "Event") -> date:
    return date.fromisoformat(event["occurred_at"][:10])
