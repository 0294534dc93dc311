"""What all of the model's values have in common."""

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """Made once and never changed, so it can't be part of a cycle, and Python need not look for garbage in it: judging makes dozens for
    each event, and most of them stay for as long as their case is at hand.
    """
