"""Dispatchers one after another: a new one whenever the recipients have changed.

Files of recipients + what the store says is in force -> `Dispatcher` runs, until told
to stop. The dispatch zone knows no rulebook: it takes up a changed file of a recipient
once the consume zone has taken up the rulebook that the file belongs to. So it does at
its start: whoever is started again must not send to an address that was refused.

Invariants: deliveries under way end before the next dispatcher begins, so that one
edition is never sent by two; nothing is sent by files of recipients that are not those
in force.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Final

from broker.cli import terminal
from broker.cli.watching import health_of
from broker.deliver import Credential
from broker.dispatch import Dispatcher, Totals
from broker.errors import BesaError, SettingsError
from broker.model.agreement import Recipient
from broker.seal import VerifyingKey
from broker.settings import (
    Settings,
    read_recipient_files,
    recipients_digest,
)
from broker.store import open_store

_EVERY_SECONDS: Final = 1.0
_NOT_IN_FORCE: Final = (
    "nothing is delivered: the files of recipients are not those of the rulebook in "
    "force; `besa consume` takes them up when all policies are right, and `besa check` "
    "says what is wrong"
)

Files = Mapping[str, bytes]


def dispatcher_of(
    settings: Settings,
    recipients: Sequence[Recipient],
    credentials: Mapping[str, Credential],
    keys: Mapping[str, VerifyingKey],
) -> Dispatcher:
    """Return what delivers to these recipients and watches source and lanes."""
    return Dispatcher(
        settings.store_url,
        recipients,
        credentials,
        keys,
        clock=lambda: datetime.now(UTC),
        watch=health_of(settings).look,
    )


class Turns:
    """Runs dispatchers one after another.

    Args:
        settings: this installation.
        ready: makes a dispatcher of the files of recipients.
        pipe: with `besa run`: closed at its other end when consume has ended.
    """

    def __init__(
        self,
        settings: Settings,
        ready: Callable[[Files], Dispatcher],
        pipe: int | None = None,
    ) -> None:
        self._settings = settings
        self._ready = ready
        self._pipe = pipe
        self._files: Files = read_recipient_files(settings.policies_folder)
        self._at_work: Dispatcher | None = None
        self._stopped = Event()
        self._renewed = Event()
        self._closed = Event()

    def stop(self) -> None:
        """End in good order."""
        self._stopped.set()
        self._end_turn()

    def begin(self, *, patient: bool) -> None:
        """Make ready for the recipients in force; wait for them if they are not there.

        Before anything was ever in force, any will do: nothing was sealed for them.

        Raises:
            RulebookError: a recipient's file is wrong.
            SettingsError: a credential is missing; or, unless ``patient``, the
                recipients are not those in force.
            StoreError: the store cannot be read.
        """
        told = False
        while (in_force := self._in_force()) != recipients_digest(self._files):
            if not in_force:
                break
            if not patient:
                raise SettingsError(_NOT_IN_FORCE)
            if not told:
                terminal.warn(_NOT_IN_FORCE)
            told = True
            if self._stopped.wait(_EVERY_SECONDS):
                return
            with contextlib.suppress(BesaError, OSError):
                self._files = read_recipient_files(self._settings.policies_folder)
        if told:
            terminal.note("the recipients are in force now")
        self._take_turn()

    def run(self, *, until_idle: bool) -> dict[str, int]:
        """Deliver until told to stop or, when nothing can be added, until idle."""
        totals = asdict(Totals())
        for wait in (self._wait_for_change, self._wait_for_end):
            Thread(target=wait, daemon=True).start()
        while self._at_work is not None:
            last = until_idle or self._closed.is_set()
            for name, number in asdict(self._at_work.run(until_idle=last)).items():
                totals[name] += number
            if self._stopped.is_set() or (last and not self._renewed.is_set()):
                break
            self._renewed.clear()
            self._take_turn()
        return totals

    def _take_turn(self) -> None:
        self._at_work = self._ready(self._files)
        if self._stopped.is_set():
            self._at_work.stop()

    def _end_turn(self) -> None:
        if self._at_work is not None:
            self._at_work.stop()

    def _wait_for_end(self) -> None:
        if self._pipe is not None:
            os.read(self._pipe, 1)
            self._closed.set()
            self._end_turn()

    def _wait_for_change(self) -> None:
        mine = recipients_digest(self._files)
        while not self._stopped.wait(_EVERY_SECONDS):
            try:
                found = read_recipient_files(self._settings.policies_folder)
                digest = recipients_digest(found)
                if digest == mine or digest != self._in_force():
                    continue
            except (BesaError, OSError):
                continue  # the consume zone tells what is wrong, and nothing changes
            terminal.note("the recipients have changed and are taken up")
            mine, self._files = digest, found
            self._renewed.set()
            self._end_turn()

    def _in_force(self) -> str:
        with open_store(self._settings.store_url) as store:
            return store.recipients_in_force()
