"""The contender by Quix Streams, in an environment of its own: it brings `avro`, which has the import name of avro-python3."""
