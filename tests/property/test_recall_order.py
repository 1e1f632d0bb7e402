"""Whatever happens in whatever order: what is recalled is shared when people say so.

A small installation with one recipient is driven by random steps, restarts among them;
after every step the law is asked of what the recipient was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.store import LeasedRow, open_store
from broker.store.recall_orders import Kind
from tests.contract.recall_desk import KP, UID, Desk
from tests.unit import given as world

STEPS = ("publish", "lease", "finish", "postpone", "order", "take", "lift", "release")


class Story:
    """One incident's story, with what the recipient was sent and when."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.revision = 0
        self.under_way: LeasedRow | None = None
        self.recalled = False
        self.editions: list[int] = []

    def publish(self) -> None:
        """Publish the next revision."""
        self.revision += 1
        self.desk.publish(revision=self.revision, title=f"Take {self.revision}")

    def lease(self) -> None:
        """Begin to send what is next; the law is asked here."""
        if self.under_way is not None:
            return
        row = self.desk.lease()
        if row is None or self.desk.store.close_needless(row, self.desk.now):
            return
        assert row.sealed.retracts or not self.recalled, "shared although recalled"
        assert not self.editions or row.sealed.edition >= self.editions[-1]
        self.editions.append(row.sealed.edition)
        self.under_way = row

    def finish(self) -> None:
        """End what is being sent, well."""
        if self.under_way is not None:
            row, self.under_way = self.under_way, None
            assert self.desk.store.finish(row, self.desk.receipt(row))

    def postpone(self) -> None:
        """End what is being sent, badly."""
        if self.under_way is not None:
            row, self.under_way = self.under_way, None
            now = self.desk.now
            self.desk.store.postpone(row, "503", now, now)

    def order(self) -> None:
        """Recall the incident."""
        self.desk.order(agreement=KP)
        self.recalled = True

    def take(self) -> None:
        """Let a consuming process that was just started do what is due."""
        self.desk.restart()
        self.desk.take()

    def lift(self) -> None:
        """End the recall."""
        self.desk.order(Kind.LIFT, agreement=KP)
        self.recalled = False

    def release(self) -> None:
        """Let two people release what is held, if anything is."""
        if any(one.agreement == KP for one in self.desk.store.held()):
            self.desk.release(KP)
            self.recalled = False

    def end(self) -> None:
        """Let everything that is due happen."""
        self.finish()
        self.desk.now += timedelta(hours=1)
        self.take()
        while self.desk.lease_waits():
            self.lease()
            self.finish()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=4, max_size=16))
def test_what_is_recalled_is_not_shared_until_people_say_so(steps: list[str]) -> None:
    """From the order to a lift or a release nothing but what takes back is sent."""
    with (
        TemporaryDirectory() as folder,
        open_store(f"sqlite:///{folder}/s.db") as store,
    ):
        story = Story(Desk(store))
        story.publish()
        for step in steps:
            act: Callable[[], None] = getattr(story, step)
            act()
        story.end()

        waiting = [one for one in store.recalls(uid=UID) if one.agreement == KP]
        assert all(one.delivered_at for one in waiting)
        assert len(waiting) <= 1
        if story.recalled and story.editions:
            assert waiting, "taken back, and nobody is asked to confirm it"
        store.check_register(world.public())
