"""Replaying and dropping dead letters, each at most once, with an audit record in the same Kafka transaction."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from kafka import KafkaProducer, TopicPartition
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
    TransactionalIdAuthorizationFailedError,
    UnsupportedVersionError,
)
from kafka.record.default_records import DefaultRecordBatchBuilder
from msgspec.structs import replace

from kimberley.errors import ConfigurationError, KimberleyError, ServiceUnavailableError
from kimberley.model.events import instant_text
from kimberley.settings import Settings
from kimberley.wire.audit import AuditRecord, Ledger, audit_value, readable_audit
from kimberley.wire.dead_letters import DeadLetter, place_text
from kimberley.wire.envelope import replay_headers
from kimberley.wire.log_reader import log_consumer, places_of, read_to_end, record_at
from kimberley.wire.security import client_options, kafka_problem
from kimberley.wire.topics import EVENT_TOPICS, MOST_EVENT_BYTES, InternalNames

_SECONDS = 30.0
_TRANSACTION_MS = 10_000
"""After so long the broker takes back what a crashed replay left open; until then the stream's readers wait before it."""
_FENCED = (ProducerFencedError, InvalidProducerEpochError)
_PROBE = "probe"


class RefusedActionError(KimberleyError):
    """A dead letter that is not replayed or dropped, and why."""

    exit_status = 1


class FencedOperatorError(KimberleyError):
    """Someone else began to replay or drop dead letters; what this one had under way is taken back."""

    exit_status = 3


class Sent(NamedTuple):
    """A dead record as it was sent. `headers`: names may be `RawName`, values null."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp: int
    source: Literal["topic", "letter"]


class LetterActions:
    """Replays and drops dead letters. `ledger`: what was done before, and by this one; it alone decides what may still be done."""

    def __init__(self, settings: Settings, producer: Any, consumer: Any, ledger: Ledger, *, by: str, is_transactional: bool) -> None:
        self._settings = settings
        self._names = InternalNames(settings.prefix)
        self._producer = producer
        self._consumer = consumer
        self._by = by
        self.ledger = ledger
        self.is_transactional = is_transactional

    def replay(self, letter: DeadLetter, reason: str | None = None, *, again: bool = False) -> AuditRecord:
        """Send the dead record once more, to the partition on which it lay.

        `again`: also where it was dropped, or may have been sent already. Raises RefusedActionError where it is not sent.
        """
        self._refuse_decided(letter, again)
        origin = letter.origin
        if origin == letter.place:
            raise RefusedActionError(f"{place_text(origin)}: its headers do not say from which topic it came; it can only be dropped")
        if origin.topic not in (*EVENT_TOPICS, self._names.lineage):
            raise RefusedActionError(f"{place_text(origin)}: records of {origin.topic} are not sent again; it can only be dropped")
        if origin.partition not in (self._producer.partitions_for(origin.topic) or ()):
            raise RefusedActionError(f"{place_text(origin)}: {origin.topic} has no partition {origin.partition} (any more)")
        sent = self._as_sent(letter)
        headers = replay_headers(sent.headers, origin, letter.place, letter.attempts)
        # told beforehand: what a broker refuses leaves kafka-python's producer out of step, and all after it would be refused
        if origin.topic in EVENT_TOPICS and _size(sent, headers) > MOST_EVENT_BYTES:
            raise RefusedActionError(
                f"{place_text(origin)}: with the headers of a replay it is larger than {origin.topic} takes; it can only be dropped"
            )
        record = self._record("replay", letter, reason, source=sent.source)
        if not self.is_transactional:
            self._note(replace(record, action="replay-begun"))
        with self._at_once():
            place = TopicPartition(origin.topic, origin.partition)
            lies = self._producer.send_as_is(place, sent.key, sent.value, headers, sent.timestamp).get(_SECONDS)
            record = replace(record, replayed_to=f"{lies.topic}-{lies.partition}@{lies.offset}")
            self._write(record)
        self.ledger.note(record)
        return record

    def drop(self, letter: DeadLetter, reason: str) -> AuditRecord:
        """Record that nothing is to be done about a dead letter. Raises RefusedActionError where something was done already."""
        self._refuse_decided(letter, self.ledger.state(letter) == "unclear")
        record = self._record("drop", letter, reason)
        with self._at_once():
            self._write(record)
        self.ledger.note(record)
        return record

    def _refuse_decided(self, letter: DeadLetter, again: bool) -> None:
        last, state = self.ledger.last(letter), self.ledger.state(letter)
        if last is None or (again and state != "replayed"):
            return
        where = place_text(letter.origin)
        if state == "replayed":
            raise RefusedActionError(f"{where} was replayed to {last.replayed_to} by {last.by} at {last.at}; nothing is sent twice")
        if state == "dropped":
            raise RefusedActionError(
                f"{where} was dropped by {last.by} at {last.at}: {last.reason}; `replay --again` sends it all the same"
            )
        raise RefusedActionError(
            f"{where}: a replay by {last.by} at {last.at} was begun, and whether it was sent is not recorded; look for it on "
            f"{letter.origin.topic}, then `replay --again` or `drop`"
        )

    def _as_sent(self, letter: DeadLetter) -> Sent:
        """From where it lay, since the stream writes header names that are no UTF-8 with escapes, and re-routed records with another key;
        from its dead letter where it lies there no more.
        """
        origin = letter.origin
        there = record_at(self._consumer, TopicPartition(origin.topic, origin.partition), origin.offset)
        if there is not None and (there.value, there.timestamp) == (letter.value, letter.timestamp):
            return Sent(there.key, there.value, list(there.headers), there.timestamp, "topic")
        return Sent(letter.key, letter.value, list(letter.headers), letter.timestamp, "letter")

    def _record(
        self, action: Literal["replay", "drop"], letter: DeadLetter, reason: str | None, source: Literal["topic", "letter"] | None = None
    ) -> AuditRecord:
        return AuditRecord(
            action=action,
            at=instant_text(int(time.time() * 1000)),
            by=self._by,
            reason=reason,
            letter=place_text(letter.origin),
            record_timestamp=instant_text(letter.timestamp),
            dead_letter=place_text(letter.place),
            stage=letter.stage,
            attempts=letter.attempts,
            source=source,
        )

    def _note(self, record: AuditRecord) -> None:
        with self._in_our_words():
            self._write(record)
        self.ledger.note(record)

    def _write(self, record: AuditRecord) -> None:
        place = TopicPartition(self._names.audit, 0)
        self._producer.send_as_is(place, record.letter.encode(), audit_value(record), [], None).get(_SECONDS)

    @contextlib.contextmanager
    def _at_once(self) -> Iterator[None]:
        """What is sent within comes true as a whole or not at all, where the broker has transactions."""
        with self._in_our_words():
            try:
                if self.is_transactional:
                    self._producer.begin_transaction()
                yield
                if self.is_transactional:
                    self._producer.commit_transaction()
            except KafkaError:
                self._give_up()
                raise

    def _give_up(self) -> None:
        if self.is_transactional:
            with contextlib.suppress(KafkaError):
                self._producer.abort_transaction()

    @contextlib.contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except _FENCED:
            raise FencedOperatorError(
                "someone else began to replay or drop dead letters; what was under way here is taken back: "
                "`kimberley dead-letters list` tells what is still to do"
            ) from None
        except KafkaError as problem:
            raise kafka_problem(self._settings, problem) from None


def _size(sent: Sent, headers: list[tuple[str, bytes | None]]) -> int:
    """Bytes of a record batch with nothing else in it: what a broker measures."""
    builder = DefaultRecordBatchBuilder
    return int(builder.header_size_in_bytes() + builder.size_in_bytes(0, 0, sent.key, sent.value, headers))


@contextlib.contextmanager
def letter_actions(settings: Settings, by: str) -> Iterator[LetterActions]:
    """The one that may replay and drop from now on: whoever was at it is fenced, where the broker has transactions.

    Only then is read what was done before, so that nothing is done twice. Raises ConfigurationError where the audit topic is missing, or
    where transactions are asked for and the broker has none.
    """
    names = InternalNames(settings.prefix)
    with contextlib.ExitStack() as open_ones, log_consumer(settings, max_partition_fetch_bytes=2 << 20) as consumer:
        places = places_of(consumer, names.audit)
        producer, probe = _fencing(settings, names) if settings.delivery != "at_least_once" else (None, "")
        records = list(read_to_end(consumer, places))
        is_transactional = bool(probe) and not any(record.key == _PROBE.encode() and record.value == probe.encode() for record in records)
        if not is_transactional:
            if settings.delivery == "exactly_once":
                raise ConfigurationError("the broker has no transactions, and KIMBERLEY_DELIVERY asks for them")
            if producer is not None:
                producer.close(timeout=1)
            producer = _producer(settings)
        assert producer is not None
        open_ones.callback(producer.close, timeout=5)
        ledger = Ledger(readable_audit(records))
        yield LetterActions(settings, producer, consumer, ledger, by=by, is_transactional=is_transactional)


def _fencing(settings: Settings, names: InternalNames) -> tuple["_Producer | None", str]:
    """A transactional producer and what it wrote to the audit topic and took back; none where the broker refuses.

    The embedded broker agrees to transactions and does not keep to them: who finds there what was taken back knows.
    """
    probe = uuid.uuid4().hex
    producer = None
    try:
        producer = _producer(settings, transactional_id=names.dead_letters_id, transaction_timeout_ms=_TRANSACTION_MS)
        producer.init_transactions()
        producer.begin_transaction()
        producer.send_as_is(TopicPartition(names.audit, 0), _PROBE.encode(), probe.encode(), [], None).get(_SECONDS)
        producer.abort_transaction()
    except UnsupportedVersionError:
        if producer is not None:
            producer.close(timeout=1)
        return None, ""
    except TransactionalIdAuthorizationFailedError:
        raise ConfigurationError(f"this user may not use the transactional id {names.dead_letters_id}: allow it") from None
    except _FENCED:
        raise FencedOperatorError("someone else replays or drops dead letters at this moment: try again") from None
    except KafkaError as problem:
        raise kafka_problem(settings, problem) from None
    return producer, probe


class _Producer(KafkaProducer):  # type: ignore[misc]
    """kafka-python's, which also sends what its own `send` refuses and Kafka takes: neither key nor value, and null as header value."""

    def send_as_is(
        self, place: TopicPartition, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], timestamp: int | None
    ) -> Any:
        """The future of a record whose partition is known to exist. `timestamp`: None for now."""
        if place.partition not in (self.partitions_for(place.topic) or ()):
            raise ServiceUnavailableError(f"{place.topic} has no partition {place.partition}, or no broker tells of it")
        if self._transaction_manager and self._transaction_manager.is_transactional():
            self._transaction_manager.maybe_add_partition_to_transaction(place)
        future, *_ = self._accumulator.append(place, timestamp, key, value, headers)
        self._sender.wakeup()
        return future

    def commit_transaction(self) -> None:
        """Raises KafkaTimeoutError where no broker answers; kafka-python's waits for ever."""
        self._wait_for(self._transaction_manager.begin_commit())

    def abort_transaction(self) -> None:
        """As `commit_transaction`."""
        self._wait_for(self._transaction_manager.begin_abort())

    def _wait_for(self, result: Any) -> None:
        self._sender.wakeup()
        if not result.wait(timeout_ms=int(_SECONDS * 1000)):
            raise KafkaTimeoutError(f"the transaction's end is not confirmed within {_SECONDS:.0f} s; `dead-letters list` will tell")


def _producer(settings: Settings, **options: Any) -> _Producer:
    return _Producer(
        **{
            "client_id": f"{settings.prefix}-dead-letters",
            "acks": "all",
            "enable_idempotence": True,
            "allow_auto_create_topics": False,
            "delivery_timeout_ms": int(_SECONDS * 1000),
            "request_timeout_ms": int(_SECONDS * 500),
            "max_block_ms": 15_000,
            "bootstrap_timeout_ms": 15_000,
            "max_request_size": 16 << 20,
            "retry_backoff_ms": 10,  # a transaction that follows another closely is told to wait a moment; by default that is 0.1 s
            **client_options(settings),
            **options,
        }
    )
