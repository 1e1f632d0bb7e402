"""What units said back: traced to the incident, told, and shown to people.

Rows of `feedback` -> `Feedback` (which field of which incident) -> published, oldest
first. How they come in stands in `rounds.py`.

Invariants: the unit's own words leave the table only by `words_of`, and a person's
reading of them is a link in the register; what was published is marked afterwards, so
that a crash between the two tells the same thing twice, with the same id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import RowMapping

from broker.canonical import loads
from broker.model.feedback import Feedback, FeedbackKind, FeedbackWord
from broker.model.intake import Position
from broker.store.connect import Database
from broker.store.feedback_tables import feedback
from broker.store.register import Links, moment
from broker.store.tables import decisions, inbox, outbox

_REVISIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of an incident that a recipient has an edition of."""

    revision: int
    edition: int
    incident_sha256: str
    position: Position


@dataclass(frozen=True, slots=True)
class Traced:
    """Which field of which revision something is about, or a phrase why not known."""

    field: str = ""
    note: str = ""
    revision: int = 0


def untraced(database: Database, limit: int, after: int = 0) -> tuple[Feedback, ...]:
    """Return the oldest things said of which nobody knows yet what they are about.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(feedback).where(~feedback.c.traced, feedback.c.number > after)
    with database.read() as connection:
        rows = connection.execute(query.order_by(feedback.c.number).limit(limit))
        return tuple(_feedback(row) for row in rows.mappings())


def revisions_of(
    database: Database, uid: str, recipient: str, edition: int
) -> tuple[Revision, ...]:
    """Return the revisions behind an edition and those before it, newest first.

    Of all that the recipient was given, whichever agreement was in force then.

    Raises:
        StoreError: the store cannot be read.
    """
    query = (
        select(
            inbox.c.revision,
            decisions.c.edition,
            inbox.c.incident_sha256,
            inbox.c.source,
            inbox.c.topic,
            inbox.c.partition,
            inbox.c.offset,
        )
        .where(
            decisions.c.uid == uid,
            decisions.c.recipient == recipient,
            decisions.c.edition <= edition,
            inbox.c.uid == decisions.c.uid,
            inbox.c.revision == decisions.c.revision,
        )
        .order_by(inbox.c.revision.desc())
        .limit(_REVISIONS)
    )
    with database.read() as connection:
        return tuple(
            Revision(
                row.revision,
                row.edition,
                row.incident_sha256,
                Position(row.source, row.topic, row.partition, row.offset),
            )
            for row in connection.execute(query)
        )


def trace(
    database: Database, number: int, traced: Traced, tlp: str, readers: str
) -> None:
    """Note what something said is about, and who may read its words.

    Raises:
        StoreError: the store cannot be written.
    """
    values = {
        "field": traced.field,
        "note": traced.note,
        "revision": traced.revision,
        "tlp": tlp,
        "readers": readers,
        "traced": True,
    }
    with database.write() as connection:
        connection.execute(
            update(feedback).where(feedback.c.number == number).values(**values)
        )


def unpublished(database: Database, limit: int) -> tuple[Feedback, ...]:
    """Return the oldest things said that were traced and told nobody yet.

    Raises:
        StoreError: the store cannot be read.
    """
    query = (
        select(feedback)
        .where(feedback.c.traced, ~feedback.c.published)
        .order_by(feedback.c.number)
        .limit(limit)
    )
    with database.read() as connection:
        return tuple(_feedback(row) for row in connection.execute(query).mappings())


_PUBLISHED = (
    update(feedback).where(feedback.c.number == bindparam("one")).values(published=True)
)


def mark_published(database: Database, numbers: Sequence[int]) -> None:
    """Note that these were published.

    Raises:
        StoreError: the store cannot be written; they are published again.
    """
    if numbers:
        with database.write() as connection:
            connection.execute(_PUBLISHED, [{"one": one} for one in numbers])


# --- for people ---


def listed(
    database: Database,
    *,
    uid: str = "",
    recipient: str = "",
    words: Iterable[str] = (),
    most: int = 200,
) -> tuple[Feedback, ...]:
    """Return what was said, newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(feedback).order_by(feedback.c.number.desc()).limit(most)
    wanted = list(words)
    for column, value in ((feedback.c.uid, uid), (feedback.c.recipient, recipient)):
        if value:
            query = query.where(column == value)
    if wanted:
        query = query.where(feedback.c.word.in_(wanted))
    with database.read() as connection:
        return tuple(_feedback(row) for row in connection.execute(query).mappings())


def one(database: Database, number: int) -> Feedback | None:
    """Return one thing that was said, if there is one of that number.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(feedback).where(feedback.c.number == number)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
        return None if row is None else _feedback(row)


def words_of(database: Database, number: int) -> Mapping[str, str]:
    """Return the unit's own words, for whoever the return path lets read them.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(feedback.c.words).where(feedback.c.number == number)
    with database.read() as connection:
        found = connection.scalar(query)
    return {
        str(name): str(text) for name, text in loads((found or "{}").encode()).items()
    }


def sent(database: Database, found: Feedback) -> bytes:
    """Return the sealed bytes that something was said about; empty if they are gone.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(outbox.c.body).where(
        outbox.c.uid == found.uid,
        outbox.c.agreement == found.agreement,
        outbox.c.edition == found.edition,
    )
    with database.read() as connection:
        return connection.scalar(query) or b""


def note_reading(database: Database, found: Feedback, by: str, at: datetime) -> None:
    """Write into the register who read a unit's words; the words stay out of it.

    Raises:
        StoreError: the store cannot be written; then they must not be shown.
    """
    with database.write() as connection:
        links = Links(connection, at)
        facts = {
            "feedback": found.id,
            "uid": found.uid,
            "agreement": found.agreement,
            "recipient": found.recipient,
            "by": by,
        }
        links.add("feedback read", facts)
        links.write()


def secret_until(database: Database, uid: str) -> date | None:
    """Return until which day some unit asked to keep an incident secret, if any did.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(func.max(feedback.c.until)).where(feedback.c.uid == uid)
    with database.read() as connection:
        found = connection.scalar(query)
    return date.fromisoformat(found) if found else None


def _feedback(row: RowMapping) -> Feedback:
    at, until = row["at"], row["until"]
    return Feedback(
        row["number"],
        row["id"],
        row["recipient"],
        row["share"],
        row["uid"],
        row["agreement"],
        row["edition"],
        FeedbackKind(row["kind"]),
        FeedbackWord(row["word"]),
        row["about"],
        moment(at) if at is not None else None,
        moment(row["seen_at"]),
        row["organisation"],
        date.fromisoformat(until) if until else None,
        row["field"],
        row["note"],
        row["traced"],
        row["revision"],
        row["tlp"],
        row["readers"],
        row["published"],
        bool(row["words"]),
    )
