"""The rows that one batch becomes, gathered first and then written table by table.

Outcomes and dead letters -> lists of rows -> a few statements, because what costs is
the statement and the sync, not the row.

Invariant: a disclosure, its link in the register and its row in the outbox are made in
one function, `Rows.share`, `release` or `recall`, so that none is without the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, tuple_, update

from broker.model.decision import Decision
from broker.model.intake import DeadLetter, Position
from broker.model.sharing import Outcome, ReceiptState, Share, State
from broker.seal import SigningKey
from broker.store import numbered, recalls, vault, written
from broker.store.alarms import raise_alarm
from broker.store.ended import Ended
from broker.store.many import add_many
from broker.store.recalls import Cause
from broker.store.register import Links, millis
from broker.store.tables import (
    Ending,
    Place,
    dead_letters,
    decisions,
    editions,
    held,
    inbox,
    meta,
    outbox,
    positions,
    receipts,
)

_UNSENT = (Place.QUEUED, Place.LEASED, Place.FAILED)
FAST_LANE_ALARM: Final = "fast-lane"
"""The kind of alarm by which people learn of what the fast lane let out."""
_LONGEST_PUBLISHER: Final = 64

# Locked while it is looked at, so that no worker leases it in between.
EARLIER = (
    select(
        outbox.c.id,
        outbox.c.uid,
        outbox.c.agreement,
        outbox.c.recipient,
        outbox.c.share,
        outbox.c.edition,
        outbox.c.sha256,
        outbox.c.state,
        outbox.c.attempts,
        outbox.c.last_reason,
        outbox.c.retracts,
    )
    .where(
        outbox.c.uid.in_(bindparam("uids", expanding=True)),
        outbox.c.state.in_([place.value for place in _UNSENT]),
    )
    .with_for_update()
)
OVERTAKE = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(overtaken=True, state=bindparam("place"), last_reason=bindparam("reason"))
)
_SUPERSEDED: Final = {
    "waiting": False,
    "body": b"",
    "ended": Ending.SUPERSEDED.value,
}
_POSITION: Final = ("source", "topic", "partition", "offset")
_REACHED = (
    update(positions)
    .where(
        positions.c.source == bindparam("of_source"),
        positions.c.topic == bindparam("of_topic"),
        positions.c.partition == bindparam("of_partition"),
    )
    .values(offset=bindparam("offset"), at=bindparam("at"))
)
_FIRST_REACHED = insert(positions)
_SET_RULEBOOK = update(meta).where(meta.c.name == "rulebook")
_END_HELD = (
    update(held)
    .where(
        held.c.uid == bindparam("of_uid"),
        held.c.recipient == bindparam("of_recipient"),
        held.c.waiting,
    )
    .values(**_SUPERSEDED, ended_at=bindparam("now"))
)
_AGAIN = (
    update(inbox)
    .where(
        inbox.c.uid == bindparam("of_uid"),
        inbox.c.revision == bindparam("of_revision"),
    )
    .values({name: bindparam(f"new_{name}") for name in _POSITION})
)
_LETTERS = select(
    dead_letters.c.source,
    dead_letters.c.topic,
    dead_letters.c.partition,
    dead_letters.c.offset,
    dead_letters.c.sha256,
)
OVERTAKEN: Final = "a newer revision was decided"


class Rows:
    """Everything that one batch adds to the store, within one writing transaction."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self._connection = connection
        self._at = millis(at)
        self._links = Links(connection, at)
        self._inbox: list[dict[str, Any]] = []
        self._again: list[dict[str, Any]] = []
        self._decisions: list[dict[str, Any]] = []
        self._editions: list[dict[str, Any]] = []
        self._outbox: list[dict[str, Any]] = []
        self._receipts: list[dict[str, Any]] = []
        self._recalls: list[dict[str, Any]] = []
        self._gone: list[Mapping[Any, Any]] = []
        self._letters: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._positions: dict[tuple[str, str, int], int] = {}
        # By (uid, recipient), which is one case whichever agreement is in force: what
        # this batch would send or hold last.
        self._last: dict[tuple[str, str], dict[str, Any]] = {}
        self._held: dict[tuple[str, str], dict[str, Any]] = {}
        self._all_held: list[dict[str, Any]] = []
        self._revised: set[tuple[str, str]] = set()
        # Of these, what is stored and not sent yet ends; if true, recalls end too.
        self._overtaken: dict[tuple[str, str], bool] = {}
        self.superseded = 0
        self.new_dead_letters = 0

    def reached(self, position: Position) -> None:
        """Note that a message was read."""
        lane = (position.source, position.topic, position.partition)
        self._positions[lane] = max(position.offset, self._positions.get(lane, -1))

    def dead_letter(self, letter: DeadLetter) -> None:
        """Add a message that is not an incident."""
        row = written.letter_row(letter, self._at)
        self._letters[(*_place(letter.position), letter.sha256)] = row

    def conflict(self, position: Position, outcome: Outcome) -> None:
        """Raise an alarm: a revision came a second time with other content."""
        where = f"{outcome.uid} revision {outcome.revision} at {position}"
        text = "this revision was received before with other content; ignored"
        # The alarm is new only once, however often Kafka delivers the message.
        if raise_alarm(self._connection, "conflict", where, text, self._at):
            facts = {
                "uid": outcome.uid,
                "revision": outcome.revision,
                "incident_sha256": outcome.incident_sha256,
                "position": str(position),
            }
            self._links.add("conflict", facts)

    def revision(self, position: Position, outcome: Outcome) -> None:
        """Add an incident revision to the inbox."""
        row = {
            "uid": outcome.uid,
            "revision": outcome.revision,
            "incident_sha256": outcome.incident_sha256,
            "rulebook": outcome.rulebook,
            "source": position.source,
            "topic": position.topic,
            "partition": position.partition,
            "offset": position.offset,
            "at": self._at,
            "facts": outcome.facts,
            "publisher": outcome.publisher[:_LONGEST_PUBLISHER],
        }
        self._inbox.append(row)

    def again(self, position: Position, outcome: Outcome) -> None:
        """Note that a revision that is stored stands at another place as well.

        What is held is read again from there, should the source have lost the first.
        """
        of = {"of_uid": outcome.uid, "of_revision": outcome.revision}
        self._again.append(of | _columns(position))

    def share(self, outcome: Outcome, share: Share, *, revised: bool) -> None:
        """Add what was decided under one agreement, and its link in the register.

        Args:
            outcome: the revision that the share belongs to.
            share: the decision and what came of it.
            revised: an older revision of the incident is stored or in this batch.
        """
        decision = share.decision
        of = (outcome.uid, decision.recipient)
        facts = written.decision_facts(outcome, share)
        self._decisions.append(written.decision_row(facts, share, self._at))
        revised = revised and not share.aside  # then another agreement decides
        if revised and share.state in (State.QUEUED, State.HELD, State.WITHHELD):
            # What must not be shared any more is not sent, but what takes back is.
            self._overtake(of, recalls=share.state is State.QUEUED)
        if revised and share.state is not State.STALE:
            self._end_held(of)
        if share.state is State.QUEUED:
            cause = Cause.DECIDED
            if "withdrawn" in facts["clauses"]:
                cause = Cause.WITHDRAWN
            sent = self._queue(outcome.uid, share, cause)
            self._links.add("disclosure", facts | sent)
            if decision.notifies:
                self._notify(outcome, decision)
        else:
            reasons = {
                "breaches": [str(breach) for breach in share.breaches],
                "failure": share.failure,
            }
            self._links.add("decision", facts | reasons)
        if share.state is State.HELD:
            self._hold(outcome, share)

    def _notify(self, outcome: Outcome, decision: Decision) -> None:
        """Tell people what left without their review, because a life is at stake."""
        of = f"{outcome.uid} revision {outcome.revision} {decision.agreement}"
        text = f"a threat to life was shared with {decision.recipient} without review"
        raise_alarm(self._connection, FAST_LANE_ALARM, of, text, self._at)

    def _queue(
        self, uid: str, share: Share, cause: Cause, by: str = "", *, part: bool = False
    ) -> dict[str, Any]:
        """Add an edition and its place in the outbox; return what the link tells.

        ``part``: the edition takes something back although it discloses the rest.
        """
        row = written.outbox_row(uid, share, self._at)
        if row["retracts"] or part:
            self._recalls.append(recalls.row_of(row, cause, by))
        self._editions.append(written.edition_row(uid, share))
        self._outbox.append(row)
        vault.add(self._connection, share.deposits, self._at)
        self._last[uid, share.decision.recipient] = row
        return written.sent_facts(row)

    def _hold(self, outcome: Outcome, share: Share) -> None:
        row = written.held_row(outcome, share, self._at)
        self._held[outcome.uid, share.decision.recipient] = row
        self._all_held.append(row)
        if share.failure or share.breaches:
            # Law 5: an error never shares, and never stays silent either.
            kind = "failure" if share.failure else "breach"
            agreement = share.decision.agreement
            where = f"{outcome.uid} revision {outcome.revision} {agreement}"
            raise_alarm(self._connection, kind, where, row["why"], self._at)

    def release(self, uid: str, share: Share, facts: Mapping[str, Any]) -> None:
        """Add the edition of a share that was held until now, and its link.

        Args:
            uid: the incident's.
            share: sealed.
            facts: who released what, for the register.
        """
        of = (uid, share.decision.recipient)
        self._overtake(of, recalls=True)
        sent = self._queue(uid, share, Cause.DECIDED)
        self._links.add("release", {**facts, **sent})

    def recall(
        self, uid: str, share: Share, cause: Cause, by: str, facts: Mapping[str, Any]
    ) -> None:
        """Add an edition that takes back, whole or in part, and its link.

        Args:
            uid: the incident's.
            share: sealed; without contents, or with fewer of them.
            cause: why it is taken back.
            by: the person who said so; empty when the rules do.
            facts: what was decided and why, for the register.
        """
        of = (uid, share.decision.recipient)
        self._overtake(of, recalls=True)
        sent = self._queue(uid, share, cause, by, part=True)
        self._links.add("recall", {**facts, "cause": cause.value, "by": by, **sent})

    def _end_held(self, of: tuple[str, str]) -> None:
        self._revised.add(of)
        earlier = self._held.pop(of, None)
        if earlier:
            earlier |= _SUPERSEDED | {"ended_at": self._at}

    def _overtake(self, of: tuple[str, str], *, recalls: bool) -> None:
        """End what is not sent yet; a recall only if something newer is sent."""
        self._overtaken[of] = self._overtaken.get(of, False) or recalls
        earlier = self._last.get(of)
        if earlier and (recalls or not earlier["retracts"]):
            del self._last[of]
            earlier |= {
                "state": Place.SUPERSEDED.value,
                "overtaken": True,
                "last_reason": OVERTAKEN,
            }
            self._supersede(earlier)

    def _supersede(self, row: Mapping[Any, Any]) -> None:
        self.superseded += 1
        self._gone.append(row)
        ended = Ended(row, ReceiptState.SUPERSEDED, self._at, reason=OVERTAKEN)
        self._receipts.append(ended.receipt())
        self._links.add("delivery", ended.facts())

    def write(self, key: SigningKey | None) -> None:
        """Store all rows, and the register's links with a checkpoint if there is a key.

        Raises:
            StoreError: an edition's number is not higher than all before it.
            sqlalchemy.exc.SQLAlchemyError: the database refused one of them.
        """
        numbered.refuse_outdated(self._connection, self._outbox)
        self._write_overtaken()
        if self._again:
            self._connection.execute(_AGAIN, self._again)
        self._write_letters()
        self._write_positions()
        for table, rows in (
            (inbox, self._inbox),
            (decisions, self._decisions),
            (editions, self._editions),
            (outbox, self._outbox),
            (held, self._all_held),
            (receipts, self._receipts),
        ):
            add_many(self._connection, table, rows)
        recalls.add(self._connection, self._recalls)
        recalls.superseded(self._connection, self._gone, self._at)
        if self._inbox:
            newest = {"value": self._inbox[-1]["rulebook"]}
            self._connection.execute(_SET_RULEBOOK, newest)
        if key:
            self._links.sign(key)
        self._links.write()

    def _write_overtaken(self) -> None:
        """Take back what is stored, not yet sent, and not current any more."""
        if self._revised:
            ended = [
                {"of_uid": uid, "of_recipient": name, "now": self._at}
                for uid, name in self._revised
            ]
            self._connection.execute(_END_HELD, ended)
        if not self._overtaken:
            return
        uids = sorted({uid for uid, _ in self._overtaken})
        changes = []
        for row in self._connection.execute(EARLIER, {"uids": uids}).mappings().all():
            recalls = self._overtaken.get((row["uid"], row["recipient"]))
            if recalls is None or (row["retracts"] and not recalls):
                continue
            place, reason = row["state"], row["last_reason"]
            if place == Place.QUEUED:
                # One that is under way ends first; `outbox` sees the mark then.
                place, reason = Place.SUPERSEDED.value, OVERTAKEN
                self._supersede(row)
            changes.append({"row": row["id"], "place": place, "reason": reason})
        if changes:
            self._connection.execute(OVERTAKE, changes)

    def _write_letters(self) -> None:
        if not self._letters:
            return
        places = [key[:4] for key in self._letters]
        same = tuple_(*_LETTERS.selected_columns[:4]).in_(places)
        for row in self._connection.execute(_LETTERS.where(same)):
            self._letters.pop(tuple(row), None)
        self.new_dead_letters = len(self._letters)
        add_many(self._connection, dead_letters, list(self._letters.values()))

    def _write_positions(self) -> None:
        for (source, topic, partition), offset in self._positions.items():
            of = {"of_source": source, "of_topic": topic, "of_partition": partition}
            now = {"offset": offset, "at": self._at}
            if not self._connection.execute(_REACHED, of | now).rowcount:
                new = {name.removeprefix("of_"): value for name, value in of.items()}
                self._connection.execute(_FIRST_REACHED, [new | now])


def _place(position: Position) -> tuple[str, str, int, int]:
    return position.source, position.topic, position.partition, position.offset


def _columns(position: Position) -> dict[str, str | int]:
    return dict(
        zip((f"new_{name}" for name in _POSITION), _place(position), strict=True)
    )
