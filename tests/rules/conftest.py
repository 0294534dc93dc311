"""Every story that a rule's test tells is judged on a dossier that notes what is read: a rule that reads more than it says fails there."""

import pytest

from support.watched import watched_evaluate


@pytest.fixture(autouse=True)
def honest(monkeypatch: pytest.MonkeyPatch) -> None:
    """`reads` names all that is read."""
    monkeypatch.setattr("kimberley.cases.judge.evaluate", watched_evaluate)
