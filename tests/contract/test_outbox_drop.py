"""What may be dropped: nothing whose loss leaves at a recipient what must go.

The shipped policies, real seals, both databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.store import open_store, operate
from tests.contract.recall_desk import UID, Desk
from tests.unit import given
from tests.unit.store import samples

ONE, TWO = "198.51.100.1", "198.51.100.2"


@pytest.fixture(params=samples.DATABASES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Return a consume zone over an empty store."""
    with open_store(samples.empty(request.param, tmp_path)) as store:
        yield Desk(store)


def publish(desk: Desk, revision: int, *addresses: str, **changes: Any) -> None:
    """Publish a revision with some attackers' addresses."""
    seen = [{"kind": "ipv4", "value": one, "role": "attacker"} for one in addresses]
    desk.publish(revision=revision, observables=seen, **changes)


def drop(desk: Desk, edition: int) -> operate.Waiting:
    """Drop an edition for the police."""
    rows = operate.listed(desk.store.database, recipient="kp-misp")
    [row] = [one.id for one in rows if one.edition == edition]
    return operate.drop(desk.store.database, row, "arta", "a test", desk.now)


def test_a_correction_that_leaves_something_out_is_kept(desk: Desk) -> None:
    """What the newer revision does not show any more would stay at the recipient."""
    publish(desk, 1, ONE, TWO)
    desk.deliver()
    publish(desk, 2, TWO)
    with pytest.raises(operate.KeptError, match="shows less") as refused:
        drop(desk, 2)
    [row] = desk.deliver()

    said = str(refused.value)
    assert 2 == row.sealed.edition
    assert all(f"besa outbox {word}" in said for word in ("retry", "hold"))
    assert f"besa recall {UID} --recipient kp-misp" in said
    assert not {ONE, TWO} & set(said.split())
    desk.store.check_register(given.public())


def test_a_correction_of_a_value_is_kept(desk: Desk) -> None:
    """A value that was wrong is taken back by the one that takes its place."""
    publish(desk, 1, ONE)
    desk.deliver()
    publish(desk, 2, TWO)

    with pytest.raises(operate.KeptError, match="corrects or leaves out"):
        drop(desk, 2)


def test_what_only_adds_may_be_dropped(desk: Desk) -> None:
    """The recipient keeps what it has, all of which still holds."""
    publish(desk, 1, ONE)
    desk.deliver()
    publish(desk, 2, ONE, TWO)

    assert "failed" == drop(desk, 2).state
    assert [] == desk.deliver()


def test_what_was_never_sent_leaves_nothing_behind(desk: Desk) -> None:
    """A correction of what nobody was ever sent may be dropped."""
    publish(desk, 1, ONE)
    publish(desk, 2, TWO)

    assert "failed" == drop(desk, 2).state


def test_what_may_have_arrived_in_part_counts(desk: Desk) -> None:
    """One attempt is enough: nobody knows what of it is there."""
    publish(desk, 1, ONE)
    row = desk.lease()
    assert row is not None
    publish(desk, 2, TWO)
    desk.store.postpone(row, "away", desk.now, desk.now)

    with pytest.raises(operate.KeptError):
        drop(desk, 2)


def test_what_was_taken_back_whole_is_not_there_any_more(desk: Desk) -> None:
    """After a recall that arrived, an edition takes nothing back."""
    publish(desk, 1, ONE)
    desk.deliver()
    publish(desk, 2, ONE, status="withdrawn")
    desk.deliver()
    publish(desk, 3, TWO)

    assert "failed" == drop(desk, 3).state


def test_what_something_newer_replaces_may_be_dropped(desk: Desk) -> None:
    """A failed correction that a newer edition overtook is not needed."""
    publish(desk, 1, ONE)
    desk.deliver()
    publish(desk, 2, TWO)
    row = desk.lease()
    assert row is not None
    desk.store.fail(row, "wrong key", desk.now)
    publish(desk, 3, TWO, title="Another title")
    done = operate.drop(desk.store.database, row.id, "arta", "a test", desk.now)
    [sent] = desk.deliver()

    assert "failed" == done.state
    assert 3 == sent.sealed.edition
