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
    _recalls()


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
