"""What a recipient's system holds, asked without changing it: one reader per kind.

`Recipient` + `Credential` -> `Holdings`, which compares a sealed edition with what is
there, and names what is there as ours and was never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Protocol

from broker.deliver import Credential, Delivery, Timeouts, open_recipient
from broker.deliver.feed import FeedRecipient
from broker.deliver.file_drop import FileDrop
from broker.errors import SettingsError
from broker.model.recipient import Recipient, RecipientKind
from broker.model.sharing import Loss, Sealed
from broker.reconcile.findings import Difference


class Holdings(Protocol):
    """What one recipient's system holds. Used by one thread."""

    def expect(self, editions: Collection[Sealed]) -> None:
        """Be told which editions are compared next, so that one question may do.

        Raises:
            DeliveryError: the system cannot be asked.
        """

    def differences(
        self, sealed: Sealed, losses: Collection[Loss]
    ) -> tuple[Difference, ...] | None:
        """Compare an edition with what is there; nothing when it was taken away.

        Args:
            sealed: the edition that should be there.
            losses: what is known not to have been kept; it is no difference.

        Raises:
            DeliveryError: the system cannot be asked.
        """

    def strangers(self, known: Collection[str]) -> Iterable[Difference]:
        """Yield what is there as ours and belongs to no case that is known.

        Raises:
            DeliveryError: the system cannot be asked.
        """

    def holds(self, share: str) -> bool:
        """Say whether anything of a case is there.

        Raises:
            DeliveryError: the system cannot be asked.
        """

    def close(self) -> None:
        """Give up all connections."""


def open_holdings(
    recipient: Recipient,
    credential: Credential,
    *,
    clock: Callable[[], datetime],
    timeouts: Timeouts | None = None,
) -> Holdings:
    """Return the way to look at what a recipient holds. Does not connect yet.

    Raises:
        SettingsError: the address is not one.
    """
    way = open_recipient(recipient, credential, clock=clock, timeouts=timeouts)
    waits = timeouts or Timeouts()
    if recipient.kind is RecipientKind.MISP:
        from broker.reconcile.misp import MispHoldings

        return MispHoldings(way, waits)
    if recipient.kind is RecipientKind.TAXII:
        from broker.reconcile.taxii import TaxiiHoldings

        return TaxiiHoldings(way, deletes=recipient.deletes)
    return _folder(recipient, credential, way)


def _folder(recipient: Recipient, credential: Credential, way: Delivery) -> Holdings:
    from broker.deliver import folder_of
    from broker.reconcile.folders import DropHoldings, FeedHoldings

    folder = folder_of(credential.url or recipient.url)
    if isinstance(way, FeedRecipient):
        return FeedHoldings(folder)
    if isinstance(way, FileDrop):
        return DropHoldings(folder)
    raise SettingsError(f"nothing is known of what a {recipient.kind} holds")
