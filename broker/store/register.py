"""The disclosure register in the store: links are added here and nowhere else.

Facts -> rows of the table `audit`, chained by `broker.audit`. The last link stands in
the table `head`; whoever adds links locks that row first.

Invariants: links are added in the transaction that does what they tell of, so that
neither is ever without the other; nothing here changes or removes a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from broker import audit as chain
from broker.canonical import dumps, loads
from broker.seal import SigningKey
from broker.store.many import add_many
from broker.store.tables import audit, head

_HEAD = select(head.c.entries, head.c.digest).where(head.c.id == 1)
_LOCKED_HEAD = _HEAD.with_for_update()
_SET_HEAD = update(head).where(head.c.id == 1)
_ALL = select(
    audit.c.number,
    audit.c.at,
    audit.c.kind,
    audit.c.facts,
    audit.c.previous,
    audit.c.digest,
).order_by(audit.c.number)


def millis(at: datetime) -> int:
    """Return a time as the store keeps it: milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def moment(at: int) -> datetime:
    """Return the time that the store kept."""
    return datetime.fromtimestamp(at / 1000, UTC)


class Links:
    """New links of the register, within one writing transaction.

    Making one locks the register until the transaction ends; `write` stores the links.
    """

    def __init__(self, connection: Connection, at: datetime) -> None:
        self._connection = connection
        self._at = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        row = connection.execute(_LOCKED_HEAD).one()
        self._entries: int = row.entries
        self._digest: str = row.digest
        self._rows: list[dict[str, Any]] = []

    def add(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Add one link that tells the given facts."""
        number, previous = self._entries + 1, self._digest
        told = dumps(facts).decode()
        digest = chain.digest_of(number, self._at, kind, told, previous)
        self._entries, self._digest = number, digest
        self._rows.append(
            {
                "number": number,
                "at": self._at,
                "kind": kind,
                "facts": told,
                "previous": previous,
                "digest": digest,
            }
        )

    def sign(self, key: SigningKey) -> None:
        """Add a checkpoint: the head so far, signed. Without new links, do nothing."""
        if self._rows:
            self.add("checkpoint", chain.sign_head(self._digest, self._entries, key))

    def write(self) -> None:
        """Store the new links and the new head."""
        if self._rows:
            add_many(self._connection, audit, self._rows)
            self._connection.execute(
                _SET_HEAD, {"entries": self._entries, "digest": self._digest}
            )


def last_link(connection: Connection) -> tuple[int, str]:
    """Return the number and the hash of the last link."""
    row = connection.execute(_HEAD).one()
    return row.entries, row.digest


def entries(connection: Connection) -> Iterator[chain.Entry]:
    """Yield all links of the register, oldest first, without holding them all."""
    streaming = connection.execution_options(yield_per=500)
    for number, at, kind, text, previous, digest in streaming.execute(_ALL):
        facts = _facts(text)
        if facts is None:
            # Besa never wrote this, so it is shown as a link that no digest fits.
            facts, digest = {}, ""
        yield chain.Entry(number, at, kind, facts, previous, digest)


def _facts(text: Any) -> dict[str, Any] | None:
    """Return a link's facts; nothing when somebody put something else there."""
    try:
        facts = loads(text)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
