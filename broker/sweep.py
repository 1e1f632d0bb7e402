"""What is held goes out when two people approved it, or when its time has come.

Held shares that are ready -> the incident read again from its source -> the whole path
under the rulebook in force -> queued, held again with a new draft, or a note why not.

The store keeps no incident, only the redacted draft. So what is released is made anew
from the message as it was published, by its position: then the guard has the incident
to look into, and nothing that was withheld ever lay in the store, in no form. When the
source has lost the message, the share waits until the incident is published again.

Invariants: what leaves is, byte for byte, what was approved; it passed the guard just
now, under the rulebook in force; an error leaves it held. No log line holds anything of
an incident.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from broker import pipeline
from broker.errors import BesaError, IntakeError, StoreError
from broker.keys import Keys
from broker.model.intake import Message, Position
from broker.model.reviewer import Reviewers
from broker.model.sharing import NO_HISTORY, Share, State
from broker.pipeline import Received
from broker.release import again, approved, held_until
from broker.review import Behind, objection
from broker.rulebook import Rulebook
from broker.source import Gone, SourceError
from broker.store import PEOPLE, Held, HeldDraft, Store
from broker.vault import Vault

_LOG: Final = logging.getLogger("besa.review")
_LOOK_AGAIN: Final = (
    "what would be shared is another since it was approved: look at it again, and "
    "approve what is shown now"
)
_EVERY_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 30.0  # after a source did not give a message
GONE_ALARM: Final = "held-not-in-source"


class Sweep:
    """Releases what is ready; called by the consume loop between its batches.

    Args:
        store: where held shares and approvals are.
        reread: returns the message at a position.
        rulebook: returns the rulebook in force.
        keys: the signing key and the recipients' secrets.
        clock: returns the time in UTC.
        reviewers: returns who may approve, as the settings say now.
        editor: returns who edited an agreement last; empty if nobody knows.
        vault: locks away whom pseudonyms stand for, where agreements say so.
    """

    def __init__(
        self,
        store: Store,
        reread: Callable[[Position], Message],
        rulebook: Callable[[], Rulebook],
        keys: Keys,
        clock: Callable[[], datetime],
        reviewers: Callable[[], Reviewers],
        editor: Callable[[str], str],
        vault: Vault | None = None,
    ) -> None:
        self._store = store
        self._reread = reread
        self._rulebook = rulebook
        self._keys = keys
        self._clock = clock
        self._reviewers = reviewers
        self._editor = editor
        self._vault = vault
        self._next = 0.0
        self._not_before: dict[int, float] = {}

    def __call__(self, *, now: bool = False) -> None:
        """Release what is ready; at most once a second, unless it must be ``now``."""
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        try:
            waiting = self._store.held_ready(self._clock())
        except StoreError as error:
            _LOG.warning("held shares were not looked at: %s", error)
            return
        for number in waiting:
            if time.monotonic() >= self._not_before.get(number, 0.0):
                self._not_before.pop(number, None)
                self._try(number)

    def _try(self, number: int) -> None:
        try:
            item = self._store.held_item(number)
            if item is not None:
                self._settle(item)
        except BesaError as error:
            _LOG.warning("held share %d stays held: %s", number, error)
            self._later(number)
        except Exception as error:
            # INVARIANT: an error never shares. Only its sort is told: its message could
            # hold what it stumbled over.
            kind = type(error).__name__
            _LOG.error("held share %d stays held (%s)", number, kind)
            self._refuse(number, f"an internal error in the release ({kind})")

    def _settle(self, item: HeldDraft) -> None:
        held = item.held
        book, now = self._rulebook(), self._clock()
        agreement = _deciding(held, book, now)
        names = self._counting(held, agreement) if held.approvals else []
        if len(names) < PEOPLE:
            if held.embargo_until is None or held.embargo_until > now:
                return
            names = []  # its time has come: nobody needs to approve
        received = self._received(item)
        if received is None:
            return
        history = self._store.histories([held.uid]).get(held.uid, NO_HISTORY)
        share = again(
            received,
            agreement,
            rulebook=book,
            keys=self._keys,
            history=history,
            now=now,
        )
        if share is None:
            self._refuse(held.id, "the rulebook in force has no such agreement")
            return
        if names:
            share = approved(
                share, held.uid, held.sha256, rulebook=book.digest, keys=self._keys
            )
        self._end(held, received, share, book, names)

    def _counting(self, held: Held, agreement: str) -> list[str]:
        """Return who has validly approved, and end the approvals that do not count."""
        reviewers, now = self._reviewers(), self._clock()
        behind = Behind(held.publisher, self._editor(agreement))
        names: list[str] = []
        wrong: dict[int, str] = {}
        for one in held.approvals:
            why = objection(one, held, reviewers, behind, now)
            if why:
                wrong[one.id] = why
            elif one.reviewer not in names:
                names.append(one.reviewer)
        if wrong:
            self._store.void(held.id, wrong, now)
        return names

    def _received(self, item: HeldDraft) -> Received | None:
        """Return the incident as it was published, or nothing and a note why not."""
        held = item.held
        place = f"{held.uid} revision {held.revision} {held.agreement}"
        try:
            message = self._reread(item.position)
        except Gone as error:
            note = f"{error}; publish the incident again"
            if held.note != note:
                self._store.remark(held.id, note)
            self._store.alarm(GONE_ALARM, place, note, self._clock())
            self._later(held.id)
            return None
        except SourceError as error:
            _LOG.warning("held share %d waits: %s", held.id, error)
            self._later(held.id)
            return None
        self._store.calm(GONE_ALARM, place)
        try:
            received = pipeline.receive(
                message.body,
                message.content_type,
                rulebook=self._rulebook(),
                topic=message.position.topic,
            )
        except IntakeError:
            received = None
        if received is None or received.sha256 != item.incident_sha256:
            note = f"another incident stands at {item.position}; publish a new revision"
            self._refuse(held.id, note)
            return None
        return received

    def _end(
        self,
        held: Held,
        received: Received,
        share: Share,
        book: Rulebook,
        names: list[str],
    ) -> None:
        """Queue a share, or say why it stays."""
        now = self._clock()
        sealed = share.sealed
        if sealed is None or sealed.retracts:
            self._stays(held, received, share, book, names)
        elif names and sealed.sha256 != held.sha256:
            # What the rules share by now is not what was approved: people look again.
            self._hold_again(held, share, book, None, names)
        else:
            if self._vault is not None:
                share = self._vault.filled_share(
                    share, received.incident, book, self._keys
                )
            key = self._keys.signing
            self._store.release(held.id, share, book.digest, names, now, key)
            _LOG.info("held share %d was released", held.id)

    def _stays(
        self,
        held: Held,
        received: Received,
        share: Share,
        book: Rulebook,
        names: list[str],
    ) -> None:
        if share.state is State.HELD:
            # The rules in force may hold it back for longer than those before.
            until = held_until(received.incident, share, book)
            self._hold_again(held, share, book, until, names)
        elif share.state is State.UNCHANGED:
            self._refuse(held.id, "the recipient has exactly this already; drop it")
        else:
            why = ", ".join(share.decision.clauses) or "no clause shares it"
            note = f"the rulebook in force withholds it ({why}); drop it"
            self._refuse(held.id, note)

    def _hold_again(
        self,
        held: Held,
        share: Share,
        book: Rulebook,
        until: datetime | None,
        names: list[str],
    ) -> None:
        self._store.hold_again(held.id, share, book.digest, self._clock(), until)
        if names:
            # Or those who approved would wait for ever for what they believe is done.
            self._store.remark(held.id, _LOOK_AGAIN)
            _LOG.info("held share %d is held again, after it was approved", held.id)

    def _refuse(self, number: int, note: str) -> None:
        try:
            self._store.refuse_release(number, note, self._clock())
        except StoreError as error:
            _LOG.warning("held share %d was not noted: %s", number, error)
            self._later(number)

    def _later(self, number: int) -> None:
        self._not_before[number] = time.monotonic() + _PATIENCE_SECONDS


def _deciding(held: Held, book: Rulebook, now: datetime) -> str:
    """Return the agreement to release by: a successor in force, or that of the share.

    Whoever edited that one last must not approve what it lets out.
    """
    speaks = book.speaks_for(held.recipient, now.date())
    if speaks is not None and speaks.is_in_force(now.date()):
        return speaks.agreement.agreement
    return held.agreement
