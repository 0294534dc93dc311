"""`make bench`: one module a measure, `run` composes them. Real services are started as in the tests."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
if str(ROOT / "tests") not in sys.path:
    sys.path.append(str(ROOT / "tests"))  # `support`: real Kafka, workers as processes, the compiled build
