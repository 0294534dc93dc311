"""Schema files: checked, frozen, compatible both ways; what would break readers is refused before anything is written."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kimberley.commands import main
from kimberley.errors import ConfigurationError
from kimberley.wire.avro import Codec
from kimberley.wire.compatibility import incompatibilities
from kimberley.wire.registry import FileRegistry
from kimberley.wire.schemas import SchemaFiles, shipped_schemas


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the shipped files."""
    copy = tmp_path / "schemas"
    shutil.copytree(shipped_schemas().directory, copy)
    return copy


def edit(directory: Path, change: Any) -> None:
    """Change the current schema of an arrival."""
    file = directory / "shipments" / "ShipmentArrived.avsc"
    schema = json.loads(file.read_text(encoding="utf-8"))
    change(schema)
    file.write_text(json.dumps(schema), encoding="utf-8")


def test_the_shipped_schemas_are_in_order() -> None:
    assert [problem for state in shipped_schemas().check() for problem in state.problems] == []


def test_every_event_type_and_output_has_its_schema() -> None:
    assert {f"{folder}/{record}" for folder, record in shipped_schemas().current} == {
        "certificates/CertificateIssued",
        "certificates/CertificateInvalidated",
        "certificates/EventWithdrawn",
        "shipments/EventWithdrawn",
        "shipments/ShipmentExported",
        "shipments/ShipmentTransited",
        "shipments/ShipmentArrived",
        "shipments/ImportConfirmed",
        "shipments/ShipmentDetained",
        "shipments/ShipmentReleased",
        "shipments/ShipmentReturned",
        "participants/ParticipantListed",
        "participants/ReferenceManifest",
        "measures/MeasureListed",
        "notices/NoticePublished",
        "flagged-shipments/Alert",
        "open-alerts/Alert",
        "decisions/Decision",
        "dispositions/Disposition",
        "kimberley-control/ControlTick",
    }


def test_a_new_optional_field_is_frozen_as_the_next_version_with_a_new_id(files: Path) -> None:
    edit(files, lambda schema: schema["fields"].append({"name": "dock", "type": ["null", "string"], "default": None, "doc": "where"}))
    highest = max(SchemaFiles(files).by_id)
    last = SchemaFiles(files).newest("shipments", "ShipmentArrived").version
    (frozen,) = SchemaFiles(files).freeze()
    assert (frozen.record, frozen.version, frozen.schema_id) == ("ShipmentArrived", last + 1, highest + 1)
    again = SchemaFiles(files)
    assert [problem for state in again.check() for problem in state.problems] == []
    assert again.freeze() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda schema: schema["fields"].append({"name": "dock", "type": "string", "doc": "where"}), "no default"),
        (lambda schema: schema["fields"].remove(next(f for f in schema["fields"] if f["name"] == "shipment_id")), "no default"),
        (lambda schema: schema["fields"][0].update(type="long"), "string"),
        (lambda schema: schema["fields"][0].pop("doc"), "no doc"),
        (lambda schema: schema.update(name="Arrival"), "ShipmentArrived"),
        (lambda schema: schema["fields"][0].update(type="strin"), "avro-python3"),
    ],
)
def test_a_change_that_would_break_a_reader_is_named_and_not_frozen(files: Path, change: Any, words: str) -> None:
    edit(files, change)
    result = CliRunner().invoke(main, ["schemas", "check", "--directory", str(files), "--format", "jsonl"])
    assert result.exit_code == 1
    assert words in next(line for line in result.stdout.splitlines() if "ShipmentArrived.avsc" in line)
    before = sorted(files.rglob("*"))
    with pytest.raises(ConfigurationError, match="ShipmentArrived"):
        SchemaFiles(files).freeze()
    assert sorted(files.rglob("*")) == before


def test_an_enum_may_grow_only_because_it_has_a_default_symbol() -> None:
    def enum(symbols: list[str], **more: Any) -> Any:
        return {
            "type": "record",
            "name": "R",
            "fields": [{"name": "f", "type": {"type": "enum", "name": "E", "symbols": symbols, **more}}],
        }

    assert incompatibilities(enum(["A", "B", "UNKNOWN"]), enum(["A", "UNKNOWN"], default="UNKNOWN")) == []
    assert incompatibilities(enum(["A", "B"]), enum(["A"])) == ["f: the reader has neither B nor a default symbol"]


def test_a_decimal_s_scale_can_not_change() -> None:
    def decimal(scale: int) -> Any:
        kind = {"type": "bytes", "logicalType": "decimal", "precision": 14, "scale": scale}
        return {"type": "record", "name": "R", "fields": [{"name": "f", "type": ["null", kind], "default": None}]}

    assert incompatibilities(decimal(3), decimal(3)) == []
    assert incompatibilities(decimal(2), decimal(3))


def test_old_and_new_versions_read_each_other_s_records(files: Path) -> None:
    old = shipped_schemas()
    edit(files, lambda schema: schema["fields"].append({"name": "dock", "type": ["null", "string"], "default": None, "doc": "where"}))
    SchemaFiles(files).freeze()
    new = SchemaFiles(files)
    old_codec = Codec(old, FileRegistry(new, "kimberley"), "kimberley")  # an old worker with a registry that knows the new version
    new_codec = Codec(new, FileRegistry(new, "kimberley"), "kimberley")
    plain = {
        "event_id": "e",
        "occurred_at": 5,
        "authority": "BW",
        "certificate_number": "BW1",
        "shipment_id": "S",
        "carats": Decimal("1.500"),
    }
    written_old = Codec(old, FileRegistry(old, "kimberley"), "kimberley").encode("shipments", "ShipmentArrived", plain)
    written_new = new_codec.encode("shipments", "ShipmentArrived", {**plain, "dock": "7"})
    assert written_old[1:5] != written_new[1:5]
    assert new_codec.decode("shipments", written_old)[1]["dock"] is None
    assert new_codec.decode("shipments", written_new)[1]["dock"] == "7"
    read = old_codec.decode("shipments", written_new)[1]
    assert (read["carats"], "dock" in read) == (Decimal("1.500"), False)
