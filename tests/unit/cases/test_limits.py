"""What is read of one event and kept of one certificate is bounded, is said in words, and costs the same however much more comes."""

import re
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kimberley.cases import limits
from kimberley.cases.check import EventInput, check
from kimberley.cases.intake import take_in
from kimberley.cases.judge import Answer, Memory, Policy, judge, reevaluate
from kimberley.cases.lineage import describe, leaves_out, take_in_lineage, tell
from kimberley.commands.event_files import as_input
from kimberley.errors import RefusedEventError
from kimberley.model.case import Case, Fact, NamedSource, Origin, pack_case, unpack_case
from kimberley.model.lineage import Description, IssueFact, LineageMessage, Use
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.compiled_reader import MOST_ITEMS as READER_ITEMS
from kimberley.wire.event_records import event_record
from kimberley.wire.records import record_from_json
from kimberley.wire.topics import MOST_EVENT_BYTES
from support.journeys import journey
from support.stories import withdrawal

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
GUIDE = Path(__file__).parents[3] / "docs" / "border-system.md"
NUMBER = "BW000042"
ISSUE, EXPORT, ARRIVAL, CONFIRMATION = journey(NUMBER, found="99.00")
TOPIC_BYTES = 8 << 20
CODEC = make_codec(Settings.model_construct(partitions=1))


def refused(event: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The faults for which an event is refused."""
    with pytest.raises(RefusedEventError) as problem:
        take_in(*record_from_json(event))
    return problem.value.errors


def refused_from_bytes(event: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The same where it was read from a record, whose size tells which limits it may exceed."""
    sent = event_record(CODEC, *record_from_json(event))
    assert sent.value is not None
    with pytest.raises(RefusedEventError) as problem:
        take_in(*CODEC.decode(sent.topic, sent.value), size=len(sent.value))
    return problem.value.errors


def played(case: Case, events: Iterator[dict[str, Any]] | list[dict[str, Any]], memory: Memory, first: int = 0) -> list[Answer]:
    """The answers to events, judged as a partition's processor does."""
    answers = []
    for offset, stated in enumerate(events, first):
        event = take_in(*record_from_json(stated))
        answers.append(judge(case, event, Origin("shipments", 0, offset), POLICY, now=0, processed_at=0, memory=memory))
    return answers


def arrivals(count: int, **more: Any) -> Iterator[dict[str, Any]]:
    return ({**ARRIVAL, "event_id": f"a{index}", "shipment_id": f"SH-{index}", **more} for index in range(count))


def withdrawals(count: int) -> Iterator[dict[str, Any]]:
    return ({**withdrawal(ARRIVAL, "2024-04-01T00:00:00Z"), "event_id": f"w{n}", "withdrawn_event_id": f"a{n}"} for n in range(count))


def test_a_certificate_number_may_be_written_with_blanks_but_not_with_a_page_of_them() -> None:
    blanks = " " * (limits.LONGEST_WRITTEN - len(NUMBER))
    assert take_in(*record_from_json({**ISSUE, "certificate_number": NUMBER + blanks})).certificate_number == NUMBER
    ((code, place, message),) = refused({**ISSUE, "certificate_number": f"{NUMBER}{blanks} "})
    assert (code, place, message) == ("range", "certificate_number", "certificate_number has 1,001 characters; at most 1,000 are read")


LISTS = ("parcels", "origins", "seal_numbers", "source_certificates", "approvals", "declarations")
ITEMS: dict[str, Any] = {
    "parcels": {"hs_code": "7102.31"},
    "origins": "BW",
    "seal_numbers": "S-1",
    "source_certificates": "BW1",
    "approvals": {"kind": "A", "reference": "r", "granted_on": "2024-01-01"},
    "declarations": {"kind": "A", "reference": "r"},
}


@pytest.mark.parametrize("field", LISTS)
def test_a_list_of_too_many_items_is_refused_by_its_field_with_their_number_and_what_is_read(field: str) -> None:
    most = limits.MOST_SOURCES if field == "source_certificates" else limits.MOST_ITEMS
    take_in(*record_from_json({**ISSUE, field: [ITEMS[field]] * most}))
    ((code, place, message),) = refused({**ISSUE, field: [ITEMS[field]] * (most + 1)})
    assert (code, place) == ("range", field)
    assert message == f"{field} has {most + 1:,} items; at most {most:,} are read"


TEXTS = {
    "office": limits.LONGEST_TEXT,
    "remarks": limits.LONGEST_REMARKS,
    "event_id": limits.LONGEST_ID,
    "replaces": limits.LONGEST_NUMBER,
    "certificate_number": limits.LONGEST_NUMBER,
    "exporter.name": limits.LONGEST_TEXT,
    "importer.id": limits.LONGEST_ID,
    "seal_numbers[0]": limits.LONGEST_NUMBER,
    "source_certificates[0]": limits.LONGEST_NUMBER,
    "parcels[0].hs_code": limits.LONGEST_NUMBER,
    "approvals[0].reference": limits.LONGEST_ID,
    "declarations[0].kind": limits.LONGEST_ID,
    "extraction.zone": limits.LONGEST_ID,
}


@pytest.mark.parametrize(("place", "most"), TEXTS.items())
def test_a_text_that_is_too_long_is_refused_by_its_place_with_its_length_and_what_is_read(place: str, most: int) -> None:
    def stated(length: int) -> dict[str, Any]:
        text = "1" * length
        top, index, inner = re.fullmatch(r"(\w+)(\[0\])?(?:\.(\w+))?", place).groups()  # type: ignore[union-attr]
        value: Any = {**(ITEMS.get(top, {}) if index else {}), inner: text} if inner else text
        return {**ISSUE, top: [value] if index else value}

    take_in(*record_from_json(stated(most)))
    ((code, field, message),) = refused(stated(most + 1))
    assert (code, field) == ("range", place)
    assert message == f"{place} has {most + 1:,} characters; at most {most:,} are read"
    assert refused_from_bytes(stated(most + 1)) == [(code, field, message)]


def test_every_text_and_list_that_an_event_may_have_is_bounded() -> None:
    """A field that is added without a limit fails here. Codes, reasons and the like are bounded by their lists."""
    known = {"authority", "certificate_number", "destination", "provenance", "country", "confirms_to", "reason"}
    for name, kind in limits.EVENT_TYPES.items():
        bounded = {field for field, _ in limits.SIZES_OF[name]} | {field for field, _ in limits.PARTS_OF[name]} | known
        for field in msgspec.structs.fields(kind):
            assert field.name in bounded or not re.search(r"str|tuple|Party|Extraction", str(field.type)), (name, field.name)


def test_a_limit_that_a_record_may_exceed_is_looked_at_whatever_its_size() -> None:
    """Of so many bytes no text has more characters: what is left out can't be exceeded, what can be is not left out."""
    for name in limits.EVENT_TYPES:
        for size in (0, 64, 65, 200, 201, 500, 501, 1000, 1001, 4000, 4001, 1 << 20):
            found = limits.limits_within(name, size)
            assert {each for each in limits.SIZES_OF[name] if each[1] < size} <= set(found.sizes)
            parts = dict(found.parts)
            for field, most in limits.PARTS_OF[name]:
                if isinstance(most, int):
                    assert most >= size or parts[field] == most
                else:
                    assert {each for each in most if each[1] < size} <= set(parts.get(field, ()))  # type: ignore[arg-type]


def test_of_very_many_faults_some_are_listed() -> None:
    faults = refused({**ISSUE, "parcels": [{"origins": ["QQ"] * 100}] * 1000})
    assert len(faults) == limits.MOST_FAULTS


def test_beyond_its_events_a_case_refuses_more_and_still_takes_withdrawals_until_there_are_too_many_of_them() -> None:
    case, memory = Case(NUMBER), Memory()
    taken = played(case, arrivals(limits.MOST_EVENTS), memory)
    assert {answer.decision.outcome for answer in taken} == {"ACCEPTED"}
    (over,) = played(case, [EXPORT], memory, 1000)
    assert over.decision.outcome == "REFUSED"
    ((code, field, message),) = [msgspec.structs.astuple(error) for error in over.decision.errors]
    assert (code, field) == ("case-full", "certificate_number")
    assert "500 events" in message
    assert not over.changed
    answers = played(case, withdrawals(limits.MOST_WITHDRAWALS + 1), memory, 2000)
    assert [answer.decision.outcome for answer in answers] == ["ACCEPTED"] * limits.MOST_WITHDRAWALS + ["REFUSED"]
    assert "500 withdrawals" in answers[-1].decision.errors[0].message
    assert not [state for state in case.alerts if state.is_open and state.finding.rule_id == "import-mismatch"], "all were taken back"
    again = played(case, [next(arrivals(1))], memory, 0)
    assert again[0].decision.outcome == "ACCEPTED", "a record that is read again is answered as before"
    assert played(case, [next(arrivals(1))], memory, 5000)[0].decision.outcome == "DUPLICATE"


def test_of_conflicting_contents_some_are_kept_and_all_are_answered() -> None:
    case, memory = Case(NUMBER), Memory()
    contents = ({**ARRIVAL, "carats": f"{index}.25"} for index in range(limits.MOST_CONFLICTS + 50))
    outcomes = [answer.decision.outcome for answer in played(case, contents, memory)]
    assert outcomes == ["ACCEPTED"] + ["CONFLICT"] * (limits.MOST_CONFLICTS + 49)
    assert len(case.conflicts) == limits.MOST_CONFLICTS


def big(count: int) -> Iterator[dict[str, Any]]:
    """Certificates as large as one may be, under one number."""
    parcels = [{"hs_code": "7102.31", "carats": "1.00", "value_usd": "1.00", "origins": ["BW"] * 200}] * 1000
    return ({**ISSUE, "event_id": f"i{index}", "parcels": parcels} for index in range(count))


def test_a_case_that_would_grow_beyond_its_bytes_refuses_for_ever_whatever_the_size() -> None:
    case, memory = Case(NUMBER), Memory()
    answers = played(case, big(8), memory)
    outcomes = [answer.decision.outcome for answer in answers]
    first = outcomes.index("REFUSED")
    assert 2 < first < 8
    assert set(outcomes[first:]) == {"REFUSED"}
    assert answers[first].changed, "that it is full is stored"
    assert answers[first].decision.errors[0].code == "case-full"
    assert "4 MB" in answers[first].decision.errors[0].message
    stored = unpack_case(pack_case(case))
    assert stored == case
    for each in (case, stored):
        assert len(pack_case(each)) <= limits.MOST_CASE_BYTES
        (small,) = played(each, [EXPORT], Memory(), 100)
        assert (small.decision.outcome, small.changed) == ("REFUSED", False)
        told = LineageMessage(NUMBER, "EU1", 1, 0, use=Use(True, "EU", "e", Decimal(1)))
        assert leaves_out(each, told)
        assert not take_in_lineage(each, told)


def test_what_a_refused_event_would_have_changed_is_undone() -> None:
    case, memory = Case(NUMBER), Memory()
    played(case, big(4), memory)
    before = (len(case.facts), list(case.alerts), case.wakes_at)
    while not case.is_full:
        before = (len(case.facts), list(case.alerts), case.wakes_at)
        played(case, ({**event, "event_id": f"more{len(case.facts)}"} for event in big(1)), memory, len(case.facts))
    assert (len(case.facts), case.alerts, case.wakes_at) == before


def test_sources_that_tell_too_much_are_left_out() -> None:
    case = Case(NUMBER)
    case.named = [NamedSource(f"S{index:04d}", Use(True, "AE", "e", None)) for index in range(limits.MOST_SOURCES)]
    case.measure()
    on = date(2024, 1, 1)
    issuers = tuple((f"{'x' * 190}{index}", on) for index in range(60))
    description = Description(IssueFact("BW", on, 0, "e", ("BW",), None, None, None, (), source_issuers=issuers))
    heard = [take_in_lineage(case, LineageMessage(NUMBER, f"S{index:04d}", 1, 0, description=description)) for index in range(500)]
    assert heard[0]
    assert not heard[-1]
    assert case.is_full
    assert len(pack_case(case)) <= limits.MOST_CASE_BYTES


def test_alerts_that_new_reference_data_brings_do_not_grow_a_case_beyond_its_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    case, memory = Case(NUMBER), Memory()
    played(case, [ISSUE, EXPORT], memory)
    monkeypatch.setattr("kimberley.cases.judge.MOST_JUDGED_BYTES", 900)
    case.wakes_at = 7
    case.facts += map(fact_of, arrivals(3))
    case.size += 10_000
    assert reevaluate(case, POLICY, now=0, effective_at=0, processed_at=0, memory=memory) == []
    assert case.is_full
    assert not case.alerts


def fact_of(stated: dict[str, Any]) -> Fact:
    return Fact(take_in(*record_from_json(stated)), Origin("f", 0, 0))


def test_check_refuses_where_the_stream_does() -> None:
    head = {name: EXPORT[name] for name in ("occurred_at", "authority", "certificate_number", "shipment_id")}
    events = [ISSUE, *({**head, "type": "ShipmentReleased", "event_id": f"r{index}"} for index in range(limits.MOST_EVENTS))]
    inputs = [as_input(event, Origin("f", 0, line)) for line, event in enumerate(events)]
    assert all(isinstance(each, EventInput) for each in inputs)
    decisions = check(inputs, POLICY).decisions
    case, memory = Case(NUMBER), Memory()
    answers = played(case, iter(events), memory)
    assert [each.outcome for each in decisions] == [answer.decision.outcome for answer in answers]
    assert [each.errors for each in decisions] == [answer.decision.errors for answer in answers]
    assert decisions[-1].errors[0].code == "case-full"


def operations(run: Any) -> int:
    """How many calls of Python's something takes: what it costs, on any machine."""
    count = 0

    def hear(_frame: Any, what: str, _argument: Any) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(hear)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def test_an_event_of_a_full_case_costs_the_same_however_many_came_before() -> None:
    case, memory = Case(NUMBER), Memory()
    played(case, arrivals(limits.MOST_EVENTS), memory)
    events = [take_in(*record_from_json(event)) for event in arrivals(3000)]
    duplicate = events[0]

    def at(event: Any, offset: int) -> int:
        return operations(lambda: judge(case, event, Origin("s", 0, offset), POLICY, now=0, processed_at=0, memory=memory))

    refusals = [at(event, 10_000 + index) for index, event in enumerate(events[600:])]
    duplicates = [at(duplicate, 20_000 + index) for index in range(100)]
    assert max(refusals[-100:]) <= max(refusals[:100]) < 200
    assert max(duplicates) < 300, "what is known sets no rule to work"
    assert len(pack_case(case)) < limits.MOST_CASE_BYTES


def test_the_cost_of_an_event_grows_no_faster_than_its_case() -> None:
    """Twice the events, about twice the cost: a rule that compares each with each would have four times."""
    costs = []
    for count in (120, 240):
        case, memory = Case(NUMBER), Memory()
        played(case, [ISSUE, EXPORT, *arrivals(count)], memory)
        event = take_in(*record_from_json({**ARRIVAL, "event_id": "last", "shipment_id": "last"}))
        origin = Origin("s", 0, 9999)
        costs.append(operations(lambda: judge(case, event, origin, POLICY, now=0, processed_at=0, memory=memory)))  # noqa: B023
    assert costs[1] < 2.5 * costs[0], costs


@pytest.mark.parametrize("kind", ["ShipmentExported", "ShipmentTransited", "ShipmentReturned", "CertificateIssued", "EventWithdrawn"])
def test_no_type_of_event_costs_more_than_its_case_is_large(kind: str) -> None:
    bases = {
        "ShipmentExported": EXPORT,
        "CertificateIssued": ISSUE,
        "EventWithdrawn": withdrawal(ARRIVAL, "2024-04-01T00:00:00Z"),
        "ShipmentReturned": {**{name: EXPORT[name] for name in ("occurred_at", "authority", "certificate_number", "shipment_id")}},
        "ShipmentTransited": {
            **{name: EXPORT[name] for name in ("occurred_at", "authority", "certificate_number", "shipment_id")},
            "country": "AE",
            "authority": "AE",
        },
    }
    base = {**bases[kind], "type": kind}
    costs = []
    for count in (100, 200):
        case, memory = Case(NUMBER), Memory()
        own = {"shipment_id": "SH-{}"} if "shipment_id" in base else {}
        events = [
            {**base, "event_id": f"e{index}", **{name: text.format(index) for name, text in own.items()}} for index in range(count + 1)
        ]
        played(case, [ISSUE, ARRIVAL, *events[:-1]], memory)
        event = take_in(*record_from_json(events[-1]))
        costs.append(operations(lambda: judge(case, event, Origin("s", 0, 9999), POLICY, now=0, processed_at=0, memory=memory)))  # noqa: B023
    assert costs[1] < 2.5 * costs[0], costs


def test_lineage_from_very_many_certificates_costs_the_same_each() -> None:
    case = Case(NUMBER)
    use = Use(True, "EU", "e", Decimal("1.00"))
    for index in range(limits.MOST_USES):
        take_in_lineage(case, LineageMessage(NUMBER, f"EU{index * 7919 % 100_003:06d}", 1, 0, use=use))
    messages = [LineageMessage(NUMBER, f"ZZ{index:06d}", 1, 0, use=use) for index in range(3000)]
    costs = [operations(lambda message=message: take_in_lineage(case, message)) for message in messages]  # type: ignore[misc]
    assert max(costs) < 40
    assert len(pack_case(case)) < limits.MOST_CASE_BYTES


def test_a_certificate_of_very_many_arrivals_tells_those_that_matter() -> None:
    case, memory = Case(NUMBER), Memory()
    many = [{**event, "carats": None} for event in arrivals(60)]
    elsewhere = {**ARRIVAL, "event_id": "there", "authority": "AE", "occurred_at": "2024-06-01T00:00:00Z", "carats": "7.00"}
    played(case, [ISSUE, *many, elsewhere], memory)
    assert memory.dossier is not None
    told = describe(memory.dossier)
    assert [each.authority for each in told.arrivals] == ["EU", "AE"]
    assert told.carats == Decimal("7.00")


def test_what_goes_to_thousands_of_certificates_is_small() -> None:
    case, memory = Case(NUMBER), Memory()
    approvals = [{"kind": "k" * 200, "reference": f"{index:0200d}"} for index in range(1000)]
    played(case, [{**ISSUE, "approvals": approvals}], memory)
    for index in range(3):
        take_in_lineage(case, LineageMessage(NUMBER, f"EU{index}", 1, 0, use=Use(True, "EU", "e", None)))
    assert memory.dossier is not None
    messages = tell(case, memory.dossier, at=0, event_id=None, least_version=1)
    assert len(messages) == 3
    assert max(len(msgspec.json.encode(message)) for message in messages) < 20_000


def test_decisions_and_alerts_of_a_crowded_case_stay_small() -> None:
    case, memory = Case(NUMBER), Memory()
    stated = [ISSUE, EXPORT, *arrivals(150, seal_numbers=[f"{index:060d}" for index in range(20)])]
    answers = played(case, stated, memory)
    assert len([state for state in case.alerts if state.is_open]) > 2 * limits.MOST_LISTED
    assert max(len(answer.decision.alert_ids) for answer in answers) == limits.MOST_LISTED
    last = answers[-1]
    assert {alert.alert_id for alert in last.alerts} <= set(last.decision.alert_ids), "what its event changed comes first"
    for alert in (alert for answer in answers for alert in answer.alerts):
        assert len(alert.evidence) <= limits.MOST_EVIDENCE
        assert len(alert.message) <= limits.LONGEST_MESSAGE
        assert all(len(each.value) <= limits.LONGEST_EVIDENCE for each in alert.evidence)


def test_the_guide_has_the_limits() -> None:
    rows = {
        cells[0]: cells[1] for line in GUIDE.read_text(encoding="utf-8").splitlines() if len(cells := line.strip("| ").split(" | ")) == 2
    }

    def figure(beginning: str) -> str:
        return next(value for name, value in rows.items() if name.startswith(beginning))

    assert figure("a record").startswith(f"{MOST_EVENT_BYTES:,} bytes")
    assert figure("items of any list") == f"{limits.MOST_ITEMS:,} (of more than {READER_ITEMS:,} the record is a dead letter)"
    assert figure("`source_certificates`") == f"{limits.MOST_SOURCES}"
    assert figure("ids of events") == f"{limits.LONGEST_ID} characters"
    assert figure("certificate, seal") == f"{limits.LONGEST_NUMBER} characters"
    assert figure("an event's own certificate number") == f"{limits.LONGEST_WRITTEN:,} characters"
    assert figure("`remarks`") == f"{limits.LONGEST_REMARKS:,} characters"
    assert figure("any other text") == f"{limits.LONGEST_TEXT} characters"
    assert figure("events, withdrawals not") == f"{limits.MOST_EVENTS}"
    assert figure("withdrawals, so") == f"{limits.MOST_WITHDRAWALS}"
    assert figure("different contents") == f"{limits.MOST_CONFLICTS}"
    assert figure("certificates that are noted") == f"{limits.MOST_USES:,}"
    assert figure("all that is known") == f"{limits.MOST_CASE_BYTES >> 20} MB"
    assert figure("arrivals, approvals") == f"{limits.MOST_TOLD}"
    text = " ".join(GUIDE.read_text(encoding="utf-8").split())
    assert f"at most {limits.MOST_EVIDENCE} items of evidence of {limits.LONGEST_EVIDENCE} characters" in text
    assert f"a message of {limits.LONGEST_MESSAGE:,} characters; a decision lists at most {limits.MOST_LISTED} alerts" in text
    assert f"At most {limits.MOST_FAULTS} faults" in text
    assert limits.MOST_JUDGED_BYTES < TOPIC_BYTES - (1 << 20), "what lies between: names of sources, and the record's own"
