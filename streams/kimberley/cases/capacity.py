"""How much a case takes in, and what whoever sends more is told."""

import msgspec

from kimberley.cases.limits import MOST_CASE_BYTES, MOST_CONFLICTS, MOST_EVENTS, MOST_WITHDRAWALS
from kimberley.model.case import Case, Fact
from kimberley.model.decisions import Refusal
from kimberley.model.events import AnyEvent, EventWithdrawn

_encoder = msgspec.msgpack.Encoder()


def fullness(case: Case, event: AnyEvent) -> Refusal | None:
    """Why a case takes in no further event, if so."""
    if case.is_full:
        return beyond_bytes(case)
    if len(case.facts) < min(MOST_EVENTS, MOST_WITHDRAWALS):
        return None
    withdrawals = case.withdrawals
    if isinstance(event, EventWithdrawn):
        if withdrawals < MOST_WITHDRAWALS:
            return None
        words = f"{withdrawals:,} withdrawals, which is all that is read of one certificate: is another meant?"
    else:
        if len(case.facts) - withdrawals < MOST_EVENTS:
            return None
        words = (
            f"{MOST_EVENTS:,} events, which is all that is read of one certificate: is another meant? "
            "What was sent by mistake can still be withdrawn"
        )
    return Refusal("case-full", "certificate_number", f"{case.number} has {words}")


def beyond_bytes(case: Case) -> Refusal:
    """Why a case takes in nothing further, whose record would not fit its topic."""
    words = (
        f"what is known of {case.number} would come to more than {MOST_CASE_BYTES >> 20} MB: nothing further is taken in under this number"
    )
    return Refusal("case-full", "certificate_number", f"{words}; ask the operators what filled it")


def keep_conflict(case: Case, conflict: Fact) -> bool:
    """Note another content under an id that is taken; False: it is known, or there are too many."""
    if case.is_full or len(case.conflicts) >= MOST_CONFLICTS or any(each.event == conflict.event for each in case.conflicts):
        return False
    case.conflicts.append(conflict)
    case.size += len(_encoder.encode(conflict))
    return True
