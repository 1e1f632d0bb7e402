"""The rulebook in force, renewed while Besa runs when its files have changed.

Folders of policies and mappings -> `Rulebook`: parsed, validated, its safeguards proved
and its cases run; then one reference is swapped.

Changes are seen by looking at the files once a second; they are read when they have
held still between two looks, so that a file that is being written, or half of a set of
files, is not taken for the whole. What the files are not to blame for, such as a key
that is missing or a disk that does not answer, is tried again without their changing.

Invariants: whatever is wrong, the last good rulebook stays in force, and an alarm says
why; nothing is swapped while a batch is decided; a rulebook is never made of files that
changed while they were read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from broker.cases import run_cases
from broker.errors import (
    BesaError,
    Problem,
    RulebookError,
    SettingsError,
    StoreError,
)
from broker.prove.never import proved
from broker.rulebook import Rulebook, lapses
from broker.settings import read_rulebook_files, recipients_digest
from broker.store import RULEBOOK_ALARM, Store
from broker.strict_yaml import unfinished
from broker.yaml_folder import meant_as_yaml

_LOG: Final = logging.getLogger("besa.rulebook")
_EVERY_SECONDS: Final = 1.0
_PATIENCE: Final = 30  # in looks: between two tries, where not the files are wrong
_SHOWN: Final = 3
LAPSE_ALARM: Final = "agreement-ends"
"""The kind of alarm about an agreement that ends soon or has ended."""

# What tells one state of a folder from another, without reading its files.
_Look = tuple[tuple[str, int, int, int, int], ...]


def checked(files: Mapping[str, bytes]) -> Rulebook:
    """Build a rulebook that may be used: proved, and all of its cases hold.

    Raises:
        RulebookError: something is wrong; carries every problem of the first kind that
            was found.
    """
    book = proved(files)
    problems = [
        problem for result in run_cases(files, book) for problem in result.problems
    ]
    if problems:
        raise RulebookError(tuple(problems))
    return book


class Reloading:
    """The rulebook in force, and the one place where it is replaced.

    Args:
        policies: the folder of policies; it may be a symlink that is swapped.
        mappings: the folder of mapping tables.
        clock: returns the time in UTC.
        prepare: called with a rulebook before it is used; what it raises refuses it.
        every: seconds between two looks at the files.

    Raises:
        RulebookError: the rulebook has mistakes, and there is none to go on with.
        SettingsError: a folder is missing.
    """

    def __init__(
        self,
        policies: Path,
        mappings: Path,
        clock: Callable[[], datetime],
        *,
        prepare: Callable[[Rulebook], None] = lambda _: None,
        every: float = _EVERY_SECONDS,
    ) -> None:
        self._folders = (policies, mappings)
        self._clock = clock
        self._prepare = prepare
        self._every = every
        self._changed: _Look | None = None
        self._again: float | None = None
        self._judged, files = self._begin()
        self._next = time.monotonic() + every
        self._book = checked(files)
        prepare(self._book)
        self._recipients = recipients_digest(files)
        self._trouble = ""
        self._untold = True
        self._announced: tuple[date, str] | None = None
        self._ending: dict[str, int] = {}

    def rulebook(self) -> Rulebook:
        """Return the rulebook in force."""
        return self._book

    def look(self, store: Store) -> None:
        """Look whether the files have changed, and take up what is right.

        Call it between batches. What came of it is told to the store.
        """
        if time.monotonic() < self._next:
            return
        self._announce(store)
        self._next = time.monotonic() + self._every
        seen = self._look()
        if seen == self._judged:
            self._changed = None
            if self._again is not None and time.monotonic() >= self._again:
                self._judge(seen)
        elif seen != self._changed:
            self._changed = seen  # somebody may still be writing
        else:
            self._judge(seen)
        if self._untold:
            self.tell(store)

    def tell(self, store: Store) -> None:
        """Tell the store which rulebook is in force, and what is wrong if anything."""
        now = self._clock()
        try:
            if self._trouble:
                store.alarm(RULEBOOK_ALARM, "", self._trouble, now)
            else:
                store.enforce(self._book.digest, self._recipients, now)
        except StoreError as error:
            _LOG.warning("the store was not told of the rulebook: %s", error)
        else:
            self._untold = False

    def _begin(self) -> tuple[_Look, dict[str, bytes]]:
        """Return the files to begin with, and how they looked when they were read.

        A process may be started again just while somebody writes: it is no less careful
        than one that runs.
        """
        for _ in range(_PATIENCE):
            seen = self._look()
            files = read_rulebook_files(*self._folders)
            if self._look() == seen:
                break
            time.sleep(self._every)
        _refuse(unfinished(files))
        return seen, files

    def _announce(self, store: Store) -> None:
        """Raise an alarm 60, 30 and 7 days before an agreement ends, and afterwards."""
        now = self._clock()
        if self._announced == (now.date(), self._book.digest):
            return
        ending = {each.agreement: each for each in lapses(self._book, now.date())}
        names = {route.agreement.agreement for route in self._book.routes}
        try:
            for name in sorted((names | self._ending.keys()) - ending.keys()):
                store.calm(LAPSE_ALARM, name)
            for name, lapse in ending.items():
                if self._ending.get(name) != lapse.within:
                    store.alarm(LAPSE_ALARM, name, lapse.words, now)
        except StoreError as error:
            _LOG.warning("the store was not told what ends: %s", error)
            return
        self._ending = {name: lapse.within for name, lapse in ending.items()}
        self._announced = now.date(), self._book.digest

    def _judge(self, seen: _Look) -> None:
        """Take up what lies there now, or keep what is in force and say why."""
        try:
            policies, mappings = (_real(folder) for folder in self._folders)
            files = read_rulebook_files(policies, mappings)
            if self._look() != seen:
                return  # changed while it was read: next time
            _refuse(unfinished(files))
            book = checked(files)
            self._prepare(book)
        except RulebookError as error:
            self._again = None  # until somebody mends the files
            self._keep(_first_of(error), seen)
        except Exception as error:
            # INVARIANT: a mistake in the loader must not stop what is in force.
            self._again = time.monotonic() + _PATIENCE * self._every
            self._keep(_said(error), seen)
        else:
            self._again = None
            self._take_up(book, recipients_digest(files))
        self._judged, self._changed = seen, None

    def _take_up(self, book: Rulebook, recipients: str) -> None:
        if book.digest != self._book.digest:
            _LOG.info("the rulebook %s is in force now", book.digest[:16])
        self._book, self._recipients, self._trouble = book, recipients, ""
        self._untold = True

    def _keep(self, why: str, seen: _Look) -> None:
        in_force = self._book.digest[:16]
        trouble = f"changed policies are not in force, {in_force} stays: {why}"
        if (trouble, seen) == (self._trouble, self._judged):
            return  # said before, of these very files
        self._trouble, self._untold = trouble, True
        _LOG.error("%s", trouble)

    def _look(self) -> _Look:
        return tuple(sorted(_states(self._folders)))


def _states(folders: tuple[Path, ...]) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield what the system knows of each file; the change time cannot be set back."""
    for folder in folders:
        try:
            # Also what is only meant as one: reading says so.
            paths = sorted(meant_as_yaml(_real(folder)))
        except (OSError, SettingsError) as error:
            yield str(error), 0, 0, 0, 0  # reading says it; so does the next cause
            continue
        for path in paths:
            try:
                state = path.stat()
            except OSError:
                yield str(path), 0, 0, 0, 0  # gone, or a link that leads nowhere
            else:
                yield (
                    str(path),
                    state.st_ino,
                    state.st_size,
                    state.st_mtime_ns,
                    state.st_ctime_ns,
                )


def _real(folder: Path) -> Path:
    """Return where a folder really lies, so that all is read from one place.

    Raises:
        SettingsError: its links lead in a circle.
    """
    try:
        return folder.resolve()
    except RuntimeError:
        raise SettingsError(f"{folder} is a link that leads back to itself") from None


def _refuse(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise RulebookError(problems)


def tell_refused(store: Store, error: BesaError, now: datetime) -> None:
    """Tell the store that no process decides, because it has no rulebook to begin with.

    Otherwise the store would go on saying which rulebook is in force.
    """
    trouble = f"nothing is read or decided, no policies can be used: {_first_of(error)}"
    try:
        if store.status(now).rulebook_trouble != trouble:
            store.alarm(RULEBOOK_ALARM, "", trouble, now)
    except StoreError as failed:
        _LOG.warning("the store was not told of the policies: %s", failed)


def _said(error: Exception) -> str:
    """Return what an error says that the policy files are not to blame for."""
    if isinstance(error, BesaError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read: {error.strerror}"
    return f"an internal error ({type(error).__name__})"


def _first_of(error: BesaError) -> str:
    if not isinstance(error, RulebookError):
        return str(error)
    shown = "; ".join(str(problem) for problem in error.problems[:_SHOWN])
    more = len(error.problems) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
