"""The tables of what units said back, beside those of `tables.py`.

Invariant: only ``words`` holds what a unit wrote, or chose as a value.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from broker.store.tables import metadata

# SQLite counts rows by itself only for a column that is called INTEGER.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

feedback = Table(
    "feedback",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False),
    Column("recipient", String(63), nullable=False),
    Column("share", String(36), nullable=False),
    Column("uid", String(128), nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("word", String(32), nullable=False),
    Column("about", String(64), nullable=False),
    Column("at", BigInteger),
    Column("seen_at", BigInteger, nullable=False),
    Column("organisation", String(36), nullable=False),
    Column("until", String(10), nullable=False),
    Column("words", Text, nullable=False),
    Column("traced", Boolean, nullable=False),
    Column("field", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("tlp", String(16), nullable=False),
    Column("readers", String(16), nullable=False),
    Column("published", Boolean, nullable=False),
    UniqueConstraint("id"),
    Index("feedback_open", "published", "traced", "number"),
    Index("feedback_uid", "uid", "number"),
    sqlite_autoincrement=True,
)

# When each case was last looked at, and which edition of it arrived last. Without a
# share: when the recipient was asked at all, since when everything is known, and up to
# which receipt the cases are listed here.
feedback_cursor = Table(
    "feedback_cursor",
    metadata,
    Column("recipient", String(63), primary_key=True),
    Column("share", String(36), primary_key=True),
    Column("looked_at", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("receipt", BigInteger, nullable=False),
    Column("uid", String(128), nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Index("feedback_cursor_due", "recipient", "looked_at"),
    sqlite_with_rowid=False,  # its key is the table: one tree to write, not two
)
