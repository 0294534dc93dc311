"""The policies that are at hand: one for each complete revision of the reference data that was seen."""

from kimberley.cases.judge import Policy
from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.reference import Reference
from kimberley.rules.rulebook import Rulebook


class Policies:
    """Policies by revision. Revisions are few and small, so none is thrown away while a worker runs."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._by_revision: dict[str, Policy] = {}
        self._newest: Policy | None = None

    def add(self, reference: Reference) -> None:
        """A revision is complete; it is the newest. One that was there before, and was replaced since, becomes it again."""
        policy = self._by_revision.pop(reference.revision, None) or Policy(reference, shipped_bundle(), self._rulebook)
        self._by_revision[reference.revision] = self._newest = policy

    @property
    def newest(self) -> Policy:
        """The policy of the revision that was completed last."""
        assert self._newest is not None  # a worker starts with none missing
        return self._newest

    def of(self, revision: str) -> Policy | None:
        """The policy of a revision, None where it is not at hand."""
        return self._by_revision.get(revision)

    def replaces(self, revision: str, other: str) -> bool:
        """Whether a revision that is at hand was completed after another one, or that is not at hand."""
        order = list(self._by_revision)
        return revision in order and (other not in order or order.index(revision) > order.index(other))
