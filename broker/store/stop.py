"""What is not sent yet of an incident is stopped at once, before anything is made anew.

An incident and a scope -> its unsent disclosures end as superseded; one that is under
way ends first, and never goes out again. With a link in the register for each.

Invariants: what takes something back is never stopped; nothing that was delivered is
touched.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from broker.model.sharing import ReceiptState
from broker.store import about, recalls
from broker.store.ended import Ended
from broker.store.many import add_many
from broker.store.register import Links, millis
from broker.store.rows import EARLIER, OVERTAKE
from broker.store.tables import Place, receipts

RECALLED: Final = "it was recalled"


def stop_unsent(
    connection: Connection,
    links: Links,
    uid: str,
    recipient: str,
    agreement: str,
    at: datetime,
) -> None:
    """Stop what waits of an incident; an empty name stands for all."""
    named = bool(recipient or agreement)
    whose = about.recipients(connection, uid, recipient, agreement)
    for row in connection.execute(EARLIER, {"uids": [uid]}).mappings().all():
        if row["retracts"] or (named and row["recipient"] not in whose):
            continue
        place, reason = row["state"], row["last_reason"]
        if place == Place.QUEUED:
            place, reason = Place.SUPERSEDED.value, RECALLED
            ended = Ended(row, ReceiptState.SUPERSEDED, millis(at), reason=reason)
            add_many(connection, receipts, [ended.receipt()])
            recalls.superseded(connection, [row], millis(at))
            links.add("delivery", ended.facts())
        connection.execute(
            OVERTAKE, {"row": row["id"], "place": place, "reason": reason}
        )
