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
    from broker.store import Approved, Held, HeldDraft

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
        out.print(Padding(Text(terminal.plain(state(held))), _INDENT))
        if held.approvals and not held.ended:
            names = ", ".join(_approval(one, now) for one in held.approvals)
            out.print(Padding(Text(f"approved by {names}"), _INDENT))


def show_item(found: HeldDraft, behind: Behind, in_force: str, now: datetime) -> None:
    """Print one held share with everything that a reviewer must know.

    ``in_force`` is the digest of the rulebook that a release would be made under.
    """
    held, out = found.held, terminal.stdout()
    lines = [
        ("Item", str(held.id)),
        ("Incident", f"{held.uid} revision {held.revision}"),
        ("Recipient", f"{held.recipient} (agreement {held.agreement})"),
        ("Why", state(held)),
        ("Since", ago(held.at, now)),
        ("Published by", behind.publisher or "nobody knows: reviewers must vouch"),
        ("Agreement", f"edited last by {behind.editor or 'nobody knows whom'}"),
        ("Approved by", ", ".join(_approval(one, now) for one in held.approvals)),
        ("Rulebook", held.rulebook[:16]),
        ("Digest", held.sha256 or "there is no draft"),
    ]
    for name, text in lines:
        if name == "Approved by" and held.ended:
            continue  # approvals ended with it; the register has who and when
        line = f"{name:<14} {terminal.plain(text or 'nobody yet')}"
        out.print(Text(line), soft_wrap=True)
    if not held.ended and in_force not in ("", held.rulebook):
        out.print(Text(f"{'':<14} ! {_changed(in_force)}"), soft_wrap=True)
    out.print()
    if held.ended:
        out.print("It does not wait any more, and its draft is not kept.")
    if not found.body:
        return
    out.print(Text(_heading(held), style="bold"))
    shown = json.dumps(json.loads(found.body), indent=2, ensure_ascii=False)
    for line in shown.splitlines():
        out.print(Text(terminal.plain(line)), soft_wrap=True)


def _approval(one: Approved, now: datetime) -> str:
    """Return who approved, and until when that counts."""
    until = f"{one.until:%Y-%m-%d %H:%M} UTC"
    if one.until < now:
        return f"{one.reviewer} (expired on {until})"
    return f"{one.reviewer} (until {until})"


def _changed(in_force: str) -> str:
    """Say that the draft may be made otherwise by now."""
    return (
        f"{in_force[:16]} is in force now: if it makes another draft of this, it is "
        "held again with that, and two people look anew"
    )


def _heading(held: Held) -> str:
    from broker.store import GUARD_FOUND

    if held.why.startswith(GUARD_FOUND):
        return "What the guard stopped; it will not leave like this:"
    return "What would leave, and nothing else:"


def state(held: Held) -> str:
    """Say why a share is held, and what comes of it, or how it ended."""
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
