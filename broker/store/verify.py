"""The register against the rest of the store: each tells the same story as the other.

The chain of links is checked by `broker.audit`; here every disclosure must have its row
in the outbox and every row its disclosure, each delivery must have been of the bytes
that were disclosed, and the counts must agree. Whoever edits a table, and not the whole
chain with a signing key, is found.

Each link and each row is read once. What is kept of them meanwhile is eight bytes for
each row of the outbox.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from broker import audit as chain
from broker.errors import AuditError
from broker.seal import VerifyingKey
from broker.store.believed import REPAIR
from broker.store.connect import Database
from broker.store.register import entries, last_link
from broker.store.tables import Place, decisions, outbox

Progress = Callable[[int, int], None]
"""Told how much was looked at so far, and how much there is."""

_CHUNK: Final = 500
# A release is the disclosure of what was decided, and held, before; a recall is one of
# what nobody decided anew.
_TELLING: Final = frozenset({"disclosure", "release", "recall", "delivery"})
_MOST: Final = 2**31  # PostgreSQL takes no higher number for the column
_Key = tuple[str, str, int]  # uid, agreement, edition
# The editions of a chunk, and a few more: no index answers to a list of three columns
# (SQLite reads the whole table for that), and one does to a list of incidents.
_ROWS: Final = select(
    outbox.c.uid,
    outbox.c.agreement,
    outbox.c.edition,
    outbox.c.id,
    outbox.c.sha256,
    outbox.c.recipient,
).where(
    outbox.c.uid.in_(bindparam("uids", expanding=True)),
    outbox.c.edition.between(bindparam("first"), bindparam("last")),
)
_PLACES: Final = select(outbox.c.id, outbox.c.state)
_DECISIONS: Final = select(func.count()).select_from(decisions)


def untold(_checked: int, _of: int) -> None:
    """Tell nobody how far it is."""


def check_register(
    database: Database,
    keys: Mapping[str, VerifyingKey],
    progress: Progress = untold,
) -> chain.Verified:
    """Check the whole register, and that the store holds what the register tells.

    Raises:
        AuditError: a link or a row was altered, is missing or stands in the wrong
            place; names the first such entry.
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        last = last_link(connection)
        check = _Check(connection, lambda done: progress(done, last[0]))
        verified = chain.verify(check.watch(entries(connection)), keys)
        if (verified.entries, verified.head) != last:
            raise AuditError(
                f"the register ends at entry {verified.entries}, "
                f"and the store knows of another last entry, number {last[0]}"
            )
        check.counts()
    return verified


class _Check:
    """Follows the links and looks up, chunk by chunk, the rows that they tell of."""

    def __init__(self, connection: Connection, progress: Callable[[int], None]) -> None:
        self._connection = connection
        self._progress = progress
        self._told = _Told()
        self._kinds: Counter[str] = Counter()

    def watch(self, links: Iterator[chain.Entry]) -> Iterator[chain.Entry]:
        """Yield the links on, and check the ones that have gone by."""
        while chunk := list(islice(links, _CHUNK)):
            # First the chain, then the story: an altered link is named as such.
            yield from chunk
            self._check(chunk)
            self._progress(chunk[-1].number)

    def _check(self, chunk: list[chain.Entry]) -> None:
        self._kinds.update(link.kind for link in chunk)
        telling = [(link, _key(link.facts)) for link in chunk if link.kind in _TELLING]
        rows = self._rows({key for _, key in telling})
        for link, key in telling:
            row = rows.get(key)
            if row is None:
                raise AuditError(
                    f"entry {link.number} tells of a row that is missing in the outbox"
                )
            if row.sha256 != link.facts.get("body_sha256"):
                raise AuditError(
                    f"entry {link.number} tells of other bytes than outbox row {row.id}"
                )
            if row.recipient != link.facts.get("recipient"):
                raise AuditError(
                    f"entry {link.number} tells of another recipient than "
                    f"outbox row {row.id}"
                )
            if link.kind == "delivery":
                self._see_delivery(link, row.id)
            else:
                self._see_disclosure(link, row.id)

    def _rows(self, wanted: set[_Key]) -> dict[_Key, Any]:
        if not wanted:
            return {}
        of = {
            "uids": sorted({uid for uid, _, _ in wanted}),
            "first": min(edition for _, _, edition in wanted),
            "last": max(edition for _, _, edition in wanted),
        }
        found = self._connection.execute(_ROWS, of)
        return {key: row for row in found if (key := tuple(row[:3])) in wanted}

    def _see_disclosure(self, link: chain.Entry, row: int) -> None:
        if self._told[row]:
            raise AuditError(f"entry {link.number} tells of a disclosure a second time")
        self._told[row] = _DISCLOSED

    def _see_delivery(self, link: chain.Entry, row: int) -> None:
        told = self._told[row]
        if not told:
            raise AuditError(f"entry {link.number} comes before its disclosure")
        state = link.facts.get("state")
        if state == REPAIR:
            self._told[row] = _DISCLOSED  # from here on it is on its way again
        if state != Place.DELIVERED:
            return
        if told != _DISCLOSED:
            raise AuditError(f"entry {link.number} tells of a delivery a second time")
        self._told[row] = link.number

    def counts(self) -> None:
        """Check that no row is without its links, and no link without its row."""
        wrong = min(self._wrong(), default=None)
        if wrong is not None:
            raise AuditError(wrong[1])
        told = self._kinds["disclosure"] + self._kinds["decision"]
        stored = self._connection.scalar(_DECISIONS)
        if told != stored:
            raise AuditError(
                f"the register tells of {told} decisions, and the store has {stored}"
            )

    def _wrong(self) -> Iterator[tuple[int, str]]:
        streaming = self._connection.execution_options(yield_per=_CHUNK)
        for row, state in streaming.execute(_PLACES):
            told = self._told[row]
            if not told:
                yield row, f"outbox row {row} has no disclosure entry"
            elif state == Place.DELIVERED and told == _DISCLOSED:
                yield row, f"outbox row {row} has no delivery entry"
            elif state != Place.DELIVERED and told != _DISCLOSED:
                yield row, f"entry {told} tells of a delivery that is gone"


_DISCLOSED: Final = -1


class _Told:
    """What the register told of each row of the outbox so far, by the row's number.

    0 for nothing, `_DISCLOSED`, or the number of the link that tells of its delivery.
    """

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = defaultdict(
            lambda: array("q", [0] * _CHUNK)
        )

    def __getitem__(self, row: int) -> int:
        page, place = divmod(row, _CHUNK)
        return self._pages[page][place] if page in self._pages else 0

    def __setitem__(self, row: int, told: int) -> None:
        page, place = divmod(row, _CHUNK)
        self._pages[page][place] = told


def _key(facts: Mapping[str, Any]) -> _Key:
    edition = facts.get("edition")
    number = edition if isinstance(edition, int) and edition < _MOST else -1
    return str(facts.get("uid")), str(facts.get("agreement")), number
