"""The end of a delivery, said the same way in the receipt and in the register.

An outbox row and what became of it -> a row of `receipts` and the facts of a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.canonical import dumps
from broker.model.sharing import Loss, ReceiptState


@dataclass(frozen=True, slots=True)
class Ended:
    """How the delivery of one outbox row ended.

    ``row`` needs uid, agreement, recipient, share, edition, sha256 and attempts.
    """

    row: Mapping[Any, Any]
    state: ReceiptState
    at: int
    remote_id: str = ""
    losses: tuple[Loss, ...] = ()
    reason: str = ""

    def receipt(self) -> dict[str, Any]:
        """Return the row of the table `receipts`."""
        row = self.row
        return {
            "uid": row["uid"],
            "agreement": row["agreement"],
            "recipient": row["recipient"],
            "share": row["share"],
            "edition": row["edition"],
            "state": self.state.value,
            "at": self.at,
            "sha256": row["sha256"],
            "remote_id": self.remote_id,
            "losses": dumps([[loss.id, loss.what] for loss in self.losses]).decode(),
            "reason": self.reason,
            "published": False,
        }

    def facts(self) -> dict[str, Any]:
        """Return the facts of the link in the register."""
        return delivery_facts(self.row, self.state.value, self.reason) | {
            "remote_id": self.remote_id,
            "losses": len(self.losses),
        }


def delivery_facts(row: Mapping[Any, Any], state: str, reason: str) -> dict[str, Any]:
    """Return what every link about an attempt to deliver tells."""
    return {
        "uid": row["uid"],
        "agreement": row["agreement"],
        "recipient": row["recipient"],
        "edition": row["edition"],
        "body_sha256": row["sha256"],
        "attempts": row["attempts"],
        "state": state,
        "reason": reason,
    }
