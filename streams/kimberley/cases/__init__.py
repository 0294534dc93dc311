"""From an event to its decision and alerts: take in, merge, evaluate, compare. Pure: no clock, no input or output, no Kafka."""
