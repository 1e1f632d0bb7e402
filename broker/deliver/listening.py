"""The way back: what a unit said, in its own system, about what it was sent.

`Recipient` + `Credential` -> `Listening`, whose `said` reads one case there.

Invariants: nothing is changed there; what was said is neither logged nor quoted; only
cases that we sent are looked at, and of a unit's own tags only those agreed on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from broker.deliver import Credential, Timeouts, open_recipient
from broker.model.feedback import Said, Vocabulary
from broker.model.recipient import Recipient, RecipientKind

LISTENS = frozenset({RecipientKind.MISP, RecipientKind.TAXII})
"""The kinds of recipients that can be asked at all; the others are folders."""


class Listening(Protocol):
    """The way back from one recipient. Used by one thread at a time."""

    def begin(self, since: datetime, now: datetime) -> frozenset[str]:
        """Begin a round; return the cases that something new is known of already.

        Others may have something new as well: this only says where to look first.

        Raises:
            Unavailable: it cannot be asked now.
            Refused: it does not let us ask.
        """
        ...

    def said(self, share: str) -> tuple[Said, ...]:
        """Return all that stands there about one case; nothing if it is not there.

        Raises:
            Unavailable: it cannot be asked now.
            Refused: it does not let us look.
        """
        ...

    def close(self) -> None:
        """Give up all connections."""
        ...


def open_listening(
    recipient: Recipient,
    credential: Credential,
    vocabulary: Vocabulary,
    *,
    clock: Callable[[], datetime],
    timeouts: Timeouts | None = None,
) -> Listening | None:
    """Return the way back from a recipient; nothing where there is none.

    Raises:
        SettingsError: the address is not one.
    """
    if recipient.kind not in LISTENS:
        return None
    way = open_recipient(recipient, credential, clock=clock, timeouts=timeouts)
    # Each is loaded only where it is used: PyMISP takes half a second.
    if recipient.kind is RecipientKind.MISP:
        from broker.deliver.misp import MispRecipient
        from broker.deliver.misp_listening import MispListening

        if isinstance(way, MispRecipient):
            return MispListening(way, vocabulary)
    else:
        from broker.deliver.taxii import TaxiiRecipient
        from broker.deliver.taxii_listening import TaxiiListening

        if isinstance(way, TaxiiRecipient):
            return TaxiiListening(way, vocabulary)
    way.close()
    return None
