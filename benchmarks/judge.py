"""`check`'s core over a file of events: read, take in, judge, in one process. Seconds of each round, as JSON.

run: PYTHONPATH=<compiled build> python -m benchmarks.judge FILE [ROUNDS]
"""

import json
import sys
import time
from pathlib import Path

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import read_inputs
from kimberley.garbage import collecting_rarely
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook


def main(file: Path, rounds: int) -> None:
    """Measure and print."""
    policy = Policy(shipped_reference(), shipped_bundle(), shipped_rulebook())
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        with collecting_rarely():  # as the command does
            inputs, unreadable = read_inputs([file])
            report = check(inputs, policy)
        seconds.append(time.perf_counter() - began)
        if unreadable or len(report.decisions) != len(inputs):
            raise SystemExit(f"{len(inputs)} events, {len(report.decisions)} decisions, {unreadable} lines that are none")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
