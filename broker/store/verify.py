"""The register against the rest of the store: each tells the same story as the other.

The chain of links is checked by `broker.audit`; here every disclosure must have its row
in the outbox and every row its disclosure, each delivery must have been of the bytes
that were disclosed, and the counts must agree. Whoever edits a table, and not the whole
chain with a signing key, is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from broker import audit as chain
from broker.errors import AuditError
from broker.seal import VerifyingKey
from broker.store.believed import REPAIR
from broker.store.connect import Database
from broker.store.register import entries, last_link
from broker.store.tables import Place, decisions, outbox

_CHUNK = 400
# A release is the disclosure of what was decided, and held, before; a recall is one of
# what nobody decided anew.
_TELLING = frozenset({"disclosure", "release", "recall", "delivery"})
_Key = tuple[str, str, int]  # uid, agreement, edition
_ROWS = select(
    outbox.c.uid,
    outbox.c.agreement,
    outbox.c.edition,
    outbox.c.id,
    outbox.c.sha256,
    outbox.c.recipient,
    outbox.c.state,
)


def check_register(
    database: Database, keys: Mapping[str, VerifyingKey]
) -> chain.Verified:
    """Check the whole register, and that the store holds what the register tells.

    Raises:
        AuditError: a link or a row was altered, is missing or stands in the wrong
            place; names the first such entry.
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        check = _Check(connection)
        verified = chain.verify(check.watch(entries(connection)), keys)
        if (verified.entries, verified.head) != last_link(connection):
            raise AuditError(
                f"the register ends at entry {verified.entries}, "
                "and the store knows of another last entry"
            )
        check.counts()
    return verified


_DELIVERED = select(outbox.c.id).where(outbox.c.state == Place.DELIVERED.value)


class _Check:
    """Follows the links and looks up, chunk by chunk, the rows that they tell of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._disclosed: set[int] = set()  # outbox ids
        self._delivered: dict[int, int] = {}  # outbox id -> number of the link
        self._kinds: Counter[str] = Counter()

    def watch(self, links: Iterator[chain.Entry]) -> Iterator[chain.Entry]:
        """Yield the links on, and check the ones that have gone by."""
        while chunk := list(islice(links, _CHUNK)):
            # First the chain, then the story: an altered link is named as such.
            yield from chunk
            self._check(chunk)

    def _check(self, chunk: list[chain.Entry]) -> None:
        telling = [link for link in chunk if link.kind in _TELLING]
        rows = self._rows({_key(link.facts) for link in telling})
        self._kinds.update(link.kind for link in chunk)
        for link in telling:
            row = rows.get(_key(link.facts))
            if row is None:
                raise AuditError(f"entry {link.number} tells of a row that is missing")
            if row.sha256 != link.facts.get("body_sha256"):
                raise AuditError(f"entry {link.number} tells of other bytes")
            if row.recipient != link.facts.get("recipient"):
                raise AuditError(f"entry {link.number} tells of another recipient")
            if link.kind == "delivery":
                self._see_delivery(link, row)
            else:
                self._see_disclosure(link, row)

    def _rows(self, wanted: set[_Key]) -> dict[_Key, Any]:
        if not wanted:
            return {}
        same = tuple_(outbox.c.uid, outbox.c.agreement, outbox.c.edition)
        found = self._connection.execute(_ROWS.where(same.in_(sorted(wanted))))
        return {(row.uid, row.agreement, row.edition): row for row in found}

    def _see_disclosure(self, link: chain.Entry, row: Any) -> None:
        if row.id in self._disclosed:
            raise AuditError(f"entry {link.number} tells of a disclosure a second time")
        self._disclosed.add(row.id)

    def _see_delivery(self, link: chain.Entry, row: Any) -> None:
        if row.id not in self._disclosed:
            raise AuditError(f"entry {link.number} comes before its disclosure")
        if link.facts.get("state") == REPAIR:
            self._delivered.pop(row.id, None)  # from here on it is on its way again
        if link.facts.get("state") != Place.DELIVERED:
            return
        if row.id in self._delivered:
            raise AuditError(f"entry {link.number} tells of a delivery a second time")
        self._delivered[row.id] = link.number

    def counts(self) -> None:
        """Check that no row is without its links."""
        here = set(self._connection.scalars(_DELIVERED))
        for row, number in self._delivered.items():
            if row not in here:
                raise AuditError(f"entry {number} tells of a delivery that is gone")
        for seen, what, condition in (
            (self._disclosed, "disclosure", outbox.c.id > 0),
            (self._delivered, "delivery", outbox.c.state == Place.DELIVERED.value),
        ):
            query = select(outbox.c.id).where(condition).order_by(outbox.c.id)
            for (row,) in self._connection.execute(query):
                if row not in seen:
                    raise AuditError(f"outbox row {row} has no {what} entry")
        told = self._kinds["disclosure"] + self._kinds["decision"]
        stored = self._connection.scalar(select(func.count()).select_from(decisions))
        if told != stored:
            raise AuditError(f"the register tells of {told} decisions, not of {stored}")


def _key(facts: Mapping[str, Any]) -> _Key:
    edition = facts.get("edition")
    number = edition if isinstance(edition, int) else -1
    return str(facts.get("uid")), str(facts.get("agreement")), number
