"""Schema 2: review by two people, the rulebook in force, and replay of decisions.

The inbox learns what a decision looks at (`facts`) and who published (`publisher`);
held shares learn how they ended, until when an embargo holds them, and why an attempt
to release them failed; approvals get a table.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "2"
down_revision: Final = "1"
branch_labels: Final = None
depends_on: Final = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add what is new; what schema 1 did not keep stays empty."""
    for table, name, type_ in (
        ("inbox", "facts", sa.Text()),
        ("inbox", "publisher", sa.String(64)),
        ("held", "ended", sa.String(16)),
        ("held", "note", sa.Text()),
    ):
        op.add_column(table, sa.Column(name, type_, nullable=False, server_default=""))
    op.add_column("held", sa.Column("embargo_until", sa.BigInteger()))
    op.add_column("held", sa.Column("ended_at", sa.BigInteger()))
    # Until now nothing else could end a held share.
    op.execute("UPDATE held SET ended = 'superseded' WHERE NOT waiting")
    op.create_table(
        "approvals",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("held", _NUMBER, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reviewer", sa.String(63), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("approvals_held", "approvals", ["held", "state"])
    for name in ("in_force", "in_force_since", "recipients"):
        op.execute(f"INSERT INTO meta (name, value) VALUES ('{name}', '')")  # noqa: S608
    op.execute("UPDATE meta SET value = '2' WHERE name = 'schema'")
