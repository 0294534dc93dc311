"""Schema ids are asked for before records are decoded: decoding itself, on the event loop, asks nobody."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

from kimberley.errors import ServiceUnavailableError
from kimberley.wire.avro import Codec

log = structlog.get_logger(__name__)
_LEAST_PAUSE, _MOST_PAUSE = 1.0, 30.0


async def know_schemas(codec: Codec, values: Iterable[bytes | None], **place: Any) -> None:
    """Ask the registry for ids of framed values that are not settled, once for each. `place` says in the log for whom.

    While it is away this waits: the records are not unreadable, only unread. Raises ConfigurationError where the registry refuses us.
    """
    missing = sorted(codec.missing_ids(values))
    pause = _LEAST_PAUSE
    while missing:
        try:
            # one at a time: a thread can't be told to stop, and there may be thousands
            await asyncio.to_thread(codec.ensure, missing[-1:])
            missing.pop()
        except ServiceUnavailableError as problem:
            log.error("registry_unavailable", **place, schema_ids=missing[:10], problem=str(problem), retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _MOST_PAUSE)
