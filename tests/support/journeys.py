"""Short lawful journeys in the JSON form, for tests whose matter is not what they say."""

from typing import Any


def journey(number: str, *, carats: str = "120.50", found: str | None = None, day: int = 4) -> list[dict[str, Any]]:
    """Issue, export, arrival and confirmation of a certificate from Botswana to the EU in March 2024.

    `found`: carats on arrival; what is confirmed is what was certified.
    """

    def event(kind: str, at: str, authority: str, **fields: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "event_id": f"{number}-{kind}",
            "occurred_at": at,
            "authority": authority,
            "certificate_number": number,
            **fields,
        }

    goods = {"carats": carats, "value_usd": "24100.00", "parcel_count": 1}
    return [
        event(
            "CertificateIssued",
            f"2024-03-{day:02d}T09:00:00+02:00",
            "BW",
            issued_on=f"2024-03-{day:02d}",
            expires_on="2024-05-01",
            destination="EU",
            exporter={"name": "Exporter One Ltd"},
            importer={"name": "Importer Two NV"},
            mixed_origin=False,
            origins=["BW"],
            parcels=[{"hs_code": "7102.31", "carats": carats, "value_usd": "24100.00"}],
            seal_numbers=["S-1"],
            **goods,
        ),
        event(
            "ShipmentExported",
            f"2024-03-{day + 1:02d}T15:00:00+02:00",
            "BW",
            shipment_id=f"SH-{number}",
            destination="EU",
            seal_numbers=["S-1"],
            **goods,
        ),
        event(
            "ShipmentArrived",
            f"2024-03-{day + 3:02d}T11:00:00+01:00",
            "EU",
            shipment_id=f"SH-{number}",
            carats=found or carats,
            parcel_count=1,
            seal_numbers=["S-1"],
        ),
        event(
            "ImportConfirmed",
            f"2024-03-{day + 4:02d}T11:00:00+01:00",
            "EU",
            carats=carats,
            parcel_count=1,
            exporter={"name": "Exporter One Ltd"},
            importer={"name": "Importer Two NV"},
            confirms_to="BW",
        ),
    ]
