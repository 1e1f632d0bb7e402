"""What was shared is taken back: by a person's word, or because an agreement says so.

Orders of people, agreements that ended, periods that are over -> editions without
contents, sealed and queued before everything that is not sent yet.

An edition that takes back holds nothing of the incident but a marking, times and an id.
So it is made without the incident: it does not matter whether the source still has it.
The marking is the one that was decided on, or the recipient's ceiling if nobody knows.

Invariants: it is made in the consume zone and inspected by the guard like every draft;
what is under one recipient's agreement goes to that recipient and no other; what cannot
be taken back stays an open order with an alarm, and is tried again. No log line holds
anything of an incident.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from broker import pipeline, policy, replay
from broker.errors import BesaError, StoreError
from broker.keys import Keys
from broker.model.agreement import OnExpiry, OnRetention, OnWithdrawal
from broker.model.decision import OUT_OF_DATES, RECALLED, Decision, Effect, Finding
from broker.model.incident import Incident
from broker.model.marking import Pap, Tlp
from broker.model.sharing import Share, State
from broker.rulebook import Route, Rulebook
from broker.store import Store, recall_orders
from broker.store.about import concerned
from broker.store.recall_orders import FAILED_ALARM, Kind, Order
from broker.store.recalls import Cause
from broker.store.standing import Standing, agreements, delivered, standing

_LOG: Final = logging.getLogger("besa.recall")
GONE_ALARM: Final = "agreement-gone"
"""The kind of alarm about shares whose agreement is not in the policies any more."""
_END: Final = "an agreement ends by its last day, not by losing its file"
_EVERY_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 30.0  # after something could not be taken back
_ROUND_SECONDS: Final = 3600.0  # between two looks at everything
_AT_ONCE: Final = 100
# What keeps a following agreement from sharing for now, and says nothing of the case.
_SUSPENDED: Final = "suspended"
_WITHDRAWN: Final = "withdrawn"
_UNDETERMINED: Final = "other/undetermined"
_WORDS: Final = {
    Cause.ORDERED: (RECALLED, "a person took it back"),
    Cause.EXPIRED: (OUT_OF_DATES, "the agreement is no longer in force"),
    Cause.RETENTION: ("retention", "the agreed period is over"),
    Cause.TIGHTENED: ("tightened", "the policies in force withhold it"),
}


class CannotError(BesaError):
    """Something cannot be taken back; the text says why, and never names a value."""


@dataclass(slots=True)
class _Round:
    """How far one look at everything has come, and when the next one begins."""

    after: tuple[str, str] = ("", "")
    next: float = 0.0
    missed: bool = False  # something could not be taken back: look again


@dataclass(slots=True)
class _Walk:
    """How far one walk through the deliveries has come, and when it goes on."""

    after: int = 0
    next: float = 0.0
    missed: int | None = None  # behind here something could not be taken back


@dataclass(slots=True)
class _Seen:
    """What a look at the store left for the next one."""

    expired: dict[tuple[str, str, str, str], _Round] = field(default_factory=dict)
    kept: dict[str, _Walk] = field(default_factory=dict)
    watched: float = 0.0
    book: str = ""  # the rulebook whose agreements were looked for last


@dataclass
class Recall:
    """Takes back what is to be taken back; called between the batches.

    Args:
        store: where orders and editions are.
        rulebook: returns the rulebook in force.
        keys: the signing key and the recipients' secrets.
        clock: returns the time in UTC.
        days: after how many days without a confirmation a recall is overdue.
        look: follows orders to compare what was shared with the policies in force;
            says whether the source answered. See `broker.tightened`.
    """

    store: Store
    rulebook: Callable[[], Rulebook]
    keys: Keys
    clock: Callable[[], datetime]
    days: int
    look: Callable[[Order], bool]
    _next: float = 0.0
    _not_before: dict[int, float] = field(default_factory=dict)
    _seen: _Seen = field(default_factory=_Seen)

    def __call__(self, *, now: bool = False) -> None:
        """Do what is due; at most once a second, unless it must be ``now``."""
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        looks = (self._orders, self._expired, self._kept_too_long, self._gone)
        for look in (*looks, self._watch):
            _tried(look)

    # --- by a person's word ---

    def _orders(self) -> None:
        for order in recall_orders.open_orders(self.store.database):
            if time.monotonic() >= self._not_before.get(order.id, 0.0):
                _tried(partial(self._obey, order))

    def _obey(self, order: Order) -> None:
        if order.kind is Kind.RECALL:
            self._follow(order)
        elif not self.look(order):
            self._not_before[order.id] = time.monotonic() + _PATIENCE_SECONDS

    def _follow(self, order: Order) -> None:
        database = self.store.database
        whose = concerned(database, order.uid, order.recipient, order.agreement)
        found, _ = standing(database, uid=order.uid)
        wanted = [one for one in found if whose is None or one.recipient in whose]
        taken, troubles = self._taken(wanted, Cause.ORDERED, order.at)
        note = "; ".join(sorted(set(troubles.values())))
        done = not troubles
        if taken or done or note != order.note:
            self.store.take_back(
                taken, self.clock(), self.keys.signing, by=order, note=note, done=done
            )
        if troubles:
            self._not_before[order.id] = time.monotonic() + _PATIENCE_SECONDS
        elif order.note:
            recall_orders.calm(self.store.database, order.uid)
        _LOG.info("order %d: %d taken back", order.id, len(taken))

    # --- by the rules ---

    def _expired(self) -> None:
        """Take back what was shared under agreements that have ended.

        Whoever has a following agreement keeps what that one shares, too.
        """
        book, today = self.rulebook(), self.clock().date()
        for recipient in sorted({each.recipient.recipient for each in book.routes}):
            speaks = book.speaks_for(recipient, today)
            if speaks is not None and speaks.agreement.valid.start <= today:
                _tried(partial(self._end_of, recipient, speaks, book))

    def _end_of(self, recipient: str, speaks: Route, book: Rulebook) -> None:
        """Take back what no agreement with a recipient covers any more."""
        today = self.clock().date()
        ended = {
            route.agreement.agreement: route.agreement.on_expiry
            for route in book.agreements_with(recipient)
            if route.agreement.valid.until < today
        }
        if speaks.agreement.agreement in ended:
            self._walk(recipient, "", speaks, book, ended)
            return
        for name in sorted(ended):
            self._walk(recipient, name, speaks, book, ended)

    def _walk(
        self,
        recipient: str,
        under: str,
        speaks: Route,
        book: Rulebook,
        ended: Mapping[str, OnExpiry],
    ) -> None:
        """Look at some more shares; empty ``under`` stands for every agreement."""
        how = ended.values() if not under else (ended[under],)
        if OnExpiry.RETRACT not in how:
            return
        key = (recipient, under, speaks.agreement.agreement, book.digest)
        where = self._seen.expired.setdefault(key, _Round())
        if time.monotonic() < where.next:
            return
        found, last = standing(
            self.store.database,
            recipient=recipient,
            agreement=under,
            after=where.after,
            most=_AT_ONCE,
        )
        wanted = [one for one in found if self._has_lapsed(one, speaks, ended)]
        where.missed = self._by_rule(wanted, Cause.EXPIRED) or where.missed
        where.after = last or ("", "")
        if last is None:
            # What follows an agreement was asked about everything after one round.
            rest = _ROUND_SECONDS if where.missed or not under else math.inf
            where.next, where.missed = time.monotonic() + rest, False

    def _has_lapsed(
        self, one: Standing, speaks: Route, ended: Mapping[str, OnExpiry]
    ) -> bool:
        """Say whether a share is to be taken back because its agreement has ended."""
        name, how = speaks.agreement.agreement, ended.get(one.agreement)
        if name in ended:
            # Nothing follows: what was agreed last counts, and what it was shared by.
            return OnExpiry.RETRACT in (how, ended[name])
        if how is not OnExpiry.RETRACT:
            return False
        facts = replay.read(one.facts)
        if facts is None:  # an older Besa kept none: the next revision decides
            return False
        decision = policy.decide(facts, speaks.rules, self.clock())
        keeps = speaks.agreement.on_withdrawal is OnWithdrawal.KEEP
        spared = {_SUSPENDED, *([_WITHDRAWN] if keeps else [])}
        return decision.effect is Effect.WITHHOLD and not spared & {*decision.clauses}

    def _kept_too_long(self) -> None:
        """Take back what recipients have had for as long as was agreed.

        Of what was shared under an earlier agreement, the shorter period counts: that
        one's, or that of the agreement which decides now.
        """
        book, today = self.rulebook(), self.clock().date()
        for route in book.routes:
            speaks = book.speaks_for(route.recipient.recipient, today)
            periods = [
                each.agreement.retention_days
                for each in (route, speaks)
                if each and each.agreement.on_retention is OnRetention.RETRACT
            ]
            if periods:
                self._end_period(
                    route.agreement.agreement, timedelta(days=min(periods))
                )

    def _end_period(self, agreement: str, period: timedelta) -> None:
        where = self._seen.kept.setdefault(agreement, _Walk())
        if time.monotonic() < where.next:
            return
        database, until = self.store.database, self.clock() - period
        found = delivered(database, agreement, after=where.after, most=_AT_ONCE)
        over = [each for each in found if each.at <= until]
        wanted = []
        for each in over:
            there, _ = standing(database, uid=each.uid, agreement=agreement)
            # A newer edition has a period of its own.
            wanted += [one for one in there if one.edition.number == each.edition]
        if self._by_rule(wanted, Cause.RETENTION) and where.missed is None:
            where.missed = where.after
        if over:
            where.after = over[-1].number
        if len(over) < _AT_ONCE:
            if where.missed is not None:
                where.after, where.missed = where.missed, None
            where.next = time.monotonic() + _PATIENCE_SECONDS

    def _gone(self) -> None:
        """Raise an alarm for agreements whose files are gone while somebody has shares.

        Without them nothing can be taken back, and nothing ends by itself.
        """
        book = self.rulebook()
        if self._seen.book == book.digest:
            return
        known = {route.agreement.agreement for route in book.routes}
        served = {route.recipient.recipient for route in book.routes}
        database, now = self.store.database, self.clock()
        for agreement, recipient in sorted(agreements(database)):
            if agreement in known or recipient in served:
                self.store.calm(GONE_ALARM, agreement)
            elif standing(database, agreement=agreement, most=_AT_ONCE)[0]:
                text = f"{recipient} has incidents under it; put its file back: {_END}"
                self.store.alarm(GONE_ALARM, agreement, text, now)
        self._seen.book = book.digest

    def _by_rule(self, found: Iterable[Standing], cause: Cause) -> bool:
        """Take back what was found; say whether something could not be."""
        # One that failed to take back has its alarm: a person must see to it.
        wanted = [one for one in found if not one.edition.retracts]
        taken, troubles = self._taken(wanted, cause, self.clock())
        if taken:
            self.store.take_back(taken, self.clock(), self.keys.signing)
            _LOG.info("%d taken back: %s", len(taken), cause.value)
        return bool(troubles)

    def _watch(self) -> None:
        """Raise an alarm for what nobody has confirmed for too long."""
        if time.monotonic() >= self._seen.watched:
            self._seen.watched = time.monotonic() + _ROUND_SECONDS
            self.store.watch_recalls(self.clock(), self.days)

    # --- how ---

    def _taken(
        self, wanted: Iterable[Standing], cause: Cause, at: datetime
    ) -> tuple[list[tuple[str, Share, Cause]], dict[str, str]]:
        """Return what takes back, and what cannot be taken back, with the reason."""
        book = self.rulebook()
        taken: list[tuple[str, Share, Cause]] = []
        troubles: dict[str, str] = {}
        for one in wanted:
            try:
                share = taken_back(one, cause, book, self.keys, at)
            except Exception as error:
                # INVARIANT: what fails for one recipient must not spare the others.
                known = isinstance(error, CannotError)
                why = str(error) if known else f"an error ({type(error).__name__})"
                place = f"{one.uid} {one.agreement}"
                troubles[place] = f"{one.agreement}: {why}"
                text = f"{one.recipient} still holds it: {why}"
                self.store.alarm(FAILED_ALARM, place, text, self.clock())
            else:
                taken.append((one.uid, share, cause))
        return taken, troubles


def _tried(look: Callable[[], None]) -> None:
    """Do one thing. An error in it must not keep anything else from being done."""
    try:
        look()
    except StoreError as error:
        _LOG.warning("recalls were not looked at: %s", error)
    except Exception as error:
        # Only its sort: the message could hold what it stumbled over.
        _LOG.error("an error in taking back (%s)", type(error).__name__)


def taken_back(
    one: Standing, cause: Cause, book: Rulebook, keys: Keys, at: datetime
) -> Share:
    """Make the edition that takes everything back from one recipient.

    Raises:
        CannotError: the policies in force do not know the recipient by that agreement
            any more, or the guard found something.
    """
    route = route_of(one, book, at)
    clause, because = _WORDS[cause]
    finding = Finding(clause, Effect.WITHHOLD, True, "", because)
    name = route.agreement.agreement
    decision = Decision(name, one.recipient, Effect.WITHHOLD, (finding,))
    before = one.before(name)
    share = pipeline.withheld(_notice_of(one, at), route, book, keys, decision, before)
    if share.state is not State.QUEUED or share.sealed is None:
        found = ", ".join(str(breach) for breach in share.breaches)
        raise CannotError(f"the guard found: {found}")
    if share.sealed.share != one.share:
        raise CannotError("the recipient's secret is another one than it was then")
    return share


def route_of(one: Standing, book: Rulebook, at: datetime) -> Route:
    """Return the route that decides about a share now, and takes it back.

    Raises:
        CannotError: its agreement is gone, or with somebody else by now, and the
            recipient has no other.
    """
    route = book.speaks_for(one.recipient, at.date())
    if route is not None:
        return route
    for other in book.routes:
        if other.agreement.agreement == one.agreement:
            raise CannotError(f"the agreement is with {other.recipient.recipient} now")
    raise CannotError("the policies have no such agreement; put its file back")


def _notice_of(one: Standing, at: datetime) -> Incident:
    """Return an incident with nothing in it but what an edition that takes back needs.

    The guard looks for all of it in the draft, the uid among it.
    """
    facts = replay.read(one.facts)
    return Incident(
        uid=one.uid,
        revision=max(1, one.revision),
        revised_at=at.replace(microsecond=0),
        title=one.uid,
        classification=facts.classification if facts else _UNDETERMINED,
        tlp=facts.tlp if facts else Tlp.RED,
        pap=facts.pap if facts else Pap.RED,
    )
