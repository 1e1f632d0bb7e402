"""A consume zone in one process: the shipped policies, a real store, and recalls.

Nothing here asserts. What is sent is leased and finished as a dispatcher does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from broker import pipeline, release, rulebook
from broker.model.intake import Message, Position
from broker.model.sharing import NO_HISTORY, Receipt, ReceiptState
from broker.pipeline import Received
from broker.recall import Recall
from broker.replay import noted
from broker.rulebook import Route, Rulebook
from broker.settings import read_rulebook_files
from broker.source import Gone
from broker.store import Approved, Held, LeasedRow, Store, recall_orders
from broker.store.recall_orders import Kind, Order
from broker.tightened import Tightened
from tests.unit import given

UID: Final = "KOS-2026-1"
KP: Final = "kp-cybercrime"
START: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class Desk:
    """One installation at a moment that the test moves on."""

    store: Store
    now: datetime = START
    book: Rulebook = field(default_factory=given.shipped)
    offset: int = 0
    days: int = 7
    takes: Recall = field(init=False)
    source: dict[Position, bytes] = field(default_factory=dict)
    received: dict[tuple[str, int], Received] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin as a new process does, which remembers nothing."""
        keys, now = given.keys(), lambda: self.now
        look = Tightened(self.store, self.reread, lambda: self.book, keys, now)
        self.takes = Recall(
            self.store, lambda: self.book, keys, now, self.days, look.follow
        )

    def reread(self, position: Position) -> Message:
        """Return the message at a position, if the source still has it."""
        if position not in self.source:
            raise Gone(f"{position} is gone")
        return Message(self.source[position], UID, None, position)

    def later(self, **some: int) -> None:
        """Let time pass, also for what rests between two looks."""
        self.now += timedelta(**some)
        self.restart()

    def publish(self, uid: str = UID, revision: int = 1, **changes: Any) -> None:
        """Take one revision the whole way and store what became of it."""
        at = self.now - timedelta(days=1) + timedelta(minutes=revision)
        said = {"uid": uid, "revision": revision, "revised_at": at.isoformat()}
        raw = given.raw(**said, **changes)
        received = pipeline.receive(raw, rulebook=self.book, now=self.now)
        self.received[uid, revision] = received
        history = self.store.histories([uid]).get(uid, NO_HISTORY)
        outcome = pipeline.disclose(
            received,
            rulebook=self.book,
            keys=given.keys(),
            history=history,
            now=self.now,
        )
        outcome = noted(outcome, received, self.book, "u-erza", self.now)
        self.offset += 1
        place = Position("kafka", "csirt.incidents", 0, self.offset)
        self.source[place] = raw
        self.store.commit([(place, outcome)], self.now, given.keys().signing)

    def order(self, kind: Kind = Kind.RECALL, uid: str = UID, **more: str) -> Order:
        """Give a person's word."""
        order, _ = self.store.order_recall(
            kind, "arta", "the address was a hospital's", self.now, uid=uid, **more
        )
        return order

    def take(self) -> None:
        """Do what the consuming process does between its batches."""
        self.takes(now=True)

    def lease(self, recipient: str = "kp-misp") -> LeasedRow | None:
        """Take the next edition for a recipient, as a dispatcher does."""
        until = self.now + timedelta(minutes=10)
        return self.store.lease(recipient, "w", self.now, until)

    def lease_waits(self, recipient: str = "kp-misp") -> bool:
        """Say whether anything could be sent to a recipient now."""
        pending = self.store.pending(recipient, self.now)
        return bool(pending.due)

    def deliver(self, recipient: str = "kp-misp") -> list[LeasedRow]:
        """Deliver everything that waits for a recipient; return what was sent."""
        sent = []
        while (row := self.lease(recipient)) is not None:
            if not self.store.close_needless(row, self.now):
                self.store.finish(row, self.receipt(row))
                sent.append(row)
        return sent

    def receipt(self, row: LeasedRow) -> Receipt:
        """Return the receipt of a delivery that went well."""
        sealed = row.sealed
        return Receipt(
            sealed.recipient,
            sealed.share,
            sealed.edition,
            ReceiptState.DELIVERED,
            self.now,
            sealed.sha256,
            "430",
        )

    def orders(self) -> tuple[Order, ...]:
        """Return what people said, newest first."""
        return recall_orders.listed(self.store.database)

    def alarms(self, kind: str) -> list[str]:
        """Return where something is wrong."""
        status = self.store.status(self.now)
        return sorted(one.place for one in status.alarms if one.kind == kind)

    def with_agreement(self, **changes: Any) -> None:
        """Change the agreement with the police, as a new rulebook does."""
        self.book = replace(
            self.book,
            digest="c" * 64,
            routes=tuple(
                _changed(route, changes) if route.agreement.agreement == KP else route
                for route in self.book.routes
            ),
        )

    def with_validity(self, *, until: date) -> None:
        """Let the agreement with the police end on a day."""
        route = next(r for r in self.book.routes if r.agreement.agreement == KP)
        valid = route.agreement.valid.model_copy(update={"until": until})
        self.with_agreement(valid=valid)
        self._replace(lambda r: replace(r, rules=replace(r.rules, until=until)))

    def with_recipient(self, name: str) -> None:
        """Let the agreement with the police be with somebody else."""
        other = next(r for r in self.book.routes if r.recipient.recipient == name)
        self._replace(lambda r: replace(r, recipient=other.recipient))

    def without_agreement(self) -> None:
        """Lose the file of the agreement with the police."""
        kept = tuple(r for r in self.book.routes if r.agreement.agreement != KP)
        self.book = replace(self.book, digest="d" * 64, routes=kept)

    def with_follower(self, *, from_: date) -> None:
        """End the agreement with the police, and begin one that follows it."""
        before = next(r for r in self.book.routes if r.agreement.agreement == KP)
        self.with_validity(until=from_ - timedelta(days=1))
        changed = {"agreement": "kp-second"}
        self.book = replace(
            self.book, routes=(*self.book.routes, _changed(before, changed))
        )

    def with_files(self, name: str, old: str, new: str) -> None:
        """Change a policy file, as an operator does."""
        folders = (given.ROOT / "policies", given.ROOT / "mappings")
        files = read_rulebook_files(*folders)
        text = files[name].decode()
        assert old in text
        self.book = rulebook.build(files | {name: text.replace(old, new).encode()})

    def _replace(self, change: Callable[[Route], Route]) -> None:
        routes = tuple(
            change(route) if route.agreement.agreement == KP else route
            for route in self.book.routes
        )
        self.book = replace(self.book, routes=routes)

    def approve(self, held: Held, name: str) -> None:
        """Approve a held share as somebody; what counts is not looked at here."""
        until = self.now + timedelta(hours=24)
        said = Approved(0, name, held.sha256, self.now, until, "", "")
        self.store.approve(held.id, said)

    def release(self, agreement: str) -> None:
        """Release the newest held share of an agreement, as two people do."""
        held = next(o for o in self.store.held() if o.agreement == agreement)
        for name in ("besnik", "cufe"):
            self.approve(held, name)
        received = self.received[held.uid, held.revision]
        history = self.store.histories([held.uid])[held.uid]
        keys = given.keys()
        share = release.again(
            received,
            agreement,
            rulebook=self.book,
            keys=keys,
            history=history,
            now=self.now,
        )
        assert share is not None
        book = self.book.digest
        share = release.approved(share, held.uid, held.sha256, rulebook=book, keys=keys)
        names = ("besnik", "cufe")
        self.store.release(held.id, share, book, names, self.now, keys.signing)


def _changed(route: Route, changes: dict[str, Any]) -> Route:
    return replace(route, agreement=route.agreement.model_copy(update=changes))
