"""Records as nobody honest sends them, of every kind that we could think of; the same for the same seed."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from kimberley.wire.avro import Codec
from kimberley.wire.event_records import event_record
from kimberley.wire.records import record_from_json
from support.journeys import journey

Headers = list[tuple[str, bytes | None]]


class Hostile(NamedTuple):
    """A record and the kind of its malice. `is_elsewhere`: it is forwarded first, for its key is not its certificate's."""

    kind: str
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


PASSING = frozenset(
    {"circles", "withdrawals", "negative_amounts", "keys_that_are_no_text", "odd_headers", "odd_numbers", "large_key", "large_headers"}
)
"""Kinds that mostly pass as events: they are judged like others, in a few certificates' cases. The rest can't be read, or is refused."""


class Enemy:
    """Makes hostile records. `most_bytes`: of the large ones, at most 1,000,000, which is what a broker still takes. `without`: kinds
    that it does not make.
    """

    def __init__(self, codec: Codec, seed: int, most_bytes: int = 1_000_000, without: Collection[str] = ()) -> None:
        self._codec = codec
        self._random = Random(seed)
        self._most = most_bytes
        self._kinds = {name.removeprefix("_of_"): getattr(self, name) for name in dir(self) if name.startswith("_of_")}
        for kind in without:
            del self._kinds[kind]

    @property
    def kinds(self) -> list[str]:
        """The names of all kinds."""
        return sorted(self._kinds)

    def records(self, count: int, large: int | None = None) -> Iterator[Hostile]:
        """So many records, kind by kind in turn; of large ones so many at most (default: in their turn, like the others)."""
        made = dict.fromkeys(self._kinds, 0)
        order = self.kinds
        while sum(made.values()) < count:
            for kind in order:
                is_spent = large is not None and kind.startswith("large") and made[kind] >= large
                if not is_spent and sum(made.values()) < count:
                    made[kind] += 1
                    yield self.record(kind)

    def record(self, kind: str) -> Hostile:
        """One record of a kind."""
        make: Callable[[], tuple[str, bytes | None, bytes | None, Headers]] = self._kinds[kind]
        return Hostile(kind, *make())

    def _sound(self) -> tuple[str, str, dict[str, Any], bytes, bytes]:
        """Topic, type, fields, key and value of an event without fault, of one of a few hundred certificates."""
        number = f"BWX{self._random.randrange(300):05d}"
        stated = {**self._random.choice(journey(number, found=self._random.choice(["120.50", "80.00"])))}
        stated["event_id"] = f"{number}-{self._random.randrange(1 << 30)}"
        type_name, fields = record_from_json(stated)
        record = event_record(self._codec, type_name, fields)
        return record.topic, type_name, fields, record.key, record.value

    def _changed(self, type_name: str, **changes: Any) -> tuple[str, bytes | None, bytes | None, Headers]:
        """An event of a type with fields that no publisher of ours would send."""
        topic, name, fields, key, _ = self._sound()
        while name != type_name:
            topic, name, fields, key, _ = self._sound()
        return topic, key, self._codec.encode(topic, name, {**fields, **changes}), []

    def _bytes(self, most: int = 400) -> bytes:
        return self._random.randbytes(self._random.randrange(most))

    def _of_random_bytes(self) -> Any:
        return self._random.choice(["certificates", "shipments"]), self._bytes(40), self._bytes(), []

    def _of_null_value(self) -> Any:
        topic, _, _, key, _ = self._sound()
        return topic, key, None, []

    def _of_unknown_schema(self) -> Any:
        topic, _, _, key, value = self._sound()
        return topic, key, b"\x00" + self._random.randrange(1 << 32).to_bytes(4, "big") + value[5:], []

    def _of_random_body(self) -> Any:
        topic, _, _, key, value = self._sound()
        return topic, key, value[:5] + self._bytes(), []

    def _of_flipped_bytes(self) -> Any:
        topic, _, _, key, value = self._sound()
        broken = bytearray(value)
        for _ in range(self._random.randint(1, 8)):
            broken[self._random.randrange(5, len(broken))] = self._random.randrange(256)
        return topic, key, bytes(broken), []

    def _of_cut(self) -> Any:
        topic, _, _, key, value = self._sound()
        return topic, key, value[: self._random.randrange(len(value))], []

    def _of_lengthened(self) -> Any:
        topic, _, _, key, value = self._sound()
        return topic, key, value + self._bytes(20) + b"\x00", []

    def _of_another_topic(self) -> Any:
        topic, _, _, key, value = self._sound()
        return "shipments" if topic == "certificates" else "certificates", key, value, []

    def _of_wrong_union(self) -> Any:
        topic, _, _, key, value = self._sound()
        place = self._random.choice([at for at in range(5, len(value)) if value[at] in (0, 2)])
        return topic, key, value[:place] + bytes([self._random.choice([1, 3, 4, 6, 127])]) + value[place + 1 :], []

    def _of_deep_arrays(self) -> Any:
        """Block after block, of counts that promise millions."""
        topic, _, _, key, value = self._sound()
        blocks = b"".join(self._random.choice([b"\x01\x00", b"\x02", b"\xff\xff\xff\xff\x0f", b"\xfe\xff\xff\xff\x0f"]) for _ in range(200))
        place = self._random.randrange(5, len(value))
        return topic, key, value[:place] + blocks + value[place:], []

    def _of_negative_amounts(self) -> Any:
        amount = Decimal(self._random.randrange(-(10**14) + 1, 0)).scaleb(-3)
        return self._changed("ShipmentArrived", carats=amount, parcel_count=-self._random.randrange(1 << 31))

    def _of_absurd_decimals(self) -> Any:
        topic, key, value, headers = self._changed("ShipmentArrived", carats=Decimal("99999999999.999"))
        unscaled = (99_999_999_999_999).to_bytes(6, "big")
        assert value is not None
        return topic, key, value.replace(bytes([2 * 6]) + unscaled, bytes([2 * 40]) + b"\x7f" * 40), headers

    def _of_dates_of_no_calendar(self) -> Any:
        days = self._random.choice([-(1 << 31), (1 << 31) - 1, 10_000_000, date(1, 1, 1), date(9999, 12, 31)])
        return self._changed("CertificateIssued", issued_on=days, expires_on=days)

    def _of_instants_of_no_clock(self) -> Any:
        instant = self._random.choice([-(1 << 63), (1 << 63) - 1, 1 << 50, -(1 << 50)])
        return self._changed("ShipmentArrived", occurred_at=instant, utc_offset_minutes=self._random.choice([0, -(1 << 31), 1081]))

    def _of_odd_texts(self) -> Any:
        text = self._random.choice(["", " ", "\x00", "\u202e", "‐" * 90, "𝔅" * 50, "\ufeff", "'; drop", "٣", "ß" * 40])
        return self._changed("ShipmentArrived", event_id=text, authority=text, certificate_number=text, shipment_id=text)

    def _of_odd_numbers(self) -> Any:
        """A certificate's number that is not its record's key: forwarded, then answered."""
        return self._changed("ShipmentExported", certificate_number=f"odd {self._random.randrange(1000)}", destination="QQ")

    def _of_unknown_codes(self) -> Any:
        return self._changed("CertificateIssued", authority="QQ", origins=["XX"] * self._random.randrange(1, 900), destination="\x00\x00")

    def _of_keys_that_are_no_text(self) -> Any:
        topic, _, _, _, value = self._sound()
        return topic, self._random.choice([b"\xff\xfe", b"", b"\x80" * 300, None, b"bw 900001"]), value, []

    def _of_odd_headers(self) -> Any:
        topic, _, _, key, value = self._sound()
        names = ["ce_id", "traceparent", "tracestate", "kp_signature", "", "x" * 300, "__kimberley.errors.attempts", "é\x00"]
        names += ["__kimberley.origin.topic", "__kimberley.origin.offset", "__kimberley.errors.topic"]
        values = [None, b"", b"\xff\xfe", b"x" * 5000, "²".encode(), b"9" * 5000, "٣".encode(), b"-1"]
        headers = [(self._random.choice(names), self._random.choice(values)) for _ in range(self._random.randint(1, 30))]
        return topic, key, self._random.choice([value, value[:-1], b""]), headers

    def _of_another_ce_id(self) -> Any:
        topic, _, _, key, value = self._sound()
        return topic, key, value, [("ce_id", b"y" * self._random.choice([1, 300, 60_000]))]

    def _of_withdrawals(self) -> Any:
        """Of itself, of nothing, of a stranger's event."""
        _, _, fields, key, _ = self._sound()
        head = {name: fields[name] for name in ("event_id", "occurred_at", "utc_offset_minutes", "certificate_number")}
        target = self._random.choice([head["event_id"], "nothing", f"{fields['certificate_number']}-CertificateIssued"])
        stated = {**head, "authority": self._random.choice(["EU", "BW", "KE"]), "withdrawn_event_id": target, "reason": "INCORRECT_DATA"}
        return "shipments", key, self._codec.encode("shipments", "EventWithdrawn", {**stated, "corrective_event_ids": ["x"] * 50}), []

    def _of_circles(self) -> Any:
        """Certificates that name each other, and themselves, as sources."""
        others = [f"BWX{self._random.randrange(300):05d}" for _ in range(self._random.randrange(12))]
        return self._changed("CertificateIssued", source_certificates=others, replaces=self._random.choice([*others, None]))

    def _of_large_text(self) -> Any:
        text = "x" * self._most
        return self._changed("CertificateIssued", **{self._random.choice(["remarks", "office"]): text})

    def _of_large_ids(self) -> Any:
        text = "9" * (self._most // 4)
        return self._changed("ShipmentArrived", event_id=text, shipment_id=text, authority=text)

    def _of_large_number(self) -> Any:
        return self._changed("ShipmentArrived", certificate_number="7" * self._most)

    def _of_large_lists(self) -> Any:
        parcel: dict[str, Any] = {"hs_code": None, "carats": None, "value_usd": None, "origins": []}
        lists: dict[str, Any] = {"parcels": [parcel] * (self._most // 4), "seal_numbers": [""] * self._most}
        lists |= {"origins": ["BW"] * (self._most // 3), "source_certificates": ["1"] * (self._most // 2)}
        field = self._random.choice(sorted(lists))
        return self._changed("CertificateIssued", **{field: lists[field]})

    def _of_large_garbage(self) -> Any:
        topic, _, _, key, value = self._sound()
        return topic, key, value + self._random.randbytes(self._most - len(value)), []

    def _of_large_headers(self) -> Any:
        topic, _, _, key, value = self._sound()
        many: Headers = [("h", b"")] * (self._most // 8)
        one: Headers = [("tracestate", b"t" * (self._most - 1000)), ("ce_id", b"i")]
        return topic, key, self._random.choice([value, value[:-2]]), self._random.choice([many, one])

    def _of_large_key(self) -> Any:
        topic, _, _, _, value = self._sound()
        return topic, b"K" * (self._most - 1000), value, []


def hostile_lineage(random: Random) -> bytes | None:
    """The value of a record of the lineage topic that no worker writes: mostly sound but for one thing."""
    odd: dict[str, list[Any]] = {
        "at": [1 << 62, -(1 << 63), 1 << 70, "x", 7_258_118_399_999],
        "version": [0, -5, (1 << 62) - 1, 1 << 62, 1 << 80, 1.5],
        "to": ["", "Q" * 70, "\x00state", "bw-1", "ü", "BW900003"],
        "by": ["", "Q" * 70, "\x00state", "BW900001"],
        "weight": ["NaN", "sNaN", "-Infinity", "1E+999999", "1E-999999", 5, None, "x", "9" * 2000, "-1"],
        "event_id": ["e" * 5000, "", None, 7],
        "origins": [["BW"] * 4000, ["\x00"], [], ["QQ"]],
        "on": ["0001-01-01", "9999-12-31", "2024-13-01", None],
        "approvals": [[["K" * 9000, "r", None]] * 50, [["", None, "0001-01-01"]], [["K"]]],
        "whole": [b"[" * 100_000, b"", None, b'"\\ud800"', random.randbytes(80), b"{}"],
    }
    said: dict[str, Any] = {"at": 0, "version": random.randrange(1, 1000), "to": "BW900001", "by": f"BW90000{random.randrange(9)}"}
    said |= {"weight": "1.00", "event_id": "e", "origins": ["BW"], "on": "2024-03-04", "approvals": [], "whole": b"."}
    for _ in range(random.choice([0, 1, 1, 1, 2])):
        field = random.choice(sorted(odd))
        said[field] = random.choice(odd[field])
    if said["whole"] != b".":
        return said["whole"]
    message = {name: said[name] for name in ("to", "by", "version", "at", "event_id")}
    if random.random() < 0.5:
        message["use"] = [True, "EU", said["event_id"], said["weight"], random.choice([True, False])]
    else:
        weight, on = said["weight"], said["on"]
        issue = ["BW", on, 0, said["event_id"], said["origins"], weight, weight, None, said["approvals"], [], [], [["BW", on]]]
        message["description"] = [random.choice([None, issue]), [["EU", 0, on, weight]] * random.choice([0, 1, 300]), None]
    return json.dumps(message).encode()


def hostile_origin(random: Random) -> Headers:
    """Headers of a record of the rerouted topic that no worker writes."""
    numbers = [b"1", b"-1", b"", b"9" * 30, b"9" * 5000, "²".encode(), b"1_0", b"\xff", None, b"0"]
    names = ["topic", "partition", "offset", "timestamp"]
    values = {name: random.choice(numbers) for name in names}
    values["topic"] = random.choice([b"shipments", b"certificates", b"", b"decisions", b"x" * 5000, b"\xff", None])
    if random.random() < 0.3:
        values |= {"topic": b"shipments", "partition": b"0", "offset": b"7", "timestamp": b"1900000000000"}
    return [(f"__kimberley.origin.{name}", values[name]) for name in names if random.random() < 0.95]


def publish_hostile(bootstrap_servers: str, records: Iterable[Any]) -> list[tuple[str, int, int]]:
    """Send records in order, as librdkafka does, which minds neither null headers nor records without key and value; where each lies."""
    from confluent_kafka import Producer

    limit = {"message.max.bytes": 1_100_000, "queue.buffering.max.kbytes": 1 << 20}
    producer = Producer({"bootstrap.servers": bootstrap_servers, "partitioner": "murmur2_random", "linger.ms": 5, **limit})
    places: list[tuple[str, int, int]] = []

    def delivered(index: int) -> Callable[[Any, Any], None]:
        def note(problem: Any, message: Any) -> None:
            assert problem is None, problem
            places[index] = message.topic(), message.partition(), message.offset()

        return note

    for index, each in enumerate(records):
        places.append(("", 0, 0))
        producer.produce(each.topic, each.value, each.key, headers=each.headers, on_delivery=delivered(index))
        producer.poll(0)
    assert producer.flush(120) == 0
    return places
