"""The contender: Quix Streams doing the same job as its own documentation shows it, with the same core, codec and topics.

The case is in its state (RocksDB, changelog on), by certificate number; decisions, alerts and lineage go out by `to_topic`. At least once,
commits every five seconds: its defaults. Settings come from the environment as for `kimberley worker`; KIMBERLEY_TEST_OUTPUT is the
prefix of the topics that it writes, KIMBERLEY_TEST_FOLDER where its state lies.

run: python contender.py, in the environment of `environment.py`, with kimberley on PYTHONPATH
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from quixstreams import Application, message_context
from quixstreams.models.serializers import Serializer

from kimberley.cases.judge import Policy
from kimberley.pipeline.batch import Output
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import load_rulebook, shipped_rulebook
from kimberley.settings import load_settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.topics import CERTIFICATES, DEAD_LETTERS, DECISIONS, FLAGGED_SHIPMENTS, OPEN_ALERTS, SHIPMENTS, InternalNames

SETTINGS = load_settings()
PREFIX = os.environ["KIMBERLEY_TEST_OUTPUT"]
POLICY = Policy(shipped_reference(), shipped_bundle(), load_rulebook(SETTINGS.rulebook) if SETTINGS.rulebook else shipped_rulebook())
CODEC = make_codec(SETTINGS)
NAMES = InternalNames(SETTINGS.prefix)


class Cases(Mapping[str, bytes]):
    """The state of the key at hand as the processor reads it: it asks for the case of the record that it judges, and no other."""

    state: Any = None

    def __getitem__(self, number: str) -> bytes:
        packed: bytes | None = self.state.get_bytes("case")
        if packed is None:
            raise KeyError(number)
        return packed

    def __iter__(self) -> Iterator[str]:
        return iter(())  # nothing is there when a processor is made, so nothing waits

    def __len__(self) -> int:
        raise TypeError("only looked up")

    def __contains__(self, number: object) -> bool:
        return self.state.get_bytes("case") is not None


class Value(Serializer):  # type: ignore[misc]
    """An output's value, which is bytes already."""

    def __call__(self, output: Output, ctx: Any) -> bytes | None:
        return output.value


cases = Cases()
processors: dict[int, Processor] = {}


def judge(value: bytes, key: bytes, timestamp: int, headers: Any, state: Any) -> list[Output]:
    """What one record comes to; the case goes back into the state."""
    place = message_context()
    number = place.partition
    if number not in processors:
        # its state is Quix's, so no case is kept beside it
        options = {"skew_minutes": SETTINGS.clock_skew_minutes, "most_live": 0}
        processors[number] = Processor(number, SETTINGS.partitions, cases, CODEC, NAMES, **options)  # type: ignore[arg-type]
    cases.state = state
    topic = place.topic.removeprefix(f"{PREFIX}-")
    batch = processors[number].process([MemoryRecord(topic, number, place.offset, timestamp, key, value, list(headers or ()))], POLICY)
    for packed in batch.cases.values():
        state.set_bytes("case", packed)
    return batch.outputs


def main() -> None:
    """Run until killed."""
    app = Application(
        broker_address=SETTINGS.bootstrap_servers,
        consumer_group=PREFIX,
        auto_offset_reset="earliest",
        state_dir=os.environ["KIMBERLEY_TEST_FOLDER"],
        loglevel="WARNING",
    )
    inputs = [app.topic(name, value_deserializer="bytes") for name in (CERTIFICATES, SHIPMENTS, f"{PREFIX}-{NAMES.lineage}")]
    outputs = {
        name: app.topic(f"{PREFIX}-{name}", value_serializer=Value())
        for name in (DECISIONS, FLAGGED_SHIPMENTS, OPEN_ALERTS, DEAD_LETTERS, NAMES.lineage, NAMES.rerouted)
    }
    certificates, shipments, lineage = (app.dataframe(topic) for topic in inputs)
    frame = certificates.concat(shipments).concat(lineage).apply(judge, stateful=True, metadata=True, expand=True)
    frame = frame.set_headers(lambda output, *_: output.headers)
    frame.to_topic(lambda output, *_: outputs[output.topic], key=lambda output: output.key)
    app.run()


if __name__ == "__main__":
    main()
