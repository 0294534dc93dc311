"""What an alert consumer uses: alerts as they are raised, each revision once, and those that are open now."""

import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import structlog

from kimberley.client.alert_filter import AlertFilter, Words
from kimberley.client.alert_log import AlertLog, Identity, Since, check_since
from kimberley.client.transport import KafkaTransport, Transport, in_our_words
from kimberley.errors import ConfigurationError, UnreadableRecordError
from kimberley.model.findings import Alert
from kimberley.settings import Settings, load_settings
from kimberley.wire.avro import Codec, make_codec
from kimberley.wire.envelope import header
from kimberley.wire.log_reader import places_of, read_to_end
from kimberley.wire.outputs import alert_of
from kimberley.wire.topics import FLAGGED_SHIPMENTS, OPEN_ALERTS

log = structlog.get_logger(__name__)
_FOR_EVER = 365 * 86_400.0
_SLICE_SECONDS = 0.5
_ENTERING_SLICE_SECONDS = 0.05
_ENTERING_SESSIONS = 2
"""How many sessions entering a group may take: one until a lost member is given up, one to share anew."""


class AlertSubscriber:
    """Alerts from `flagged-shipments`, in order per certificate, a revision of an alert applied once.

        with AlertSubscriber(severities=["BLOCK", "HOLD"], group="customs-desk") as subscriber:
            subscriber.run(lambda alert: print(alert.certificate_number, alert.message))

    settings: of the environment and the settings file unless given.
    since: where to begin: `"beginning"`, `"now"`, or a datetime with its time zone (by when alerts were raised). With a group it counts
        only until the group has a place of its own.
    group: a Kafka consumer group that remembers how far reading came; members share the certificates. An alert is committed only
        once the callback has returned (or the next alert is asked for), so after a crash the last one may come again and none is lost.
    severities, rules, participants, statuses: what to hand on; None is all. Participants are country codes, one of which must be
        concerned. They are told by the records' headers: what is not wanted is not even decoded. An alert whose severity changes to
        one that is not wanted is not heard of again: leave `severities` open where that matters.
    commit_every: alerts between two commits; more is faster and repeats more after a crash.

    A record that can't be read is logged with topic, partition and offset, and passed over. One thread uses a subscriber; `stop` may be
    called from any. Raises ConfigurationError on wrong arguments, missing topics or a refused login, ServiceUnavailableError where Kafka
    does not answer. Nothing is read before the first alert is asked for.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        since: Since = "beginning",
        group: str | None = None,
        severities: Words = None,
        rules: Words = None,
        participants: Words = None,
        statuses: Words = None,
        commit_every: int = 1,
        transport: Transport | None = None,
    ) -> None:
        check_since(since)
        if commit_every < 1:
            raise ConfigurationError(f"commit_every {commit_every} is less than one alert")
        if group == "":
            raise ConfigurationError("group is empty: name one, or leave it out")
        self._transport = transport or KafkaTransport(settings or load_settings())
        if group is not None and group == self._transport.settings.prefix:
            raise ConfigurationError(f"group {group!r} is the workers' own: name another")
        self._codec: Codec = make_codec(self._transport.settings)
        self._filter = AlertFilter.of(severities=severities, rules=rules, participants=participants, statuses=statuses)
        self._since = since
        self._group = group
        self._commit_every = commit_every
        self._log: AlertLog | None = None
        self._given = False
        self._stopped = threading.Event()

    def current(self) -> list[Alert]:
        """The alerts that are open now, by certificate number, rule and subject. `statuses` does not count here."""
        wanted = self._filter.of_any_status()
        standing: dict[bytes, tuple[int, Any]] = {}
        with in_our_words(self._transport):
            consumer = self._transport.consumer("open-alerts")
            try:
                for record in read_to_end(consumer, places_of(consumer, OPEN_ALERTS)):
                    # a worker that repeats itself after a crash may repeat what was over
                    revision = (_stated_identity(record) or ("", 0))[1]
                    known = standing.get(record.key)
                    if known is None or not revision or revision >= known[0]:
                        standing[record.key] = revision, record
            finally:
                consumer.close()
        self._ensure_schemas([record for _, record in standing.values()])
        alerts = [
            alert
            for _, record in standing.values()
            if record.value is not None and (alert := self._wanted_alert(record, wanted)) is not None
        ]
        return sorted(alerts, key=lambda alert: (alert.certificate_number, alert.rule_id, alert.subject))

    def next_alert(self, timeout: float | None = None) -> Alert | None:
        """The next alert, waited for so many seconds (None: as long as it takes); None when there was none, or after `stop`.

        Asking for it says that the one before was dealt with.
        """
        self._finish()
        alert = self._find(timeout)
        self._given = alert is not None
        return alert

    def run(self, callback: Callable[[Alert], object], *, timeout: float | None = None) -> int:
        """Call back with each alert until `stop`, or until none came for so many seconds; how many there were.

        The seconds count from when the group has let us in, which takes some by itself (a member too many is let in to nothing: then
        they count after twice the session timeout).
        What the callback raises is raised here; its alert counts as not applied and comes again.
        """
        self._finish()
        if timeout is not None:
            self._enter()
        count = 0
        while (alert := self._find(timeout)) is not None:
            callback(alert)
            self._open_log().done(applied=True)
            count += 1
        return count

    def stop(self) -> None:
        """End `run`, `next_alert` and iteration, from any thread or a signal handler. For good."""
        self._stopped.set()

    def close(self) -> None:
        """Leave the group and close. An alert that was handed out and not followed by another counts as not applied."""
        self._stopped.set()
        if self._log is not None:
            opened, self._log = self._log, None
            opened.close()

    def __iter__(self) -> Iterator[Alert]:
        return self

    def __next__(self) -> Alert:
        alert = self.next_alert()
        if alert is None:
            raise StopIteration
        return alert

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Close; where no error ends the block, the last alert handed out counts as dealt with."""
        try:
            if kind is None:
                self._finish()
        finally:
            self.close()

    def _finish(self) -> None:
        if self._given:
            self._given = False
            self._open_log().done(applied=True)

    def _open_log(self) -> AlertLog:
        if self._log is None:
            self._log = AlertLog(self._transport, FLAGGED_SHIPMENTS, self._since, self._group, self._commit_every, self._identity)
        return self._log

    def _enter(self) -> None:
        """Wait for partitions of the group: until then there is nothing to hear, and silence says nothing."""
        deadline = time.monotonic() + self._transport.settings.session_timeout * _ENTERING_SESSIONS
        while not self._stopped.is_set() and not self._open_log().has_places and time.monotonic() < deadline:
            self._open_log().front(_ENTERING_SLICE_SECONDS)

    def _find(self, timeout: float | None) -> Alert | None:
        """The alert at the front of the log, which stays there until it is done."""
        deadline = time.monotonic() + (_FOR_EVER if timeout is None else timeout)
        while not self._stopped.is_set():
            opened = self._open_log()
            left = deadline - time.monotonic()
            record = opened.front(max(0.0, min(left, _SLICE_SECONDS)))
            if record is None:
                if left <= 0:
                    return None
                continue
            self._ensure_schemas([record])
            alert = self._wanted_alert(record, self._filter)
            if alert is not None:
                return alert
            opened.done(applied=False)
        return None

    def _wanted_alert(self, record: Any, wanted: AlertFilter) -> Alert | None:
        """The alert of a record, None where it is not wanted or can't be read."""
        told = wanted.wants(record.headers)
        if told is False:
            return None
        alert = self._decode(record)
        return alert if alert is None or told or wanted.wants_alert(alert) else None

    def _decode(self, record: Any) -> Alert | None:
        try:
            return alert_of(self._codec.decode(record.topic, record.value)[1])
        except (UnreadableRecordError, TypeError, KeyError) as problem:
            log.error("alert_unreadable", topic=record.topic, partition=record.partition, offset=record.offset, problem=str(problem))
            return None

    def _identity(self, record: Any) -> Identity:
        """Alert id and revision, by the headers where they say so."""
        if stated := _stated_identity(record):
            return stated
        try:
            fields = self._codec.decode(record.topic, record.value)[1]
            return str(fields["alert_id"]), int(fields["revision"])
        except (UnreadableRecordError, KeyError):
            return None

    def _ensure_schemas(self, records: list[Any]) -> None:
        """Ask a registry for what was written with schemas not seen yet."""
        if missing := self._codec.missing_ids(record.value for record in records):
            self._codec.ensure(missing)


def _stated_identity(record: Any) -> Identity:
    identity, _, revision = (header(record.headers, "ce_id") or "").rpartition("/")
    return (identity, int(revision)) if identity and revision.isdecimal() else None
