"""A progress bar on standard error while a log is read; for people only, and only where it takes more than a second."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_AFTER_SECONDS = 1.0
_EVERY = 500
"""Records between two looks at how far reading has come."""


def watched(records: Iterable[Any], ends: Mapping[Any, int], what: str) -> Iterator[Any]:
    """The records of `read_to_end`, whose `ends` these are, with a bar that says `what` is read."""
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]:,} records"), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    if not progress.console.is_terminal:
        yield from records
        return
    task = progress.add_task(what, total=None, count=0)
    reached: dict[tuple[str, int], int] = {}
    # by a clock of its own: the first second may pass without a record
    delayed = threading.Timer(_AFTER_SECONDS, progress.start)
    delayed.daemon = True
    with contextlib.ExitStack() as stack:
        stack.callback(progress.stop)
        stack.callback(delayed.cancel)
        delayed.start()
        for count, record in enumerate(records, start=1):
            reached[record.topic, record.partition] = record.offset + 1
            if count % _EVERY == 0:
                progress.update(task, completed=sum(reached.values()), total=sum(ends.values()), count=count)
            yield record


@contextlib.contextmanager
def bar(what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar that says `what` is done, moved by calling what it gives with how many of `total` (None: not known) are."""
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} " + unit), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(),
    )  # fmt: skip
    if not progress.console.is_terminal:
        yield lambda done: None
        return
    task = progress.add_task(what, total=total)
    delayed = threading.Timer(_AFTER_SECONDS, progress.start)
    delayed.daemon = True
    with contextlib.ExitStack() as stack:
        stack.callback(progress.stop)
        stack.callback(delayed.cancel)
        delayed.start()
        yield lambda done: progress.update(task, completed=done)
