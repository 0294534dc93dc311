"""The contender: a plain Faust agent with a Table doing the same job, as Faust's own documentation shows it.

It calls the same core and the same codec as the pipeline, record by record: the case from a Table (memory store, changelog on), a
decision and alerts by `topic.send`, the case back into the Table. Settings come from the environment as for `kimberley worker`;
KIMBERLEY_TEST_OUTPUT is the prefix of the topics that it writes.

run: faust -A benchmarks.plain_faust worker -l warn --without-web
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import faust

from kimberley.cases.judge import Policy
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import load_rulebook, shipped_rulebook
from kimberley.settings import load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.topics import CERTIFICATES, SHIPMENTS, InternalNames

SETTINGS = load_settings()
PREFIX = os.environ["KIMBERLEY_TEST_OUTPUT"]
POLICY = Policy(shipped_reference(), shipped_bundle(), load_rulebook(SETTINGS.rulebook) if SETTINGS.rulebook else shipped_rulebook())
CODEC = make_codec(SETTINGS)

app = faust.App(
    PREFIX,
    broker=f"kafka://{SETTINGS.bootstrap_servers}",
    key_serializer="raw",
    value_serializer="raw",
    datadir=os.environ["KIMBERLEY_TEST_FOLDER"],
    web_enabled=False,
    topic_disable_leader=True,
    topic_partitions=SETTINGS.partitions,
    broker_session_timeout=6,
    broker_heartbeat_interval=1,
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
)
LINEAGE = InternalNames(SETTINGS.prefix).lineage
inputs = app.topic(CERTIFICATES, SHIPMENTS, f"{PREFIX}-{LINEAGE}", key_serializer="raw", value_serializer="raw")
cases = app.Table("cases", default=bytes, key_type=bytes, value_type=bytes, partitions=SETTINGS.partitions)
outputs: dict[str, Any] = {}


class Cases(Mapping[str, bytes]):
    """The Table as the processor reads it."""

    def __getitem__(self, number: str) -> bytes:
        packed: bytes = cases[number.encode()]
        if not packed:
            raise KeyError(number)
        return packed

    def __iter__(self) -> Iterator[str]:
        return iter(())  # nothing is there when a processor is made, so nothing waits

    def __len__(self) -> int:
        raise TypeError("only looked up")

    def __contains__(self, number: object) -> bool:
        return bool(cases[str(number).encode()])


class Record:
    """A Faust message as the processor reads a record."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, message: Any) -> None:
        self.topic, self.partition, self.offset = message.topic.removeprefix(f"{PREFIX}-"), message.partition, message.offset
        self.timestamp, self.key, self.value = int(message.timestamp * 1000), message.key, message.value
        self.headers = list(message.headers.items() if isinstance(message.headers, dict) else message.headers or ())


processors: dict[int, Processor] = {}


@app.agent(inputs)
async def judge(stream: Any) -> None:
    async for event in stream.events():
        number = event.message.partition
        if number not in processors:
            names = InternalNames(SETTINGS.prefix)
            # its state is the Table, so no case is kept beside it
            options = {"skew_minutes": SETTINGS.clock_skew_minutes, "most_live": 0}
            processors[number] = Processor(number, SETTINGS.partitions, Cases(), CODEC, names, **options)  # type: ignore[arg-type]
        batch = processors[number].process([Record(event.message)], POLICY)
        for key, packed in batch.cases.items():
            cases[key.encode()] = packed
        for output in batch.outputs:
            name = f"{PREFIX}-{output.topic}"
            if name not in outputs:
                outputs[name] = app.topic(name, key_serializer="raw", value_serializer="raw")
            await outputs[name].send(key=output.key, value=output.value, partition=output.partition, headers=dict(output.headers))
