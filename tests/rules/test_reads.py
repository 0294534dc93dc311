"""`reads` is a promise: what a rule reads beyond it fails the test that tells such a story."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kimberley.rules.catalogue import CATALOGUE
from kimberley.rules.dossier import Dossier
from kimberley.rules.rule import NOT_APPLICABLE, PASS, rule
from support.stories import arrival, export, issue, judge


@pytest.fixture(autouse=True)
def taken_back() -> Iterator[None]:
    """The rules of these tests are of no other's concern."""
    yield
    CATALOGUE.pop("curious", None)


def reading(asks: Callable[[Dossier], Any], *reads: str) -> None:
    """Have a lawful shipment judged by a rule that asks something of the dossier, and says that it reads this."""

    @rule("curious", title="Curious", basis="none", reads=reads)
    def curious(dossier: Dossier) -> Any:
        """Never."""
        asks(dossier)
        return PASS

    assert judge(issue(), export(), arrival(), book='curious = "REVIEW"').rows == []


ASKED: list[tuple[Callable[[Dossier], Any], str]] = [
    (lambda dossier: dossier.exports, "ShipmentExported"),
    (lambda dossier: dossier.arrivals[-1].carats, "ShipmentArrived.carats"),
    (lambda dossier: dossier.issues[0].parcels, "CertificateIssued.parcels"),
    (lambda dossier: [each.local_date for each in dossier.issues], "CertificateIssued.occurred_at"),
    (lambda dossier: dossier.issuer, "CertificateIssued.authority"),
    (lambda dossier: dossier.export_date, "ShipmentExported.occurred_at"),
    (lambda dossier: dossier.standing("BW", dossier.issues[0].issued_on), "participants"),
    (lambda dossier: dossier.bundle.price_bands, "price bands"),
    (lambda dossier: dossier.reference.measures, "measures"),
    (lambda dossier: dossier.profiles, "issuer profiles"),
    (lambda dossier: dossier.conflicts, "conflicts"),
    (lambda dossier: dossier.now, "clock"),
]


@pytest.mark.parametrize(("asks", "read"), ASKED, ids=[read for _, read in ASKED])
def test_what_is_read_is_declared_or_the_story_fails(asks: Callable[[Dossier], Any], read: str) -> None:
    types = ("CertificateIssued.issued_on", "ShipmentExported.shipment_id", "ShipmentArrived.shipment_id")
    besides = tuple(each for each in types if not read.startswith(each.partition(".")[0]) or "." in read)
    with pytest.raises(AssertionError, match=rf"curious reads .*{read}.*, which its reads do not name"):
        reading(asks, *besides)
    CATALOGUE.pop("curious")
    reading(asks, *besides, read)


def test_a_whole_type_may_be_declared_and_what_names_an_event_need_not() -> None:
    reading(lambda dossier: (dossier.exports[0].destination, dossier.exports[0].event_id), "ShipmentExported")
    CATALOGUE.pop("curious")
    reading(lambda dossier: dossier.certificate and dossier.certificate.event_id, "CertificateIssued.carats")


def test_a_rule_is_asked_only_once_there_is_what_it_needs() -> None:
    asked: list[int] = []

    @rule("curious", title="Curious", basis="none", reads=("CertificateIssued", "ShipmentArrived"), needs=("ShipmentArrived",))
    def curious(dossier: Dossier) -> Any:
        """Never."""
        asked.append(len(dossier.arrivals))
        return PASS if dossier.arrivals else NOT_APPLICABLE

    judge(issue(), export(), book='curious = "REVIEW"')
    assert set(asked) <= {0}, "only to see that it keeps its word"
    before = len(asked)
    judge(issue(), export(), arrival(), book='curious = "REVIEW"')
    assert 1 in asked[before:]


def test_a_rule_that_is_applicable_without_what_it_needs_fails_the_story() -> None:
    @rule("curious", title="Curious", basis="none", reads=("CertificateIssued", "ShipmentArrived"), needs=("ShipmentArrived",))
    def curious(dossier: Dossier) -> Any:
        """Never."""
        return PASS

    with pytest.raises(AssertionError, match="curious says that it needs ShipmentArrived, but is applicable without"):
        judge(issue(), export(), book='curious = "REVIEW"')


@pytest.mark.parametrize("need", ["ShipmentArrived", "ShipmentArived", "CertificateIssued.carats", "participants"])
def test_what_is_needed_is_a_kind_of_fact_and_read(need: str) -> None:
    with pytest.raises(ValueError, match=f"curious needs {need}, which it does not read, or which is no such fact"):
        rule("curious", title="Curious", basis="none", reads=("CertificateIssued", "participants"), needs=(need,))(lambda dossier: PASS)
    assert "curious" not in CATALOGUE
