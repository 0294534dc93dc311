"""A registry by URL: what concerns one id makes that id unknown, what concerns them all is an error."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from kimberley.errors import ConfigurationError, ServiceUnavailableError, UnreadableRecordError
from kimberley.wire.avro import Codec
from support.http_registry import FILES, AnsweringRegistry, framed, having

ARRIVED = FILES.newest("shipments", "ShipmentArrived").schema
BROKEN = {**ARRIVED, "fields": [*ARRIVED["fields"], {"name": "dock", "type": "defined.Nowhere"}]}


def stage_of(codec: Codec, schema_id: int) -> str:
    """How a record of a schema dies."""
    with pytest.raises(UnreadableRecordError) as raised:
        codec.decode("shipments", framed(schema_id))
    return raised.value.stage


@pytest.mark.parametrize(
    "answer",
    [
        (403, {"error_code": 40301, "message": "not for you"}),
        (422, {"error_code": 42202}),
        (400, "what?"),
        (200, "<html>"),
        (200, ["a", "list"]),
        (200, {"schemaType": "AVRO"}),
        (200, {"schema": None}),
        (200, {"schema": "{not json"}),
        (200, {"schema": "[" * 100_000}),
    ],
    ids=lambda answer: f"{answer[0]} {str(answer[1])[:40]}",
)
def test_an_id_that_can_not_be_had_as_a_schema_is_unknown_and_said_once(answer: tuple[int, Any]) -> None:
    registry = AnsweringRegistry(lambda schema_id: answer if schema_id == 7 else having("shipments", "ShipmentArrived"))
    with capture_logs() as logs:
        registry.codec.ensure({7, 8})
        assert registry.codec.missing_ids([framed(7), framed(8)]) == set()
        assert [stage_of(registry.codec, 7) for _ in range(3)] == ["schema"] * 3
    assert stage_of(registry.codec, 8) == "decode", "which is known"
    assert registry.asked == {7: 1, 8: 1}
    assert [(line["log_level"], line["event"], line["schema_id"]) for line in logs] == [("error", "schema_unusable", 7)]


@pytest.mark.parametrize("answer", [(404, {}), (200, {"schema": "syntax", "schemaType": "PROTOBUF"})], ids=str)
def test_an_id_of_nobody_or_of_another_format_is_unknown_without_a_word(answer: tuple[int, Any]) -> None:
    registry = AnsweringRegistry(lambda _: answer)
    with capture_logs() as logs:
        registry.codec.ensure({7})
        assert stage_of(registry.codec, 7) == "schema"
    assert not logs


def test_an_id_is_asked_for_again_after_a_while_and_never_by_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("kimberley.wire.registry.time", SimpleNamespace(monotonic=lambda: now))
    registry = AnsweringRegistry(lambda _: (404, {}))
    registry.codec.ensure({7})
    now = 31.0
    assert registry.codec.missing_ids([framed(7)]) == {7}
    assert stage_of(registry.codec, 7) == "schema"
    assert registry.asked == {7: 1}
    registry.answer = lambda _: having("shipments", "ShipmentArrived")
    registry.codec.ensure({7})
    assert stage_of(registry.codec, 7) == "decode"
    assert registry.asked == {7: 2}


def test_a_schema_that_is_no_avro_makes_its_records_unreadable() -> None:
    registry = AnsweringRegistry(lambda _: (200, {"schema": json.dumps(BROKEN)}))
    registry.codec.ensure({7})
    assert stage_of(registry.codec, 7) == "schema"


@pytest.mark.parametrize(("status", "error"), [(401, ConfigurationError), (500, ServiceUnavailableError), (429, ServiceUnavailableError)])
def test_what_concerns_every_id_is_raised(status: int, error: type[Exception]) -> None:
    registry = AnsweringRegistry(lambda _: (status, {}))
    with pytest.raises(error, match=f"{status}"):
        registry.codec.ensure({7})
    assert registry.codec.missing_ids([framed(7)]) == {7}
