"""Every rule id of the catalogue is there, once, with the severity that it must have."""

import json

from click.testing import CliRunner

from kimberley.commands import main
from support.specified import SEVERITIES

LINEAGE = {"source-unknown", "weight-growth", "source-overdrawn", "origin-laundered", "origin-dropped", "value-uplift", "round-trip"}


def test_the_listed_rules_are_the_catalogues_with_its_severities() -> None:
    listed = CliRunner().invoke(main, ["rules", "list", "--format", "jsonl"])
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    found = {row["rule_id"]: row["severity"] for row in rows}
    assert len(rows) == len(found)
    assert found == {rule: severity for rule, severity in SEVERITIES.items() if rule in found}
    assert set(SEVERITIES) - set(found) <= LINEAGE
    assert all(row["basis"] and row["title"] and row["description"] for row in rows)
