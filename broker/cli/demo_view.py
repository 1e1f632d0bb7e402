"""The demonstration's result for a person: tables, and one incident side by side.

`Reckoning` -> tables on standard output, readable at 80 columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from broker.cli import terminal
from broker.cli.fields import Row, rows
from broker.cli.offline import look_at_bytes
from broker.demo import INCIDENTS, SIDE_BY_SIDE

if TYPE_CHECKING:
    from rich.console import Console

    from broker.demo.reckoning import Reckoning
    from broker.demo.stage import Stage

_STYLES: Final = {
    "shared": "bold blue",
    "held": "yellow",
    "taken back": "bold",
    "withheld": "dim",
}
_LONGEST: Final = 100
_TALLIES: Final = {
    "shared": "shared",
    "held": "held",
    "withheld": "withheld",
    "taken back": "retracted",
    "delivered": "delivered",
    "fields kept": "kept_fields",
    "fields changed": "changed_fields",
    "fields withheld": "withheld_fields",
}
_SIGNS: Final = {"shared": "●", "held": "◐", "taken back": "↩", "withheld": "○"}


def show(stage: Stage, found: Reckoning, seconds: float) -> None:
    """Print what was published and what each recipient got."""
    out = terminal.stdout()
    out.print()
    source = (
        f"a real Apache Kafka ({stage.kafka_address})"
        if stage.source == "kafka"
        else f"a folder in Kafka's place: {stage.why_spool}"
    )
    out.print(f"{found.published} messages went through {source}.")
    out.print()
    _fates(out, found)
    _tallies(out, found)
    _side_by_side(out, stage)
    _dead_letters(out, found)
    _proof(out, found, seconds)


def _fates(out: Console, found: Reckoning) -> None:
    names = list(found.recipients)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    table.add_column("What became of each incident", ratio=1, overflow="ellipsis")
    for name in names:
        table.add_column(name, no_wrap=True)
    for fate in found.fates:
        if not fate.uid:
            continue
        title = Text(terminal.plain(fate.title), overflow="ellipsis")
        title.no_wrap = True
        table.add_row(title, *(_word(fate.outcomes.get(name, "?")) for name in names))
    out.print(table)


def _word(outcome: str) -> Text:
    return Text(f"{_SIGNS.get(outcome, '?')} {outcome}", _STYLES.get(outcome, ""))


def _tallies(out: Console, found: Reckoning) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("How many")
    for name in found.recipients:
        table.add_column(name, justify="right")
    for label, field in _TALLIES.items():
        numbers = (getattr(tally, field) for tally in found.recipients.values())
        table.add_row(label, *map(str, numbers))
    out.print(table)


def _side_by_side(out: Console, stage: Stage) -> None:
    """Print one incident as each recipient sees it, where they see it differently."""
    looked = look_at_bytes((INCIDENTS / SIDE_BY_SIDE).read_bytes(), stage.settings())
    incident = looked.received.incident
    seen: dict[str, dict[str, Row]] = {}
    for shown in looked.previews:
        name = shown.route.recipient.recipient
        found = rows(incident, shown, looked.keys.recipients[name])
        seen[name] = {row.field: row for row in found}
    out.print(Text("One incident, as each recipient sees it", style="bold"))
    out.print(Text(terminal.plain(f"{incident.uid}: {incident.title}")))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    table.add_column("", overflow="fold", width=16)
    for name in seen:
        table.add_column(name, overflow="fold", ratio=1)
    alike = 0
    for field in next(iter(seen.values())):
        cells = [row_of[field] for row_of in seen.values()]
        if len({cell.seen for cell in cells}) == 1:
            alike += 1
            continue
        table.add_row(
            _short(field),
            *(
                Text(_shortened(cell.seen), "dim" if cell.withheld else "")
                for cell in cells
            ),
        )
    out.print(table)
    out.print(f"{alike} other fields are the same for all. — means: not there at all.")
    out.print()


def _shortened(text: str) -> str:
    text = terminal.plain(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _short(field: str) -> str:
    return field.replace("observables", "observable").replace("[", " ").rstrip("]")


def _dead_letters(out: Console, found: Reckoning) -> None:
    number = terminal.counted(len(found.dead_letters), "message")
    out.print(Text(f"{number} could not be read", style="bold"))
    for letter in found.dead_letters:
        where = f"{letter.path}: " if letter.path else ""
        out.print(f"  {letter.position}", soft_wrap=True)
        out.print(Padding(Text(f"{where}{letter.problem}"), (0, 0, 0, 4)))
    out.print()


def _proof(out: Console, found: Reckoning, seconds: float) -> None:
    if found.register is not None:
        entries = terminal.counted(found.register.entries, "entry", "entries")
        _said(out, "✓", f"The register is whole: {entries}, none altered.")
    else:
        _said(out, "✗", f"The register is not whole: {found.register_problem}")
    if found.lost:
        _said(out, "✗", f"Missing: {terminal.counted(len(found.lost), 'thing')}")
        for line in found.lost:
            _said(out, " ", f"  {line}")
    else:
        _said(
            out,
            "✓",
            "Nothing was lost: every revision was decided under every agreement, and "
            "every edition that left was found at its recipient.",
        )
    _said(out, " ", f"{seconds:.0f} seconds in all.")
    out.print()


def _said(out: Console, sign: str, text: str) -> None:
    """Print a sentence that keeps to the right of its sign, also over several lines."""
    line = Table.grid(padding=(0, 1))
    line.add_row(sign, text)
    out.print(line)
