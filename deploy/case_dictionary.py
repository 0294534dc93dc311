"""What `kimberley.model.case_compression` takes as known: pieces of cases at rest of a simulated trade. Stored cases are read by it, so a
new one gets another name, and its cases another format.

run: python deploy/case_dictionary.py > streams/kimberley/model/data/cases-2.dictionary
"""

import random
import sys

from kimberley.cases.check import check
from kimberley.cases.judge import Policy
from kimberley.commands.event_files import as_input
from kimberley.history.simulation import simulate
from kimberley.model.case import Origin, is_at_rest, plain_case
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.files import shipped_reference
from kimberley.rules.rulebook import shipped_rulebook

MOST_BYTES = 7_900
"""Less than a window of 8 KiB, beyond which nothing is found."""


def main() -> None:
    """Write the bytes to standard output."""
    events = simulate(seed=17, days=90, certificates_per_day=40, faults=False)
    inputs = [as_input(event, Origin("certificates", 0, 100_000 + line)) for line, event in enumerate(events)]
    report = check(inputs, Policy(shipped_reference(), shipped_bundle(), shipped_rulebook()))
    by_issuer: dict[str, list[bytes]] = {}
    for number, case in report.cases.items():
        if is_at_rest(case):
            by_issuer.setdefault(number[:2], []).append(plain_case(case))
    dice = random.Random(17)
    # one of each issuer, those of most cases last, where they are found at the least distance
    chosen = [dice.choice(cases) for cases in sorted(by_issuer.values(), key=len)]
    sys.stdout.buffer.write(b"".join(chosen)[-MOST_BYTES:])


if __name__ == "__main__":
    main()
