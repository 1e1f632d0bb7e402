"""Schema 3: what the recipients do with what they were sent.

Each step below adds the tables of one part of the store.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "3"
down_revision: Final = "2"
branch_labels: Final = None
depends_on: Final = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add what is new; nothing that schema 2 kept is changed."""
    op.execute("UPDATE meta SET value = '3' WHERE name = 'schema'")
    _recipients()
    _attempts()
    op.create_index("receipts_case", "receipts", ["uid", "recipient"])
    _recalls()
    _feedback()
    _sequences()
    _reveals()


def _recipients() -> None:
    """Say of each edition whose it is: the outbox knows."""
    new = sa.Column("recipient", sa.String(63), nullable=False, server_default="")
    op.add_column("editions", new)
    op.execute(
        "UPDATE editions SET recipient = COALESCE((SELECT recipient FROM outbox"
        " WHERE outbox.uid = editions.uid AND outbox.agreement = editions.agreement"
        " AND outbox.edition = editions.number), '')"
    )


def _attempts() -> None:
    """Add the table by which all dispatchers together keep to a recipient's limit."""
    op.create_table(
        "attempts",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("recipient", sa.String(63), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("attempts_recipient", "attempts", ["recipient", "at"])


def _feedback() -> None:
    """Add the tables of what units said back, and of how far they were asked."""
    op.create_table(
        "feedback",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("recipient", sa.String(63), nullable=False),
        sa.Column("share", sa.String(36), nullable=False),
        sa.Column("uid", sa.String(128), nullable=False),
        sa.Column("agreement", sa.String(63), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("word", sa.String(32), nullable=False),
        sa.Column("about", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger()),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.String(36), nullable=False),
        sa.Column("until", sa.String(10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("traced", sa.Boolean(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("tlp", sa.String(16), nullable=False),
        sa.Column("readers", sa.String(16), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("feedback_open", "feedback", ["published", "traced", "number"])
    op.create_index("feedback_uid", "feedback", ["uid", "number"])
    op.create_table(
        "feedback_cursor",
        sa.Column("recipient", sa.String(63), primary_key=True),
        sa.Column("share", sa.String(36), primary_key=True),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.String(128), nullable=False),
        sa.Column("agreement", sa.String(63), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "feedback_cursor_due", "feedback_cursor", ["recipient", "looked_at"]
    )


def _recalls() -> None:
    """Add the tables of recalls: orders, what was taken back, and findings.

    What an older Besa took back has no row here: nobody is asked to confirm it.
    """
    op.create_table(
        "recall_orders",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("uid", sa.String(128), nullable=False),
        sa.Column("recipient", sa.String(63), nullable=False),
        sa.Column("agreement", sa.String(63), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("note", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("recall_orders_uid", "recall_orders", ["uid", "id"])
    op.create_index("recall_orders_open", "recall_orders", ["done_at", "id"])
    op.create_table(
        "recalls",
        sa.Column("uid", sa.String(128), primary_key=True),
        sa.Column("agreement", sa.String(63), primary_key=True),
        sa.Column("edition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("recipient", sa.String(63), nullable=False),
        sa.Column("share", sa.String(36), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("acknowledged_at", sa.BigInteger()),
        sa.Column("acknowledged_by", sa.String(200), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("closed", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("recalls_open", "recalls", ["closed_at", "acknowledged_at"])
    op.create_table(
        "recall_findings",
        sa.Column("order_id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("uid", sa.String(128), primary_key=True),
        sa.Column("agreement", sa.String(63), primary_key=True),
        sa.Column("recipient", sa.String(63), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )


def _sequences() -> None:
    """Add the runs of producers' numbers: counting begins with what comes next."""
    op.create_table(
        "sequences",
        sa.Column("producer", sa.String(64), primary_key=True),
        sa.Column("topic", sa.Text(), primary_key=True),
        sa.Column("first", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )


def _reveals() -> None:
    """Add the vault, and who asked for and approved a look into it."""
    op.create_table(
        "vault",
        sa.Column("recipient", sa.String(63), primary_key=True),
        sa.Column("epoch", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("index", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("agreement", sa.String(63), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("vault_until", "vault", ["until"])
    op.create_table(
        "reveals",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("recipient", sa.String(63), nullable=False),
        sa.Column("pseudonym", sa.String(64), nullable=False),
        sa.Column("case_number", sa.String(200), nullable=False),
        sa.Column("legal_order", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("requester", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("denied_by", sa.String(63)),
        sa.Column("denied_at", sa.BigInteger()),
        sa.Column("denial", sa.Text()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reveal_approvals",
        sa.Column("request", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("reviewer", sa.String(63), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sqlite_with_rowid=False,
    )
