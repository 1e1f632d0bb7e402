"""Asking recipients what they said about what they were sent.

`Listening` (the way back from one recipient) -> what is new, in the store, untraced.

A round looks first where something new is known of, then at what arrived lately, then
at what was not looked at for longest; it ends after a number of cases, and the next
round goes on. Several processes may do this at once: the store lets one of them begin.

Invariants: one recipient that is slow or dead delays no other and no delivery; nothing
is changed at a recipient; no log line or alarm holds a word of what was said. This zone
has no keys: it cannot know what of an incident anything is about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Final

from broker.deliver import Credential, Timeouts
from broker.deliver.listening import Listening, open_listening
from broker.deliver.patience import Pace
from broker.errors import BesaError, DeliveryError, Refused
from broker.model.feedback import FeedbackKind, FeedbackWord, Said, Vocabulary
from broker.model.recipient import Recipient
from broker.store import Store, open_store
from broker.store.rounds import AskedShare

_LOG: Final = logging.getLogger("besa.poll")
_TICK_SECONDS: Final = 1.0
_MOST_CASES: Final = 200
# A clock there may be an hour behind, and what began in the last round may have come
# in after it.
_OVERLAP: Final = timedelta(hours=2)
_FURTHEST: Final = timedelta(days=30)
ALARM: Final = "feedback"


@dataclass(frozen=True, slots=True)
class Polled:
    """What one round brought: cases looked at, new things, and why it ended early."""

    recipient: str
    cases: int = 0
    new: int = 0
    problem: str = ""


class Poller:
    """Asks all recipients that can be asked, each in a thread of its own.

    Args:
        store_url: the store; every thread opens it for itself.
        recipients: whom to ask; suspended ones and folders are left out.
        credentials: by the name that a recipient's file gives.
        vocabulary: the tags that were agreed on.
        clock: tells the time in UTC.
        every: how long to wait between the beginnings of two rounds.
        timeouts: how long a recipient's system may take.

    Raises:
        SettingsError: a recipient's address is wrong.
    """

    def __init__(
        self,
        store_url: str,
        recipients: Sequence[Recipient],
        credentials: Mapping[str, Credential],
        vocabulary: Vocabulary,
        *,
        clock: Callable[[], datetime],
        every: timedelta,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._store_url = store_url
        self._stopping = Event()
        self._ways: list[_Way] = []
        for recipient in recipients:
            credential = credentials.get(recipient.credential)
            if recipient.suspended or credential is None:
                continue
            listening = open_listening(
                recipient, credential, vocabulary, clock=clock, timeouts=timeouts
            )
            if listening is not None:
                pace = Pace(recipient.limits.per_minute)
                name = recipient.recipient
                self._ways.append(
                    _Way(name, listening, pace, clock, every, self._stopping)
                )

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who is asked."""
        return tuple(way.name for way in self._ways)

    def once(self) -> tuple[Polled, ...]:
        """Ask everybody once, at the same time; leave out who is being asked now.

        Raises:
            StoreError: the store cannot be opened.
        """
        open_store(self._store_url).close()
        done: list[Polled] = []
        guard = Lock()

        def ask(way: _Way) -> None:
            polled = way.once(self._store_url)
            if polled is not None:
                with guard:
                    done.append(polled)

        self._together(ask)
        return tuple(sorted(done, key=lambda polled: polled.recipient))

    def run(self) -> None:
        """Ask everybody again and again, until told to stop."""
        self._together(lambda way: way.run(self._store_url))

    def stop(self) -> None:
        """End after the case that is being looked at."""
        self._stopping.set()

    def _together(self, work: Callable[[_Way], None]) -> None:
        threads = [
            Thread(target=work, args=(way,), name=f"ask {way.name}", daemon=True)
            for way in self._ways
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@dataclass(slots=True)
class _Way:
    """The way back from one recipient, and how often it is gone."""

    name: str
    listening: Listening
    pace: Pace
    clock: Callable[[], datetime]
    every: timedelta
    stopping: Event
    alarmed: bool | None = field(default=None)  # None: an earlier process may have

    def run(self, store_url: str) -> None:
        while not self.stopping.is_set():
            self.once(store_url)
            self.stopping.wait(min(_TICK_SECONDS * 10, self.every.total_seconds() / 4))
        self.listening.close()

    def once(self, store_url: str) -> Polled | None:
        """Go one round, if it is time for one; whatever happens, only this way ends."""
        try:
            with open_store(store_url) as store:
                now = self.clock()
                since = store.hearing.claim_round(self.name, now, self.every)
                if since is None:
                    return None
                return self._round(store, since, now)
        except Exception as error:
            # Only our own errors are safe to quote.
            text = str(error) if isinstance(error, BesaError) else type(error).__name__
            _LOG.warning("%s: asking failed: %s", self.name, text)
            return Polled(self.name, problem=text)

    def _round(self, store: Store, since: datetime, began: datetime) -> Polled:
        cases = new = 0
        try:
            since = max(since - _OVERLAP, began - _FURTHEST)
            first = self.listening.begin(since, began)
            waiting = frozenset(
                recall.share
                for recall in store.recalls()
                if recall.recipient == self.name and recall.delivered_at is not None
            )
            asked = store.hearing.shares_to_ask(
                self.name, first | waiting, began, _MOST_CASES
            )
            for share in asked:
                if not self._may_go_on():
                    return Polled(self.name, cases, new, "stopped")
                new += self._look(store, share, acknowledges=share.share in waiting)
                cases += 1
        except DeliveryError as error:
            self._alarm(store, str(error))
            return Polled(self.name, cases, new, str(error))
        if len(first | waiting) <= _MOST_CASES:
            store.hearing.end_round(self.name, began)
        self._calm(store)
        if new:
            _LOG.info("%s: %d new things in %d cases", self.name, new, cases)
        return Polled(self.name, cases, new)

    def _may_go_on(self) -> bool:
        """Wait until the recipient may be asked once more; False when told to stop."""
        while not self.pace.allows(self.clock()):
            if self.stopping.wait(_TICK_SECONDS / 4):
                return False
        self.pace.note(self.clock())
        return not self.stopping.is_set()

    def _look(self, store: Store, share: AskedShare, *, acknowledges: bool) -> int:
        try:
            said = self.listening.said(share.share)
        except Refused as refused:
            if refused.status == 401:
                raise
            # One case that is not ours to see there must not keep back the others.
            _LOG.warning("%s: a case of %s: %s", self.name, share.agreement, refused)
            said = ()
        now = self.clock()
        new = store.hearing.record(self.name, share, said, now)
        if acknowledges:
            self._acknowledge(store, share, said)
        return new

    def _acknowledge(
        self, store: Store, share: AskedShare, said: Sequence[Said]
    ) -> None:
        """Pass on that a recall was confirmed: by its tag, or by a later sighting."""
        for one in said:
            if one.kind is FeedbackKind.SIGHTING and one.at is not None:
                at, how = one.at, "sighting"
            elif one.word is FeedbackWord.RECALL_ACKNOWLEDGED:
                # A tag has no date: what counts is when it was first seen, so that one
                # from an earlier recall does not confirm this one.
                seen = store.hearing.listed(uid=share.uid, words=[one.word], most=1_000)
                mine = [s.seen_at for s in seen if s.share == share.share]
                if not mine:
                    continue
                at, how = max(mine), "tag"
            else:
                continue
            store.acknowledge_recall(share.uid, share.agreement, share.share, at, how)

    def _alarm(self, store: Store, text: str) -> None:
        _LOG.warning("%s: %s", self.name, text)
        if self.alarmed is not True:
            store.alarm(ALARM, self.name, text, self.clock())
            self.alarmed = True

    def _calm(self, store: Store) -> None:
        if self.alarmed is not False:
            store.calm(ALARM, self.name)
            self.alarmed = False
