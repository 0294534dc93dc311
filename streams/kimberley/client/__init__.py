"""What border systems and alert consumers install: publish events, read alerts. On kafka-python alone, without the stream's Faust."""

from kimberley.client.subscriber import AlertSubscriber
from kimberley.model.findings import Alert, Evidence

__all__ = ["Alert", "AlertSubscriber", "Evidence"]
