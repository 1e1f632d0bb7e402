"""The real path that a witness takes, as the proofs tell of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.model.decision import Effect
from broker.prove.side import Tried, tried
from broker.prove.witness import Witness
from tests.edited import edited, side
from tests.unit import given

KP = "policies/agreements/kp-cybercrime.yaml"
AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
SHOWN = Witness(given.fields(classification="availability/sabotage"), AT)


def test_a_witness_names_the_clauses_that_decided_and_their_lines() -> None:
    """Each clause has its line; what did not match, or decided nothing, has none."""
    lines = edited()[KP].decode().splitlines()
    found = tried(side(), SHOWN, "kp-misp")

    assert Effect.SHARE is found.effect
    assert ("sabotage",) == found.clauses
    assert (f"{KP}:{lines.index('  - id: sabotage') + 1}",) == found.where
    assert ("title", "kept") in found.outcomes
    assert "" == found.failure


def test_what_cannot_be_read_is_withheld_and_says_why() -> None:
    """A kind that one of two rulebooks does not know is no end of the comparison."""
    unknown = {"kind": "no-such-kind", "value": "x"}
    fields = given.fields(observables=[unknown])
    found = tried(side(), Witness(fields, AT), "kp-misp")

    assert Effect.WITHHOLD is found.effect
    assert found.failure


@pytest.mark.parametrize("day", ["2025-12-31", "2029-01-01"])
def test_out_of_its_dates_an_agreement_is_not_there(day: str) -> None:
    """On a day of no agreement everything is withheld, and nobody decided."""
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")

    assert Tried(Effect.WITHHOLD) == tried(side(), replace(SHOWN, at=at), "kp-misp")


def test_the_first_and_the_last_day_belong_to_an_agreement() -> None:
    """In force from the first until the last day, both included."""
    for day in ("2026-01-01", "2028-12-31"):
        at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        incident = {**SHOWN.incident, "revised_at": f"{day}T01:00:00Z"}

        assert Effect.SHARE is tried(side(), Witness(incident, at), "kp-misp").effect
