"""The table of who gets what: for a terminal, as Markdown, and as a page of HTML.

`Matrix` -> text. Colours never say anything that a word does not say too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from broker.cli.terminal import counted
from broker.model.decision import Effect
from broker.model.rsit import RSIT_TYPES, rsit_category
from broker.prove.matrix import Cell, Column, Conditions, Matrix

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

Labels = Mapping[str, str]
_DEPENDS: Final = "depends"
_ONWARD: Final = {
    "forbidden": "forbidden",
    "with-consent": "allowed with the CSIRT's consent",
    "allowed": "allowed",
}
_BREAKS: Final = re.compile(r"(?<=[-/ ._])")
# Letters that a column takes at least, and what is between two.
_NARROWEST: Final = 16
_FIRST, _FIRST_OF_WIDE, _WIDE = 22, 36, 110
_GAP: Final = 2
_STYLES: Final = {"share": "green", "review": "yellow", "withhold": "dim"}


def _word(cell: Cell) -> str:
    return str(cell.effect) if cell.effect else _DEPENDS


def _parts(cell: Cell) -> list[tuple[str, str]]:
    """Return what a cell says, in steps: the verdict, and when it is reached."""
    if cell.effect:
        return [(str(cell.effect), "")]
    said: list[tuple[str, str]] = []
    for word, conditions in (("share", cell.share), ("review", cell.review)):
        if conditions:
            said.append((word, f"if {_when(conditions)}"))
    said.append((str(cell.rest), "otherwise"))
    return said


def _when(conditions: Conditions) -> str:
    return "; or if ".join(" and ".join(phrases) for phrases in conditions)


def notes(table: Matrix) -> list[str]:
    """Return what must stand beside the table for it to be true."""
    reviews = [each for each in table.safeguards if each[1] is Effect.REVIEW]
    asked = [name for name, _, fast in reviews if not fast]
    mostly = [name for name, _, fast in reviews if fast]
    never = [name for name, effect, _ in table.safeguards if effect is Effect.WITHHOLD]
    said = [
        "share: sent at once, redacted by the recipient's profile. review: a person "
        "decides. withhold: not sent.",
        "Proved for every ordinary incident: neither withdrawn, under embargo nor held "
        "back for its age, and marked within the recipient's clearance. All others are "
        "withheld, or wait for a person.",
    ]
    if asked:
        said.append(f"A person is always asked by the safeguards {', '.join(asked)}.")
    if mostly:
        said.append(
            f"A person is asked by the safeguards {', '.join(mostly)}, and only told "
            "where a life is in danger and the agreement has a fast lane."
        )
    if never:
        said.append(f"Nothing is ever sent against the safeguards {', '.join(never)}.")
    if not any(column.route for column in table.columns):
        said.insert(0, f"No agreement is in force on {table.on}: nothing is sent.")
    return [*said, *(note for column in table.columns for note in _beside(column))]


def _beside(column: Column) -> Iterator[str]:
    """Yield what else the agreement with one recipient says."""
    who = column.authority
    if column.suspended:
        yield f"{who} is suspended: nothing is sent."
    if column.route is None:
        return
    agreement, recipient = column.route.agreement, column.route.recipient
    tlp, pap = recipient.clearance.tlp.upper(), recipient.clearance.pap.upper()
    yield (
        f"{who}: {agreement.title}, in force until {agreement.valid.until}. At most "
        f"TLP:{tlp} and PAP:{pap}; kept for at most {agreement.retention_days} days; "
        f"passing it on is {_ONWARD[agreement.onward]}."
    )
    if agreement.embargo is not None:
        days = counted(agreement.embargo.hold_back_days, "day")
        yield (
            f"{who}: what is less than {days} old, or of unknown age, waits for a "
            "person, whatever the table says."
        )
    if agreement.fast_lane is not None:
        yield (
            f"{who}: where a life is in danger, a person is told instead of asked, if "
            "the clause or safeguard that asks for a review allows it."
        )
    if any(clause.withhold_items for clause in agreement.clauses):
        yield (
            f"{who}: single observables or parties stay here all the same; besa policy "
            f"describe {agreement.agreement} names them."
        )


def terminal_tables(table: Matrix, labels: Labels, width: int) -> Iterator[Table]:
    """Yield the table for a terminal, in as many parts as its width asks for.

    Each part has so many recipients that no word is broken, but for a very long one.
    """
    first = _FIRST if width < _WIDE else _FIRST_OF_WIDE
    most = max(1, (width - first - _GAP) // (_NARROWEST + _GAP))
    for start in range(0, max(1, len(table.columns)), most):
        some = table.columns[start : start + most]
        each = (width - first - _GAP) // max(1, len(some)) - _GAP
        yield _terminal_table(some, labels, first, max(each, 1))


def _terminal_table(
    columns: tuple[Column, ...], labels: Labels, first: int, each: int
) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    # With the line between two columns, this padding makes the `_GAP` counted with.
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column("Type of incident", width=first)
    names = [_wrapped(column.recipient, each) for column in columns]
    height = max((len(lines) for lines in names), default=0)
    for column, lines in zip(columns, names, strict=True):
        under = _wrapped(column.agreement or "no agreement in force", each)
        said = [*lines, *[""] * (height - len(lines)), *under]
        made.add_column("\n".join(said), width=each)
    for category, types in groupby(RSIT_TYPES, rsit_category):
        heading = _wrapped(category.replace("-", " ").capitalize(), first)
        for index, name in enumerate(types):
            above = heading if index == 0 else []
            label = [
                f"  {line}" for line in _wrapped(labels.get(name, name), first - 2)
            ]
            made.add_row(
                "\n".join([*above, *label]),
                *(_rich(column.cells[name], len(above), each) for column in columns),
            )
    return made


def _rich(cell: Cell, below: int, width: int) -> Text:
    from rich.text import Text

    said = Text("\n" * below)
    for number, (word, when) in enumerate(_parts(cell)):
        text = "\n".join(_wrapped(f"{word} {when}" if when else word, width))
        said.append("\n" if number else "")
        said.append(word, style=_STYLES[word])
        said.append(text.removeprefix(word))
    return said


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text at blanks and behind the marks in a name; a longer word anywhere."""
    lines = [""]
    for word in _BREAKS.split(text):
        if len((lines[-1] + word).rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += word
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return [line.rstrip() for line in lines]


def markdown(table: Matrix, labels: Labels) -> str:
    """Return the table as Markdown."""
    lines = [
        f"# Who gets what on {table.on}",
        "",
        *_markdown_row(["Type of incident", *(_heading(c) for c in table.columns)]),
        *_markdown_row(["---"] * (len(table.columns) + 1)),
    ]
    for name in RSIT_TYPES:
        cells = [_markdown_cell(column.cells[name]) for column in table.columns]
        label = f"{labels.get(name, name)} (`{name}`)"
        lines += _markdown_row([label, *cells])
    lines += ["", *(f"- {note}" for note in notes(table))]
    return "\n".join(lines) + "\n"


def _heading(column: Column) -> str:
    under = column.agreement or "no agreement in force"
    return f"{column.authority}, {under}"


def _markdown_row(cells: list[str]) -> list[str]:
    escaped = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
    return [f"| {' | '.join(escaped)} |"]


def _markdown_cell(cell: Cell) -> str:
    said = [f"**{word}**{f' {when}' if when else ''}" for word, when in _parts(cell)]
    return "<br>".join(said)


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Who gets what on {on}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1b1b1b; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .3rem; }}
p, li {{ max-width: 60rem; }}
table {{ border-collapse: collapse; margin: 1.2rem 0; width: 100%; }}
th, td {{ border: 1px solid #c9ccd1; padding: .4rem .6rem; vertical-align: top;
  text-align: left; }}
thead th {{ background: #26324a; color: #fff; position: sticky; top: 0; }}
thead small {{ font-weight: normal; opacity: .85; }}
tbody th {{ font-weight: normal; }}
tr.category th {{ background: #eceff4; font-weight: 600; }}
code {{ color: #666; font-size: .82em; }}
b {{ display: inline-block; min-width: 4.4rem; padding: 0 .4rem; border-radius: .25rem;
  text-align: center; }}
b.share {{ background: #cfe9d4; }} b.review {{ background: #fdeab8; }}
b.withhold {{ background: #e4e5e8; }}
td div + div {{ margin-top: .3rem; }}
td.always {{ white-space: nowrap; }}
@media print {{ body {{ margin: 0; font-size: 9pt; }} thead th {{ position: static; }}
  tr {{ break-inside: avoid; }} b {{ border: 1px solid #888; }} }}
</style>
<h1>Who gets what on {on}</h1>
<p>What becomes of an incident, by its type and by recipient. Rulebook
<code>{digest}</code>.</p>
<table>
<thead><tr><th>Type of incident</th>{columns}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<ul>
{notes}
</ul>
</html>
"""


def html(table: Matrix, labels: Labels, digest: str) -> str:
    """Return the table as one page that needs nothing else."""
    columns = "".join(
        f"<th>{escape(column.authority)}<br><small>"
        f"{escape(column.agreement or 'no agreement in force')}</small></th>"
        for column in table.columns
    )
    rows: list[str] = []
    for category, types in groupby(RSIT_TYPES, rsit_category):
        heading = escape(category.replace("-", " ").capitalize())
        span = len(table.columns) + 1
        rows.append(f'<tr class="category"><th colspan="{span}">{heading}</th></tr>')
        for name in types:
            label = escape(labels.get(name, name))
            cells = "".join(_html_cell(column.cells[name]) for column in table.columns)
            code = f"<br><code>{escape(name)}</code>"
            rows.append(f'<tr><th scope="row">{label}{code}</th>{cells}</tr>')
    return _PAGE.format(
        on=table.on,
        digest=escape(digest[:16]),
        columns=columns,
        rows="\n".join(rows),
        notes="\n".join(f"<li>{escape(note)}</li>" for note in notes(table)),
    )


def _html_cell(cell: Cell) -> str:
    said = "".join(
        f'<div><b class="{word}">{word}</b> {escape(when)}</div>'
        for word, when in _parts(cell)
    )
    return f'<td class="always">{said}</td>' if cell.effect else f"<td>{said}</td>"


def as_json(table: Matrix) -> dict[str, Any]:
    """Return the table as plain data."""
    return {
        "on": str(table.on),
        "recipients": [
            {
                "recipient": column.recipient,
                "authority": column.authority,
                "agreement": column.agreement or None,
                "types": {name: _data(cell) for name, cell in column.cells.items()},
            }
            for column in table.columns
        ],
        "notes": notes(table),
    }


def _data(cell: Cell) -> dict[str, Any]:
    if cell.effect:
        return {"verdict": str(cell.effect)}
    return {
        "verdict": _DEPENDS,
        "share_if": [list(each) for each in cell.share],
        "else_review_if": [list(each) for each in cell.review],
        "otherwise": str(cell.rest),
    }
