"""What was shared under earlier policies and the policies in force would not share.

An order to look -> each share that was made under another rulebook, its incident read
again from its source and taken the whole path under the rulebook in force -> nothing,
an edition that takes back the whole or a part, or a finding for a person.

Where the source has lost the incident, its verdict is decided once more on the facts
that were kept: what is withheld now is taken back all the same. Whether a profile shows
less of it cannot be known without it: then there is a finding, and an alarm.

Invariants: an edition that only adds waits for the incident's next revision; what takes
back a part is exactly what the rulebook in force shares; what people would have to
review is left to them. No log line holds anything of an incident.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from broker import pipeline, policy, replay
from broker.errors import BesaError, IntakeError
from broker.keys import Keys
from broker.model.decision import Effect
from broker.model.intake import Message, Position
from broker.model.sharing import NO_HISTORY, Share, State
from broker.pipeline import Received
from broker.recall import CannotError, route_of, taken_back
from broker.release import again
from broker.rulebook import Rulebook
from broker.source import Gone, SourceError
from broker.store import Store
from broker.store.less import lost
from broker.store.recall_orders import NEEDS_A_PERSON, Finding, Kind, Order
from broker.store.recalls import Cause
from broker.store.standing import Standing, sent, standing

_LOG: Final = logging.getLogger("besa.recall")
LOST_ALARM: Final = "recall-not-in-source"
"""The kind of alarm about a share that cannot be compared any more."""
_AT_ONCE: Final = 20
_SLICE_SECONDS: Final = 1.0  # the loop goes on in between


@dataclass(slots=True)
class _Progress:
    """How far a look has come."""

    after: tuple[str, str] = ("", "")
    seen: int = 0
    concerned: int = 0


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a look found of one share; nothing to do when ``what`` is empty."""

    what: str = ""
    because: str = ""
    share: Share | None = None


@dataclass
class Tightened:
    """Follows orders to look; called by `broker.recall` between batches.

    Args:
        store: where shares and orders are.
        reread: returns the message at a position.
        rulebook: returns the rulebook in force.
        keys: the signing key and the recipients' secrets.
        clock: returns the time in UTC.
    """

    store: Store
    reread: Callable[[Position], Message]
    rulebook: Callable[[], Rulebook]
    keys: Keys
    clock: Callable[[], datetime]
    _progress: dict[int, _Progress] = field(default_factory=dict)

    def follow(self, order: Order) -> bool:
        """Look at some more shares; say whether the source answered.

        Raises:
            StoreError: the store cannot be read or written.
        """
        where = self._progress.setdefault(order.id, _Progress())
        until = time.monotonic() + _SLICE_SECONDS
        while time.monotonic() < until:
            found, last = standing(
                self.store.database, after=where.after, most=_AT_ONCE
            )
            try:
                verdicts = [
                    (one, self._verdict(one))
                    for one in found
                    if self._is_about(order, one)
                ]
            except SourceError as error:
                _LOG.warning("order %d waits: %s", order.id, error)
                return False
            self._write(order, verdicts, where, done=last is None)
            if last is None:
                del self._progress[order.id]
                return True
            where.after = last
        return True

    def _write(
        self,
        order: Order,
        verdicts: list[tuple[Standing, _Verdict]],
        where: _Progress,
        *,
        done: bool,
    ) -> None:
        concerned = [(one, verdict) for one, verdict in verdicts if verdict.what]
        where.seen += len(verdicts)
        where.concerned += len(concerned)
        taken, findings = [], []
        for one, verdict in concerned:
            what = verdict.what
            if verdict.share is not None and order.kind is Kind.LOOK:
                what = f"would be {what}"
            elif verdict.share is not None:
                taken.append((one.uid, verdict.share, Cause.TIGHTENED))
            findings.append(
                Finding(one.uid, one.agreement, one.recipient, what, verdict.because)
            )
        note = f"{where.seen} shares were looked at, {where.concerned} are concerned"
        self.store.take_back(
            taken,
            self.clock(),
            self.keys.signing,
            by=order,
            note=note,
            done=done,
            findings=findings,
        )

    def _is_about(self, order: Order, one: Standing) -> bool:
        """Say whether an order means a share, by the agreement of then or of now."""
        names = {one.agreement}
        day = self.clock().date()
        if (speaks := self.rulebook().speaks_for(one.recipient, day)) is not None:
            names.add(speaks.agreement.agreement)
        return any(order.fits(one.recipient, name) for name in names)

    def _verdict(self, one: Standing) -> _Verdict:
        """Compare one share with what the rulebook in force would share."""
        book = self.rulebook()
        if one.edition.retracts or one.rulebook == book.digest:
            return _Verdict()
        try:
            received = self._received(one, book)
            if received is None:
                return self._without_source(one, book)
            return self._compared(one, received, book)
        except CannotError as error:
            return _Verdict(NEEDS_A_PERSON, str(error))
        except SourceError:
            raise
        except BesaError as error:
            return _Verdict(NEEDS_A_PERSON, str(error))
        except Exception as error:
            # Only its sort: the message could hold what it stumbled over.
            return _Verdict(NEEDS_A_PERSON, f"an error ({type(error).__name__})")

    def _received(self, one: Standing, book: Rulebook) -> Received | None:
        """Return the incident's newest revision; nothing if its source lost it."""
        if one.position is None:
            return None
        try:
            message = self.reread(one.position)
            received = pipeline.receive(
                message.body,
                message.content_type,
                rulebook=book,
                topic=message.position.topic,
            )
        except (Gone, IntakeError):
            return None
        return received if received.sha256 == one.incident_sha256 else None

    def _without_source(self, one: Standing, book: Rulebook) -> _Verdict:
        facts, now = replay.read(one.facts), self.clock()
        route = route_of(one, book, now)
        if facts is not None:
            decision = policy.decide(facts, route.rules, now)
            if decision.effect is Effect.WITHHOLD:
                share = taken_back(one, Cause.TIGHTENED, book, self.keys, now)
                return _Verdict("taken back", ", ".join(decision.clauses), share)
        because = "its source has lost the incident, so nobody can compare"
        place = f"{one.uid} {one.agreement}"
        self.store.alarm(LOST_ALARM, place, because, now)
        return _Verdict(NEEDS_A_PERSON, because)

    def _compared(self, one: Standing, received: Received, book: Rulebook) -> _Verdict:
        now = self.clock()
        route = route_of(one, book, now)
        history = self.store.histories([one.uid]).get(one.uid, NO_HISTORY)
        share = again(
            received,
            route.agreement.agreement,
            rulebook=book,
            keys=self.keys,
            history=history,
            now=now,
        )
        self.store.calm(LOST_ALARM, f"{one.uid} {one.agreement}")
        if share is None or share.state is State.WITHHELD:
            return _Verdict()
        clauses = ", ".join(share.decision.clauses)
        asks = share.decision.effect is Effect.REVIEW
        if share.state is State.UNCHANGED and not asks:
            return _Verdict()
        if share.sealed is None:
            said = share.failure or "; ".join(map(str, share.breaches)) or clauses
            return _Verdict(NEEDS_A_PERSON, f"it would be held now: {said}")
        if share.sealed.retracts:
            return _Verdict("taken back", clauses, share)
        if not lost(sent(self.store.database, one), share.sealed.body):
            return _Verdict()  # it only adds: that waits for the next revision
        return _Verdict("taken back in part", "the policies show less of it", share)
