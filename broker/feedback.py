"""What units said back is traced to the incident, and told to whoever listens.

Feedback as the dispatch zone found it -> which field of which incident it is about, by
the incident read again from its source -> one message per thing said.

Only this zone can trace it: what a unit refers to has an id that follows from the
recipient's secret namespace and the redacted value. Nothing clear is stored for that;
the path is, such as ``observables[2]``, and who may see incidents looks there.

Invariants: a message holds a unit's own words only where the agreement's return path
says ``topic``, and never until the day of a keep-secret-until; each thing said is told
once, and after a crash at most once more, with the same id; nothing that was proposed
is applied. No log line, alarm or error holds a word of a unit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from broker import pipeline
from broker.canonical import dumps
from broker.errors import BesaError, IntakeError
from broker.keys import Keys
from broker.model.feedback import STRICT, Feedback, ReturnPath
from broker.model.intake import Message, Position
from broker.origin import Origins, origins
from broker.rulebook import Rulebook
from broker.source import Gone, SourceError
from broker.source.telling import Tell, Told
from broker.store import Store
from broker.store.feedback import Traced

_LOG: Final = logging.getLogger("besa.feedback")
_EVERY_SECONDS: Final = 1.0
_REFUSED_PAUSE_SECONDS: Final = 30.0
_AT_ONCE: Final = 100
_REMEMBERED: Final = 32
NOT_TOLD_ALARM: Final = "feedback-not-told"
GONE: Final = "the source does not have the incident any more"
NO_PART: Final = "it is about nothing of what the rules now make of the incident"
NO_AGREEMENT: Final = "the rulebook in force has no such agreement"
FAILED: Final = "it could not be traced"


class Tracing:
    """Traces and tells; called by the consume loop between its batches.

    Args:
        store: where the dispatch zone puts what it found.
        reread: returns the message at a position.
        rulebook: returns the rulebook in force.
        keys: the recipients' secrets.
        clock: returns the time in UTC.
        tell: where it is told.
    """

    def __init__(
        self,
        store: Store,
        reread: Callable[[Position], Message],
        rulebook: Callable[[], Rulebook],
        keys: Keys,
        clock: Callable[[], datetime],
        tell: Tell,
    ) -> None:
        self._store = store
        self._reread = reread
        self._rulebook = rulebook
        self._keys = keys
        self._clock = clock
        self._tell = tell
        self._next = 0.0
        self._trace_at = 0.0
        self._tell_at = 0.0
        self._after = 0
        self._to_mark: list[int] = []
        self._known: dict[tuple[str, str, str, int], Origins | str] = {}
        self.told = 0

    def __call__(self, *, now: bool = False) -> None:
        """Trace and tell what is there; once a second, unless it must be ``now``."""
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        try:
            if now or time.monotonic() >= self._trace_at:
                self._trace_all(everything=now)
            if now or time.monotonic() >= self._tell_at:
                self._tell_all(everything=now)
        except BesaError as error:
            _LOG.warning("feedback waits: %s", error)

    def _trace_all(self, *, everything: bool) -> None:
        """Go on behind what was looked at last, and begin anew at the end.

        A source that is silent for one would keep the loop waiting for each. The next
        turn begins behind that one, because it may be silent for that one alone.
        """
        if everything:
            self._after = 0
        while found := self._store.hearing.untraced(_AT_ONCE, self._after):
            for one in found:
                self._after = one.number
                if not self._trace(one) and not everything:
                    self._trace_at = time.monotonic() + _REFUSED_PAUSE_SECONDS
                    return
            if not everything:
                return
        self._after = 0

    def _trace(self, one: Feedback) -> bool:
        """Trace one thing; say whether the source answered."""
        try:
            traced = self._origin(one)
        except SourceError as error:
            _LOG.warning("feedback %d waits: %s", one.number, error)
            return False
        except BesaError:
            raise
        except Exception as error:
            # Only the sort of error: its message could hold what it stumbled over.
            _LOG.error(
                "feedback %d was not traced: %s", one.number, type(error).__name__
            )
            traced = Traced(note=FAILED)
        path = self._return_path(one)
        self._store.hearing.trace(one.number, traced, path.tlp.value, path.words)
        return True

    def _return_path(self, one: Feedback) -> ReturnPath:
        book = self._rulebook()
        name = agreement_of(one, book, self._clock())
        for route in book.routes:
            if route.agreement.agreement == name:
                return route.agreement.feedback
        return STRICT

    def _origin(self, one: Feedback) -> Traced:
        """Return the field that something is about, or why that is not known."""
        why = GONE
        revisions = self._store.hearing.revisions_of(
            one.uid, one.recipient, one.edition
        )
        for revision in revisions:
            found = self._origins(one, revision.incident_sha256, revision.position)
            if isinstance(found, str):
                why = found if why == GONE else why
                continue
            path = found.of(one.about)
            if path is not None:
                return Traced(path, "", revision.revision)
            why = NO_PART
        # What is about the case as a whole needs no incident to be traced.
        return Traced() if one.about == one.share else Traced(note=why)

    def _origins(self, one: Feedback, sha256: str, position: Position) -> Origins | str:
        """Return where everything of a revision comes from, or why that is unknown."""
        book = self._rulebook()
        name = agreement_of(one, book, self._clock())
        key = (book.digest, name, sha256, position.offset)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._found(name, sha256, position, book)
        return self._known[key]

    def _found(
        self, agreement: str, sha256: str, position: Position, book: Rulebook
    ) -> Origins | str:
        try:
            message = self._reread(position)
            received = pipeline.receive(
                message.body,
                message.content_type,
                rulebook=book,
                topic=position.topic,
            )
        except (Gone, IntakeError):
            return GONE
        if received.sha256 != sha256:
            return GONE
        made = origins(
            received,
            agreement,
            rulebook=book,
            keys=self._keys,
            now=self._clock(),
        )
        return NO_AGREEMENT if made is None else made

    def _tell_all(self, *, everything: bool) -> None:
        hearing = self._store.hearing
        self._mark()  # what was told before the store failed is not told again
        while found := hearing.unpublished(_AT_ONCE):
            try:
                self._tell([self._told(one) for one in found])
            except SourceError as error:
                _LOG.warning("feedback was not told: %s", error)
                self._tell_at = time.monotonic() + _REFUSED_PAUSE_SECONDS
                self._store.alarm(NOT_TOLD_ALARM, "", str(error), self._clock())
                return
            self._to_mark = [one.number for one in found]
            self._mark()
            self._store.calm(NOT_TOLD_ALARM, "")
            self.told += len(found)
            _LOG.info("%d things said by units were told", len(found))
            if not everything:
                return

    def _mark(self) -> None:
        if self._to_mark:
            self._store.hearing.mark_published(self._to_mark)
            self._to_mark = []

    def _told(self, one: Feedback) -> Told:
        words = None
        if one.readers == "topic" and not is_secret(self._store, one, self._clock()):
            words = dict(self._store.hearing.words(one.number))
        return Told(one.id, one.uid, dumps(feedback_json(one) | {"words": words}))


def agreement_of(one: Feedback, book: Rulebook, now: datetime) -> str:
    """Return the agreement to trace by: that of then, or the one that followed it."""
    if any(each.agreement.agreement == one.agreement for each in book.routes):
        return one.agreement
    speaks = book.speaks_for(one.recipient, now.date())
    return speaks.agreement.agreement if speaks else one.agreement


def is_secret(store: Store, one: Feedback, now: datetime) -> bool:
    """Say whether a unit asked that nobody learns of the incident yet.

    Raises:
        StoreError: the store cannot be read.
    """
    until = store.hearing.secret_until(one.uid)
    return until is not None and now.date() < until


def feedback_json(one: Feedback) -> dict[str, Any]:
    """Return what everybody may know of something that was said: no words of a unit."""
    return {
        "id": one.id,
        "uid": one.uid,
        "agreement": one.agreement,
        "recipient": one.recipient,
        "share": one.share,
        "edition": one.edition,
        "revision": one.revision or None,
        "kind": one.kind.value,
        "word": one.word.value,
        "field": one.field,
        "note": one.note,
        "about": one.about,
        "said_at": one.at.isoformat() if one.at else None,
        "seen_at": one.seen_at.isoformat(),
        "until": one.until.isoformat() if one.until else None,
        "organisation": one.organisation,
        "tlp": one.tlp,
    }
