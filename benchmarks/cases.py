"""Cases by the million, without judging a million events: copies of some hundred real ones, with another certificate number each."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle

from kafka import KafkaProducer

from benchmarks.harness import send
from kimberley.cases.judge import Policy
from kimberley.history.simulation import simulate
from kimberley.model.case import COMPRESSED_FORMAT, wakes_at
from kimberley.model.case_compression import compress, decompress
from kimberley.model.partition_state import STATE_KEY, PartitionState, pack_state
from kimberley.pipeline.processor import Processor
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.testing.broker import MemoryRecord
from kimberley.wire.avro import make_codec
from kimberley.wire.event_records import event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import InternalNames

_NAMES = InternalNames("kimberley")
_LATEST = 4_000_000_000_000


@dataclass(frozen=True, slots=True)
class Template:
    """A case of the simulated trade, all its journey done. `versions`: as it was stored, time after time, the last as it stands."""

    number: bytes
    versions: tuple[bytes, ...]

    @property
    def waits(self) -> bool:
        """Whether a deadline will pass."""
        return wakes_at(self.versions[-1]) is not None

    def stored(self, records: int) -> Sequence[bytes]:
        """The last so many versions; where there were fewer, the first of them several times."""
        missing = max(0, records - len(self.versions))
        return (*(self.versions[:1] * missing), *self.versions[-records:])


@cache
def templates() -> tuple[Template, ...]:
    """Every case of some days of trade, judged as a worker judges it, up to the last event of each journey."""
    codec = make_codec(Settings.model_construct(partitions=1))
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    cases: dict[str, bytes] = {}
    versions: dict[str, list[bytes]] = {}
    processor = Processor(0, 1, cases, codec, _NAMES, skew_minutes=10)
    for event in simulate(days=14, certificates_per_day=40):
        sent = event_record(codec, *record_from_json(event))
        waiting = deque([MemoryRecord(sent.topic, 0, 0, _LATEST, sent.key, sent.value, [])])
        while waiting:
            batch = processor.process([waiting.popleft()], policy)
            cases.update(batch.cases)
            for number, packed in batch.cases.items():
                versions.setdefault(number, []).append(packed)
            told = [each for each in batch.outputs if each.topic == _NAMES.lineage]
            waiting += [MemoryRecord(_NAMES.lineage, 0, 0, 0, each.key, each.value, []) for each in told]
    return tuple(Template(number.encode(), tuple(stored)) for number, stored in versions.items())


def copies(of: Sequence[Template], count: int, records: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of so many cases, each with so many records: first the oldest version of every case, at last the one that stands.

    A number keeps its country and its length, so that it can be put into the packed bytes. Raises ValueError where the digits run out.
    """
    opened = cache(_opened)
    for age in range(records):
        given: Counter[bytes] = Counter()
        for template, _ in zip(cycle(of), range(count), strict=False):
            country, digits = template.number[:2], len(template.number) - 2
            number = country + b"%0*d" % (digits, given[country])
            if len(number) != len(template.number):
                raise ValueError(f"no more than {given[country]} certificate numbers begin with {country.decode()}: fewer cases")
            given[country] += 1
            head, plain = opened(template.stored(records)[age])
            copied = plain.replace(template.number, number)
            yield number, head + (compress(copied) if head == COMPRESSED_FORMAT else copied)


def _opened(packed: bytes) -> tuple[bytes, bytes]:
    """A packed case's head, and the rest as it is without compression."""
    if packed[:1] == COMPRESSED_FORMAT:
        return COMPRESSED_FORMAT, decompress(packed[1:])
    return b"", packed


def write_changelog(settings: Settings, of: Sequence[Template], count: int, records: int) -> None:
    """Fill the changelog of the settings' prefix; the state of each partition comes last and says that nothing is left to be done."""
    topic = InternalNames(settings.prefix).cases
    send(settings.bootstrap_servers, ((topic, key, value, ()) for key, value in copies(of, count, records)))
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all")
    try:
        state = pack_state(PartitionState(revision=shipped_reference().revision))
        for number in range(settings.partitions):
            producer.send(topic, key=STATE_KEY, value=state, partition=number).get(30)
    finally:
        producer.close()
