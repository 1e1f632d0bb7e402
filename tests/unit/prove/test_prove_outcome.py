"""What becomes of each field, as the proofs see it, is what redaction does."""

from __future__ import annotations

from typing import Any

import pytest

from broker import redact
from broker.canonical import dumps
from broker.model.incident import Incident
from broker.prove.diagram import FULL
from broker.prove.domain import Domain
from broker.prove.outcome import Sort
from broker.prove.side import side_of
from broker.prove.witness import Wanted, witness
from tests import world

SIDE = side_of(world.files(), world.rulebook())
# Two of each sort of thing that a plan tells apart; all kinds would take minutes.
KINDS = ("ipv4", "iban", "email", "payment-card", "person-name", "url", "sha256")


def sorts(outcomes: Any) -> list[Sort]:
    return [s for s in outcomes if s.part != "observables" or s.told[0] in KINDS]


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_outcomes_are_what_redaction_does(recipient: str) -> None:
    """For each field of each sort of item, the ledger says what the proofs say."""
    route = world.route(recipient)
    outcomes = SIDE.outcomes(route)
    domain = Domain([], SIDE.kinds)
    for sort in sorts(outcomes):
        for path, outcome in outcomes[sort].items():
            wanted = Wanted(path, sort.item())
            made = witness(domain, FULL, SIDE.kinds, wanted).incident
            incident = Incident.model_validate_json(dumps(made))
            key = world.keys().recipients[recipient]
            ledger = redact.project(incident, route.plan, key).ledger()
            first = path.replace("[]", "[0]", 1) if sort.part else path
            names = {path, first, path.replace("[]", "[0]", 1)}
            found = {e.outcome for e in ledger if e.field in names}

            assert {outcome.method} == found, (path, sort)
