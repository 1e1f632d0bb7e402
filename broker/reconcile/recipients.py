"""One recipient against what we believe it holds, case by case, and its repair.

`Belief`s of the store + `Holdings` -> `RecipientReport`. A case that changes while it
is compared is compared again: deliveries go on meanwhile.

Invariant: a case with an edition on its way is never reported as different; what that
delivery finds there it mends itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.errors import DeliveryError, SealError
from broker.model.recipient import Recipient
from broker.model.sharing import Sealed
from broker.reconcile.findings import Difference, Finding, RecipientReport, Row
from broker.reconcile.holdings import Holdings
from broker.seal import VerifyingKey, verify
from broker.store.believed import (
    Belief,
    believed,
    believed_again,
    cases,
    sealed_of,
    shares,
)
from broker.store.connect import Database
from broker.store.tables import Place
from broker.store.verify import Progress, untold

Repair = Callable[[Belief], str]
"""Queues the case's edition again; returns why not, or nothing."""

_LOOKS: Final = 3
_NOT_AGAIN: Final = "not sent again; if it was taken back, recall it here as well"
# Each page is a transaction of its own: to ask for everything may take hours, and a
# reader that stays keeps the database from tidying up.
_PAGE: Final = 100


def compare_recipient(
    database: Database,
    recipient: Recipient,
    holdings: Holdings,
    keys: Mapping[str, VerifyingKey],
    repair: Repair | None = None,
    progress: Progress = untold,
) -> RecipientReport:
    """Compare everything that a recipient should hold with what it holds.

    A system that cannot be asked is a report with a problem, not an error. What is
    kept meanwhile is one page of cases, their ids, and what differs.

    Raises:
        StoreError: the store cannot be read or written.
    """
    comparison = _Comparison(database, holdings, keys)
    problem = ""
    try:
        uids = cases(database, recipient.recipient)
        for start in range(0, len(uids), _PAGE):
            page = uids[start : start + _PAGE]
            comparison.look_at(believed(database, recipient.recipient, page))
            progress(comparison.cases, len(uids))
        comparison.look_for_strangers(recipient.recipient)
    except DeliveryError as error:
        problem = str(error)
    finally:
        holdings.close()
    return RecipientReport(
        recipient.recipient,
        recipient.kind.value,
        comparison.cases,
        comparison.same,
        comparison.known_losses,
        comparison.under_way,
        comparison.taken,
        tuple(comparison.told(repair)),
        problem,
    )


@dataclass(slots=True)
class _Comparison:
    """One recipient's comparison under way."""

    database: Database
    holdings: Holdings
    keys: Mapping[str, VerifyingKey]
    cases: int = 0
    same: int = 0
    known_losses: int = 0
    under_way: int = 0
    taken: int = 0
    found: list[tuple[Belief | None, Difference]] = field(default_factory=list)

    def look_at(self, page: Collection[Belief]) -> None:
        """Compare some cases, and count how that ended."""
        arrived = [belief for belief in page if not belief.under_way]
        sealed = sealed_of(self.database, arrived)
        self.holdings.expect(sealed.values())
        for belief in page:
            self._look(belief, sealed)

    def _look(self, belief: Belief, sealed: Mapping[Belief, Sealed]) -> None:
        self.cases += 1
        for _ in range(_LOOKS):
            found = self._compared(belief, sealed)
            # Only a difference can come from a delivery that ended meanwhile.
            now = believed_again(self.database, belief) if found else belief
            if now == belief:
                break
            belief, sealed = now, sealed_of(self.database, [now])
        if belief.under_way:
            self.under_way += 1
        elif found is None:
            self.taken += 1
        elif found:
            self.found += [(belief, one) for one in found]
        else:
            self.same += 1
            self.known_losses += bool(belief.losses)

    def look_for_strangers(self, recipient: str) -> None:
        """Note what is there and belongs to no case."""
        for _ in range(_LOOKS):
            known = shares(self.database, recipient)
            strangers = list(self.holdings.strangers(known))
            # What was sent for the first time while we asked is no stranger.
            if not strangers or shares(self.database, recipient) == known:
                break
        self.found += [(None, stranger) for stranger in strangers]

    def told(self, repair: Repair | None) -> Iterator[Row]:
        """Yield the differences as rows, each case repaired once if so asked."""
        mended = {
            (belief.uid, belief.agreement): _NOT_AGAIN
            for belief, one in self.found
            if belief is not None and one.finding is Finding.RECALLED
        }
        for belief, one in self.found:
            if belief is None:
                why = "Besa deletes nothing that it never sent" if repair else ""
                yield Row(one.finding, "", one.id, 0, one.id, one.what, why)
                continue
            case = (belief.uid, belief.agreement)
            if repair is not None and case not in mended:
                mended[case] = repair(belief) or "queued"
            yield Row(
                one.finding,
                belief.uid,
                belief.share,
                belief.edition,
                one.id,
                one.what,
                mended.get(case, "") if repair else "",
            )

    def _compared(
        self, belief: Belief, sealed: Mapping[Belief, Sealed]
    ) -> tuple[Difference, ...] | None:
        """Return how a case differs; nothing when it was taken away."""
        if belief.under_way:
            return ()
        failed: tuple[Difference, ...] = ()
        if belief.state == Place.FAILED:
            what = f"edition {belief.newest} did not arrive"
            failed = (Difference(Finding.FAILED, belief.share, what),)
        edition = sealed.get(belief)
        if edition is None:
            return failed or self._left(belief)
        try:
            verify(edition, self.keys)
        except SealError as error:
            return (Difference(Finding.BROKEN, belief.share, str(error)),)
        found = self.holdings.differences(edition, belief.losses)
        return (*found, *failed) if found is not None else failed or None

    def _left(self, belief: Belief) -> tuple[Difference, ...]:
        """Look for parts of an edition that was overtaken before it was finished."""
        if not (belief.tried and self.holdings.holds(belief.share)):
            return ()
        what = "a part of an edition is there that was overtaken"
        return (Difference(Finding.EXTRA, belief.share, what),)
