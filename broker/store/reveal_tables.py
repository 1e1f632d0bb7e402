"""The tables of the vault: whom pseudonyms stand for, and who asked.

A page of `tables.py` of its own; `broker.store` loads both.

Invariants: `vault.box` is encrypted, and `vault.index` a keyed digest, under keys that
no table holds; `reveals` and `reveal_approvals` never hold a value.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from broker.store.tables import metadata

_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

# One row per pseudonym that left. The value in `box` is encrypted, and so is which
# pseudonym it belongs to; the keys lie in the consume zone (`broker.vault`).
vault = Table(
    "vault",
    metadata,
    Column("recipient", String(63), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("index", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("field", String(64), nullable=False),
    Column("agreement", String(63), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("box", LargeBinary, nullable=False),
    Index("vault_until", "until"),
    sqlite_with_rowid=False,
)

reveals = Table(
    "reveals",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("recipient", String(63), nullable=False),
    Column("pseudonym", String(64), nullable=False),
    Column("case_number", String(200), nullable=False),
    Column("legal_order", String(200), nullable=False),
    # A person's words and a random number. The register keeps a digest of both, so
    # that the words can be proved and never guessed from it.
    Column("reason", Text, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("requester", String(64), nullable=False),
    Column("user", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    # Set when two people have approved: until then it may be shown, and never after.
    Column("until", BigInteger),
    Column("shown", Integer, nullable=False),
    # Set when somebody refused, for good: who, when, and in which words.
    Column("denied_by", String(63)),
    Column("denied_at", BigInteger),
    Column("denial", Text),
    sqlite_autoincrement=True,
)

reveal_approvals = Table(
    "reveal_approvals",
    metadata,
    Column("request", _NUMBER, primary_key=True, autoincrement=False),
    Column("reviewer", String(63), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", String(128), nullable=False),
    sqlite_with_rowid=False,
)
