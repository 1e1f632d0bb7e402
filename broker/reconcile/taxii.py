"""What a TAXII collection holds: every version of a case's objects, and other reports.

`Sealed` (a STIX bundle) against the collection -> `Difference`s. Objects are compared
whole, by id and version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from broker.canonical import loads
from broker.deliver import Delivery
from broker.deliver.taxii import TaxiiRecipient
from broker.errors import Refused
from broker.model.sharing import Loss, Sealed
from broker.reconcile.findings import UNKNOWN_RECALL, Difference, Finding

_REPORT: Final = "report--"
# The adapter does not send it; see `broker.deliver.taxii`.
_UNSENT: Final = "extension-definition"


class TaxiiHoldings:
    """One collection, asked for the cases that are in it."""

    def __init__(self, way: Delivery, *, deletes: bool) -> None:
        if not isinstance(way, TaxiiRecipient):
            raise TypeError("a TAXII collection is asked through its own adapter")
        self._way = way
        self._deletes = deletes

    def close(self) -> None:
        """Give up all connections."""
        self._way.close()

    def expect(self, editions: Collection[Sealed]) -> None:
        """Do nothing: a question names the objects of one edition."""

    def holds(self, share: str) -> bool:
        """Say whether a report of the case is there."""
        return any(True for _ in self._readable().by_ids([f"{_REPORT}{share}"]))

    def differences(
        self, sealed: Sealed, losses: Collection[Loss]
    ) -> tuple[Difference, ...]:
        """Compare an edition's objects with the collection's."""
        objects = [
            made for made in loads(sealed.body)["objects"] if made["type"] != _UNSENT
        ]
        there: dict[str, list[dict[str, Any]]] = {}
        for made in self._readable().by_ids([made["id"] for made in objects]):
            there.setdefault(str(made.get("id")), []).append(made)
        if sealed.retracts and not there.get(f"{_REPORT}{sealed.share}"):
            return ()
        if not sealed.retracts and _is_revoked(there.get(f"{_REPORT}{sealed.share}")):
            return (Difference(Finding.RECALLED, sealed.share, UNKNOWN_RECALL),)
        lost = {loss.id for loss in losses}
        return tuple(
            found
            for made in objects
            if made["id"] not in lost
            for found in self._of(made, there.get(made["id"], []))
        )

    def strangers(self, known: Collection[str]) -> Iterator[Difference]:
        """Yield reports that belong to no case: the collection is ours alone."""
        for made in self._readable().by_type("report"):
            made_id = str(made.get("id"))
            if made_id.removeprefix(_REPORT) not in known:
                yield Difference(
                    Finding.EXTRA, made_id, "a report that Besa never sent"
                )

    def _readable(self) -> Any:
        collection = self._way.opened()
        if not collection.can_read:
            raise Refused("the collection cannot be read by us")
        return collection

    def _of(
        self, made: dict[str, Any], versions: list[dict[str, Any]]
    ) -> Iterator[Difference]:
        """Compare one object with all versions of it that are there."""
        if not versions:
            yield Difference(Finding.MISSING, made["id"], "is not there")
            return
        if "modified" not in made:
            if made not in versions:
                yield Difference(Finding.ALTERED, made["id"], "is stored otherwise")
            return
        newest = max(versions, key=lambda one: str(one.get("modified", "")))
        if str(newest.get("modified", "")) < made["modified"]:
            yield Difference(Finding.OLDER, made["id"], "an older version is there")
        elif newest != made:
            yield Difference(Finding.ALTERED, made["id"], "is stored otherwise")
        elif len(versions) > 1 and self._deletes:
            yield Difference(Finding.EXTRA, made["id"], "older versions are there, too")


def _is_revoked(versions: Sequence[dict[str, Any]] | None) -> bool:
    """Say whether the newest version of a report takes it back (STIX 2.1, 3.2)."""
    newest = max(versions or (), key=lambda made: str(made.get("modified")), default={})
    return newest.get("revoked") is True
