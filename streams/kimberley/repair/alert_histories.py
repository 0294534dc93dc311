"""Every revision of every alert, and whether they follow one another as they must."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

_WORDS = {"OPENED": "opened", "UPDATED": "was updated", "RESOLVED": "resolved"}


class Revision(NamedTuple):
    """One revision of an alert. `content`: a hash of all but when it was raised."""

    number: int
    status: str
    content: bytes


class Remark(NamedTuple):
    """What is wrong with an alert; `certificate_number`: whose it is."""

    alert_id: str
    certificate_number: str
    words: str


def revision_of(alert: Mapping[str, Any]) -> Revision:
    """Of a decoded record."""
    said = {name: value for name, value in alert.items() if name != "raised_at"}
    return Revision(alert["revision"], alert["status"], blake2b(msgspec.msgpack.encode(said), digest_size=8).digest())


class AlertHistories:
    """Takes in the records of `flagged-shipments`. `is_atomic`: exactly once was delivered, so that none may come twice."""

    def __init__(self, *, is_atomic: bool) -> None:
        self.repeats = 0
        self._is_atomic = is_atomic
        self._revisions: dict[str, list[Revision]] = {}
        self._owners: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._revisions)

    def add(self, alert: Mapping[str, Any]) -> None:
        """Take in a decoded record."""
        self._owners[alert["alert_id"]] = alert["certificate_number"]
        self._revisions.setdefault(alert["alert_id"], []).append(revision_of(alert))

    def remarks(self) -> Iterator[Remark]:
        """What is wrong with the revisions themselves."""
        for alert_id, revisions in self._revisions.items():
            by_number: dict[int, Revision] = {}
            for each in revisions:
                known = by_number.setdefault(each.number, each)
                if known is each:
                    continue
                self.repeats += 1
                if known != each:
                    yield self._remark(alert_id, f"says two different things by the same revision {each.number}")
                elif self._is_atomic:
                    yield self._remark(alert_id, f"has its revision {each.number} twice")
            if lacking := sorted(set(range(1, max(by_number) + 1)) - by_number.keys()):
                yield self._remark(alert_id, f"lacks revision {', '.join(map(str, lacking))} of {max(by_number)}")
                continue
            ordered = [by_number[number] for number in sorted(by_number)]
            if ordered[0].status != "OPENED":
                yield self._remark(alert_id, f"{_WORDS.get(ordered[0].status, ordered[0].status)} before it opened")
            for one, following in pairwise(ordered):
                if (following.status == "OPENED") != (one.status == "RESOLVED"):
                    after = f"{_WORDS.get(following.status, following.status)} by revision {following.number}"
                    yield self._remark(alert_id, f"{after} after it {_WORDS.get(one.status, one.status)}")

    def compare(self, held: Mapping[str, Mapping[str, Any]]) -> Iterator[Remark]:
        """What `open-alerts` holds, decoded, by alert id, against what is open by the last revisions."""
        for alert_id, revisions in self._revisions.items():
            last = max(revisions, key=lambda each: each.number)
            found = held.get(alert_id)
            if last.status == "RESOLVED":
                if found is not None:
                    yield self._remark(alert_id, f"resolved by revision {last.number}, and open-alerts has revision {found['revision']}")
            elif found is None:
                yield self._remark(alert_id, f"is open by revision {last.number}, and open-alerts does not have it")
            elif revision_of(found) != last:
                what = "another content of it" if found["revision"] == last.number else f"revision {found['revision']}"
                yield self._remark(alert_id, f"is open by revision {last.number}, and open-alerts has {what}")
        for alert_id, alert in held.items():
            if alert_id not in self._revisions:
                yield Remark(alert_id, alert["certificate_number"], "is on open-alerts and was never published on flagged-shipments")

    def count_open(self) -> int:
        """Alerts whose last revision is not their end."""
        return sum(max(each, key=lambda revision: revision.number).status != "RESOLVED" for each in self._revisions.values())

    def _remark(self, alert_id: str, words: str) -> Remark:
        return Remark(alert_id, self._owners[alert_id], words)
