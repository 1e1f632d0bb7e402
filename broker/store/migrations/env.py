"""Run by Alembic for every migration: within the transaction that was handed to it.

Invariant: this opens no connection of its own, so that a migration is stored as a whole
or not at all, on SQLite as on PostgreSQL.
"""

from __future__ import annotations

from alembic import context

from broker.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
