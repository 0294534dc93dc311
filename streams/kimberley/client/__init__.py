"""What border systems and alert consumers install: publish events, read alerts. On kafka-python alone, without the stream's Faust."""

from kimberley.client.events import (
    Approval,
    CertificateInvalidated,
    CertificateIssued,
    Declaration,
    EventWithdrawn,
    Extraction,
    ImportConfirmed,
    Parcel,
    Party,
    ShipmentArrived,
    ShipmentDetained,
    ShipmentExported,
    ShipmentReleased,
    ShipmentReturned,
    ShipmentTransited,
)
from kimberley.client.intake import check_event
from kimberley.client.publisher import Publisher, Sent
from kimberley.client.receipt import NoDecisionError, Receipt, UndeliveredError
from kimberley.client.subscriber import AlertSubscriber
from kimberley.errors import ConfigurationError, KimberleyError, RefusedEventError, ServiceUnavailableError
from kimberley.model.decisions import Decision
from kimberley.model.findings import Alert, Evidence
from kimberley.settings import Settings, load_settings

__all__ = [
    "Alert",
    "AlertSubscriber",
    "Approval",
    "CertificateInvalidated",
    "CertificateIssued",
    "ConfigurationError",
    "Decision",
    "Declaration",
    "EventWithdrawn",
    "Evidence",
    "Extraction",
    "ImportConfirmed",
    "KimberleyError",
    "NoDecisionError",
    "Parcel",
    "Party",
    "Publisher",
    "Receipt",
    "RefusedEventError",
    "Sent",
    "ServiceUnavailableError",
    "Settings",
    "ShipmentArrived",
    "ShipmentDetained",
    "ShipmentExported",
    "ShipmentReleased",
    "ShipmentReturned",
    "ShipmentTransited",
    "UndeliveredError",
    "check_event",
    "load_settings",
]
