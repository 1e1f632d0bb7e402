"""Facts about recipients that go the path together: none changes what another gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from broker import pipeline
from broker.model.sharing import NO_HISTORY, Outcome, State
from broker.rulebook import Rulebook
from tests.unit import given
from tests.unit.given import NOW

# Seen by several recipients, in more than one form: kept, cut, or as a pseudonym.
SHARED: Final[dict[str, Any]] = {
    "financial_loss": {"amount": "18750.40", "accounts": ["XK051212012345678906"]},
    "observables": [
        {"kind": "ipv4", "value": "198.51.100.7", "role": "attacker", "to_ids": True},
        {"kind": "ipv4", "value": "192.0.2.9", "role": "victim"},
        {"kind": "email", "value": "a@b.example", "role": "attacker"},
        {"kind": "iban", "value": "XK051212012345678906", "role": "attacker"},
    ],
}


def _disclosed(book: Rulebook) -> Outcome:
    return pipeline.disclose(
        given.received(**SHARED),
        rulebook=book,
        keys=given.keys(),
        history=NO_HISTORY,
        now=NOW,
    )


def test_each_gets_the_same_alone() -> None:
    """What a recipient gets does not depend on who else gets it."""
    book = given.shipped()

    alone = [_disclosed(replace(book, routes=(route,))) for route in book.routes]

    together = _disclosed(book).shares
    assert together == tuple(outcome.shares[0] for outcome in alone)
    assert {State.QUEUED} == {share.state for share in together}


@pytest.mark.parametrize("abreast", [1, 2, 100])
def test_each_gets_the_same_however_many_go_abreast(
    abreast: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shares stand in the order of the agreements, however they were made."""
    usual = _disclosed(given.shipped())

    monkeypatch.setattr(pipeline, "_ABREAST", abreast)

    assert usual == _disclosed(given.shipped())


def test_a_large_incident_goes_recipient_by_recipient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With many observables, one bundle at a time is in memory, and nothing else."""
    usual = _disclosed(given.shipped())
    widths: list[int] = []
    side_by_side = vars(pipeline)["side_by_side"]

    def noted(ways: Any, width: int) -> Any:
        widths.append(width)
        return side_by_side(ways, width)

    monkeypatch.setattr(pipeline, "side_by_side", noted)
    monkeypatch.setattr(pipeline, "_SMALL", 3)

    assert usual == _disclosed(given.shipped())
    assert [1] == widths
