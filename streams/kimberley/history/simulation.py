"""A realistic trade, made up: weeks of certificates and shipments, mostly lawful, some in error, a few that are not innocent.

Determined by its arguments alone. Corridors, sizes and prices are data with their sources (`data/corridors.toml`); companies are
invented. What goes wrong, and whether it is put right, stands in `simulated_faults`.
"""

import heapq
import math
import random
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from kimberley.history.simulated_faults import FAULTS
from kimberley.model.events import instant_text

Event = dict[str, Any]

HOUR = 3_600_000
DAY = 24 * HOUR
_CENT = Decimal("0.01")
_VALIDITY_DAYS = 56
_WEEKDAY_LOAD, _WEEKEND_LOAD = 1.3, 0.25
_MOST_LOTS = 400
_MINUTES_MS = 15 * 60_000


@dataclass(slots=True)
class Journey:
    """What happens under one certificate; each step an event and the instant at which its office sends it."""

    number: str
    destination: str
    issue: Event
    export: Event
    arrival: Event
    confirmation: Event
    lot: "_Lot"
    steps: list[tuple[int, Event]] = field(default_factory=list)


@dataclass(slots=True)
class _Lot:
    """Goods that arrived at a hub and may go on. `issuers`: of their certificate and of those under which they came in before."""

    number: str
    carats: Decimal
    value: Decimal
    origins: tuple[str, ...]
    hs_code: str
    free_at: int
    issuers: frozenset[str]


def simulate(
    seed: int = 1, start: date = date(2024, 10, 7), days: int = 42, certificates_per_day: int = 60, faults: bool = True
) -> Iterator[Event]:
    """Events in their JSON form, in the order in which border systems send them: by time mostly, some late.

    `certificates_per_day` is the mean over a week. `faults=False` leaves out every violation, not the innocent noise (repeats, lower
    case, withdrawals that come early).
    """
    trade = Trade(random.Random(seed))
    waiting: list[tuple[int, int, Event]] = []
    made = 0
    for index in range(days):
        today = start + timedelta(days=index)
        morning = _instant(today)
        steps: list[tuple[int, Event]] = []
        if faults:
            for fault in FAULTS:
                if fault.is_due(index, today):
                    steps += fault.play(trade, fault, today)
        load = _WEEKDAY_LOAD if today.weekday() < 5 else _WEEKEND_LOAD
        for _ in range(round(certificates_per_day * load)):
            steps += trade.noise(trade.lawful(today).steps)
        for sent, event in steps:
            made += 1
            heapq.heappush(waiting, (sent, made, event))
        while waiting and waiting[0][0] < morning + DAY:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


class Trade:
    """The world of the play: who has which goods, which numbers were given out."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._issuers = _data()["issuer"]
        self._sizes = _data()["sizes"]
        self._offsets: dict[str, int] = {**{code: each["utc_offset"] for code, each in self._issuers.items()}, **_data()["importer"]}
        self._onward = set(_data()["russian"]["onward"])
        self._numbers: dict[str, int] = {}
        self._lots: dict[str, list[_Lot]] = {code: [] for code, each in self._issuers.items() if each.get("hub")}

    def lawful(self, today: date) -> Journey:
        """A journey that breaks no rule, from the issue of its certificate today on."""
        now = _instant(today)
        open_issuers = [code for code, each in self._issuers.items() if each.get("from", today) <= today and self._has_goods(code, now)]
        issuer = self.rng.choices(open_issuers, [self._issuers[code]["share"] for code in open_issuers])[0]
        journey = (self._re_export(issuer, today) if issuer in self._lots else None) or self.from_mine(
            "BW" if issuer in self._lots else issuer, today
        )
        if journey.destination in self._lots:
            lots = self._lots[journey.destination]
            lots.append(journey.lot)
            del lots[:-_MOST_LOTS]
        return journey

    def from_mine(self, issuer: str, today: date, destination: str | None = None, **stated: Any) -> Journey:
        """A producer's export of its own stones."""
        sizes = self._sizes
        carats = _round(
            min(max(self.rng.lognormvariate(math.log(sizes["median_carats"]), sizes["sigma"]), sizes["least_carats"]), sizes["most_carats"])
        )
        price = (
            self._issuers[issuer]["usd_per_carat"] * self.rng.lognormvariate(0, sizes["price_sigma"]) if issuer in self._issuers else 120
        )
        destination = destination or self._destination(issuer, {issuer}) or "AE"
        hs_code = self.rng.choice(("7102.10", "7102.31", "7102.31", "7102.21"))
        return self.journey(issuer, destination, today, carats, _round(float(carats) * price), (issuer,), [], hs_code, **stated)

    def _re_export(self, issuer: str, today: date) -> Journey | None:
        """A hub's export of what came in; of several lots, a mixed parcel. None where it could only go back to where it came from."""
        now = _instant(today)
        free = [lot for lot in self._lots[issuer] if lot.free_at <= now]
        first = self.rng.choice(free)
        wanted = self.rng.choice((1, 1, 2, 3))
        kin = [lot for lot in free if lot is not first and ("RU" in lot.origins) == ("RU" in first.origins) and bool(lot.origins)]
        lots = [first, *self.rng.sample(kin, min(wanted - 1, len(kin)))] if first.origins else [first]
        for lot in lots:
            self._lots[issuer].remove(lot)
        origins = tuple(sorted({origin for lot in lots for origin in lot.origins}))
        passed = frozenset().union(*(lot.issuers for lot in lots))
        destination = self._destination(issuer, set(origins), passed)
        if destination is None:
            return None
        if len(origins) > 1 and "RU" not in origins and destination != "EU" and self.rng.random() < 0.7:
            origins = ()  # a mixed parcel need not list its countries; paper writes ***
        part = Decimal(str(round(self.rng.uniform(0.5, 0.98), 2)))
        carats = max(_CENT, (sum((lot.carats for lot in lots), Decimal(0)) * part).quantize(_CENT))
        value = (sum((lot.value for lot in lots), Decimal(0)) * part * Decimal(str(round(self.rng.uniform(0.95, 1.2), 2)))).quantize(_CENT)
        journey = self.journey(issuer, destination, today, carats, value, origins, [lot.number for lot in lots], first.hs_code)
        journey.lot.issuers |= {lot.number[:2] for lot in lots}
        return journey

    def journey(
        self,
        issuer: str,
        destination: str,
        today: date,
        carats: Decimal,
        value: Decimal,
        origins: tuple[str, ...],
        sources: list[str],
        hs_code: str,
        **stated: Any,
    ) -> Journey:
        """All steps of a journey, sent as they happen. `stated` replaces what the certificate would state."""
        rng = self.rng
        number = self.number(issuer)
        issued_at = self._office_hours(issuer, today)
        parcels = self._parcels(carats, value, hs_code)
        company, buyer = f"Exporter {issuer} {rng.randrange(1, 40)}", f"Importer {destination} {rng.randrange(1, 60)}"
        seals = [f"S{rng.randrange(10**6):06d}"]
        goods = {"carats": str(carats), "value_usd": str(value), "parcel_count": len(parcels)}
        certificate = {
            "issued_on": today.isoformat(),
            "expires_on": (today + timedelta(days=_VALIDITY_DAYS)).isoformat(),
            "destination": destination,
            "exporter": {"name": company},
            "importer": {"name": buyer},
            "mixed_origin": len(origins) != 1,
            "origins": list(origins),
            "parcels": parcels,
            "seal_numbers": seals,
            **goods,
        }
        if sources:
            certificate["source_certificates"] = sources
        issue = self.event("CertificateIssued", issued_at, issuer, number, **{**certificate, **stated})
        exported_at = issued_at + rng.randrange(20, 60) * HOUR + rng.randrange(HOUR)
        shipment = f"{issuer}-{rng.randrange(10**7):07d}"
        export = self.event(
            "ShipmentExported", exported_at, issuer, number, shipment_id=shipment, destination=destination, seal_numbers=seals, **goods
        )
        arrived_at = exported_at + rng.randrange(14, 70) * HOUR + rng.randrange(HOUR)
        # scales differ a little
        off = Decimal(rng.choice((0, 0, 0, 1, -1))) * _CENT if carats > 10 else Decimal(0)
        found = str(carats + off)
        arrival = self.event(
            "ShipmentArrived",
            arrived_at,
            destination,
            number,
            shipment_id=shipment,
            carats=found,
            parcel_count=len(parcels),
            seal_numbers=seals,
        )
        confirmed_at = arrived_at + rng.randrange(12, 110) * HOUR
        confirmation = self.event(
            "ImportConfirmed",
            confirmed_at,
            destination,
            number,
            parcel_count=len(parcels),
            carats=found,
            exporter={"name": company},
            importer={"name": buyer},
            confirms_to=issuer,
        )
        lot = _Lot(number, carats + min(off, Decimal(0)), value, origins, hs_code, arrived_at + 2 * DAY, frozenset({issuer}))
        journey = Journey(number, destination, issue, export, arrival, confirmation, lot)
        for event, at in ((issue, issued_at), (export, exported_at), (arrival, arrived_at), (confirmation, confirmed_at)):
            journey.steps.append((at + self.delay(), event))
        # nobody certifies out of what is not reported yet
        lot.free_at = max(lot.free_at, *(sent for sent, _ in journey.steps[:3]))
        return journey

    def lot_at(self, hub: str, today: date) -> list[str]:
        """The certificate under which some goods came to a hub that are free to go on, if there are any; they are gone then."""
        lots = self._lots[hub]
        free = next((lot for lot in lots if lot.free_at <= _instant(today)), None)
        if free is None:
            return []
        lots.remove(free)
        return [free.number]

    def event(self, kind: str, at: int, authority: str, number: str, **fields: Any) -> Event:
        """An event in its JSON form; `at` in milliseconds since the epoch, written at the authority's own offset."""
        return {
            "type": kind,
            "event_id": self._event_id(),
            "occurred_at": instant_text(at // 1000 * 1000, self._offsets.get(authority, 0)),
            "authority": authority,
            "certificate_number": number,
            **fields,
        }

    def again(self, event: Event, **changes: Any) -> Event:
        """An event reported anew, with another id."""
        return {**event, **changes, "event_id": self._event_id()}

    def withdrawal(self, of: Event, at: int, reason: str, *corrections: Event) -> Event:
        """The sender takes an event back."""
        corrective = [event["event_id"] for event in corrections]
        return self.event(
            "EventWithdrawn",
            at,
            of["authority"],
            of["certificate_number"],
            withdrawn_event_id=of["event_id"],
            reason=reason,
            corrective_event_ids=corrective,
        )

    def number(self, issuer: str) -> str:
        """The issuer's next certificate number."""
        count = self._numbers[issuer] = self._numbers.get(issuer, self.rng.randrange(1000, 50_000)) + 1
        return f"{issuer}{count:08d}" if issuer == "EU" else f"{issuer}{count:06d}"

    def sending_time(self, today: date, hour: int) -> int:
        """A little after an hour of the day, UTC."""
        return _instant(today) + hour * HOUR + self.rng.randrange(_MINUTES_MS)

    def delay(self) -> int:
        """How long an office takes to send, in milliseconds: minutes mostly, hours sometimes, days where the line is down."""
        luck = self.rng.random()
        most = 20 * 60_000 if luck < 0.93 else 10 * HOUR if luck < 0.99 else 4 * DAY
        return self.rng.randrange(60_000, most)

    def noise(self, steps: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
        """What happens to lawful events on the way and must raise nothing."""
        rng = self.rng
        luck = rng.random()
        if luck < 0.02:  # sent again, unsure whether it went through
            sent, event = rng.choice(steps)
            return [*steps, (sent + rng.randrange(10_000, HOUR), event)]
        if luck < 0.05:  # typed as people type; a date's day and a code's case are forgiven
            at = rng.randrange(1, len(steps))
            sent, event = steps[at]
            number = event["certificate_number"]
            typed = {**event, "certificate_number": f"{number[:2].lower()}-{number[2:]}", "authority": event["authority"].lower()}
            return [*steps[:at], (sent, typed), *steps[at + 1 :]]
        if luck < 0.06:  # a second export reported by mistake; its withdrawal is quicker than itself
            sent, export = steps[1]
            mistaken = self.again(export)
            return [*steps, (sent, self.withdrawal(mistaken, sent, "DID_NOT_OCCUR")), (sent + 5 * 60_000, mistaken)]
        return steps

    def _event_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _has_goods(self, issuer: str, now: int) -> bool:
        return issuer not in self._lots or any(lot.free_at <= now for lot in self._lots[issuer])

    def _destination(self, issuer: str, origins: set[str], passed: frozenset[str] = frozenset()) -> str | None:
        """Where goods of some origins go that have passed through some issuers' hands; None: nowhere."""
        weights: dict[str, float] = self._issuers[issuer]["to"]
        if not origins:  # which the European Union wants named
            weights = {code: weight for code, weight in weights.items() if code != "EU"}
        if "RU" in origins:
            weights = {code: weight for code, weight in weights.items() if code in self._onward or issuer == "RU"}
        weights = {code: weight for code, weight in weights.items() if code not in passed}
        return self.rng.choices(list(weights), list(weights.values()))[0] if weights else None

    def _office_hours(self, authority: str, today: date) -> int:
        return _instant(today) + 8 * HOUR + self.rng.randrange(9 * HOUR) - self._offsets.get(authority, 0) * 60_000

    def _parcels(self, carats: Decimal, value: Decimal, hs_code: str) -> list[dict[str, str]]:
        """One to four parcels that add up, exactly."""
        count = self.rng.choice((1, 1, 2, 3, 4)) if carats > 50 else 1
        parcels = []
        for left in range(count, 1, -1):
            part, worth = ((figure / left * Decimal("0.9")).quantize(_CENT) for figure in (carats, value))
            parcels.append({"hs_code": hs_code, "carats": str(part), "value_usd": str(worth)})
            carats, value = carats - part, value - worth
        return [*parcels, {"hs_code": hs_code, "carats": str(carats), "value_usd": str(value)}]


def _instant(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY


def _round(figure: float) -> Decimal:
    return Decimal(str(figure)).quantize(_CENT, ROUND_HALF_UP)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "data" / "corridors.toml").read_text(encoding="utf-8"))
