"""Asking recipients what they said, beside their deliveries or on its own.

`Settings` + recipients -> a `Poller` with the tags that were agreed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Thread

from broker.deliver import Credential
from broker.model.agreement import Recipient
from broker.model.feedback import Vocabulary
from broker.poll import Poller
from broker.settings import Settings, read_agreed_tags


def poller_of(
    settings: Settings,
    recipients: Sequence[Recipient],
    credentials: Mapping[str, Credential],
    every: float,
) -> Poller:
    """Return what asks the recipients, every so many seconds.

    Raises:
        RulebookError: a file of agreed tags is wrong.
        SettingsError: the folder of mappings is missing, or an address is wrong.
    """
    tags = read_agreed_tags(settings.mappings_folder)
    return Poller(
        settings.store_url,
        recipients,
        credentials,
        Vocabulary(tags, settings.recall_tag),
        clock=lambda: datetime.now(UTC),
        every=timedelta(seconds=every),
    )


class Polling:
    """Asks in the background, always those recipients that it was given last.

    Args:
        settings: this installation; ``feedback_every`` 0 means that nobody is asked.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._poller: Poller | None = None

    def renew(
        self, recipients: Sequence[Recipient], credentials: Mapping[str, Credential]
    ) -> None:
        """Ask these from now on, and nobody else.

        Raises:
            BesaError: the tags that were agreed on cannot be read.
        """
        self.stop()
        every = self._settings.feedback_every
        if every:
            self._poller = poller_of(self._settings, recipients, credentials, every)
            # A daemon: a server that does not answer must not keep a process alive.
            Thread(target=self._poller.run, name="feedback", daemon=True).start()

    def stop(self) -> None:
        """Ask nobody any more, once the questions under way have their answers."""
        if self._poller is not None:
            self._poller.stop()
            self._poller = None
