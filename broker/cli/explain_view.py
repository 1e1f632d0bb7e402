"""`besa explain` for a person: a decision in sentences, clause by clause.

`Looked` (one recipient) -> sentences on standard output, each with the line of the
policy file that it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from broker.cli import sentences, terminal
from broker.cli.fields import sign
from broker.cli.moment import words
from broker.cli.preview_view import facts_line, precondition
from broker.model.decision import Effect, Finding
from broker.model.sharing import KEPT, WITHHELD
from broker.policy import Facts, facts_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from broker.cli.offline import Looked
    from broker.model.agreement import Agreement, Clause
    from broker.pipeline import Previewed

_DOES: Final = {
    Effect.SHARE: "shares",
    Effect.REVIEW: "asks for a review",
    Effect.WITHHOLD: "withholds",
}
_WOULD: Final = {
    Effect.SHARE: "would share",
    Effect.REVIEW: "would ask for a review",
    Effect.WITHHOLD: "would withhold",
}


def show(looked: Looked) -> None:
    """Print why each recipient gets what it gets."""
    out = terminal.stdout()
    for shown in looked.previews:
        _agreement(out, looked, shown)
        _clauses(out, looked, shown)
        _fields(out, shown)
        _last_check(out, shown)


def _agreement(out: Console, looked: Looked, shown: Previewed) -> None:
    incident, agreement = looked.received.incident, shown.route.agreement
    recipient, decision = shown.route.recipient, shown.share.decision
    out.print()
    out.print(Text(terminal.plain(incident.title), style="bold"))
    out.print(facts_line(incident))
    out.print(Text(f"as of {words(looked.now)}", style="dim"))
    out.print()
    grid = _grid()
    grid.add_row("Recipient", f"{recipient.authority} ({recipient.recipient})")
    grid.add_row("Agreement", f"{agreement.title} ({agreement.agreement})")
    grid.add_row("In force", _dates(agreement))
    for other in looked.rulebook.agreements_with(recipient.recipient):
        if other.agreement.agreement != agreement.agreement:
            silent = f"{other.agreement.agreement}, {_dates(other.agreement)}"
            grid.add_row("Has no say", silent)
    for number, basis in enumerate(agreement.legal_basis):
        label = "Legal basis" if number == 0 else ""
        grid.add_row(label, sentences.legal_basis(basis))
    grid.add_row("Purpose", ", ".join(agreement.purpose))
    out.print(grid)
    out.print()
    line = Text("The answer: ")
    line.append(sentences.VERDICTS[decision.effect], style="bold")
    out.print(line)
    _indented(out, sentences.verdict(decision))


def _clauses(out: Console, looked: Looked, shown: Previewed) -> None:
    facts = facts_of(looked.received.incident, looked.now)
    clauses = {
        **{clause.id: clause for clause in shown.route.agreement.clauses},
        **{f"safeguard:{clause.id}": clause for clause in looked.safeguards.safeguards},
    }
    findings = shown.share.decision.findings
    for title, matched in (("What applies", True), ("What does not apply", False)):
        chosen = [finding for finding in findings if finding.matched is matched]
        if not chosen:
            continue
        out.print()
        out.print(Text(title, style="bold"))
        for finding in chosen:
            clause = clauses.get(finding.clause)
            above = precondition(finding, looked, shown)
            _finding(out, finding, clause, facts, above)


def _finding(
    out: Console, finding: Finding, clause: Clause | None, facts: Facts, above: str
) -> None:
    mark = "●" if finding.matched else "○"
    cites = f", {clause.cites}" if clause else ""
    line = Text(f"{mark} ")
    line.append(finding.clause, style="bold" if finding.matched else "")
    does = _DOES if finding.matched else _WOULD
    line.append(f"{cites}: {does[finding.effect]}")
    out.print(line)
    if clause is None:
        sentence = above
    elif finding.matched:
        sentence = sentences.why(clause, facts)
    else:
        sentence = sentences.why_not(clause, finding.because, facts)
    _indented(out, sentence)
    if clause is not None and clause.note and finding.matched:
        _indented(out, clause.note)
    if finding.where:
        _indented(out, Text(finding.where, style="dim"))


def _dates(agreement: Agreement) -> str:
    return f"{agreement.valid.start} to {agreement.valid.until}"


def _fields(out: Console, shown: Previewed) -> None:
    out.print()
    if not shown.wires:
        out.print("Nothing of the incident leaves.")
        return
    groups = sentences.by_rule(shown.redacted.ledger())
    titles = (
        ("What goes out as it is", lambda outcome: outcome == KEPT),
        ("What is changed first", lambda outcome: outcome not in (KEPT, WITHHELD)),
        ("What stays here", lambda outcome: outcome == WITHHELD),
    )
    for title, belongs in titles:
        chosen = [(key, names) for key, names in groups.items() if belongs(key[0])]
        if not chosen:
            continue
        out.print(Text(title, style="bold"))
        grid = _grid()
        for (outcome, where), names in chosen:
            method = "" if outcome in (KEPT, WITHHELD) else f", by {outcome}"
            line = Text(where.removeprefix("policies/"), style="dim")
            grid.add_row(f"  {sign(outcome)}", f"{names}{method}", line)
        out.print(grid)
        out.print()


def _last_check(out: Console, shown: Previewed) -> None:
    if shown.share.failure:
        out.print(f"A step failed: {shown.share.failure}. So nothing leaves.")
    for breach in shown.share.breaches:
        out.print(sentences.breach(breach))
    if shown.wires and not shown.share.breaches:
        out.print("The last check before the seal found nothing that must not leave.")
    out.print()


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _indented(out: Console, content: RenderableType) -> None:
    out.print(Padding(content, (0, 0, 0, 2), expand=False))
