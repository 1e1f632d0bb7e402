"""`besa recall list` for a person: what is to be taken back, and who confirmed it.

Orders and recalls -> tables on standard output. Never a value of an incident, but the
words of whoever gave the order: they are for the CSIRT's own people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from broker.cli import terminal
from broker.cli.status_view import ago, table

if TYPE_CHECKING:
    from broker.store.recall_orders import Finding, Order
    from broker.store.recalls import Recall


def show_list(
    orders: Sequence[Order],
    found: Sequence[Recall],
    now: datetime,
    days: int,
    nothing: str,
) -> None:
    """Print orders that nobody has followed yet, and recalls; or ``nothing``."""
    out = terminal.stdout()
    for order in orders:
        to = order.agreement or order.recipient or "everybody"
        what = terminal.plain(order.uid) or "all that the rules no longer share"
        out.print(
            f"Order {order.id} by {order.by}, {ago(order.at, now)}: {what}, from {to}",
            soft_wrap=True,
        )
        said = order.note or "waits for the consuming process"
        out.print(f"  {terminal.plain(order.because)}; {said}", soft_wrap=True)
    if not found:
        if not orders:
            out.print(nothing)
        return
    rows = table("Incident")
    for name in ("recipient", "edition", "why", "state", "since"):
        rows.add_column(name, overflow="fold")
    for one in found:
        rows.add_row(
            terminal.plain(one.uid),
            one.recipient,
            f"{one.edition}{'' if one.whole else ' (a part)'}",
            f"{one.cause} by {one.by}" if one.by else one.cause,
            _state(one, now, days),
            ago(one.acknowledged_at or one.closed_at or one.since(), now),
        )
    out.print(rows)
    for one in found:
        if one.last_reason and one.state != "delivered" and one.waits:
            out.print(f"  {one.recipient}: {terminal.plain(one.last_reason)}")


def show_findings(order: Order, found: Sequence[Finding]) -> None:
    """Print what a look for narrower policies has found."""
    out = terminal.stdout()
    if found:
        rows = table("Incident")
        for name in ("recipient", "what", "because"):
            rows.add_column(name, overflow="fold")
        for one in found:
            rows.add_row(
                terminal.plain(one.uid),
                one.recipient,
                one.what,
                terminal.plain(one.because),
            )
        out.print(rows)
    if order.done_at is None:
        out.print(f"Not finished: {order.note or 'waits for the consuming process'}.")
    else:
        out.print(f"Finished: {order.note}.")


def _state(one: Recall, now: datetime, days: int) -> str:
    if one.acknowledged_at is not None:
        return f"confirmed ({terminal.plain(one.acknowledged_by)})"
    if one.closed_at is not None:
        return f"needs nothing: {one.closed}"
    where = "waits for the unit" if one.delivered_at else one.state
    return f"{where}, overdue" if one.overdue(now, days) else where
