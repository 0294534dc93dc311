"""Publish a certificate and print what was decided. Settings come from the environment: KIMBERLEY_BOOTSTRAP_SERVERS and its kin."""

from datetime import UTC, datetime
from uuid import uuid4

from kimberley.client import CertificateIssued, Publisher

seen_at = datetime(2014, 3, 4, 9, 30, tzinfo=UTC)
certificate = CertificateIssued(
    event_id=uuid4(), occurred_at=seen_at, authority="CF", certificate_number="CF-014760", issued_on=seen_at.date(), carats="312.40"
)
with Publisher() as publisher:
    receipt = publisher.publish(certificate)
    decision = publisher.wait_for_decision(receipt)
print(decision.outcome, [rule.rule_id for rule in decision.rules if rule.outcome == "violation"])
