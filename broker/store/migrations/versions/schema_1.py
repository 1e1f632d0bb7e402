"""Schema 1: the first one that was in use.

Written out and not taken from `broker.store.tables`, which is what the newest schema
is. Stores that this schema was laid out in before there were migrations are marked as
being here, see `broker.store.upgrade`.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "1"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

# SQLite counts rows by itself only for a column that is called INTEGER.
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_UID: Final = sa.String(128)
_NAME: Final = sa.String(63)
_DIGEST: Final = sa.String(64)


def _made(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


def _key(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, type_, primary_key=True, autoincrement=False)


def _counted() -> sa.Column[Any]:
    return sa.Column("id", _NUMBER, primary_key=True, autoincrement=True)


def _position() -> tuple[sa.Column[Any], ...]:
    return (
        _made("source", sa.String(16)),
        _made("topic", sa.Text()),
        _made("partition", sa.Integer()),
        _made("offset", sa.BigInteger()),
    )


def upgrade() -> None:
    """Lay out the tables in an empty database."""
    _what_came()
    _what_was_decided()
    _what_leaves()
    _what_arrived()
    _what_is_known_of_it()


def _what_came() -> None:
    op.create_table(
        "inbox",
        _key("uid", _UID),
        _key("revision", sa.BigInteger()),
        _made("incident_sha256", _DIGEST),
        _made("rulebook", _DIGEST),
        *_position(),
        _made("at", sa.BigInteger()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "positions",
        _key("source", sa.String(16)),
        _key("topic", sa.Text()),
        _key("partition", sa.Integer()),
        _made("offset", sa.BigInteger()),
        _made("at", sa.BigInteger()),
    )
    op.create_table(
        "dead_letters",
        _counted(),
        *_position(),
        _made("path", sa.Text()),
        _made("problem", sa.Text()),
        _made("advice", sa.Text()),
        _made("sha256", _DIGEST),
        _made("size", sa.BigInteger()),
        _made("at", sa.BigInteger()),
        sa.UniqueConstraint("source", "topic", "partition", "offset", "sha256"),
    )


def _what_was_decided() -> None:
    op.create_table(
        "decisions",
        _key("uid", _UID),
        _key("revision", sa.BigInteger()),
        _key("agreement", _NAME),
        _made("recipient", _NAME),
        _made("effect", sa.String(16)),
        _made("state", sa.String(16)),
        _made("clauses", sa.Text()),
        _made("rulebook", _DIGEST),
        sa.Column("edition", sa.Integer()),
        _made("kept", sa.Integer()),
        _made("changed", sa.Integer()),
        _made("withheld", sa.Integer()),
        _made("breaches", sa.Text()),
        _made("failure", sa.Text()),
        _made("at", sa.BigInteger()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held",
        _counted(),
        _made("uid", _UID),
        _made("revision", sa.BigInteger()),
        _made("agreement", _NAME),
        _made("recipient", _NAME),
        _made("why", sa.Text()),
        _made("wire", sa.String(16)),
        _made("sha256", _DIGEST),
        _made("rulebook", _DIGEST),
        _made("waiting", sa.Boolean()),
        _made("at", sa.BigInteger()),
        _made("body", sa.LargeBinary()),
        sa.UniqueConstraint("uid", "agreement", "revision"),
    )
    op.create_index("held_waiting", "held", ["waiting", "id"])


def _what_leaves() -> None:
    op.create_table(
        "editions",
        _key("uid", _UID),
        _key("agreement", _NAME),
        _key("number", sa.Integer()),
        _made("created", sa.BigInteger()),
        _made("modified", sa.BigInteger()),
        _made("content", _DIGEST),
        _made("retracts", sa.Boolean()),
        _made("share", sa.String(36)),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        _counted(),
        _made("uid", _UID),
        _made("agreement", _NAME),
        _made("edition", sa.Integer()),
        _made("recipient", _NAME),
        _made("state", sa.String(16)),
        _made("overtaken", sa.Boolean()),
        _made("attempts", sa.Integer()),
        _made("next_attempt_at", sa.BigInteger()),
        _made("lease_until", sa.BigInteger()),
        _made("leased_by", _UID),
        _made("enqueued_at", sa.BigInteger()),
        _made("last_reason", sa.Text()),
        _made("share", sa.String(36)),
        _made("wire", sa.String(16)),
        _made("sha256", _DIGEST),
        _made("rulebook", _DIGEST),
        _made("key_id", sa.String(16)),
        _made("signature", sa.LargeBinary()),
        _made("retracts", sa.Boolean()),
        _made("body", sa.LargeBinary()),
        sa.UniqueConstraint("uid", "agreement", "edition"),
        sa.CheckConstraint(
            "state IN ('queued', 'leased', 'delivered', 'superseded', 'failed')",
            name="outbox_state",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_lane", "outbox", ["recipient", "state", "id"])


def _what_arrived() -> None:
    op.create_table(
        "receipts",
        _counted(),
        _made("uid", _UID),
        _made("agreement", _NAME),
        _made("recipient", _NAME),
        _made("share", sa.String(36)),
        _made("edition", sa.Integer()),
        _made("state", sa.String(16)),
        _made("at", sa.BigInteger()),
        _made("sha256", _DIGEST),
        _made("remote_id", sa.Text()),
        _made("losses", sa.Text()),
        _made("reason", sa.Text()),
        _made("published", sa.Boolean()),
        sqlite_autoincrement=True,
    )
    op.create_index("receipts_published", "receipts", ["published", "id"])


def _what_is_known_of_it() -> None:
    meta = op.create_table(
        "meta", _key("name", sa.String(32)), _made("value", sa.Text())
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer(), primary_key=True),
        _made("entries", sa.BigInteger()),
        _made("digest", _DIGEST),
    )
    op.create_table(
        "audit",
        _key("number", _NUMBER),
        _made("at", sa.String(32)),
        _made("kind", sa.String(32)),
        _made("facts", sa.Text()),
        _made("previous", _DIGEST),
        _made("digest", _DIGEST),
    )
    op.create_table(
        "alarms",
        _key("kind", sa.String(32)),
        _key("place", sa.String(512)),
        _made("first_at", sa.BigInteger()),
        _made("last_at", sa.BigInteger()),
        _made("times", sa.Integer()),
        _made("text", sa.Text()),
    )
    op.bulk_insert(
        meta, [{"name": "schema", "value": "1"}, {"name": "rulebook", "value": ""}]
    )
    op.bulk_insert(head, [{"id": 1, "entries": 0, "digest": "0" * 64}])
