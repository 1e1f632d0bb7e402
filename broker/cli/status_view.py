"""`besa status` for a person: what waits, what is held, what could not be read.

`broker.store.Status` -> tables on standard output. Never a value of an incident.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from broker.cli import terminal

if TYPE_CHECKING:
    from rich.console import Console

    from broker.rulebook import Lapse
    from broker.store import Status

_COLUMN: Final = 15  # where what is said stands, behind its name
_ROOMY: Final = 72  # from so many columns on there is space for space


def show(
    found: Status, lag: dict[str, Any], ending: tuple[Lapse, ...], now: datetime
) -> None:
    """Print the store at a glance, and the agreements that end soon."""
    out = terminal.stdout()
    out.print()
    _read(out, found, lag, now)
    _lanes(out, found)
    _held(out, found, now)
    _recalls(out, found)
    _dead_letters(out, found)
    _ending(out, ending)
    _alarms(out, found, now)


def _read(out: Console, found: Status, lag: dict[str, Any], now: datetime) -> None:
    waiting = lag["messages"]
    line = lag["problem"] or f"{_messages(waiting)} in {lag['source']}"
    out.print(f"Not read yet   {line}")
    topics = lag.get("topics") or {}
    for topic, number in topics.items() if len(topics) > 1 else ():
        said = "there is no such topic" if number is None else _messages(number)
        out.print(f"               {topic}: {said}", soft_wrap=True)
    last = found.last_message_at
    out.print(f"Last message   {ago(last, now) if last else 'none so far'}")
    _rulebook(out, found, now)
    entries = terminal.counted(found.audit_entries, "entry", "entries")
    out.print(f"Register       {entries}")
    out.print()


def _messages(number: int) -> str:
    return terminal.counted(number, "message")


def _rulebook(out: Console, found: Status, now: datetime) -> None:
    digest, since = found.in_force or found.rulebook, found.in_force_since
    line = digest[:16] or "none used so far"
    out.print(
        f"Rulebook       {line}" + (f", since {ago(since, now)}" if since else "")
    )
    if found.rulebook_trouble:
        # Said here too: below it would be one alarm among others.
        trouble = Text(f"! {found.rulebook_trouble}", style="bold yellow")
        out.print(Padding(trouble, (0, 0, 0, _COLUMN)))


def _lanes(out: Console, found: Status) -> None:
    out.print(Text("Deliveries", style="bold"))
    if not found.lanes:
        out.print("  none so far")
        out.print()
        return
    rows = table("Recipient")
    rows.columns[0].no_wrap = True  # where it is narrow, the headings give way
    for name in ("waiting", "sending", "delivered", "overtaken", "failed"):
        rows.add_column(name, justify="right", overflow="fold")
    rows.add_column("oldest waits", justify="right", overflow="fold")
    for lane in found.lanes:
        age = lane.oldest_seconds
        rows.add_row(
            lane.recipient,
            str(lane.queued),
            str(lane.leased),
            str(lane.delivered),
            str(lane.superseded),
            str(lane.failed),
            "" if age is None else _span(age),
        )
    out.print(rows)
    for lane in found.lanes:
        if lane.last_reason:
            out.print(f"  {lane.recipient}: {lane.last_reason}")
    for what, number in found.losses.items():
        out.print(Text(f"  ! {number} times: {what}", style="yellow"))
    out.print()


def _held(out: Console, found: Status, now: datetime) -> None:
    from broker.cli.held_view import print_items

    out.print(Text(f"Held for a person: {found.held_count}", style="bold"))
    print_items(out, found.held, now)
    _more(out, found.held_count, len(found.held))
    out.print()


def _recalls(out: Console, found: Status) -> None:
    if found.recalls_waiting:
        line = f"Taken back, not confirmed: {found.recalls_waiting}"
        out.print(Text(line, style="bold"))
        out.print("  besa recall list names them")
        out.print()


def _dead_letters(out: Console, found: Status) -> None:
    out.print(Text(f"Could not be read: {found.dead_letter_count}", style="bold"))
    for letter, _ in found.dead_letters:
        where = f"{letter.path}: " if letter.path else ""
        advice = f" ({letter.advice})" if letter.advice else ""
        out.print(f"  {letter.position}", soft_wrap=True)
        out.print(Padding(f"{where}{letter.problem}{advice}", (0, 0, 0, 4)))
    _more(out, found.dead_letter_count, len(found.dead_letters))
    out.print()


def _ending(out: Console, ending: tuple[Lapse, ...]) -> None:
    if not ending:
        return
    out.print(Text("Agreements that end", style="bold"))
    for lapse in ending:
        style = "bold yellow" if lapse.within in (0, 7) else ""
        out.print(Text(f"  {lapse.agreement}: {lapse.words}", style=style))
    out.print()


def _alarms(out: Console, found: Status, now: datetime) -> None:
    if not found.alarm_count:
        return
    out.print(Text(f"Alarms: {found.alarm_count}", style="bold yellow"))
    for alarm in found.alarms:
        where = f" at {alarm.place}" if alarm.place else ""
        line = Text(f"{alarm.kind}{where}: {alarm.text}")
        out.print(Padding(line, (0, 0, 0, 2)))
        often = "once" if alarm.times == 1 else f"{alarm.times} times, last"
        out.print(f"    {often} {ago(alarm.last_at, now)}")
    _more(out, found.alarm_count, len(found.alarms))
    out.print()


def table(first: str) -> Table:
    """Return an empty table with the name of its first column."""
    roomy = terminal.stdout().width >= _ROOMY
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=roomy,
        padding=(0, 1) if roomy else (0, 1, 0, 0),
    )
    made.add_column(first, overflow="fold")
    return made


def _more(out: Console, all_of_them: int, listed: int) -> None:
    if all_of_them > listed:
        out.print(f"  ... and {all_of_them - listed} more")


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was."""
    return f"{_span(max(0.0, (now - moment).total_seconds()))} ago"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
