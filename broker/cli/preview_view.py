"""`besa preview` for a person: one table per recipient.

`Looked` -> tables on standard output, readable at 80 columns and better at 140.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from broker.cli import sentences, terminal
from broker.cli.fields import Row, kept_back, rows, summary
from broker.cli.moment import words
from broker.convert import listed_values
from broker.model.agreement import OnExpiry
from broker.model.decision import OUT_OF_DATES, Effect
from broker.model.sharing import State, Wire
from broker.render import unfit_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from broker.cli.offline import Looked
    from broker.model.decision import Finding
    from broker.model.incident import Incident
    from broker.pipeline import Previewed

# Blue, yellow and bold stay apart for every kind of colour blindness; signs and words
# say the same without any colour.
_STYLES: Final = {
    Effect.SHARE: "bold blue",
    Effect.REVIEW: "bold yellow",
    Effect.WITHHOLD: "bold",
}
_EMBARGO: Final = "embargo"  # the finding's name
_WIDE: Final = 110
_LONGEST: Final = 600
_FIELD: Final = 19  # the longest name of a field, with its number


def show(looked: Looked) -> None:
    """Print the incident's heading, then one section per recipient."""
    out = terminal.stdout()
    out.print()
    _heading(out, looked)
    for shown in looked.previews:
        out.print()
        _section(out, looked, shown)
    out.print()


def _heading(out: Console, looked: Looked) -> None:
    incident = looked.received.incident
    out.print(Text(terminal.plain(incident.title), style="bold"))
    out.print(facts_line(incident), soft_wrap=False)
    rules = f"as of {words(looked.now)} · rulebook {looked.rulebook.digest[:16]}"
    out.print(Text(rules, style="dim"))


def facts_line(incident: Incident) -> Text:
    """Return one line with what decisions rest on most."""
    words = [
        incident.uid,
        f"revision {incident.revision}",
        incident.classification,
        f"severity {incident.severity}",
        f"TLP:{incident.tlp.upper()}",
        f"PAP:{incident.pap.upper()}",
    ]
    if incident.status != "open":
        words.append(f"status {incident.status}")
    if incident.urgency != "normal":
        words.append("THREAT TO LIFE")
    return Text(" · ".join(words))


def precondition(finding: Finding, looked: Looked, shown: Previewed) -> str:
    """Say what a finding means that no clause made, with the day that it hangs on."""
    embargo = looked.received.incident.embargo_until
    if finding.clause == _EMBARGO and embargo:
        return f"The incident has an embargo until {words(embargo)}."
    if finding.clause != OUT_OF_DATES:
        return sentences.precondition(finding.clause) or finding.because
    valid = shown.route.agreement.valid
    if looked.now.date() < valid.start:
        return f"The agreement begins on {valid.start}."
    keeps = shown.route.agreement.on_expiry is OnExpiry.KEEP
    after = "stays there" if keeps else "is taken back"
    return f"The agreement ended on {valid.until}. What was shared before {after}."


def _above(looked: Looked, shown: Previewed) -> Iterator[str]:
    """Yield what speaks here whatever the clauses say."""
    for finding in shown.share.decision.findings:
        if finding.matched and sentences.precondition(finding.clause):
            yield precondition(finding, looked, shown)


def _section(out: Console, looked: Looked, shown: Previewed) -> None:
    decision, recipient = shown.share.decision, shown.route.recipient
    title = f"{recipient.recipient} · {recipient.authority}"
    heading = Text(title, style="bold")
    out.print(Rule(heading, align="left", characters="━", style="dim"))
    line = Text()
    line.append(_headline(shown), style=_STYLES[decision.effect])
    line.append(f"  {sentences.verdict(decision)}")
    out.print(line)
    for sentence in _above(looked, shown):
        out.print(sentence)
    out.print(Text(f"Agreement {decision.agreement}", style="dim"))
    if shown.share.failure:
        out.print(Text(f"A step failed: {shown.share.failure}", style="bold"))
    for breach in shown.share.breaches:
        out.print(Text(sentences.breach(breach), style="bold"))
    if not shown.wires:
        out.print("Nothing leaves.")
        return
    key = looked.keys.recipients[recipient.recipient]
    found = rows(looked.received.incident, shown, key)
    out.print(_table(found, wide=out.width >= _WIDE))
    for kind, value, title in listed_values(shown.redacted.view, shown.route.frame):
        flag = f"! {kind} {value}: on the list “{title}”, so it is never matched"
        out.print(Text(terminal.plain(flag), style="yellow"))
    for item, title, where in kept_back(looked.received.incident, shown):
        line_of = where.removeprefix("policies/")
        stays = f"{item} is on the list “{title}” and stays here: {line_of}"
        out.print(Text(terminal.plain(stays)))
    if shown.route.wire is Wire.MISP_EVENT:
        for kind, value, name in unfit_values(
            shown.redacted.view, shown.route.event_frame
        ):
            flag = f"! {kind} {value}: MISP takes no such {name}, so it goes as text"
            out.print(Text(terminal.plain(flag), style="yellow"))
    out.print(_total(shown))


def _headline(shown: Previewed) -> str:
    if shown.share.breaches:
        return "HOLD: the last check found something."
    return sentences.VERDICTS[shown.share.decision.effect]


def _table(found: tuple[Row, ...], *, wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
    table.add_column("Field", overflow="fold", width=_FIELD)
    if wide:
        table.add_column("In the incident", overflow="fold", ratio=9)
    table.add_column("What they get", overflow="fold", ratio=9)
    table.add_column("What was done", overflow="fold", ratio=6)
    for row in found:
        style = "dim" if row.withheld else "" if row.kept else "blue"
        cells = [Text(row.field)]
        if wide:
            cells.append(Text(_shortened(row.known)))
        cells.append(Text(_shortened(row.seen), style=style))
        cells.append(Text(summary(row), style=style))
        table.add_row(*cells)
    return table


def _total(shown: Previewed) -> Text:
    counts = shown.redacted.counts()
    body = shown.wires[shown.route.wire]
    after = {
        State.QUEUED: "would be delivered",
        State.HELD: "would wait for a person",
    }.get(shown.share.state, f"would be {shown.share.state}")
    return Text(
        f"= {counts['kept']} kept   ≈ {counts['changed']} changed   "
        f"✗ {counts['withheld']} withheld   ·   {shown.route.wire}, "
        f"{len(body):,} bytes, {after}"
    )


def _shortened(text: str) -> str:
    text = terminal.plain(text)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({len(text) - _LONGEST} more characters)"
