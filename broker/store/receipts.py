"""Receipts: what became of each edition, for the CSIRT that published the incident.

Rows of the table `receipts` -> `StoredReceipt`, oldest first, until they are published.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import RowMapping

from broker.canonical import dumps, loads
from broker.model.sharing import Loss, Receipt, ReceiptState
from broker.store.connect import Database
from broker.store.records import StoredReceipt
from broker.store.register import moment
from broker.store.tables import receipts

_PUBLISHED = (
    update(receipts).where(receipts.c.id == bindparam("one")).values(published=True)
)


def unpublished_receipts(database: Database, limit: int) -> tuple[StoredReceipt, ...]:
    """Return the oldest receipts that nobody has been told of yet.

    Raises:
        StoreError: the store cannot be read.
    """
    query = (
        select(receipts).where(~receipts.c.published).order_by(receipts.c.id)
    ).limit(limit)
    with database.read() as connection:
        return tuple(_receipt(row) for row in connection.execute(query).mappings())


def _receipt(row: RowMapping) -> StoredReceipt:
    receipt = Receipt(
        row["recipient"],
        row["share"],
        row["edition"],
        ReceiptState(row["state"]),
        moment(row["at"]),
        row["sha256"],
        row["remote_id"],
        tuple(Loss(*loss) for loss in loads(row["losses"])),
        row["reason"],
    )
    return StoredReceipt(row["id"], row["uid"], row["agreement"], receipt)


def mark_published(database: Database, ids: list[int]) -> None:
    """Note that these receipts were published.

    Raises:
        StoreError: the store cannot be written; they will be published again.
    """
    if ids:
        with database.write() as connection:
            connection.execute(_PUBLISHED, [{"one": one} for one in ids])


def receipt_json(row: StoredReceipt) -> bytes:
    """Return a receipt as it is published."""
    receipt = row.receipt
    told: dict[str, Any] = {
        "uid": row.uid,
        "agreement": row.agreement,
        "recipient": receipt.recipient,
        "share": receipt.share,
        "edition": receipt.edition,
        "state": receipt.state.value,
        "at": receipt.at.isoformat(),
        "sha256": receipt.sha256,
        "remote_id": receipt.remote_id,
        "losses": [{"id": loss.id, "what": loss.what} for loss in receipt.losses],
        "reason": receipt.reason,
    }
    return dumps(told)
