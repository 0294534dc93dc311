"""`make fuzz`: bytes that atheris thinks of, given to the decoder, for so many seconds (default 60).

Of each body: the codec raises nothing but UnreadableRecordError, what it reads is what fastavro reads, and taking it in raises nothing but
RefusedEventError. The first byte chooses the record type. What is found ends the run and lies in the folder named; it belongs into
tests/unit/wire/test_compiled_reader.py then.

run: python tests/fuzz/decode.py [SECONDS] [FOLDER]
"""

import contextlib
import struct
import sys
import tempfile
from math import inf
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["kimberley"]):
    from kimberley.cases.intake import take_in
    from kimberley.errors import RefusedEventError, UnreadableRecordError
    from kimberley.model.events import EVENT_TYPES
    from kimberley.settings import Settings
    from kimberley.wire.avro import Codec, make_codec
    from kimberley.wire.event_records import event_record
    from kimberley.wire.records import record_from_json
    from kimberley.wire.schemas import shipped_schemas

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.journeys import journey

LATEST = 4_000_000_000_000
FILES = shipped_schemas()
CODEC: Codec = make_codec(Settings.model_construct(partitions=1))
TARGETS = [(topic, name, FILES.newest(topic, name)) for topic, name in sorted(FILES.current) if name in EVENT_TYPES]


def fastavro_readers() -> dict[int, Any]:
    """Schema id to what fastavro makes of a body, as the codec's slow way has it."""
    from kimberley.wire.avro import _resolving_reader

    return {frozen.schema_id: _resolving_reader(frozen.schema, CODEC._readers[topic, name][1]) for topic, name, frozen in TARGETS}


SLOW = fastavro_readers()


def instrument() -> None:
    """The compiled readers are made at run time: atheris is told of each."""
    for topic, name, frozen in TARGETS:
        head = b"\x00" + struct.pack(">I", frozen.schema_id)
        with contextlib.suppress(UnreadableRecordError):
            CODEC.decode(topic, head)
        place = topic, frozen.schema_id
        CODEC._plans[place] = (name, atheris.instrument_func(CODEC._plans[place][1]))


def one(data: bytes) -> None:
    """One try."""
    if not data:
        return
    topic, _, frozen = TARGETS[data[0] % len(TARGETS)]
    value = b"\x00" + struct.pack(">I", frozen.schema_id) + data[1:]
    try:
        name, record = CODEC.decode(topic, value)
    except UnreadableRecordError:
        return
    try:
        slow, end = SLOW[frozen.schema_id](value, 5)
    except Exception as problem:
        raise AssertionError(f"fastavro does not read what we do: {problem!r}") from problem
    if (slow, end) != (record, len(value)):
        raise AssertionError(f"fastavro reads {slow!r} to {end}, we {record!r} to {len(value)}")
    if _taken(name, record, len(value)) != _taken(name, slow, inf):
        raise AssertionError(f"{name} of {len(value)} bytes is taken in otherwise than by all limits")


def _taken(name: str, record: Any, size: float) -> Any:
    try:
        return take_in(name, record, LATEST, size)
    except RefusedEventError as problem:
        return problem.errors


def seeds(folder: Path) -> None:
    """Sound bodies to begin with."""
    places = {(topic, name): index for index, (topic, name, _) in enumerate(TARGETS)}
    for number, event in enumerate(journey("BW000001") + journey("BW000002", found="1.00")):
        record = event_record(CODEC, *record_from_json(event))
        (folder / f"seed-{number}").write_bytes(bytes([places[record.topic, event["type"]]]) + record.value[5:])


def main(seconds: str = "60", found: str = "") -> None:
    """Fuzz; atheris ends the process, with 0 where nothing was found."""
    folder = Path(tempfile.mkdtemp(prefix="kimberley-fuzz-"))
    seeds(folder)
    instrument()
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found or folder}/", str(folder)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
