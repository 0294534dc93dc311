"""What a stream put out is enough to make its cases anew: whatever the journeys, the repeats, the corrections and the strays."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kimberley.testing import MemoryPipeline
from kimberley.wire.avro import make_codec
from kimberley.wire.partitioner import partition_of
from support.journeys import journey
from support.rebuilt import cases_of, held_by, rebuilt
from support.stories import issue
from support.stream import event_records

_NUMBERS = ("BW000001", "BW000002", "BW000003")
_CLOCK = 1_735_689_600_000


@st.composite
def _told(draw: st.DrawFn) -> list[tuple[dict[str, Any], int, bool]]:
    """Events, each with how far from its own partition it is sent, and whether its key is wrong: some twice, some with other content
    under a taken id, some withdrawn, certificates that name one another.
    """
    events: list[dict[str, Any]] = []
    for number in _NUMBERS[: draw(st.integers(1, 3))]:
        events += draw(st.lists(st.sampled_from(journey(number, found=draw(st.sampled_from([None, "60.00"])))), max_size=5))
    sources = st.lists(st.sampled_from([*_NUMBERS, "AE000002"]), min_size=1, max_size=2, unique=True)
    for number in ("AE000001", "AE000002"):
        if draw(st.booleans()):
            fields = {"destination": "IN", "origins": ["BW"], "source_certificates": draw(sources)}
            events.append(issue(number, "AE", "2024-03-10", **fields))
    for event in draw(st.lists(st.sampled_from(events), max_size=3)) if events else ():
        events.append({**event, "office": "another office"})
    for index, event in enumerate(draw(st.lists(st.sampled_from(events), max_size=3)) if events else ()):
        head = {name: event[name] for name in ("certificate_number", "authority")}
        withdrawal = {"type": "EventWithdrawn", "event_id": f"w-{index}", "occurred_at": "2024-04-01T00:00:00Z", "reason": "INCORRECT_DATA"}
        events.append({**head, **withdrawal, "withdrawn_event_id": event["event_id"]})
    shuffled = draw(st.permutations(events))
    return [(event, draw(st.sampled_from([0, 0, 0, 1])), draw(st.sampled_from([False, False, True]))) for event in shuffled]


@settings(max_examples=120, deadline=None)
@given(_told(), st.booleans())
def test_cases_made_anew_from_a_stream_s_topics_are_the_cases_it_had(
    told: list[tuple[dict[str, Any], int, bool]], time_passes: bool
) -> None:
    with MemoryPipeline(partitions=2) as pipeline:
        codec = make_codec(pipeline.settings)
        for event, shift, is_stray in told:
            (record,) = event_records(codec, [event])
            own = partition_of(event["certificate_number"], 2)
            pipeline.put(record.topic, record.value, key=b"stray" if is_stray else record.key, partition=(own + shift) % 2)
        pipeline.put("shipments", b"no Avro", key=b"BW000001")
        if time_passes:
            pipeline.advance(_CLOCK)
        found = rebuilt(pipeline)
        assert cases_of(each.cases for each in found.values()) == cases_of(held_by(pipeline))
        assert not any(each.unanswered or each.unusable or each.gone for each in found.values())
        assert all(each.state.clock == (_CLOCK if time_passes else 0) for each in found.values())
