"""The way out: one adapter per kind of recipient, all with the same one verb.

`Recipient` + `Credential` -> `Delivery`, whose `deliver` takes sealed bytes and returns
a `Receipt` of what the recipient's system then holds.

Invariants: an adapter sends the bytes that were sealed, and nothing else of an
incident; it logs neither a body nor a credential; it never waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, assert_never

from broker.errors import SettingsError, Unavailable
from broker.model.agreement import Recipient
from broker.model.sharing import Receipt, Sealed


class Busy(Unavailable):
    """The recipient said when to come back.

    Args:
        reason: a short fixed phrase.
        status: the HTTP status.
        retry_after: how many seconds the recipient wants to be left alone.
    """

    def __init__(self, reason: str, status: int, retry_after: float) -> None:
        super().__init__(reason, status)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Credential:
    """What it takes to be let in by one recipient. Is never shown when printed.

    ``url`` replaces the one in the recipient's file, ``ca_bundle`` is a file of the
    certificate authorities to trust instead of the system's.
    """

    name: str
    key: str = field(repr=False)
    url: str | None = None
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    ``total`` is for one delivery with all its requests, up to the start of the last
    one. A lease must be longer than ``total`` and ``answer`` together.
    """

    connect: float = 10.0
    answer: float = 120.0  # MISP takes about 30 s for 10,000 attributes
    total: float = 400.0


class Delivery(Protocol):
    """The way to one recipient. Used by one thread at a time."""

    def deliver(self, sealed: Sealed) -> Receipt:
        """Bring the recipient's system to hold exactly this edition.

        May be called again with the same edition, and then changes nothing there.

        Raises:
            Unavailable: not now; try again later.
            Refused: not ever; a person must look at it.
        """
        ...

    def close(self) -> None:
        """Give up all connections."""
        ...


def open_recipient(
    recipient: Recipient,
    credential: Credential,
    *,
    clock: Callable[[], datetime],
    timeouts: Timeouts | None = None,
) -> Delivery:
    """Return the way to a recipient, by its kind. Does not connect yet.

    Raises:
        SettingsError: the address is not one.
    """
    url = credential.url or recipient.url
    if not url.startswith(("http://", "https://")):
        raise SettingsError(
            f"the address of recipient {recipient.recipient} must begin with https://"
        )
    match recipient.kind:
        case "misp":
            # Loaded only where it is used: PyMISP takes half a second.
            from broker.deliver.misp import MispRecipient

            return MispRecipient(
                url,
                credential.key,
                verify=credential.ca_bundle or True,
                timeouts=timeouts or Timeouts(),
                clock=clock,
            )
        case _:
            assert_never(recipient.kind)
