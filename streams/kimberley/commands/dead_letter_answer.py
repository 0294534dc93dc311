"""What a replayed dead letter came to: a decision, another death, or nothing yet."""

from collections.abc import Sequence

from kafka import TopicPartition

from kimberley.commands.progress import watched
from kimberley.model.case import Origin
from kimberley.settings import Settings
from kimberley.wire.audit import AuditRecord
from kimberley.wire.dead_letters import DeadLetter, place_text
from kimberley.wire.envelope import header
from kimberley.wire.log_reader import ends_now, log_consumer, offsets_since, places_of, read_to_end
from kimberley.wire.records import parse_instant
from kimberley.wire.topics import DECISIONS


def answer_to(replay: AuditRecord, letters: Sequence[DeadLetter], settings: Settings) -> str:
    """What became of a replayed record, in words. Reads decisions from the time of the replay on until its own is found."""
    place = replay.destination
    if place is None:
        return "it is not recorded where it was sent"
    again = next((letter for letter in letters if letter.origin == place), None)
    if again is not None:
        return f"died again at {place_text(place)}, stage {again.stage}, {again.attempts} attempts: {again.message}"
    outcome = _decision(place, parse_instant(replay.at)[0] - settings.clock_skew_minutes * 60_000, settings)
    return f"decided: {outcome}, decision {place.decision_id}" if outcome else "no decision yet: does a worker run, and has it caught up?"


def _decision(place: Origin, since: int, settings: Settings) -> str:
    """The outcome of the decision on a record; empty where there is none from an instant on."""
    with log_consumer(settings) as consumer:
        places = places_of(consumer, DECISIONS)
        starts = offsets_since(consumer, ends_now(consumer, places), since)
        consumer.resume(*consumer.paused())  # finding an instant leaves partitions paused
        ends: dict[TopicPartition, int] = {}
        for record in watched(read_to_end(consumer, places, ends, starts), ends, f"reading {DECISIONS}"):
            if header(record.headers, "ce_id") == place.decision_id:
                return header(record.headers, "kp_outcome") or "outcome not told"
    return ""
