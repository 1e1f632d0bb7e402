"""The server log: the only place where MISP says what it dropped.

Something worth a line -> a row; ``logs/index`` -> the rows that the caller may read.

Invariant: like MISP's own, an entry repeats the dropped value. It is served to its
author and the site administrator only, and nothing of it goes to the process's output.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from broker.sandbox.misp import moments
from broker.sandbox.misp.calls import Answer, Call, view
from broker.sandbox.misp.store import Row

_FILTERS: Final = (
    "id",
    "title",
    "model",
    "model_id",
    "action",
    "user_id",
    "email",
    "org",
)
_SHOWN: Final = (
    "id",
    "title",
    "model",
    "model_id",
    "action",
    "user_id",
    "email",
    "org",
)


def write(
    call: Call,
    title: str,
    *,
    model: str,
    action: str,
    row_id: int = 0,
    change: str = "",
) -> None:
    """Add an entry on behalf of the caller."""
    call.store.insert(
        "logs",
        {
            "title": title,
            "created": call.store.now(),
            "model": model,
            "model_id": row_id,
            "action": action,
            "user_id": call.caller.id,
            "email": call.caller.email,
            "org": call.caller.org_name,
            "change": change,
        },
    )


def dropped(
    call: Call, sent: dict[str, Any], event_id: int, *, action: str, errors: object
) -> None:
    """Add the entry for an attribute that was left out because it is not valid."""
    short = (
        f"{sent.get('category') or 'N/A'}/{sent.get('type') or 'N/A'}"
        f" {sent.get('value') if sent.get('value') is not None else 'N/A'}"
    )
    reasons = orjson.dumps(errors).decode()
    whole = orjson.dumps(sent, default=str).decode()
    write(
        call,
        f"Attribute dropped due to validation for Event {event_id} failed: {short}",
        model="Attribute",
        action=action,
        change=f"Validation errors: {reasons} Full Attribute: {whole}",
    )


def index(call: Call) -> Answer:
    """``logs/index``: the caller's own entries; the site administrator reads all."""
    asked = {**call.named, **call.given()}
    conditions = ["(? OR user_id = ?)"]
    values: list[Any] = [int(call.caller.site_admin), call.caller.id]
    for name in _FILTERS:
        if name in asked:
            conditions.append(f"{name} LIKE ?")
            values.append(str(asked[name]))
    if "created" in asked:
        conditions.append("created >= ?")
        values.append(moments.since(asked["created"], call.store.now()))
    limit = int(asked.get("limit", -1))
    page = max(1, int(asked.get("page", 1)))
    rows = call.store.all(
        f"SELECT * FROM logs WHERE {' AND '.join(conditions)}"  # noqa: S608 - our names
        " ORDER BY id LIMIT ? OFFSET ?",
        *values,
        limit,
        (page - 1) * limit if limit > 0 else 0,
    )
    return view([{"Log": _entry(row)} for row in rows])


def _entry(row: Row) -> dict[str, Any]:
    return {
        **{name: str(row[name]) for name in _SHOWN},
        "created": moments.stamp(row["created"]),
        "change": row["change"],
        "description": "",
        "ip": "",
    }
