"""The same set of facts gives the same alerts, in whatever order, however often, in whatever batches they come."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.model.case import Origin, pack_case, unpack_case
from kimberley.model.findings import Alert
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from support.journeys import journey

POLICY = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
NUMBER = "BW000042"

_ISSUE, _EXPORT, _ARRIVAL, _CONFIRMATION = journey(NUMBER)
_TRANSIT = {**_ARRIVAL, "type": "ShipmentTransited", "country": "AE", "authority": "AE", "opened": None, "new_seal_numbers": None}
for _field in ("carats", "parcel_count"):
    del _TRANSIT[_field]
_HEAD = {name: _EXPORT[name] for name in ("occurred_at", "authority", "certificate_number")}
_RETURN = {**_HEAD, "type": "ShipmentReturned", "shipment_id": "SH-1", "authority": "EU"}
_INVALIDATION = {**_HEAD, "type": "CertificateInvalidated", "reason": "VOIDED"}
_BASES = (_ISSUE, _EXPORT, {**_ARRIVAL, "new_seal_numbers": None}, _CONFIRMATION, _TRANSIT, _RETURN, _INVALIDATION)
_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "carats": st.sampled_from(["120.50", "120.60", "99.00", None]),
        "parcel_count": st.sampled_from([1, 2, None]),
        "destination": st.sampled_from(["EU", "KE", "IN", None]),
        "authority": st.sampled_from(["BW", "EU", "BE", "RU", "KE", "CF"]),
        "occurred_at": st.sampled_from(
            ["2014-03-03T10:00:00Z", "2024-03-05T09:00:00+02:00", "2024-03-07T23:30:00-08:00", "2024-05-02T00:00:00Z"]
        ),
        "expires_on": st.sampled_from(["2024-03-01", "2024-05-01", None]),
        "origins": st.sampled_from([["BW"], ["RU"], ["CF", "BW"], []]),
        "mixed_origin": st.sampled_from([True, False, None]),
        "shipment_id": st.sampled_from(["SH-1", "SH-2", ""]),
        "seal_numbers": st.sampled_from([None, [], ["S-1"], ["S-2"]]),
        "new_seal_numbers": st.sampled_from([None, [], ["S-2"]]),
        "opened": st.sampled_from([True, False]),
    },
)


@st.composite
def facts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some events of one certificate, sound and unsound, some of them withdrawn, some withdrawals withdrawn."""
    events: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 7))):
        base = draw(st.sampled_from(_BASES))
        changes = {name: value for name, value in draw(_CHANGES).items() if name in base}
        events.append({**base, **changes, "event_id": f"e{index}"})
    for index in range(draw(st.integers(0, 3))):
        target = draw(st.sampled_from(events))
        events.append(withdrawal(target, f"w{index}", draw(st.sampled_from([target["authority"], "BW", "EU"]))))
    return events


def withdrawal(of: dict[str, Any], event_id: str, authority: str | None = None) -> dict[str, Any]:
    """A withdrawal of an event, its sender's own unless told otherwise."""
    return {
        "type": "EventWithdrawn",
        "event_id": event_id,
        "occurred_at": "2024-03-20T10:00:00Z",
        "authority": authority or of["authority"],
        "certificate_number": NUMBER,
        "withdrawn_event_id": of["event_id"],
        "reason": "INCORRECT_DATA",
    }


def open_alerts(events: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """What is open at the end: by id, what an alert says."""
    report = check([as_input(event, Origin("f", 0, line)) for line, event in enumerate(events)], POLICY, as_of=1_800_000_000_000)
    return {alert.alert_id: said(alert) for alert in report.open_alerts}


def said(alert: Alert) -> tuple[Any, ...]:
    return (alert.rule_id, alert.subject, alert.severity, alert.message, alert.evidence, alert.participants, alert.confidence)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_order_and_repeats_never_change_what_is_open(data: st.DataObject) -> None:
    events = data.draw(facts())
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = data.draw(st.permutations(events + repeats))
    assert open_alerts(shuffled) == open_alerts(events)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_withdrawn_event_counts_as_if_it_had_never_been(data: st.DataObject) -> None:
    events = data.draw(facts())
    # one that nothing else aims at and that is no withdrawal
    extra = {**data.draw(st.sampled_from(_BASES)), "event_id": "extra"}
    without = open_alerts(events)
    order = data.draw(st.permutations([*events, extra, withdrawal(extra, "x")]))
    assert open_alerts(order) == without


@settings(max_examples=150, deadline=None)
@given(facts(), st.integers(0, 10))
def test_a_case_stored_and_read_back_between_events_judges_the_same(events: list[dict[str, Any]], cut: int) -> None:
    from kimberley.cases.check import EventInput
    from kimberley.cases.judge import judge
    from kimberley.model.case import Case

    def play(store: bool) -> list[Alert]:
        case, alerts = Case(NUMBER), []
        for line, event in enumerate(events):
            each = as_input(event, Origin("f", 0, line))
            assert isinstance(each, EventInput)
            alerts += judge(case, each.event, each.origin, POLICY, now=0, processed_at=0).alerts
            if store and line >= cut:
                case = unpack_case(pack_case(case))
        return alerts

    assert play(store=True) == play(store=False)


@settings(max_examples=150, deadline=None)
@given(facts())
def test_revisions_count_up_and_every_alert_opens_before_it_resolves(events: list[dict[str, Any]]) -> None:
    report = check([as_input(event, Origin("f", 0, line)) for line, event in enumerate(events)], POLICY, as_of=1_800_000_000_000)
    by_id: dict[str, list[Alert]] = {}
    for alert in report.history:
        by_id.setdefault(alert.alert_id, []).append(alert)
    for history in by_id.values():
        assert [alert.revision for alert in history] == list(range(1, len(history) + 1))
        assert history[0].status == "OPENED"
        for one, following in pairwise(history):
            assert (following.status == "OPENED") == (one.status == "RESOLVED")
