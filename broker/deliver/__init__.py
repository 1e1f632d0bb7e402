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
from pathlib import Path
from typing import Protocol, assert_never
from urllib.parse import unquote, urlsplit

from broker.errors import SettingsError, Unavailable
from broker.model.recipient import Recipient, RecipientKind
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
    certificate authorities to trust instead of the system's, ``certificate`` a PEM file
    of our own certificate and its private key, for servers that ask for one.
    """

    name: str
    key: str = field(repr=False)
    url: str | None = None
    ca_bundle: str | None = None
    certificate: str | None = None


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
    if not recipient.is_folder and not url.startswith(("http://", "https://")):
        raise SettingsError(
            f"the address of recipient {recipient.recipient} must begin with https://"
        )
    verify = credential.ca_bundle or True
    waits = timeouts or Timeouts()
    # Each is loaded only where it is used: PyMISP takes half a second.
    match recipient.kind:
        case RecipientKind.MISP:
            from broker.deliver.misp import MispRecipient

            return MispRecipient(
                url,
                credential.key,
                verify=verify,
                certificate=credential.certificate,
                group=recipient.sharing_group,
                timeouts=waits,
                clock=clock,
            )
        case RecipientKind.TAXII:
            from broker.deliver.taxii import TaxiiRecipient

            return TaxiiRecipient(
                url,
                recipient.collection,
                credential.key,
                deletes=recipient.deletes,
                verify=verify,
                certificate=credential.certificate,
                timeouts=waits,
                clock=clock,
            )
        case RecipientKind.FEED:
            from broker.deliver.feed import FeedRecipient

            return FeedRecipient(folder_of(url), recipient.organisation, clock=clock)
        case RecipientKind.FILE_DROP:
            from broker.deliver.file_drop import FileDrop

            return FileDrop(folder_of(url), clock=clock)
        case _:
            assert_never(recipient.kind)


def folder_of(url: str) -> Path:
    """Return the folder that an address of the form ``file:///folder`` names.

    Raises:
        SettingsError: it names none.
    """
    path = unquote(urlsplit(url).path)
    if not url.startswith("file:///") or not path.strip("/"):
        raise SettingsError("the address of a folder must begin with file:///")
    return Path(path)
