"""A progress bar on standard error while something is read or sent; for people only, and only where it takes more than a second."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

_AFTER_SECONDS = 1.0
_EVERY = 500
"""Records between two looks at how far reading has come."""


def watched(records: Iterable[Any], ends: Mapping[Any, int], what: str) -> Iterator[Any]:
    """The records of `read_to_end`, whose `ends` these are, with a bar that says `what` is read."""
    reached: dict[tuple[str, int], int] = {}
    with _shown(what, None, TextColumn("{task.fields[count]:,} records"), TimeRemainingColumn()) as progress:
        if progress is None:
            yield from records
            return
        for count, record in enumerate(records, start=1):
            reached[record.topic, record.partition] = record.offset + 1
            if count % _EVERY == 0:
                progress.update(progress.task_ids[0], completed=sum(reached.values()), total=sum(ends.values()), count=count)
            yield record


@contextlib.contextmanager
def bar(what: str, total: int | None, unit: str) -> Iterator[Callable[..., None]]:
    """A bar that says `what` is done, moved by calling what it gives with how many of `total` (None: not known) are, and the total
    where that is known only now.
    """
    with _shown(what, total, TextColumn("{task.completed:,} " + unit), TimeRemainingColumn()) as progress:
        if progress is None:
            yield lambda done, total=None: None
        else:
            yield lambda done, total=None: progress.update(progress.task_ids[0], completed=done, total=total)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """A bar without a measure while something is waited for."""
    with _shown(what, None):
        yield


@contextlib.contextmanager
def _shown(what: str, total: int | None, *columns: ProgressColumn) -> Iterator[Progress | None]:
    """A bar that appears after a while; None where nobody would see it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    # what goes to a terminal's standard output passes above the bar; what goes to a file or a pipe must not come near it
    columns = (TextColumn("{task.description}"), BarColumn(), *columns)
    progress = Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty())
    progress.add_task(what, total=total, count=0)
    # by a clock of its own: the first second may pass without a record
    delayed = threading.Timer(_AFTER_SECONDS, progress.start)
    delayed.daemon = True
    delayed.start()
    try:
        yield progress
    finally:
        delayed.cancel()
        delayed.join()  # or it might start what was stopped
        progress.stop()
