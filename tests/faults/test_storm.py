"""Workers and their broker die again and again while events flow, and the stream comes to what `check` says of them."""

from pathlib import Path

import pytest

from kimberley.wire.avro import make_codec
from support.faulty import Faulty
from support.storm import Storm
from support.trade import make_trade

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.slow]

BOUNDED = {
    "kill": 6,
    "kill-all": 1,
    "kill-again": 1,
    "stop": 1,
    "join": 1,
    "freeze": 1,
    "broker-restart": 1,
    "broker-kill": 1,
    "silence": 1,
}
"""Ten kills (two blows kill two workers), two restarts of the broker, a zombie, a network that says nothing."""


def test_workers_and_their_broker_die_while_events_flow_and_the_stream_comes_to_what_check_says(faulty: Faulty, tmp_path: Path) -> None:
    settings = faulty.settings(session_timeout=3.0)
    trade = make_trade(make_codec(settings), 20_000)
    assert len(trade.open_ids) > 20
    report = Storm(faulty, settings, trade, tmp_path).run(BOUNDED, print)
    assert not report.compared.problems, report
    assert (report.compared.lost, report.compared.double) == (0, 0)
    assert report.compared.events == len(trade)
    assert report.kills == 10
    assert set(report.statuses) <= {0, 3}, report.logs
