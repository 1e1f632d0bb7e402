"""What cannot be taken back, or fails, keeps nothing else from being taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker import recall
from broker.errors import StoreError
from broker.model.agreement import OnRetention
from broker.recall import CannotError
from broker.store.recall_orders import FAILED_ALARM, Kind, Order
from tests.contract.recall_desk import UID, Desk
from tests.unit.store import samples


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a consume zone with an empty store."""
    with samples.opened(tmp_path) as store:
        yield Desk(store)


@pytest.mark.parametrize("error", [StoreError("no"), ValueError("no")])
def test_an_order_that_fails_stops_no_other(desk: Desk, error: Exception) -> None:
    """An order that cannot be followed does not keep a later recall waiting."""

    def fails(_order: Order) -> bool:
        raise error

    desk.publish()
    desk.deliver()
    desk.order(Kind.LOOK, uid="")
    desk.order(Kind.RECALL)
    desk.takes.look = fails

    desk.take()

    assert {UID} == {one.uid for one in desk.store.recalls()}


def test_one_that_cannot_be_taken_back_stops_no_period(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind what stays for now, the walk goes on, and it comes back to that."""
    monkeypatch.setattr(recall, "_AT_ONCE", 1)
    monkeypatch.setattr(recall, "_PATIENCE_SECONDS", 0.0)
    desk.with_agreement(on_retention=OnRetention.RETRACT, retention_days=10)
    for number in range(3):
        desk.publish(uid=f"KOS-2026-{number}")
    desk.deliver()
    desk.later(days=11)
    made, stuck = recall.taken_back, True

    def sometimes(one: Any, *more: Any) -> Any:
        if stuck and one.uid == "KOS-2026-0":
            raise CannotError("the guard found something")
        return made(one, *more)

    monkeypatch.setattr(recall, "taken_back", sometimes)
    for _ in range(5):
        desk.take()
    before = {one.uid for one in desk.store.recalls()}
    alarms = [one.kind for one in desk.store.status(desk.now).alarms]
    stuck = False
    for _ in range(5):
        desk.take()

    assert {"KOS-2026-1", "KOS-2026-2"} == before
    assert FAILED_ALARM in alarms
    assert {*before, "KOS-2026-0"} == {one.uid for one in desk.store.recalls()}
