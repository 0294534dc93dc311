"""For the tests of border systems and alert consumers: the whole stream in memory, without Kafka and without Faust."""

from kimberley.testing.broker import MemoryRecord
from kimberley.testing.pipeline import MemoryPipeline

__all__ = ["MemoryPipeline", "MemoryRecord"]
