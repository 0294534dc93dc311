"""What `kimberley verify` looks for, and what to do about each difference. No Kafka client here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from kimberley.cases.evaluate import evaluate, says_the_same
from kimberley.cases.judge import Policy, dossier_of
from kimberley.model.case import AlertState, Case, Fact, unpack_case
from kimberley.model.findings import Finding, alert_id
from kimberley.model.partition_state import PartitionState
from kimberley.repair import alert_histories, ledger
from kimberley.wire.topics import EVENT_TOPICS

REBUILD = "stop the workers, run `kimberley rebuild --yes` and start them: they put out what differs"
_RESYNCHRONISE = "have consumers take open-alerts for the truth, and tell whoever restored or wrote to flagged-shipments"
_PUBLISH_AGAIN = "publish the event again: under its id it is answered once more, and counts once"
_ANSWERS = {
    "lost": ("has neither decision nor dead letter", _PUBLISH_AGAIN),
    "twice": ("was answered more than once", "consumers keep one by its id; look whether something else writes to the topic"),
    "dead and decided": ("has a decision and a dead letter", "the decision counts; look whether something else writes to the topics"),
    "gone": ("has a decision, and the record is not there", f"look who deleted it; {_PUBLISH_AGAIN}"),
}


class Difference(NamedTuple):
    """Something that is not as it must be. `where`: a record's place, an alert, a certificate or a partition. `certificate`: whose it is,
    empty: no one's.
    """

    where: str
    what: str
    remedy: str
    certificate: str = ""


@dataclass(slots=True)
class Check:
    """One question. `looked_at` counts `unit`, `notes` say what is no difference and worth a word. `is_partial`: some could not be looked
    at yet.
    """

    name: str
    unit: str
    looked_at: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_partial: bool = False

    @property
    def result(self) -> str:
        """`differs`, `ok`, or `later`: as far as could be looked at."""
        return "differs" if self.differences else "later" if self.is_partial else "ok"


def answer_difference(remark: ledger.Remark) -> Difference:
    """Of an input record."""
    what, remedy = _ANSWERS[remark.kind]
    return Difference(f"{remark.origin.topic}-{remark.origin.partition}@{remark.origin.offset}", what, remedy)


def revision_difference(remark: alert_histories.Remark) -> Difference:
    """Of an alert's revisions."""
    return Difference(f"alert {remark.alert_id} of {remark.certificate_number}", remark.words, _RESYNCHRONISE, remark.certificate_number)


def open_alert_difference(remark: alert_histories.Remark) -> Difference:
    """Of what `open-alerts` holds."""
    remedy = "stop the workers and run `kimberley rebuild --yes`, which sets open-alerts right"
    return Difference(f"alert {remark.alert_id} of {remark.certificate_number}", remark.words, remedy, remark.certificate_number)


def fact_differences(case: Case, policy: Policy, clock: int) -> Iterator[Difference]:
    """A case's open alerts, as they were published, against what its facts say at a clock (milliseconds since the epoch)."""
    open_now = {state.alert_id: state.finding for state in case.alerts if state.is_open}
    where = f"certificate {case.number}"
    for finding in evaluate(dossier_of(case, policy, clock), policy.rulebook).findings:
        published = open_now.pop(alert_id(case.number, finding.rule_id, finding.subject), None)
        if published is None:
            yield Difference(where, f"the facts violate {_named(finding)}, and no alert is open", REBUILD, case.number)
        elif not says_the_same(published, finding):
            what = ", ".join(_differing_fields(published, finding))
            yield Difference(where, f"the alert on {_named(finding)} has another {what} than the facts give", REBUILD, case.number)
    for published in open_now.values():
        yield Difference(where, f"an alert on {_named(published)} is open that the facts do not bear", REBUILD, case.number)


def case_differences(stored: bytes | None, rebuilt: bytes | None, number: str) -> Iterator[Difference]:
    """A case of the changelog against what the events say."""
    where = f"certificate {number}"
    if rebuilt is None:
        yield Difference(where, "has a stored case, and no event, alert or lineage tells of it", REBUILD, number)
        return
    if stored is None:
        yield Difference(where, "has no stored case", REBUILD, number)
        return
    try:
        one = unpack_case(stored)
    except (ValueError, msgspec.MsgspecError) as problem:
        yield Difference(where, f"its stored case can't be read: {problem}", REBUILD, number)
        return
    other = unpack_case(rebuilt)
    pairs = (
        ("facts", _by_id(one.facts), _by_id(other.facts)),
        ("conflicts", _by_id(one.conflicts), _by_id(other.conflicts)),
        ("alerts", _states(one), _states(other)),
    )
    if wrong := [name for name, here, there in pairs if here != there]:
        yield Difference(where, f"its stored case has other {', '.join(wrong)} than the topics tell", REBUILD, number)


def state_difference(number: int, topic: str, state: PartitionState, committed: Mapping[str, int | None]) -> Difference | None:
    """Whether the changelog `topic` holds all that the group has committed, of one partition number."""
    if not state.is_whole:
        return Difference(f"{topic}-{number}", "a rebuild was interrupted", "run `kimberley rebuild` again")
    for event_topic in EVENT_TOPICS:
        applied, reached = state.applied.get(event_topic, 0), committed.get(event_topic) or 0
        if applied < reached:
            return Difference(
                f"{topic}-{number}",
                f"its cases hold {event_topic} up to offset {applied}, and the group has judged up to {reached}: cases are lost",
                "stop the workers and run `kimberley rebuild`",
            )
    return None


def _named(finding: Finding) -> str:
    return f"{finding.rule_id}{f' ({finding.subject})' if finding.subject else ''}"


def _differing_fields(one: Finding, other: Finding) -> list[str]:
    names = [name.replace("_", " ") for name in one.__struct_fields__ if name != "since" and getattr(one, name) != getattr(other, name)]
    return names[:3]


def _by_id(facts: list[Fact]) -> list[tuple[str, str, Fact]]:
    return sorted(((each.event.event_id, each.origin.decision_id, each) for each in facts), key=lambda each: each[:2])


def _states(case: Case) -> dict[str, AlertState]:
    return {each.alert_id: msgspec.structs.replace(each, finding=msgspec.structs.replace(each.finding, since=None)) for each in case.alerts}
