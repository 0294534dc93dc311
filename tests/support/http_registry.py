"""A registry that is a function: what it answers to each schema id, and how often it was asked."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from kimberley.wire.avro import Codec
from kimberley.wire.registry import FileRegistry, HttpRegistry
from kimberley.wire.schemas import shipped_schemas

FILES = shipped_schemas()
Answer = tuple[int, Any]
"""A status, and a body: text, or what becomes JSON."""


class AnsweringRegistry:
    """`codec` asks it; `answer` may be exchanged."""

    def __init__(self, answer: Callable[[int], Answer]) -> None:
        self.answer = answer
        self.asked: Counter[int] = Counter()
        client = httpx.Client(base_url="http://registry/", transport=httpx.MockTransport(self._respond))
        self.codec = Codec(FILES, HttpRegistry(FileRegistry(FILES, "kimberley"), FILES, client, "kimberley"), "kimberley")

    def _respond(self, request: httpx.Request) -> httpx.Response:
        schema_id = int(request.url.path.rsplit("/", 1)[-1])
        self.asked[schema_id] += 1
        status, body = self.answer(schema_id)
        return httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)


def having(topic: str, record: str) -> Answer:
    """The answer of a registry that has a record's schema under the id."""
    return 200, {"schema": json.dumps(FILES.newest(topic, record).schema)}


def framed(schema_id: int, body: bytes = b"") -> bytes:
    """A value that says to be of a schema."""
    return b"\x00" + schema_id.to_bytes(4, "big") + body
