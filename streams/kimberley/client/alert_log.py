"""The alert topic as a subscriber reads it: in order per certificate, from a start on, each revision once, remembered by a group."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import structlog
from kafka import TopicPartition
from kafka.errors import CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError
from kafka.structs import OffsetAndMetadata

from kimberley.client.transport import Consumer, Transport, in_our_words
from kimberley.errors import ConfigurationError
from kimberley.wire.log_reader import ends_now, offsets_since, places_of

log = structlog.get_logger(__name__)

Since = Literal["beginning", "now"] | datetime
Identity = tuple[str, int] | None

LOOK_BACK = 10_000
"""Records before the start, of each partition, whose revisions are looked at: a worker that dies on a broker without transactions
repeats the last thousands at most, and what was applied before a restart is not applied again."""
_MOST_RECORDS = 500
_POLL_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 30.0
_MOVED_ON = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)


class AlertLog:
    """Records whose revision is new, one at a time: `front` gives one until `done` says that it was applied.

    `identify` gives a record's alert id and revision, None where it can't be told. Without a group every partition is read, and nothing
    is remembered; with one, the partitions that the group gives, from where it stopped, or from `since` where it has not been yet.
    """

    def __init__(
        self, transport: Transport, topic: str, since: Since, group: str | None, commit_every: int, identify: Callable[[Any], Identity]
    ) -> None:
        self._transport = transport
        self._topic = topic
        self._since = since
        self._group = group
        self._commit_every = commit_every
        self._identify = identify
        self._buffer: deque[tuple[TopicPartition, Any]] = deque()
        self._starts: dict[TopicPartition, int] = {}
        self._revisions: dict[TopicPartition, dict[str, int]] = {}
        self._passed: dict[TopicPartition, int] = {}
        self._uncommitted = 0
        self._polled_at = time.monotonic()
        with in_our_words(transport):
            self._consumer = transport.consumer("alerts", group)
            try:
                places = places_of(self._consumer, topic)
                if group is None:
                    self._consumer.assign(places)
                    self._begin(places)
                else:
                    self._consumer.subscribe([topic])
            except BaseException:
                self._consumer.close()
                raise

    @property
    def has_places(self) -> bool:
        """Whether there are partitions to read: with a group, not before it has let us in."""
        return bool(self._starts)

    def front(self, seconds: float) -> Any:
        """The next record that is new, waited for so many seconds; None: there was none. The same one until `done`."""
        deadline = time.monotonic() + seconds
        with in_our_words(self._transport):
            while True:
                while self._buffer:
                    place, record = self._buffer[0]
                    if self._is_new(place, record):
                        self._keep_alive()
                        if self._buffer and self._buffer[0][1] is record:
                            return record
                    else:
                        self._pass()
                self._commit()
                left = deadline - time.monotonic()
                began = self._poll(max(0.0, min(left, _POLL_SECONDS)))
                if not self._buffer and left <= 0 and not began:
                    return None

    def done(self, *, applied: bool) -> None:
        """The front record is dealt with. `applied`: by the subscriber's callback, so that it is committed when its turn comes."""
        if not self._buffer:
            return  # its partition went to another member meanwhile
        self._pass()
        if applied:
            self._uncommitted += 1
            if self._uncommitted >= self._commit_every:
                with in_our_words(self._transport):
                    self._commit()

    def close(self) -> None:
        """Commit what was applied, leave the group, close."""
        with in_our_words(self._transport):
            try:
                self._commit()
            finally:
                self._consumer.close()

    def _is_new(self, place: TopicPartition, record: Any) -> bool:
        """Whether a record is after the start and its revision higher than the last of its alert."""
        if record.offset < self._starts[place]:
            return False
        identity = self._identify(record)
        return identity is None or identity[1] > self._revisions[place].get(identity[0], 0)

    def _pass(self) -> None:
        """Leave the front record behind, remembering its revision."""
        place, record = self._buffer.popleft()
        if identity := self._identify(record):
            name, revision = identity
            known = self._revisions[place]
            known[name] = max(revision, known.get(name, 0))
        if record.offset >= self._starts[place]:
            self._passed[place] = record.offset + 1

    def _commit(self) -> None:
        self._uncommitted = 0
        if self._group is None or not self._passed:
            return
        passed, self._passed = self._passed, {}
        self._commit_offsets(passed)

    def _commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> None:
        try:
            self._consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()})
        except _MOVED_ON as problem:
            # the new owner begins at the last commit: what was applied since comes to it again
            log.warning("group_moved_on", group=self._group, partitions=sorted(place.partition for place in offsets), problem=str(problem))
            self._forget(list(self._starts))

    def _keep_alive(self) -> None:
        """Show the group that we live while a slow callback works off the buffer."""
        if self._group is not None and time.monotonic() - self._polled_at > _KEEP_ALIVE_SECONDS:
            held = list(self._starts)
            self._consumer.pause(*held)
            self._poll(0.0)
            self._consumer.resume(*(place for place in held if place in self._consumer.assignment()))

    def _poll(self, seconds: float) -> bool:
        """Fill the buffer; whether partitions were begun, whose records the next poll brings."""
        polled = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=_MOST_RECORDS)
        self._polled_at = time.monotonic()
        assigned = self._consumer.assignment()
        if lost := [place for place in self._starts if place not in assigned]:
            self._forget(lost)
        new = [place for place in assigned if place not in self._starts]
        if new:
            self._begin(sorted(new))  # which seeks, so what was polled of these comes again
        for place, records in polled.items():
            if place not in new:
                self._buffer.extend((place, record) for record in records)
        return bool(new)

    def _forget(self, places: Iterable[TopicPartition]) -> None:
        """Let partitions go; not what was applied of them: it is not applied again should they come back."""
        gone = set(places)
        for place in gone:
            self._starts.pop(place, None)
            self._passed.pop(place, None)
        self._buffer = deque(item for item in self._buffer if item[0] not in gone)

    def _begin(self, places: list[TopicPartition]) -> None:
        """Set each partition a little before its start."""
        consumer = self._consumer
        known = {place: consumer.committed(place) for place in places} if self._group else dict.fromkeys(places)
        fresh = [place for place in places if known[place] is None]
        first = consumer.beginning_offsets(places)
        found = self._first_starts(fresh) if fresh else {}
        for place in places:
            committed = known[place]
            start = max(found[place] if committed is None else committed, first[place])
            self._starts[place] = start
            self._revisions.setdefault(place, {})
            consumer.seek(place, max(first[place], start - LOOK_BACK))
        if self._group and fresh:
            # or an alert raised while nobody of the group was there would come before its first start
            self._commit_offsets({place: self._starts[place] for place in fresh})

    def _first_starts(self, places: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        if self._since == "beginning":
            return self._consumer.beginning_offsets(places)
        reader: Consumer = self._transport.consumer("alerts", fetch_max_wait_ms=50)
        try:
            ends = ends_now(reader, places)
            if self._since == "now":
                return ends
            return offsets_since(reader, ends, int(self._since.timestamp() * 1000))
        finally:
            reader.close()


def check_since(since: Since) -> None:
    """Raises ConfigurationError where it says no place to start."""
    if isinstance(since, datetime):
        if since.tzinfo is None:
            raise ConfigurationError(f"since {since.isoformat()} has no time zone: give datetime(..., tzinfo=UTC) or another")
    elif since not in ("beginning", "now"):
        raise ConfigurationError(f"since {since!r} is neither 'beginning' nor 'now' nor a datetime")
