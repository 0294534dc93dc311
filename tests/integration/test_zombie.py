"""A worker that was paused longer than its session does no harm where no broker refuses its writes, for it refuses them itself."""

import os
import signal
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin, unpack_case
from kimberley.model.partition_state import STATE_KEY
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook
from kimberley.wire.avro import make_codec
from support.stream import decoded, event_records, prepared, publish, reach, read_topic, rests, standing, wait_until
from support.worker import WorkerProcess


@pytest.mark.slow
@pytest.mark.embedded
def test_a_zombie_writes_no_case_over_the_new_owner_s(fresh_embedded: str, tmp_path: Path) -> None:
    settings = prepared(fresh_embedded, partitions=2, batch_records=20)
    events = list(islice(simulate(seed=31, days=60, certificates_per_day=40), 4_000))
    records = event_records(make_codec(settings), events)
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    report = check([as_input(event, Origin("file", 0, line)) for line, event in enumerate(events)], policy, afresh=True)
    clocked = {rule.id for rule, _ in policy.rulebook.rules if rule.reads_clock}
    expected = {alert.alert_id for alert in report.open_alerts if alert.rule_id not in clocked}
    publish(fresh_embedded, records[:3_000])
    with WorkerProcess(settings, tmp_path, "zombie") as zombie:
        wait_until(lambda: reach(settings, "decisions") > 500, 60, "work begun", zombie.text)
        os.kill(zombie.process.pid, signal.SIGSTOP)
        with WorkerProcess(settings, tmp_path, "heir") as heir:
            wait_until(lambda: rests(settings), 60, "the heir has caught up", heir.text)
            publish(fresh_embedded, records[3_000:])
            os.kill(zombie.process.pid, signal.SIGCONT)
            assert zombie.process.wait(30) == 3
            # the latter where it was stopped with its offsets on the way
            assert "this process stood still for" in zombie.text() or "the group has moved on" in zombie.text(), zombie.text()
            wait_until(lambda: rests(settings), 60, "everything read", heir.text)
            assert heir.terminate(10) == 0, heir.text()
    decided = Counter(record["decision_id"] for record in decoded(make_codec(settings), read_topic(fresh_embedded, "decisions")))
    assert len(decided) == len(events)
    assert {key.decode() for key in standing(read_topic(fresh_embedded, "open-alerts"))} == expected
    stored = [record for key, record in standing(read_topic(fresh_embedded, "kimberley-cases")).items() if key != STATE_KEY]
    facts = {record.key.decode(): len(unpack_case(record.value).facts) for record in stored}
    assert facts == {number: len(case.facts) for number, case in report.cases.items() if number in facts or case.facts}
