"""The tables of the store, said once for SQLite and PostgreSQL.

Times are whole numbers: milliseconds since 1970 (UTC), or seconds for an edition's own
times. JSON is kept as text. ``uid`` is the incident's, and stands first in every key,
so that one index serves every question about one incident.

What is changed here is also a new file in `migrations/versions/`; a test compares them.

Invariants: no table holds an incident as it arrived; `outbox.body` and `held.body` are
redacted; `vault.box` (in `reveal_tables.py`) is encrypted under keys that no table
holds; `dead_letters`, `decisions`, `audit` and `alarms` never hold a value, and
`inbox.facts` only what a decision looks at (see `broker.replay`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA: Final = 3

metadata = MetaData()

# SQLite counts rows by itself only for a column that is called INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")


class Place(StrEnum):
    """Where a row of the outbox stands on its way."""

    QUEUED = "queued"
    LEASED = "leased"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class Ending(StrEnum):
    """How a held share ended; an empty text stands for one that still waits."""

    RELEASED = "released"  # two people approved it, or its embargo ended
    DROPPED = "dropped"  # a person decided that it is not shared
    SUPERSEDED = "superseded"  # a newer revision of the incident was decided


class Approval(StrEnum):
    """What became of an approval."""

    OPEN = "open"
    USED = "used"  # the share was released with it
    VOID = "void"  # it did not count: expired, or the draft is another one by now


_PLACES = ", ".join(f"'{place}'" for place in Place)

meta = Table(
    "meta",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

# Where Alembic notes which schema this is.
version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)

# One row: the register's last link. Whoever writes locks it first, so that there is one
# writer at a time and one chain, on PostgreSQL as on SQLite.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entries", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("uid", String(128), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("incident_sha256", String(64), nullable=False),
    Column("rulebook", String(64), nullable=False),
    Column("source", String(16), nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("facts", Text, nullable=False, server_default=""),
    Column("publisher", String(64), nullable=False, server_default=""),
    sqlite_with_rowid=False,  # its key is the table: one tree to write, not two
)

positions = Table(
    "positions",
    metadata,
    Column("source", String(16), primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("source", String(16), nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # With the digest, because a topic that was made anew counts from 0 again.
    UniqueConstraint("source", "topic", "partition", "offset", "sha256"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("uid", String(128), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("agreement", String(63), primary_key=True),
    Column("recipient", String(63), nullable=False),
    Column("effect", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("clauses", Text, nullable=False),
    Column("rulebook", String(64), nullable=False),
    Column("edition", Integer),
    Column("kept", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("withheld", Integer, nullable=False),
    Column("breaches", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,  # its key is the table: one tree to write, not two
)

editions = Table(
    "editions",
    metadata,
    Column("uid", String(128), primary_key=True),
    Column("agreement", String(63), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("content", String(64), nullable=False),
    Column("retracts", Boolean, nullable=False),
    Column("share", String(36), nullable=False),
    # A case is numbered on at its recipient, whichever agreement is in force.
    Column("recipient", String(63), nullable=False, server_default=""),
    sqlite_with_rowid=False,  # its key is the table: one tree to write, not two
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("uid", String(128), nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("recipient", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    # Set when something newer was decided: this row may end, and never go out again.
    Column("overtaken", Boolean, nullable=False, default=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False, default=0),
    Column("leased_by", String(128), nullable=False, default=""),
    Column("enqueued_at", BigInteger, nullable=False),
    Column("last_reason", Text, nullable=False, default=""),
    Column("share", String(36), nullable=False),
    Column("wire", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rulebook", String(64), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("retracts", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("uid", "agreement", "edition"),
    CheckConstraint(f"state IN ({_PLACES})", name="outbox_state"),
    Index("outbox_lane", "recipient", "state", "id"),
    sqlite_autoincrement=True,
)

held = Table(
    "held",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("uid", String(128), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("recipient", String(63), nullable=False),
    Column("why", Text, nullable=False),
    Column("wire", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rulebook", String(64), nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("ended", String(16), nullable=False, server_default=""),
    # Why the last attempt to release it failed.
    Column("note", Text, nullable=False, server_default=""),
    # Set when nothing but an embargo holds it: then it goes out by itself.
    Column("embargo_until", BigInteger),
    Column("ended_at", BigInteger),
    UniqueConstraint("uid", "agreement", "revision"),
    Index("held_waiting", "waiting", "id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("held", _Number, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reviewer", String(63), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", String(128), nullable=False),
    Index("approvals_held", "held", "state"),
    sqlite_autoincrement=True,
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("uid", String(128), nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("recipient", String(63), nullable=False),
    Column("share", String(36), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("losses", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("published", Boolean, nullable=False),
    Index("receipts_published", "published", "id"),
    Index("receipts_case", "uid", "recipient"),
    sqlite_autoincrement=True,
)

# When attempts began, of recipients whose file limits them: for all dispatchers.
attempts = Table(
    "attempts",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("recipient", String(63), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("attempts_recipient", "recipient", "at"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("facts", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("place", String(512), primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),
    Column("text", Text, nullable=False),
)

# --- recalls: what was taken back, by whose order, and who has confirmed it ---

# Orders only ever come in addition. Of those that fit an agreement the newest counts:
# a recall keeps newer revisions back until somebody lifts it. Empty means all.
recall_orders = Table(
    "recall_orders",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("uid", String(128), nullable=False),
    Column("recipient", String(63), nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("by", String(64), nullable=False),
    # A person's words and a random number. The register keeps a digest of both, so
    # that the words can be proved and never guessed from it.
    Column("because", Text, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("note", Text, nullable=False),
    Index("recall_orders_uid", "uid", "id"),
    Index("recall_orders_open", "done_at", "id"),
    sqlite_autoincrement=True,
)

recalls = Table(
    "recalls",
    metadata,
    Column("uid", String(128), primary_key=True),
    Column("agreement", String(63), primary_key=True),
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("recipient", String(63), nullable=False),
    Column("share", String(36), nullable=False),
    Column("cause", String(16), nullable=False),
    # False for an edition that takes back a part and leaves the rest.
    Column("whole", Boolean, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", String(200), nullable=False),
    # Set when nothing is to be confirmed any more, with a fixed phrase that says why.
    Column("closed_at", BigInteger),
    Column("closed", String(64), nullable=False),
    Index("recalls_open", "closed_at", "acknowledged_at"),
    sqlite_with_rowid=False,  # its key is the table: one tree to write, not two
)

# What a look for narrower policies found: one row per share that it concerns.
recall_findings = Table(
    "recall_findings",
    metadata,
    Column("order_id", _Number, primary_key=True, autoincrement=False),
    Column("uid", String(128), primary_key=True),
    Column("agreement", String(63), primary_key=True),
    Column("recipient", String(63), nullable=False),
    Column("what", String(32), nullable=False),
    Column("because", Text, nullable=False),
    sqlite_with_rowid=False,
)

# --- the source's own counting ---

# Runs of a producer's numbers that have come, by topic: see `broker.store.sequences`.
sequences = Table(
    "sequences",
    metadata,
    Column("producer", String(64), primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
