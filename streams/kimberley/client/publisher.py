"""What a border system uses: publish events, know that they arrived, learn what was decided."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from kafka.errors import KafkaError

from kimberley.client.decisions import DecisionReader
from kimberley.client.intake import Checked, Publishable, check_event
from kimberley.client.receipt import NoDecisionError, Receipt, UndeliveredError
from kimberley.client.transport import KafkaTransport, Sending, Transport, in_our_words
from kimberley.errors import ConfigurationError, KimberleyError, RefusedEventError
from kimberley.model.decisions import Decision
from kimberley.model.events import TOPICS_OF
from kimberley.settings import Settings, load_settings
from kimberley.wire.avro import make_codec
from kimberley.wire.envelope import PASSED_THROUGH
from kimberley.wire.event_records import event_record

_DELIVERY_SECONDS = 75.0
"""Longer than the producer tries: it says itself why it gave up."""
_CLOSE_SECONDS = 10.0
_MOST_REMEMBERED = 100_000
_MOST_BYTES = 1_000_000
"""Under what topics take unless they are told otherwise (max.message.bytes), with room for headers."""
_T = TypeVar("_T")


class Sent:
    """An event on its way: `receipt` waits until Kafka has it on all replicas in sync."""

    def __init__(self, publisher: "Publisher", checked: Checked, topic: str, sending: Sending, positions: Mapping[int, int]) -> None:
        self.event_id = checked.event.event_id
        self.certificate_number = checked.event.certificate_number
        self.topic = topic
        self._publisher = publisher
        self._sending = sending
        self._positions = positions
        self._receipt: Receipt | None = None

    def receipt(self, timeout: float = _DELIVERY_SECONDS) -> Receipt:
        """Where the event lies. Raises ServiceUnavailableError or ConfigurationError, in words, where it could not be delivered.

        After ServiceUnavailableError it may have arrived all the same: publishing the same event again is right, it counts once.
        """
        if self._receipt is None:
            with in_our_words(self._publisher.transport):
                place = self._sending.get(timeout)
            self._receipt = Receipt(
                event_id=self.event_id,
                certificate_number=self.certificate_number,
                topic=place.topic,
                partition=place.partition,
                offset=place.offset,
                decisions_from=self._positions.get(place.partition, 0),
            )
            self._publisher.remember(self._receipt)
        return self._receipt


class Publisher:
    """Publishes events to `certificates` and `shipments`, each acknowledged by all replicas in sync and written once.

        with Publisher() as publisher:
            receipt = publisher.publish(event)
            decision = publisher.wait_for_decision(receipt)

    An event is a struct of `kimberley.client` (or of `kimberley.model.events`), or a dict in the JSON form of docs/events.md. It is
    checked first: RefusedEventError names every field at fault, and nothing is sent. Publishing the same event again, with the same
    `event_id` and content, is harmless at any time: it is answered as a duplicate.

    settings: of the environment and the settings file unless given.
    clock: the wall clock in seconds since the epoch, by which an event that lies in the future is refused.

    Threads may share a publisher. Raises ServiceUnavailableError where Kafka does not answer, ConfigurationError where it refuses us.
    """

    def __init__(
        self, settings: Settings | None = None, *, transport: Transport | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.transport: Transport = transport or KafkaTransport(settings or load_settings())
        self._clock = clock
        self._skew = self.transport.settings.clock_skew_minutes * 60_000
        self._codec = make_codec(self.transport.settings)
        self._topics: set[str] = set()
        self._receipts: OrderedDict[str, Receipt] = OrderedDict()
        self._went_to: OrderedDict[str, str] = OrderedDict()
        with in_our_words(self.transport):
            self._producer = self.transport.producer("publisher")
        try:
            self._decisions = DecisionReader(self.transport, self._codec)
        except BaseException:
            self._producer.close(0)
            raise

    def check(self, event: Publishable) -> Checked:
        """The event, checked and not sent. Raises RefusedEventError with every field at fault."""
        return check_event(event, int(self._clock() * 1000) + self._skew)

    def publish(self, event: Publishable, *, topic: str | None = None, headers: Mapping[str, str] | None = None) -> Receipt:
        """Publish one event and wait until it is delivered.

        topic: where a type may go to several (`EventWithdrawn`): the topic of what it withdraws. By default that one where this
        publisher published it, else `certificates`; the stream finds it either way.
        headers: `traceparent` and `tracestate`, which pass through to the decision and to alerts.
        """
        return self.send(event, topic=topic, headers=headers).receipt()

    def publish_many(self, events: Iterable[Publishable]) -> list[Receipt]:
        """Publish many events, pipelined, and wait until all are delivered; receipts in the order of the events.

        Raises RefusedEventError, whose fields are `events[3].carats` and the like, before anything is sent; UndeliveredError with the
        receipts of those that were delivered where others were not.
        """
        checked: list[Checked] = []
        faults: list[tuple[str, str, str]] = []
        for index, event in enumerate(events):
            try:
                checked.append(self.check(event))
            except RefusedEventError as problem:
                faults += [(code, f"events[{index}]{'.' if field else ''}{field}", message) for code, field, message in problem.errors]
        if faults:
            raise RefusedEventError(faults)
        sent: list[tuple[str, Sent | KimberleyError]] = []
        for each in checked:
            try:
                sent.append((each.event.event_id, self.send_checked(each)))
            except KimberleyError as problem:
                sent.append((each.event.event_id, problem))
        receipts: list[Receipt] = []
        problems: dict[str, KimberleyError] = {}
        for event_id, on_its_way in sent:
            try:
                if not isinstance(on_its_way, Sent):
                    raise on_its_way
                receipts.append(on_its_way.receipt())
            except KimberleyError as problem:
                problems[event_id] = problem
        if problems:
            raise UndeliveredError(receipts, problems)
        return receipts

    def send(self, event: Publishable, *, topic: str | None = None, headers: Mapping[str, str] | None = None) -> Sent:
        """Publish one event without waiting: for pipelines that are longer than memory. Await every `Sent.receipt`."""
        return self.send_checked(self.check(event), topic=topic, headers=headers)

    def send_checked(self, checked: Checked, *, topic: str | None = None, headers: Mapping[str, str] | None = None) -> Sent:
        """As `send`, with what `check` gave."""
        chosen = self._topic_of(checked, topic)
        if chosen not in self._topics:
            self._decisions.require_topic(chosen)
            self._topics.add(chosen)
        record = event_record(self._codec, checked.type_name, checked.fields, chosen)
        passed = [(name, value.encode()) for name, value in (headers or {}).items()]
        if strange := [name for name, _ in passed if name not in PASSED_THROUGH]:
            raise ConfigurationError(f"header {strange[0]!r} is none that passes through: {', '.join(PASSED_THROUGH)}")
        positions = self._decisions.positions()
        if len(record.value) > _MOST_BYTES:
            raise RefusedEventError([("range", "", f"the event has {len(record.value):,} bytes; at most {_MOST_BYTES:,} are taken")])
        with in_our_words(self.transport):
            sending = self._producer.send(chosen, key=record.key, value=record.value, headers=[*record.headers, *passed])
        _keep(self._went_to, checked.event.event_id, chosen)
        return Sent(self, checked, chosen, sending, positions)

    def wait_for_decision(self, event: Receipt | str, timeout: float = 30.0) -> Decision:
        """The decision on an event, by its receipt, or by its id where this publisher published it.

        Raises NoDecisionError after so many seconds, ConfigurationError on an id that this publisher does not know.
        """
        return next(self.wait_for_decisions([event], timeout))

    def wait_for_decisions(self, events: Iterable[Receipt | str], timeout: float = 30.0) -> Iterator[Decision]:
        """The decisions on many events, each as it comes, in any order; `Decision.decision_id` is `Receipt.decision_id`.

        Raises NoDecisionError, with the receipts of what is unanswered, when none came for so many seconds.
        """
        waiting = {receipt.decision_id: receipt for receipt in map(self._receipt_of, events)}
        while waiting:
            found = self._decisions.collect(waiting, timeout)
            if not found:
                raise NoDecisionError(list(waiting.values()), timeout)
            for decision_id, decision in found.items():
                del waiting[decision_id]
                yield decision

    def remember(self, receipt: Receipt) -> None:
        """Know a receipt by its event's id, the last hundred thousand of them."""
        self._decisions.expect(receipt)
        _keep(self._receipts, receipt.event_id, receipt)

    def close(self) -> None:
        """Deliver what is on its way, as far as ten seconds allow, and close."""
        try:
            self._producer.close(_CLOSE_SECONDS)
        except KafkaError as problem:
            raise self.transport.problem(problem) from problem
        finally:
            self._decisions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _topic_of(self, checked: Checked, topic: str | None) -> str:
        allowed: Sequence[str] = TOPICS_OF[checked.type_name]
        if topic is not None and topic not in allowed:
            raise ConfigurationError(f"{checked.type_name} goes to {' or '.join(allowed)}, not to {topic!r}")
        return topic or self._went_to.get(str(checked.fields.get("withdrawn_event_id")), allowed[0])

    def _receipt_of(self, event: Receipt | str) -> Receipt:
        if isinstance(event, Receipt):
            return event
        if event not in self._receipts:
            raise ConfigurationError(f"this publisher published no event {event!r}: wait by its receipt, which can be kept")
        return self._receipts[event]


def _keep(known: OrderedDict[str, _T], name: str, value: _T) -> None:
    """Remember the newest, as many as memory is meant to hold."""
    known[name] = value
    known.move_to_end(name)
    while len(known) > _MOST_REMEMBERED:
        known.popitem(last=False)
