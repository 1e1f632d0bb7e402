"""`besa held` for a person: what waits, why, and the draft itself.

`broker.store.Held` and `HeldDraft` -> text on standard output.

Invariant: of an incident only the redacted draft is shown, and no character of it can
move the cursor or turn the reading direction around.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.text import Text

from broker.cli import terminal
from broker.cli.status_view import ago

if TYPE_CHECKING:
    from rich.console import Console

    from broker.review import Behind
    from broker.store import Held, HeldDraft

_INDENT: Final = (0, 0, 0, 7)


def show_list(found: tuple[Held, ...], now: datetime) -> None:
    """Print what is held: what and for whom, and below it why."""
    out = terminal.stdout()
    if not found:
        out.print("Nothing is held.")
    print_items(out, found, now)


def print_items(out: Console, found: tuple[Held, ...], now: datetime) -> None:
    """Print two lines or more for each held share."""
    for held in found:
        of = f"{held.uid} revision {held.revision} for {held.recipient}"
        line = f"{held.id:>5}  {of}, {ago(held.at, now)}"
        out.print(Text(terminal.plain(line), style="bold"), soft_wrap=True)
        out.print(Padding(Text(terminal.plain(_state(held))), _INDENT))
        if held.approvals:
            names = ", ".join(one.reviewer for one in held.approvals)
            out.print(Padding(Text(f"approved by {names}"), _INDENT))


def show_item(found: HeldDraft, behind: Behind, now: datetime) -> None:
    """Print one held share with everything that a reviewer must know."""
    held, out = found.held, terminal.stdout()
    approved = ", ".join(
        f"{one.reviewer} (until {one.until:%Y-%m-%d %H:%M} UTC)"
        for one in held.approvals
    )
    for name, text in (
        ("Item", str(held.id)),
        ("Incident", f"{held.uid} revision {held.revision}"),
        ("Recipient", f"{held.recipient} (agreement {held.agreement})"),
        ("Why", _state(held)),
        ("Since", ago(held.at, now)),
        ("Published by", behind.publisher or "nobody knows: reviewers must vouch"),
        ("Agreement", f"edited last by {behind.editor or 'nobody knows whom'}"),
        ("Approved by", approved or "nobody yet"),
        ("Rulebook", held.rulebook[:16]),
        ("Digest", held.sha256 or "there is no draft"),
    ):
        out.print(Text(f"{name:<14} {terminal.plain(text)}"), soft_wrap=True)
    out.print()
    if not found.body:
        return
    out.print(Text(_heading(held), style="bold"))
    shown = json.dumps(json.loads(found.body), indent=2, ensure_ascii=False)
    for line in shown.splitlines():
        out.print(Text(terminal.plain(line)), soft_wrap=True)


def _heading(held: Held) -> str:
    from broker.store import GUARD_FOUND

    if held.why.startswith(GUARD_FOUND):
        return "What the guard stopped; it will not leave like this:"
    return "What would leave, and nothing else:"


def _state(held: Held) -> str:
    if held.ended == "superseded":
        return f"superseded by revision {held.newest}"
    if held.ended:
        return held.ended
    parts = [held.why]
    if held.embargo_until:
        parts.append(
            f"goes out by itself after {held.embargo_until:%Y-%m-%d %H:%M} UTC"
        )
    if held.note:
        parts.append(held.note)
    return "; ".join(parts)
