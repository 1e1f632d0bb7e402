"""What was received and decided, stored in one transaction per batch.

Processed messages -> rows of inbox, decisions, editions, outbox, held, dead letters and
the register, or none of them. And back: `histories` tells the pipeline what it needs to
number the next edition.

Invariants: a revision is processed once; a batch that was computed from an outdated
history is refused as a whole; what a newer revision overtakes is never sent after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from broker.errors import StoreError
from broker.model.intake import DeadLetter, Position
from broker.model.sharing import Edition, History, Outcome, State
from broker.seal import SigningKey
from broker.store import recall_orders, sequences
from broker.store.connect import Database
from broker.store.records import Committed, Processed
from broker.store.register import millis
from broker.store.rows import Rows
from broker.store.tables import Place, editions, inbox, outbox

_MANY = 500  # how many uids one question may name; SQLite allows 32,766 parameters

_REVISIONS = select(inbox.c.uid, inbox.c.revision, inbox.c.incident_sha256).where(
    inbox.c.uid.in_(bindparam("uids", expanding=True))
)
_LATEST = (
    select(
        editions.c.uid,
        editions.c.recipient,
        editions.c.agreement,
        func.max(editions.c.number).label("n"),
    )
    .where(editions.c.uid.in_(bindparam("uids", expanding=True)))
    .group_by(editions.c.uid, editions.c.recipient, editions.c.agreement)
    .subquery()
)
_EDITIONS: Select[Any] = (
    select(editions, outbox.c.state, outbox.c.overtaken)
    .select_from(
        _LATEST.join(
            editions,
            (editions.c.uid == _LATEST.c.uid)
            & (editions.c.agreement == _LATEST.c.agreement)
            & (editions.c.number == _LATEST.c.n),
        ).join(
            outbox,
            (outbox.c.uid == editions.c.uid)
            & (outbox.c.agreement == editions.c.agreement)
            & (outbox.c.edition == editions.c.number),
        )
    )
    .order_by(outbox.c.id)
)

_ATTEMPTS = (
    select(outbox.c.state, outbox.c.attempts, outbox.c.retracts)
    .where(
        outbox.c.uid == bindparam("uid"), outbox.c.recipient == bindparam("recipient")
    )
    .order_by(outbox.c.id)
)


def histories(database: Database, uids: Iterable[str]) -> dict[str, History]:
    """Return what is remembered of each incident; one that is new is left out.

    An edition that did not reach its recipient has no content digest here, so that the
    same content is sent anew and not taken for something the recipient has.

    Raises:
        StoreError: the store cannot be read.
    """
    wanted = sorted(set(uids))
    found: dict[str, History] = {}
    with database.read() as connection:
        for start in range(0, len(wanted), _MANY):
            found |= _histories(connection, wanted[start : start + _MANY])
    return found


def _histories(connection: Connection, uids: list[str]) -> dict[str, History]:
    newest: dict[str, tuple[int, str]] = {}
    for uid, revision, sha256 in connection.execute(_REVISIONS, {"uids": uids}):
        newest[uid] = max(newest.get(uid, (0, "")), (revision, sha256))
    said = recall_orders.said_of(connection, uids)
    if not newest and not said:
        return {}
    cases: dict[str, dict[str, list[Row[Any]]]] = {uid: {} for uid in {*newest, *said}}
    for row in connection.execute(_EDITIONS, {"uids": list(newest)}).all():
        cases[row.uid].setdefault(row.recipient, []).append(row)
    return {
        uid: History(
            *newest.get(uid, (0, "")),
            {to: _remembered(connection, rows) for to, rows in case.items()},
            said.get(uid, ()),
            {to: rows[-1].agreement for to, rows in case.items()},
            _used(case.values()),
        )
        for uid, case in cases.items()
    }


def _used(cases: Iterable[Sequence[Row[Any]]]) -> dict[str, int]:
    """Return the last number under each agreement, whoever it was with."""
    used: dict[str, int] = {}
    for row in chain.from_iterable(cases):
        used[row.agreement] = max(row.number, used.get(row.agreement, 0))
    return used


def _remembered(connection: Connection, rows: Sequence[Row[Any]]) -> Edition:
    """Return a case's newest edition, of the newest under each agreement."""
    row = rows[-1]
    # An older Besa numbered under each agreement anew: what counts is the highest.
    number = max(each.number for each in rows)
    created = datetime.fromtimestamp(row.created, UTC)
    modified = datetime.fromtimestamp(max(each.modified for each in rows), UTC)
    # An overtaken one counts as lost even while an attempt is under way: at worst the
    # recipient gets the same content twice.
    overtaken = row.overtaken and row.state != Place.DELIVERED
    if not (overtaken or row.state == Place.FAILED):
        return Edition(number, created, modified, row.content, row.retracts)
    # No digest: nothing equals it, so the next revision is sent again. And what the
    # recipient never had needs no taking back, which would only tell that it exists.
    has = has_something(connection, row.uid, row.recipient)
    return Edition(number, created, modified, "", retracts=not has)


def has_something(connection: Connection, uid: str, recipient: str) -> bool:
    """Say whether a recipient may have anything of an incident."""
    has = False
    for row in connection.execute(_ATTEMPTS, {"uid": uid, "recipient": recipient}):
        if row.state == Place.DELIVERED:
            has = not row.retracts
        elif row.attempts and not row.retracts:
            has = True  # part of it may have arrived
    return has


def commit(
    database: Database,
    batch: Sequence[Processed],
    at: datetime,
    key: SigningKey | None = None,
    numbers: Iterable[sequences.Numbered] = (),
) -> Committed:
    """Store everything that was decided about a batch of messages, or nothing.

    A revision that is stored already leaves only its position. With a key, the register
    gets a signed checkpoint. ``numbers`` are those that producers gave the messages.

    Raises:
        StoreError: the database refused, or another process has stored a newer revision
            of one of these incidents meanwhile; nothing was stored, so read the
            histories again and process the batch anew.
    """
    if not batch:
        return Committed()
    with database.write() as connection:
        rows = Rows(connection, at)
        known = _known_revisions(connection, batch)
        _refuse_recalled(connection, batch, known)
        counts: Counter[str] = Counter()
        for position, result in batch:
            rows.reached(position)
            if isinstance(result, DeadLetter):
                rows.dead_letter(result)
            else:
                _take(rows, known.setdefault(result.uid, {}), position, result, counts)
        rows.write(key)
        sequences.note(connection, numbers, millis(at))
        counts["superseded"] = rows.superseded
        counts["dead_letters"] = rows.new_dead_letters
    return Committed(**counts)


def _known_revisions(
    connection: Connection, batch: Sequence[Processed]
) -> dict[str, dict[int, str]]:
    uids = sorted({result.uid for _, result in batch if isinstance(result, Outcome)})
    known: dict[str, dict[int, str]] = {}
    for start in range(0, len(uids), _MANY):
        part = {"uids": uids[start : start + _MANY]}
        for uid, revision, sha256 in connection.execute(_REVISIONS, part):
            known.setdefault(uid, {})[revision] = sha256
    return known


def _refuse_recalled(
    connection: Connection,
    batch: Sequence[Processed],
    known: Mapping[str, Mapping[int, str]],
) -> None:
    """Refuse a batch that was decided before somebody took an incident back."""
    for start in range(0, len(known), _MANY):
        uids = sorted(known)[start : start + _MANY]
        said = recall_orders.said_of(connection, uids)
        for _, result in batch:
            if isinstance(result, Outcome) and result.uid in said:
                word = History(recalled=said[result.uid])
                if any(recall_orders.forbids(word, share) for share in result.shares):
                    raise StoreError("an incident was recalled meanwhile")


def _take(
    rows: Rows,
    known: dict[int, str],
    position: Position,
    outcome: Outcome,
    counts: Counter[str],
) -> None:
    stored = known.get(outcome.revision)
    if outcome.conflict or (stored and stored != outcome.incident_sha256):
        counts["conflicts"] += 1
        rows.conflict(position, outcome)
        return
    if stored:
        counts["duplicates"] += 1
        rows.again(position, outcome)
        return
    newest = max(known, default=0)
    outdated = outcome.revision < newest and any(
        share.state is not State.STALE for share in outcome.shares
    )
    # INVARIANT: a decision rests on the newest history, or it is not stored. Otherwise
    # two consumers, after a rebalance, could share an old revision after a new one.
    if outdated or outcome.duplicate:
        raise StoreError("another process has stored this incident meanwhile")
    known[outcome.revision] = outcome.incident_sha256
    rows.revision(position, outcome)
    for share in outcome.shares:
        rows.share(outcome, share, revised=bool(newest))
        counts[share.state.value] += 1
