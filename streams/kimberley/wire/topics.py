"""The topics of the contract: names, partitions, cleanup. One place for whoever creates, checks, reads or writes them."""

from dataclasses import dataclass, field
from functools import cached_property

from kimberley.settings import Settings

CERTIFICATES = "certificates"
SHIPMENTS = "shipments"
PARTICIPANTS = "participants"
MEASURES = "measures"
NOTICES = "notices"
FLAGGED_SHIPMENTS = "flagged-shipments"
OPEN_ALERTS = "open-alerts"
DECISIONS = "decisions"
DISPOSITIONS = "dispositions"
DEAD_LETTERS = "dead-letters"

EVENT_TOPICS = (CERTIFICATES, SHIPMENTS)
REFERENCE_TOPICS = (PARTICIPANTS, MEASURES, NOTICES)

_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_NINETY_DAYS_MS = 90 * 86_400_000
MOST_EVENT_BYTES = 1 << 20
"""The largest record that the event topics take, with its key and headers."""
_MOST_BYTES = 8 * MOST_EVENT_BYTES
"""What all others take: a dead letter has headers on top of the event, and a case has several events."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic must be. `config` holds only what is promised; anything else is the operator's choice."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)
    key: str = "certificate number"
    purpose: str = ""


@dataclass(frozen=True)
class InternalNames:
    """Names behind the prefix setting, fixed for access control and lag exporters."""

    prefix: str

    @cached_property
    def cases(self) -> str:
        """Changelog of cases."""
        return f"{self.prefix}-cases"

    @cached_property
    def lineage(self) -> str:
        """Facts that travel between certificates."""
        return f"{self.prefix}-lineage"

    @cached_property
    def rerouted(self) -> str:
        """Records that came with a wrong key or on a wrong partition."""
        return f"{self.prefix}-rerouted"

    @cached_property
    def control(self) -> str:
        """The stream's clock and reference revisions."""
        return f"{self.prefix}-control"

    @cached_property
    def audit(self) -> str:
        """What people did with dead letters."""
        return f"{self.prefix}-audit"

    @cached_property
    def dead_letters_id(self) -> str:
        """The transactional id of whoever replays or drops dead letters: one at a time."""
        return f"{self.prefix}-dead-letters"

    @cached_property
    def group(self) -> str:
        """The workers' consumer group."""
        return self.prefix

    def transactional_id(self, partition: int) -> str:
        """The id whose producer owns a partition number."""
        return f"{self.prefix}-{partition}"

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """All that a worker reads, from its first release on: a later addition would tear a rolling upgrade's partitions apart."""
        return (CERTIFICATES, SHIPMENTS, self.lineage, self.rerouted, self.control)


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Every topic as the settings want it."""
    names = InternalNames(settings.prefix)
    many = settings.partitions
    # never the broker's default, which keeps whatever a sender chose: a codec that no worker has, or a gigabyte of zeros in a megabyte
    compression = "uncompressed" if settings.compression == "none" else settings.compression
    durable: dict[str, str] = {"min.insync.replicas": str(settings.min_insync_replicas), "compression.type": compression}
    by_broker_time = {"message.timestamp.type": "LogAppendTime"}
    events = {**_FOR_EVER, **durable, **by_broker_time, "max.message.bytes": str(MOST_EVENT_BYTES)}
    durable["max.message.bytes"] = str(_MOST_BYTES)
    kept = {**_FOR_EVER, **durable}
    # by a worker's own clock, one that ran ahead could write nothing any more: brokers refuse what is an hour in their future
    written = {**kept, **by_broker_time}
    compacted = {"cleanup.policy": "compact", **durable, **by_broker_time}
    deleted = {"cleanup.policy": "delete", "retention.ms": str(_NINETY_DAYS_MS), **durable}
    number, alert = "certificate number", "alert id"
    return [
        TopicSpec(CERTIFICATES, many, events, number, "certificate events from issuing authorities"),
        TopicSpec(SHIPMENTS, many, events, number, "shipment events from exporting, transit and importing authorities"),
        TopicSpec(PARTICIPANTS, 1, kept, "country code", "one participant's whole status history per record"),
        TopicSpec(MEASURES, 1, kept, "measure id", "suspensions, zone regimes, bans, disclosure duties"),
        TopicSpec(NOTICES, 1, kept, "notice id", "lost, stolen, void and counterfeit certificate numbers"),
        TopicSpec(FLAGGED_SHIPMENTS, many, written, number, "alerts: opened, updated, resolved"),
        TopicSpec(OPEN_ALERTS, many, compacted, alert, "the latest revision of every open alert; a tombstone when it resolves"),
        TopicSpec(DECISIONS, many, written, number, "one answer per event read"),
        TopicSpec(DISPOSITIONS, many, kept, alert, "what people did with an alert"),
        TopicSpec(DEAD_LETTERS, many, deleted, "the original key", "records that could not be read, byte for byte, with why"),
        TopicSpec(names.cases, many, compacted, number, "changelog of cases"),
        TopicSpec(names.lineage, many, written, number, "facts that travel between certificates"),
        TopicSpec(names.rerouted, many, written, number, "records forwarded to their right partition"),
        TopicSpec(names.control, many, written, "none", "the stream's clock and reference revisions"),
        TopicSpec(names.audit, 1, kept, "where the dead record lay", "who replayed or dropped which dead letter, when and why"),
    ]
