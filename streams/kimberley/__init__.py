"""Judge the trade in rough diamonds by the rules of the Kimberley Process, event by event."""

__version__ = "0.1.0"
