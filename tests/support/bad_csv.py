"""A border office's CSV of ten thousand lines, two hundred of which are wrong in twenty ways."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LINES = 10_000
FAULTS = 200

COLUMNS = (
    *("Kind", "Event Id", "Occurred At", "Authority", "Certificate Number", "Issued On", "Expires On", "Destination", "Mixed Origin"),
    *("Origins", "Parcel Count", "Carats", "Value USD", "Exporter.Name", "Importer.Name", "HS Code", "Parcels[0].Carats", "Parcel Value"),
    *("Shipment", "Reason"),
)
MAP = """\
[columns]
"Kind" = "type"
"Shipment" = "shipment_id"
"HS Code" = "parcels[0].hs_code"
"Parcel Value" = "parcels[0].value_usd"
"""

Cells = dict[str, str]


@dataclass(frozen=True)
class Wrong:
    """One way to be wrong: what is written, which column and field must be named, and what must be said of it."""

    spoil: Callable[[Cells], object]
    column: str
    field: str
    says: str
    remedy: str


def put(column: str, text: str) -> Callable[[Cells], object]:
    """Write this in a column."""
    return lambda cells: cells.__setitem__(column, text)


WAYS = (
    Wrong(put("Kind", "CertificateMade"), "Kind", "type", "is no type of event", "use one of CertificateIssued"),
    Wrong(put("Kind", ""), "Kind", "type", "type is missing", "use one of CertificateIssued"),
    Wrong(put("Event Id", ""), "Event Id", "event_id", "is missing", "fill it in"),
    Wrong(put("Event Id", "x" * 201), "Event Id", "event_id", "201 characters", "at most 200"),
    Wrong(put("Occurred At", ""), "Occurred At", "occurred_at", "is missing", "fill it in"),
    Wrong(put("Occurred At", "04/03/2024 09:00"), "Occurred At", "occurred_at", "no RFC 3339 instant", "such as 2024-"),
    Wrong(put("Occurred At", "2024-03-04T25:00:00Z"), "Occurred At", "occurred_at", "no instant", "hour must be in 0..23"),
    Wrong(put("Occurred At", "2024-03-04T09:00:00+25:00"), "Occurred At", "occurred_at", "offset that no place on earth has", "offset"),
    Wrong(put("Occurred At", "1824-03-04T09:00:00Z"), "Occurred At", "occurred_at", "outside the years 1900 to 2199", "correct it"),
    Wrong(put("Occurred At", "2124-03-04T09:00:00Z"), "Occurred At", "occurred_at", "beyond the allowed skew", "set the sender's clock"),
    Wrong(put("Authority", "UK"), "Authority", "authority", "no ISO 3166-1", "use the two-letter code"),
    Wrong(put("Certificate Number", ""), "Certificate Number", "certificate_number", "is missing", "fill it in"),
    Wrong(put("Certificate Number", "BW" + "0" * 63), "Certificate Number", "certificate_number", "65 characters", "at most 64"),
    Wrong(put("Issued On", "2023-02-29"), "Issued On", "issued_on", "is no date", "such as 2024-03-07"),
    Wrong(put("Origins", "BW;Botswana"), "Origins", "origins[1]", "no ISO 3166-1", "use the two-letter code"),
    Wrong(put("Mixed Origin", "perhaps"), "Mixed Origin", "mixed_origin", "neither true nor false", "correct it"),
    Wrong(put("Parcel Count", "two"), "Parcel Count", "parcel_count", "no whole number", "correct it"),
    Wrong(put("Carats", "120,50"), "Carats", "carats", "no decimal number", 'such as "1234.56"'),
    Wrong(put("Parcels[0].Carats", "12.3456"), "Parcels[0].Carats", "parcels[0].carats", "more than 3 decimal places", "round it where"),
    Wrong(put("Value USD", "1" + "0" * 14), "Value USD", "value_usd", "more than 14 digits before the point", "correct it"),
)


def lawful(number: int) -> Cells:
    """A good row: certificates, and their shipments."""
    certificate = f"BW{number // 2:06d}"
    goods = {"Parcel Count": "1", "Carats": "120.50", "Value USD": "24100.00"}
    head = {"Authority": "BW", "Certificate Number": certificate, "Destination": "EU", **goods}
    if number % 2:
        return {
            **head,
            "Kind": "ShipmentExported",
            "Event Id": f"{certificate}-x",
            "Occurred At": "2024-03-05T15:00:00+02:00",
            "Shipment": "S",
        }
    parcel = {"HS Code": "7102.31", "Parcels[0].Carats": "120.50", "Parcel Value": "24100.00"}
    papers = {"Issued On": "2024-03-04", "Expires On": "2024-05-01", "Mixed Origin": "no", "Origins": "BW"}
    people = {"Exporter.Name": "Exporter, One Ltd", "Importer.Name": "Importer Two NV"}
    return {
        **head, **papers, **people, **parcel,
        "Kind": "CertificateIssued", "Event Id": f"{certificate}-i", "Occurred At": "2024-03-04T09:00:00+02:00",
    }  # fmt: skip


def quoted(cell: str) -> str:
    """A cell as CSV has it."""
    return f'"{cell}"' if "," in cell else cell


def write(folder: Path) -> tuple[Path, Path, dict[int, Wrong]]:
    """The file, its map of columns, and what is wrong on which line."""
    chosen = random.Random(4)
    # spoilt lines are certificates, which have every column that is spoilt
    spoilt = dict(zip(chosen.sample(range(0, LINES, 2), FAULTS), list(WAYS) * (FAULTS // len(WAYS)), strict=True))
    rows = [",".join(COLUMNS)]
    for number in range(LINES):
        cells = lawful(number)
        if number in spoilt:
            spoilt[number].spoil(cells)
        rows.append(
            ",".join(
                f'"{cell}"' if "," in cell and not cell.startswith('"') else cell for cell in (cells.get(name, "") for name in COLUMNS)
            )
        )
    file, columns = folder / "border.csv", folder / "map.toml"
    file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    columns.write_text(MAP, encoding="utf-8")
    return file, columns, {number + 2: wrong for number, wrong in spoilt.items()}
