"""What becomes of each field, as the proofs see it, is what redaction does."""

from __future__ import annotations

from typing import Any

import pytest

from broker import redact
from broker.canonical import dumps
from broker.model.incident import Incident
from broker.model.sharing import WITHHELD
from broker.prove.diagram import FULL
from broker.prove.domain import Domain
from broker.prove.order import shows_more
from broker.prove.outcome import Outcome, Sort, lets_through, outcome_of, outcomes
from broker.prove.witness import Wanted, witness
from tests import world
from tests.edited import side
from tests.unit import given

# Two of each sort of thing that a plan tells apart; all kinds would take minutes.
KINDS = ("ipv4", "iban", "email", "payment-card", "person-name", "url", "sha256")


def sorts(seen: Any) -> list[Sort]:
    return [s for s in seen if s.part != "observables" or s.told[0] in KINDS]


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_outcomes_are_what_redaction_does(recipient: str) -> None:
    """For each field of each sort of item, the ledger says what the proofs say."""
    route = world.route(recipient)
    one = side()
    seen = one.outcomes(route)
    domain = Domain([], one.kinds)
    for sort in sorts(seen):
        for path, outcome in seen[sort].items():
            wanted = Wanted(path, sort.item())
            made = witness(domain, FULL, one.kinds, wanted).incident
            incident = Incident.model_validate_json(dumps(made))
            key = world.keys().recipients[recipient]
            ledger = redact.project(incident, route.plan, key).ledger()
            first = path.replace("[]", "[0]", 1) if sort.part else path
            names = {path, first, path.replace("[]", "[0]", 1)}
            found = {e.outcome for e in ledger if e.field in names}

            assert {outcome.method} == found, (path, sort)


VALUES: Any = [
    {"method": "withhold", "only": {"role": ["victim"]}},
    {"method": "keep", "only": {"kind": ["ipv4"]}},
    {"method": "mask"},
]


def test_one_field_becomes_what_all_of_them_do() -> None:
    """A statement about a field asks for it alone, and hears the same.

    An observable whose value is withheld is withheld whole, with what stands beside it.
    """
    profile = given.profile({"observables[].value": VALUES}, rest="keep")
    kinds, document = given.kinds(), given.document()
    every = outcomes(profile, kinds, document)

    for sort in sorts(every):
        for path, outcome in every[sort].items():
            assert outcome == outcome_of(profile, path, sort, kinds, document)
    [victims] = {
        outcome.method
        for sort in sorts(every)
        if sort.part == "observables" and sort.told[1] == "victim"
        for outcome in every[sort].values()
    }
    assert WITHHELD == victims


def test_options_that_are_written_out_as_usual_change_nothing() -> None:
    """Bands that somebody writes down as they are anyway are the same bands."""
    usual = [1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000]
    written = {"method": "amount_band", "options": {"bounds": usual}}
    path = "financial_loss.amount"

    def of(rule: Any) -> Outcome:
        profile = given.profile({path: rule})
        return outcome_of(profile, path, Sort(""), {}, given.document())

    assert of({"method": "amount_band"}).same_as(of(written))
    assert not shows_more(of({"method": "amount_band"}), of(written))
    assert "mask" == str(Outcome("mask"))
    assert "amount_band (bounds 7/8)" == str(
        of({"method": "amount_band", "options": {"bounds": [7, 8]}})
    )


@pytest.mark.parametrize(
    ("rules", "except_as", "expected"),
    [
        ("keep", (), True),
        ("withhold", (), False),
        ("drop", (), False),
        ("mask", (), True),
        ("mask", ("mask",), False),
        (VALUES, ("mask",), True),
        (VALUES[:1] + VALUES[2:], ("mask",), False),
    ],
    ids=str,
)
def test_a_profile_lets_a_field_through_by_any_of_its_lines(
    rules: Any, except_as: tuple[str, ...], expected: bool
) -> None:
    """Where no line lets it through otherwise, a statement holds by its words."""
    path = "observables[].value"
    profile = given.profile({path: rules})

    assert expected is lets_through(profile, path, except_as)
