"""When Python looks for garbage in cycles: judging makes almost none, and looking for it after every few hundred objects takes a tenth of
the time and more.

What is new is looked through soon, so that no look takes long: one through millions of objects of cases at hand holds all up for as long
as a second, and comes hardly ever.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS, _YOUNG, _MIDDLE = 20_000, 2, 10_000


def collect_rarely() -> None:
    """From here on, and never again what is loaded now: for a process that only judges."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, _YOUNG, _MIDDLE)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """While a block makes very many objects that stay."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, _YOUNG, _MIDDLE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
