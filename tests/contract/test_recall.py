"""What is taken back, on both databases, with the shipped policies and real seals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.errors import StoreError
from broker.model.agreement import OnExpiry, OnRetention
from broker.store import Approved, Store, open_store
from broker.store.recall_orders import FAILED_ALARM, Kind
from broker.store.recalls import NEEDLESS, OVERDUE_ALARM, SHARED_AGAIN
from broker.store.register import entries
from tests.contract.recall_desk import KP, UID, Desk
from tests.unit import given
from tests.unit.store import samples


@pytest.fixture(params=samples.DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Return an open, empty store."""
    with open_store(samples.empty(request.param, tmp_path)) as opened:
        yield opened


@pytest.fixture
def desk(store: Store) -> Desk:
    """Return a consume zone over the store."""
    return Desk(store)


def links(store: Store, kind: str) -> list[dict[str, Any]]:
    """Return the facts of the register's links of one kind."""
    with store.database.read() as connection:
        return [dict(link.facts) for link in entries(connection) if link.kind == kind]


def test_a_word_takes_back_what_was_delivered(desk: Desk) -> None:
    """The recipient gets an edition without contents, without the source's help."""
    desk.publish()
    [first] = desk.deliver()
    order = desk.order()
    desk.take()
    [second] = desk.deliver()

    assert not first.sealed.retracts
    assert second.sealed.retracts
    assert first.sealed.share == second.sealed.share
    event = json.loads(second.sealed.body)["Event"]
    assert ([], []) == (event["Attribute"], event["Object"])
    assert "bank" not in second.sealed.body.decode()
    assert [order.id] == [one.id for one in desk.orders() if one.done_at]
    desk.store.check_register(given.public())
