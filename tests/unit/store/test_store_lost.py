"""What recipients did not keep is counted by sort, and never by value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from broker.model.sharing import Loss
from broker.store import open_store
from tests.unit.store.samples import (
    KEY,
    LATER,
    SOON,
    START,
    at,
    outcome,
    queued,
    receipt,
)

DROPPED = Loss("0" * 36, "dropped by the server")
AS_TEXT = Loss("1" * 36, "sent as text: MISP takes no such value as its type")


def test_losses_are_counted_by_sort(tmp_path: Path) -> None:
    """The status says how often each sort of loss happened."""
    losses = ((DROPPED, AS_TEXT), (), (AS_TEXT,))
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        for number, lost in enumerate(losses):
            made = outcome(
                f"inc-{number}", 1, queued(f"inc-{number}", "kp-cybercrime", 1)
            )
            store.commit([(at(number), made)], START, KEY)
            row = store.lease("kp-misp", "one", SOON, LATER)
            assert row is not None
            store.finish(row, replace(receipt(row), losses=lost))

        assert {DROPPED.what: 1, AS_TEXT.what: 2} == store.status(LATER).losses
