"""What cases know of each other, restored from the messages that they sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kimberley.cases.limits import MOST_USES
from kimberley.cases.lineage import description_hash
from kimberley.errors import UnreadableRecordError
from kimberley.model.case import Case, NamedSource
from kimberley.model.lineage import Description, KnownSource, KnownUse, LineageMessage, Use
from kimberley.wire.lineage import read_lineage


@dataclass(slots=True)
class _Told:
    """What one case told others: uses by source, and the last description of itself."""

    version: int = 0
    named: dict[str, Use] = field(default_factory=dict)
    described: int = 0
    description: bytes = b""


@dataclass(slots=True)
class _Heard:
    """What one case took in."""

    uses: dict[str, KnownUse] = field(default_factory=dict)
    sources: dict[str, tuple[int, Description]] = field(default_factory=dict)
    is_source: bool = False


class LineageLog:
    """The messages of every partition of `kimberley-lineage`, each partition in its order.

    `committed`: by partition number the offset up to which they were taken in; None where the group's offset is lost: then all were, and
    who described itself is to do so again, since the last of them may have had no answer.
    """

    def __init__(self, committed: Mapping[int, int | None]) -> None:
        self._committed = committed
        self._ends: dict[int, int] = {}
        self._told: dict[str, _Told] = {}
        self._heard: dict[int, dict[str, _Heard]] = {}

    def add(self, record: Any) -> None:
        """Take a message in; what is none was a dead letter."""
        self._ends[record.partition] = record.offset + 1
        try:
            message = read_lineage(record.value)
        except UnreadableRecordError:
            return
        self._tell(message)
        committed = self._committed.get(record.partition)
        if committed is None or record.offset < committed:
            self._hear(message, self._heard.setdefault(record.partition, {}).setdefault(message.to, _Heard()))

    def end(self, partition: int) -> int:
        """The offset after the last record of a partition."""
        return self._ends.get(partition, 0)

    def numbers(self, partition: int) -> Iterator[str]:
        """The certificates that others named as their source, of one partition number."""
        return (number for number, heard in self._heard.get(partition, {}).items() if heard.is_source)

    def restore(self, case: Case, partition: int) -> None:
        """Give a case of a partition number its lineage back."""
        told = self._told.get(case.number)
        heard = self._heard.get(partition, {}).get(case.number)
        if told is not None:
            case.named = [NamedSource(number, use) for number, use in sorted(told.named.items())]
            case.told_version = told.version
        if heard is None:
            return
        case.uses = sorted(heard.uses.values(), key=lambda each: each.number)
        known = ((each.number, heard.sources.get(each.number)) for each in case.named)
        case.sources = [KnownSource(number, *source) for number, source in known if source is not None]
        if told is not None and case.uses and self._committed.get(partition) is not None:
            case.told = told.description

    def _tell(self, message: LineageMessage) -> None:
        told = self._told.setdefault(message.by, _Told())
        told.version = max(told.version, message.version)
        if message.description is not None:
            if message.version > told.described:
                told.described, told.description = message.version, description_hash(message.description)
        elif message.use is not None:
            told.named[message.to] = message.use
        else:
            told.named.pop(message.to, None)

    def _hear(self, message: LineageMessage, heard: _Heard) -> None:
        """As `cases.lineage.take_in_lineage`; a description counts where its sender is among the sources in the end."""
        if message.description is not None:
            version, _ = heard.sources.get(message.by, (-1, None))
            if message.version > version:
                heard.sources[message.by] = message.version, message.description
            return
        known = heard.uses.get(message.by)
        if known is not None and known.version >= message.version:
            return
        if message.use is None:
            heard.uses.pop(message.by, None)
        elif known is not None or len(heard.uses) < MOST_USES:
            heard.uses[message.by] = KnownUse(message.by, message.version, message.use)
            heard.is_source = True
