"""A case: everything known of one certificate number, small enough to be kept by the million."""

from struct import Struct
from typing import Any

import msgspec

from kimberley.model.case_compression import LARGEST, compress, decompress
from kimberley.model.events import AnyEvent, EventWithdrawn, ImportConfirmed
from kimberley.model.findings import Finding
from kimberley.model.lineage import KnownSource, KnownUse, Use
from kimberley.model.value import Value

FORMAT = b"\x02"
"""Leading byte of a stored case: the version of its shape. Another one is refused rather than misread."""
COMPRESSED_FORMAT = b"\x03"
"""The same of a case at rest, whose shape is compressed."""
_FORMATS = frozenset({FORMAT, COMPRESSED_FORMAT})
_HEAD = Struct(">cq")
"""That byte, and when the case wakes: so that who looks for deadlines need not unpack every case."""
_NEVER = -1
_FEW = 16
"""Facts that are looked through one by one; more are looked up."""


class Origin(Value, frozen=True, array_like=True):
    """The input record that brought an event: of a re-routed record, the original. In files: name, 0 and line number."""

    topic: str
    partition: int
    offset: int

    @property
    def decision_id(self) -> str:
        """The id of the decision that answers this record, the same however often it is read."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Fact(Value, frozen=True, array_like=True):
    """An event and the record that brought it first."""

    event: AnyEvent
    origin: Origin


class AlertState(Value, frozen=True, array_like=True):
    """Where an alert stands: its last revision, open or resolved."""

    alert_id: str
    revision: int
    is_open: bool
    finding: Finding
    effective_at: int
    event_id: str | None = None


Mark = tuple[int, int, list["AlertState"], int | None, tuple[list[KnownSource], list[KnownUse], list["NamedSource"], bytes, int]]


class NamedSource(Value, frozen=True, array_like=True):
    """A certificate that this one names as its source, and what it was told of that."""

    number: str
    use: Use


class Case(msgspec.Struct, array_like=True, gc=False):
    """Facts in the order in which they came, contents refused because their id was taken, and every alert ever raised.

    `wakes_at`: the instant, milliseconds since the epoch, at which a deadline passes if nothing comes before; None: none waits.
    `sources`, `uses`: what other cases told this one, of what it names as its sources and of those that name it, by number. `named`,
    `told`: what it told them, the latter as a hash (empty: nothing); `told_version`: the version of the last that it told. `is_full`: it
    has grown so large that it takes in nothing further.

    Not stored: `size`, about its bytes when packed and not compressed, hardly less (as it was when last packed or read, and all that came
    since); `packed`, its first facts as bytes; `by_id`, its first facts by event id, where there are many, and how many of those are
    withdrawals.
    """

    number: str
    facts: list[Fact] = []
    conflicts: list[Fact] = []
    alerts: list[AlertState] = []
    wakes_at: int | None = None
    sources: list[KnownSource] = []
    uses: list[KnownUse] = []
    named: list[NamedSource] = []
    told: bytes = b""
    told_version: int = 0
    is_full: bool = False
    size: int = 0
    packed: list[msgspec.Raw] = []
    by_id: dict[str, Fact] | None = None
    withdrawals_by_id: int = 0

    def __eq__(self, other: object) -> bool:
        """Whether all that is stored is equal."""
        return isinstance(other, Case) and all(getattr(self, name) == getattr(other, name) for name in STORED)

    def fact(self, event_id: str) -> Fact | None:
        """The standing content of an event id, withdrawn or not."""
        if len(self.facts) > _FEW:
            return self._index().get(event_id)
        for fact in self.facts:
            if fact.event.event_id == event_id:
                return fact
        return None

    @property
    def withdrawals(self) -> int:
        """How many of its facts are withdrawals."""
        self._index()
        return self.withdrawals_by_id

    def _index(self) -> dict[str, Fact]:
        if self.by_id is None:
            self.by_id = {}
        new = self.facts[len(self.by_id) :]
        self.by_id.update((fact.event.event_id, fact) for fact in new)
        self.withdrawals_by_id += sum(isinstance(fact.event, EventWithdrawn) for fact in new)
        return self.by_id

    def add(self, fact: Fact) -> None:
        """Another fact, of an event id that the case does not have."""
        encoded = _encoder.encode(fact)
        if len(self.packed) < len(self.facts):
            self.packed_facts()
        self.packed.append(msgspec.Raw(encoded))
        self.facts.append(fact)
        self.size += len(encoded)

    def packed_facts(self) -> list[msgspec.Raw]:
        """Its facts as bytes, made once: facts never change."""
        packed = self.packed
        if len(packed) < len(self.facts):
            packed += [msgspec.Raw(_encoder.encode(fact)) for fact in self.facts[len(packed) :]]
        return packed

    def measure(self) -> int:
        """Its bytes when packed and not compressed, exactly; takes as long as packing it."""
        return len(plain_case(self))

    def mark(self) -> Mark:
        """The case as it is now, for `go_back_to`. Facts and conflicts are only ever appended, other lists only replaced."""
        lineage = (self.sources, self.uses, self.named, self.told, self.told_version)
        return len(self.facts), len(self.conflicts), self.alerts, self.wakes_at, lineage

    def go_back_to(self, mark: Mark) -> None:
        """Undo all that came since `mark`; its size stays noted as it was, until it is measured again."""
        facts, conflicts, self.alerts, self.wakes_at, lineage = mark
        self.sources, self.uses, self.named, self.told, self.told_version = lineage
        del self.facts[facts:], self.conflicts[conflicts:]
        del self.packed[facts:]
        self.by_id, self.withdrawals_by_id = None, 0


STORED = tuple(name for name in Case.__struct_fields__ if name not in ("size", "packed", "by_id", "withdrawals_by_id"))
"""The fields by which cases are compared and stored."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Case)


def is_at_rest(case: Case) -> bool:
    """Whether it waits for nothing and its import is confirmed: most are, for most of their time."""
    if case.wakes_at is None:
        for fact in case.facts:
            if type(fact.event) is ImportConfirmed:
                return True
    return False


def pack_case(case: Case) -> bytes:
    """A case as bytes, for the store and the changelog: compressed where it is at rest."""
    plain = plain_case(case)
    if len(plain) <= LARGEST and is_at_rest(case):
        return COMPRESSED_FORMAT + compress(plain)
    return _HEAD.pack(FORMAT, _NEVER if case.wakes_at is None else case.wakes_at) + plain


def plain_case(case: Case) -> bytes:
    """A case as bytes, not compressed and without a head: what its size is measured by."""
    fields: tuple[Any, ...] = (case.number, case.packed_facts(), case.conflicts, case.alerts, case.wakes_at)
    if case.is_full:
        fields = (*fields, case.sources, case.uses, case.named, case.told, case.told_version, True)
    elif case.sources or case.uses or case.named:
        fields = (*fields, case.sources, case.uses, case.named, case.told, case.told_version)
    elif case.told_version:
        fields = (*fields, (), (), (), b"", case.told_version)
    plain = _encoder.encode(fields)
    case.size = len(plain)
    return plain


def wakes_at(packed: bytes) -> int | None:
    """When a packed case wakes. Raises ValueError as `unpack_case` does."""
    check_format(packed)
    if packed[:1] == COMPRESSED_FORMAT:
        return None
    found: int = _HEAD.unpack_from(packed)[1]
    return None if found == _NEVER else found


def unpack_case(packed: bytes) -> Case:
    """The case of `pack_case`. Raises ValueError on another format's bytes and msgspec.ValidationError on bytes of another shape."""
    check_format(packed)
    plain = decompress(memoryview(packed)[1:]) if packed[:1] == COMPRESSED_FORMAT else memoryview(packed)[_HEAD.size :]
    case = _decoder.decode(plain)
    case.size = len(plain)
    return case


def check_format(packed: bytes) -> None:
    """Raises ValueError on the bytes of a case of another format."""
    if packed[:1] not in _FORMATS:
        raise ValueError(
            f"a stored case of format {packed[:1]!r}; this version reads {FORMAT!r} and {COMPRESSED_FORMAT!r}: run the version that wrote "
            "it, or stop the workers and run `kimberley rebuild --yes`, which makes the cases anew from the events"
        )
