"""`besa policy`: compare two rulebooks, tabulate, describe and begin agreements."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli import policy_options as options
from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.prove.side import Side
    from broker.rulebook import Route

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Compare, tabulate, describe and begin agreements.",
)

_SIDE = "A folder, or a git revision such as HEAD, v1.2 or main:deploy/rulebook."


@app.command()
def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_SIDE)],
    new: Annotated[
        str,
        typer.Argument(metavar="NEW", help="The same; by default the files in use."),
    ] = "",
    witnesses: Annotated[
        bool,
        typer.Option(
            "--witnesses/--no-witnesses",
            help="Show an incident that shows each difference.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Show exactly what a change of the policies changes.

    Proved over every incident there can be: who gets what newly or no longer, and what
    is newly held. Exit code 1 when anybody may get more than before.
    """
    from broker.cli import policy_compare
    from broker.prove.compare import compare as differing

    was, now = _side("OLD", old), _side("NEW", new)
    found = differing(was, now)
    if as_json:
        digests = was.rulebook.digest, now.rulebook.digest
        terminal.print_json(policy_compare.as_json(found, *digests))
    else:
        policy_compare.show(found, witnesses=witnesses)
    if found.widens:
        raise typer.Exit(ExitCode.NO)


def _side(which: str, name: str) -> Side:
    """Read one side of a comparison; without a name, what is in use."""
    from broker.cli.revisions import files_of
    from broker.errors import RulebookError, SettingsError
    from broker.prove.side import side_of

    try:
        files = files_of(name) if name else _in_use()
    except SettingsError as error:
        terminal.wrong_usage(f"{which}: {error}")
    try:
        return side_of(files)
    except RulebookError as error:
        for problem in error.problems:
            terminal.note(f"{which}: {problem}")
        terminal.stop(ExitCode.FAULT, f"{which} cannot be used as a rulebook")


def _in_use() -> dict[str, bytes]:
    from broker.settings import read_rulebook_files, read_settings

    settings = read_settings()
    return read_rulebook_files(settings.policies_folder, settings.mappings_folder)


class Format(StrEnum):
    """How a table is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    HTML = "html"


@app.command()
def matrix(
    format_: Annotated[
        Format, typer.Option("--format", help="How the table is written.")
    ] = Format.TABLE,
    on: Annotated[
        str, typer.Option("--on", metavar="DATE", help="The day; by default today.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show who gets what: recipients across, types of incidents down.

    Proved, not sampled: "share" stands only where nothing else can happen.
    """
    from broker.cli import policy_matrix
    from broker.prove.matrix import matrix as table_of

    side = _side("the rulebook", "")
    table = table_of(side, _day(on))
    labels = {name: row.label for name, row in side.rulebook.tables.rsit.items()}
    if as_json:
        terminal.print_json(policy_matrix.as_json(table))
    elif format_ is Format.MARKDOWN:
        terminal.write(policy_matrix.markdown(table, labels).encode())
    elif format_ is Format.HTML:
        page = policy_matrix.html(table, labels, side.rulebook.digest)
        terminal.write(page.encode())
    else:
        out = terminal.stdout()
        for part in policy_matrix.terminal_tables(table, labels, out.width):
            out.print(part)
        for note in policy_matrix.notes(table):
            out.print(note)


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        terminal.wrong_usage(f"{text} is no day such as 2026-01-31")


class Language(StrEnum):
    """A language that agreements are described in."""

    ENGLISH = "en"
    ALBANIAN = "sq"
    SERBIAN = "sr"


@app.command()
def describe(
    agreement: Annotated[
        str, typer.Argument(metavar="AGREEMENT", help="Its name, such as fiu.")
    ],
    language: Annotated[
        Language, typer.Option("--language", help="English, Albanian or Serbian.")
    ] = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """Say an agreement in plain sentences, to be laid beside the memorandum."""
    from broker.cli.policy_describe import describe as described

    side = _side("the rulebook", "")
    sections = described(side, _route(side, agreement), language.value)
    if as_json:
        terminal.print_json(
            {
                "agreement": agreement,
                "language": language.value,
                "sections": [
                    {"heading": each.heading, "sentences": list(each.sentences)}
                    for each in sections
                ],
            }
        )
        return
    from rich.padding import Padding

    out = terminal.stdout()
    for number, section in enumerate(sections):
        out.print(f"{section.heading}\n", style="bold")
        for sentence in section.sentences:
            out.print(Padding(sentence, (0, 0, 0, 2 if number else 0)))
        out.print()


def _route(side: Side, agreement: str) -> Route:
    routes = {route.agreement.agreement: route for route in side.routes}
    if agreement not in routes:
        known = ", ".join(sorted(routes)) or "none"
        terminal.wrong_usage(f"there is no agreement {agreement}; there are: {known}")
    return routes[agreement]


@app.command()
def to_iep(
    agreement: Annotated[
        str, typer.Argument(metavar="AGREEMENT", help="Its name, such as fiu.")
    ],
    reference: Annotated[
        str,
        typer.Option(
            "--reference", metavar="URL", help="Where the memorandum can be read."
        ),
    ],
) -> None:
    """Print an agreement as a FIRST IEP 2.0 policy, as far as IEP can say it.

    IEP says what a recipient may do with what it has, and not what it gets. What it
    cannot say is named on standard error.
    """
    from broker.model.iep import to_iep as policy_of

    route = _route(_side("the rulebook", ""), agreement)
    policy, unsaid = policy_of(route.agreement, route.recipient, reference)
    terminal.print_json({"policies": [policy]})
    terminal.note(f"IEP cannot say: {', '.join(unsaid)}")


@app.command()
def from_iep(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="IEP policies as JSON, or -.")
    ],
    as_json: AsJson = False,
) -> None:
    """Print FIRST IEP 2.0 policies as lines for the files of an agreement.

    What an agreement does not say, and what it needs besides, is named in comments.
    Whatever is not understood becomes the stricter.
    """
    from broker.cli import policy_iep

    found = policy_iep.read(file)
    if as_json:
        terminal.print_json({"policies": [policy_iep.as_json(one) for one in found]})
        return
    text = "\n\n".join("\n".join(policy_iep.lines(one)) for one in found)
    terminal.write(f"{text}\n".encode())


@app.command()
def new(
    name: options.Name = "",
    party: options.Party = "",
    role: options.Role = "",
    contact: options.Contact = "",
    kind: options.Kind = "",
    url: options.Url = "",
    collection: options.Collection = "",
    act: options.Act = "",
    citation: options.Citation = "",
    purposes: options.Purposes = None,
    start: options.Start = "",
    until: options.Until = "",
    tlp: options.MostTlp = "",
    pap: options.MostPap = "",
    retention_days: options.Days = None,
    types: options.Types = None,
    severity: options.Least = "",
    cites: options.Cites = "",
    as_json: AsJson = False,
) -> None:
    """Begin an agreement: ask a few questions and write its files.

    Agreement, recipient, profile, guardrail and first cases; all of them pass
    `besa check` at once. What is not given as an option is asked for.
    """
    from broker.cli.policy_questions import begin

    given = {
        "name": name,
        "party": party,
        "role": role,
        "contact": contact,
        "kind": kind,
        "url": url,
        "collection": collection,
        "act": act,
        "citation": citation,
        "purposes": tuple(purposes or ()),
        "start": start,
        "until": until,
        "tlp": tlp,
        "pap": pap,
        "retention_days": retention_days,
        "types": tuple(types or ()),
        "severity": severity,
        "cites": cites,
    }
    begin(given, as_json=as_json)
