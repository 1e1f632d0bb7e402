"""The store: what was received, decided, sent and answered, in one database.

Start at `store.py`; the tables are in `tables.py`. Consume and dispatch meet only here.
"""

from broker.store.held import PEOPLE
from broker.store.receipts import receipt_json
from broker.store.records import (
    Alarm,
    Approved,
    Committed,
    Decided,
    Held,
    HeldDraft,
    Lane,
    LeasedRow,
    Pending,
    Processed,
    Reached,
    Status,
    StoredReceipt,
)
from broker.store.reveals import Asking, Denial, Request
from broker.store.status import RULEBOOK_ALARM
from broker.store.store import Store, open_store
from broker.store.written import GUARD_FOUND

__all__ = [
    "GUARD_FOUND",
    "PEOPLE",
    "RULEBOOK_ALARM",
    "Alarm",
    "Approved",
    "Asking",
    "Committed",
    "Decided",
    "Denial",
    "Held",
    "HeldDraft",
    "Lane",
    "LeasedRow",
    "Pending",
    "Processed",
    "Reached",
    "Request",
    "Status",
    "Store",
    "StoredReceipt",
    "open_store",
    "receipt_json",
]
