"""The answer to one event."""

from datetime import date
from typing import Literal

from kimberley.model.findings import RuleOutcome
from kimberley.model.value import Value

DecisionOutcome = Literal["ACCEPTED", "DUPLICATE", "CONFLICT", "REFUSED"]


class Refusal(Value, frozen=True):
    """One fault of a refused event: a code from the documented list, the field, and what to do."""

    code: str
    field: str
    message: str


class Party(Value, frozen=True):
    """The standing of a jurisdiction that takes part in a journey, on the date that counts for its role.

    `role`: issuer, destination, exporter, transit, importer or reporter. `status`: as in the participants' history, or `unknown`
    before the scheme. `as_of` is None only where the event does not tell the date.
    """

    role: str
    code: str
    participant: str
    status: str
    as_of: date | None


class Decision(Value, frozen=True, kw_only=True):
    """One answer per event read. `rules` holds only what is neither `pass` nor `not_applicable`."""

    decision_id: str
    event_id: str
    event_type: str
    certificate_number: str
    authority: str
    outcome: DecisionOutcome
    errors: tuple[Refusal, ...]
    participants: tuple[Party, ...]
    rules: tuple[RuleOutcome, ...]
    alert_ids: tuple[str, ...]
    rulebook: str
    reference_revision: str
    decided_at: int
