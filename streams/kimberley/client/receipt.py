"""What a publisher knows of an event once Kafka has it, and what may be missing."""

from collections.abc import Mapping, Sequence

import msgspec

from kimberley.errors import KimberleyError, ServiceUnavailableError


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event lies. It may be kept (`msgspec.structs.asdict`) and waited on later, by another publisher too.

    `decisions_from`: an offset of the same partition number of `decisions`, before the one at which the answer comes.
    """

    event_id: str
    certificate_number: str
    topic: str
    partition: int
    offset: int
    decisions_from: int = 0

    @property
    def decision_id(self) -> str:
        """The id of the decision that answers this very record."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class UndeliveredError(ServiceUnavailableError):
    """Some events of a batch could not be delivered. `receipts`: of those that were; `problems`: by event id, what kept the others.

    Publishing the same events again is right: one that did arrive is answered as a duplicate and counts once.
    """

    def __init__(self, receipts: Sequence[Receipt], problems: Mapping[str, KimberleyError]) -> None:
        self.receipts = list(receipts)
        self.problems = dict(problems)
        first = next(iter(problems.items()))
        super().__init__(
            f"{len(problems)} of {len(receipts) + len(problems)} events were not delivered, first {first[0]}: {first[1]}; publish them "
            "again: one that did arrive counts once"
        )


class NoDecisionError(ServiceUnavailableError):
    """No decision came in time. `receipts`: of the events without one."""

    def __init__(self, receipts: Sequence[Receipt], seconds: float) -> None:
        self.receipts = list(receipts)
        first = receipts[0]
        more = f" and {len(receipts) - 1} more" if len(receipts) > 1 else ""
        super().__init__(
            f"no decision on event {first.event_id} ({first.decision_id}){more} within {seconds:g} s: is a worker running, and has it "
            "caught up? (`kimberley dead-letters list` shows what none could read)"
        )
