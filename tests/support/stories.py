"""Small stories judged through the command line, as a rule author or another team would try them."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from kimberley.commands import main

Event = dict[str, Any]


@dataclass
class Judged:
    """What `kimberley check` said."""

    exit_status: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""

    @property
    def rules(self) -> set[str]:
        """The rules that raised something."""
        return {row["rule_id"] for row in self.rows}

    def of(self, rule_id: str) -> list[dict[str, Any]]:
        """One rule's alerts."""
        return [row for row in self.rows if row["rule_id"] == rule_id]

    def one(self, rule_id: str) -> dict[str, Any]:
        """One rule's only alert."""
        (found,) = self.of(rule_id)
        return found


def judge(*events: Event, options: tuple[str, ...] = (), book: str = "") -> Judged:
    """The open alerts after some events. `book`: lines under `[rules]` of a rulebook of their own, instead of the one that ships."""
    result = _run("check", *options, events=events, book=book)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Judged(result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr)


def outcomes(*events: Event, book: str = "") -> dict[str, str]:
    """What the rules said with the last decision: those neither `pass` nor `not_applicable`."""
    decision = judge(*events, options=("--decisions",), book=book).rows[-1]
    return {each["rule_id"]: each["outcome"] for each in decision["rules"]}


def missing(rule_id: str, *events: Event, book: str = "") -> list[str]:
    """The facts that an undetermined rule lacks of the first event's certificate."""
    result = _run("case", events[0]["certificate_number"], events=events, book=book)
    (found,) = [each for each in json.loads(result.stdout)["rules"] if each["rule_id"] == rule_id]
    assert found["outcome"] == "undetermined", found
    return list(found["missing"])


def _run(*command: str, events: Sequence[Event], book: str) -> Result:
    """A command on a file of some events."""
    with tempfile.TemporaryDirectory() as folder:
        file, rulebook = Path(folder, "events.jsonl"), Path(folder, "rulebook.toml")
        file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        rulebook.write_text(f'id = "of-a-test"\n[rules]\n{book}\n', encoding="utf-8")
        options = ["--rulebook", str(rulebook)] if book else []
        return CliRunner().invoke(main, [*command, str(file), "--format", "jsonl", *options])


_ids = iter(range(1, 10**9))


def event(kind: str, at: str, authority: str, number: str = "BW000001", **fields: Any) -> Event:
    """An event in its JSON form with an id of its own."""
    stated = {"type": kind, "event_id": f"event-{next(_ids)}", "occurred_at": at, "authority": authority, "certificate_number": number}
    return {**stated, **fields}


def issue(number: str = "BW000001", authority: str = "BW", on: str = "2024-03-04", **fields: Any) -> Event:
    """A lawful certificate for the EU; fields replace what it states."""
    stated: dict[str, Any] = {
        "issued_on": on,
        "expires_on": "2027-01-01",
        "destination": "EU",
        "exporter": {"name": "Exporter One Ltd"},
        "importer": {"name": "Importer Two NV"},
        "mixed_origin": False,
        "origins": [authority],
        "parcels": [{"hs_code": "7102.31", "carats": "100.00", "value_usd": "20000.00"}],
        "parcel_count": 1,
        "carats": "100.00",
        "value_usd": "20000.00",
    }
    at = fields.pop("at", f"{on}T09:00:00Z")
    return event("CertificateIssued", at, authority, number, **{**stated, **fields})


def export(
    at: str = "2024-03-05T12:00:00Z", authority: str = "BW", number: str = "BW000001", shipment: str = "SH-1", **fields: Any
) -> Event:
    """The export of a lawful certificate."""
    goods = {"destination": "EU", "carats": "100.00", "value_usd": "20000.00", "parcel_count": 1}
    return event("ShipmentExported", at, authority, number, shipment_id=shipment, **{**goods, **fields})


def arrival(
    at: str = "2024-03-07T12:00:00Z", authority: str = "EU", number: str = "BW000001", shipment: str = "SH-1", **fields: Any
) -> Event:
    """The arrival of what was certified."""
    return event("ShipmentArrived", at, authority, number, shipment_id=shipment, **{"carats": "100.00", "parcel_count": 1, **fields})


def withdrawal(of: Event, at: str = "2024-03-20T12:00:00Z", **fields: Any) -> Event:
    """The sender takes an event back."""
    stated = {"withdrawn_event_id": of["event_id"], "reason": "INCORRECT_DATA", **fields}
    return event("EventWithdrawn", at, stated.pop("authority", of["authority"]), of["certificate_number"], **stated)


def transit(
    at: str = "2024-03-06T12:00:00Z", country: str = "ZA", number: str = "BW000001", shipment: str = "SH-1", **fields: Any
) -> Event:
    """A passage through a country, reported by that country."""
    return event("ShipmentTransited", at, fields.pop("authority", country), number, shipment_id=shipment, country=country, **fields)


def sent_back(at: str = "2024-03-08T12:00:00Z", authority: str = "EU", number: str = "BW000001", shipment: str = "SH-1") -> Event:
    """A shipment goes back."""
    return event("ShipmentReturned", at, authority, number, shipment_id=shipment)


def confirmation(at: str = "2024-03-08T12:00:00Z", authority: str = "EU", number: str = "BW000001", **fields: Any) -> Event:
    """The importer confirms what was certified, with all four figures and names that the scheme asks for."""
    stated: dict[str, Any] = {
        "parcel_count": 1,
        "carats": "100.00",
        "exporter": {"name": "Exporter One Ltd"},
        "importer": {"name": "Importer Two NV"},
    }
    return event("ImportConfirmed", at, authority, number, **{**stated, **fields})


def invalidation(at: str = "2024-03-20T12:00:00Z", authority: str = "BW", number: str = "BW000001", **fields: Any) -> Event:
    """The issuer says that a certificate is void."""
    return event("CertificateInvalidated", at, authority, number, **{"reason": "VOIDED", **fields})


def notice(notice_id: str = "n-1", first: str = "BW000001", last: str | None = None, **fields: Any) -> Event:
    """A notice of stolen numbers."""
    stated = {"kind": "STOLEN", "participant": "BW", "first_number": first, "last_number": last, "published_on": "2024-04-01"}
    return {"type": "NoticePublished", "notice_id": notice_id, **stated, **fields}
