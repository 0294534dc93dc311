"""The core alone in a loop: from a record's bytes to a decision's, the whole catalogue, no Kafka. Microseconds an event, as JSON.

A simulated trade is judged as a partition's processor judges it, its lineage fed back. Then each step is timed by itself on the same
events: `decode` the wire, `take in` (check and normalise), `judge` (merge, dossier, rules, alerts), `encode` the decision, `store` the
case. What is left over is the processor's own: headers, keys, lineage, counting. `codec` is what fastavro takes to decode the same events
and to encode the same decisions and alerts, by their schemas as they stand in the files.

run: PYTHONPATH=<compiled build> python -m benchmarks.core [EVENTS [ROUNDS]]
"""

import json
import sys
import time
from collections.abc import Callable
from io import BytesIO
from itertools import islice
from typing import Any

import fastavro

from kimberley.cases.intake import take_in
from kimberley.cases.judge import Memory, Policy, judge
from kimberley.garbage import collect_rarely
from kimberley.history.simulation import simulate
from kimberley.model.case import Case, Origin, pack_case
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.decision_encoding import decision_encoder
from kimberley.wire.event_records import EventRecord, event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.schemas import shipped_schemas
from kimberley.wire.topics import InternalNames

NAMES = InternalNames("kimberley")
BATCH = 1000
LATEST = 4_000_000_000_000


def main(events: int, rounds: int) -> None:
    """Measure and print."""
    codec = make_codec(Settings.model_construct(partitions=1))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    sent = [event_record(codec, *record_from_json(event)) for event in islice(simulate(days=400, certificates_per_day=200), events)]
    records = [MemoryRecord(each.topic, 0, offset, LATEST, each.key, each.value, []) for offset, each in enumerate(sent)]
    made: list[bytes] = []
    _process(records, codec, policy, made)
    collect_rarely()
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        whole = {"core": _seconds(lambda: _process(records, codec, policy, [])), "codec": _codec_alone(sent, made)}
        for name, seconds in (whole | _steps(sent, codec, policy)).items():
            found.setdefault(name, []).append(seconds / events * 1e6)
    print(json.dumps(found))


def _process(records: list[MemoryRecord], codec: Any, policy: Policy, made: list[bytes]) -> None:
    """Judge all; `made` receives the Avro records that come of it."""
    cases: dict[str, bytes] = {}
    processor = Processor(0, 1, cases, codec, NAMES, skew_minutes=10)
    for start in range(0, len(records), BATCH):
        told: list[Any] = records[start : start + BATCH]
        while told:
            batch = processor.process(told, policy)
            cases.update(batch.cases)
            made += [each.value for each in batch.outputs if each.value is not None and each.topic != NAMES.lineage]
            told = [
                MemoryRecord(NAMES.lineage, 0, start + index, LATEST, each.key, each.value, [])
                for index, each in enumerate(output for output in batch.outputs if output.topic == NAMES.lineage)
            ]


def _codec_alone(sent: list[EventRecord], made: list[bytes]) -> float:
    """Seconds that fastavro takes to decode what is sent and encode what is made of it."""
    schemas = {each.schema_id: fastavro.parse_schema(each.schema) for each in shipped_schemas().by_id.values()}

    def read(value: bytes) -> tuple[Any, Any]:
        body = BytesIO(value)
        schema = schemas[int.from_bytes(body.read(5)[1:], "big")]
        return schema, fastavro.schemaless_reader(body, schema, None)

    written = [read(value) for value in made]

    def work() -> None:
        for record in sent:
            read(record.value)
        for schema, record in written:
            fastavro.schemaless_writer(BytesIO(), schema, record)

    return _seconds(work)


def _steps(sent: list[EventRecord], codec: Any, policy: Policy) -> dict[str, float]:
    """Each step by itself, on the same events. Cases keep their memory, as a processor's do."""
    encode = decision_encoder(codec)
    cases: dict[str, tuple[Case, Memory]] = {}
    spent = dict.fromkeys(("decode", "take in", "judge", "encode", "store"), 0.0)
    clock = time.perf_counter
    for offset, record in enumerate(sent):
        at = clock()
        name, fields = codec.decode(record.topic, record.value)
        decoded = clock()
        event = take_in(name, fields, LATEST, len(record.value))
        taken = clock()
        number = event.certificate_number
        case, memory = cases.get(number) or cases.setdefault(number, (Case(number), Memory()))
        looked_up = clock()
        answer = judge(case, event, Origin(record.topic, 0, offset), policy, now=0, processed_at=LATEST, memory=memory)
        judged = clock()
        encode(answer.decision, record.topic, 0, offset)
        encoded = clock()
        pack_case(case)
        stored = clock()
        for step, seconds in zip(
            spent, (decoded - at, taken - decoded, judged - looked_up, encoded - judged, stored - encoded), strict=True
        ):
            spent[step] += seconds
    return spent


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*map(int, (*sys.argv[1:], *("20000", "3")[len(sys.argv) - 1 :])))
