"""What `publish` prints: receipts and decisions as they come, refusals on standard error, and at the end what it came to."""

from collections import Counter
from typing import Any

import click

from kimberley.client import Decision, RefusedEventError
from kimberley.client.receipt import Receipt
from kimberley.commands.event_files import UnreadableLineError
from kimberley.commands.output import Cell, Column, plain, print_jsonl, print_table
from kimberley.commands.publish_lines import Line, told

_MOST_ROWS = 50
_OUTCOMES = ("ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED")


class Report:
    """Collects for a table, or prints JSON lines at once."""

    def __init__(self, *, jsonl: bool, waits: bool) -> None:
        self.faulty_lines = 0
        self.topics: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self._jsonl = jsonl
        self._waits = waits
        self._rows: list[list[Cell]] = []

    @property
    def delivered(self) -> int:
        """Events that Kafka has."""
        return self.topics.total()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was refused, here or by the stream."""
        return not (self.faulty_lines or self.outcomes["REFUSED"] or self.outcomes["CONFLICT"])

    def faulty(self, line: Line, problem: RefusedEventError | UnreadableLineError) -> None:
        """A line that is not published, with all its faults."""
        self.faulty_lines += 1
        faults = problem.errors if isinstance(problem, RefusedEventError) else [("", "", str(problem))]
        for fault in faults:
            _tell(line, *fault)

    def receipt(self, line: Line, receipt: Receipt) -> None:
        """An event that Kafka has; where decisions are waited for, its row comes with the decision."""
        self.topics[receipt.topic] += 1
        if not self._waits:
            self._row(line, receipt, None)

    def decision(self, line: Line, receipt: Receipt, decision: Decision) -> None:
        """What the stream said of it."""
        self.outcomes[decision.outcome] += 1
        if decision.outcome == "REFUSED":
            for fault in decision.errors:
                _tell(line, fault.code, fault.field, fault.message)
        elif decision.outcome == "CONFLICT":
            message = f"another content of {receipt.event_id} came before and stands: give a new event its own id, or withdraw the first"
            _tell(line, "conflict", "event_id", message)
        self._row(line, receipt, decision)

    def would_publish(self, topic: str, written: dict[str, Any]) -> None:
        """An event that a dry run found good."""
        self.topics[topic] += 1
        if self._jsonl:
            print_jsonl([written])

    def end(self, *, dry: bool) -> None:
        """The table, and one line that counts."""
        if self._rows:
            columns: list[str | Column] = ["file", Column("line", right=True), "event"]
            columns += [Column(name, whole=True) for name in ("certificate", "place", *(["outcome"] if self._waits else []))]
            print_table(columns, self._rows)
            if self.delivered > len(self._rows):
                click.echo(f"… and {self.delivered - len(self._rows):,} more (--format jsonl prints each)")
        by_topic = ", ".join(f"{count:,} to {topic}" for topic, count in sorted(self.topics.items()))
        events = f"{self.delivered:,} {'event' if self.delivered == 1 else 'events'}"
        parts = [f"{events} {'could be published' if dry else 'published'}{f' ({by_topic})' if by_topic else ''}"]
        if self._waits and not dry:
            parts.append(", ".join(f"{self.outcomes[outcome]:,} {outcome.lower()}" for outcome in _OUTCOMES))
        if self.faulty_lines:
            lines = f"{self.faulty_lines:,} {'line' if self.faulty_lines == 1 else 'lines'}"
            parts.append(f"{lines} with faults {'' if dry else 'not published '}(each named on standard error)")
        click.echo("; ".join(parts), err=self._jsonl)

    def _row(self, line: Line, receipt: Receipt, decision: Decision | None) -> None:
        if self._jsonl:
            said = {} if decision is None else _said(decision)
            place = {"topic": receipt.topic, "partition": receipt.partition, "offset": receipt.offset}
            head = {"file": line.file, "line": line.number, "event_id": receipt.event_id, "certificate_number": receipt.certificate_number}
            print_jsonl([{**head, **place, "decision_id": receipt.decision_id, **said}])
        elif len(self._rows) < _MOST_ROWS:
            row: list[Cell] = [
                plain(line.file),
                str(line.number),
                plain(receipt.event_id),
                plain(receipt.certificate_number),
                f"{receipt.topic}-{receipt.partition}@{receipt.offset}",
            ]
            self._rows.append([*row, decision.outcome] if decision else row)


def _tell(line: Line, code: str, field: str, message: str) -> None:
    """On standard error, with what a sender wrote shown and not obeyed."""
    click.echo(plain(told(line, code, field, message)).plain, err=True)


def _said(decision: Decision) -> dict[str, Any]:
    errors = [{"code": each.code, "field": each.field, "message": each.message} for each in decision.errors]
    return {"outcome": decision.outcome, "errors": errors, "alert_ids": list(decision.alert_ids)}
