"""`besa preview` and `besa explain`: what each recipient would get, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from broker.cli import terminal
from broker.cli.input_files import named, say_what_is_left, shown
from broker.cli.moment import AtOption, moment, words
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from datetime import datetime

    from broker.cli.offline import Looked
    from broker.pipeline import Previewed

Format = Literal[
    "native", "misp-event", "intelmq", "n6", "idea0", "xarf3", "xarf4", "iodef-xml",
    "iodef-json", "thehive", "rtir", "stix", "csv",
]  # fmt: skip
# More of them would push what the recipients get off the screen.
_MOST_LEFT: Final = 12
WireName = Literal["stix-bundle", "stix-misp", "misp-event"]

IncidentFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        parser=named,
        help="The incident; - reads it from standard input.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Its format; without it, Besa looks."),
]


def preview(
    file: IncidentFile,
    recipient: Annotated[
        str | None, typer.Option("--recipient", "-r", help="Show this one only.")
    ] = None,
    wire: Annotated[
        WireName | None,
        typer.Option("--wire", "-w", help="Show the document in this format."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="With --wire: the exact bytes.")
    ] = False,
    format_name: FormatOption = None,
    at: AtOption = None,
    as_json: AsJson = False,
) -> None:
    """Show exactly what each recipient would get of an incident.

    Nothing is sent and nothing is stored; no network is used.
    """
    if raw and wire is None:
        terminal.wrong_usage("--raw needs --wire")
    when = moment(at)
    from broker.cli.offline import look_at

    looked = look_at(file, format_name, recipient, when)
    if wire is not None:
        _print_wire(looked, wire, raw=raw, at=when)
    elif as_json:
        terminal.print_json(as_json_value(looked))
    else:
        from broker.cli.preview_view import show

        _say_what_is_left(file, looked)
        show(looked)


def explain(
    file: IncidentFile,
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="The recipient to explain it for.")
    ],
    format_name: FormatOption = None,
    at: AtOption = None,
    as_json: AsJson = False,
) -> None:
    """Explain in sentences what a recipient would get, clause by clause.

    Every sentence names the line of the policy file that it comes from.
    """
    when = moment(at)
    from broker.cli.offline import look_at

    looked = look_at(file, format_name, recipient, when)
    if as_json:
        terminal.print_json(as_json_value(looked))
        return
    from broker.cli.explain_view import show

    _say_what_is_left(file, looked)
    show(looked)


def _say_what_is_left(file: Path, looked: Looked) -> None:
    """Tell what is left behind of a message, before what becomes of the rest."""
    received = looked.received
    if received.left_behind or received.format != "native":
        say_what_is_left(shown(file), received.format, received.left_behind, _MOST_LEFT)


def as_json_value(looked: Looked) -> dict[str, Any]:
    """Return previews in the documented JSON shape (docs/commands.md)."""
    incident = looked.received.incident
    return {
        "incident": incident.uid,
        "revision": incident.revision,
        "rulebook": looked.rulebook.digest,
        "at": terminal.as_json(looked.now.replace(microsecond=0)),
        "format": looked.received.format,
        "left_behind": list(looked.received.left_behind),
        "recipients": [_recipient(shown) for shown in looked.previews],
    }


def _as_text(shown: Previewed) -> tuple[tuple[str, str, str], ...]:
    from broker.model.sharing import Wire
    from broker.render import unfit_values

    if shown.route.wire is not Wire.MISP_EVENT:
        return ()
    return unfit_values(shown.redacted.view, shown.route.event_frame)


def _recipient(shown: Previewed) -> dict[str, Any]:
    from broker.canonical import loads
    from broker.convert import listed_values

    decision = shown.share.decision
    return {
        "recipient": decision.recipient,
        "agreement": decision.agreement,
        "effect": decision.effect,
        "state": shown.share.state,
        "failure": shown.share.failure,
        "as_text": [
            {"kind": kind, "value": value, "type": name}
            for kind, value, name in _as_text(shown)
        ],
        "listed": [
            {"kind": kind, "value": value, "list": title}
            for kind, value, title in listed_values(
                shown.redacted.view, shown.route.frame
            )
        ],
        "findings": [
            {
                "clause": finding.clause,
                "effect": finding.effect,
                "matched": finding.matched,
                "where": finding.where,
                "because": finding.because,
            }
            for finding in decision.findings
        ],
        "counts": shown.redacted.counts(),
        "ledger": [
            {"field": entry.field, "outcome": entry.outcome, "where": entry.where}
            for entry in shown.redacted.ledger()
        ],
        "breaches": [
            {"rule": breach.rule, "path": breach.path, "about": breach.about}
            for breach in shown.share.breaches
        ],
        "wires": {wire.value: loads(body) for wire, body in shown.wires.items()},
    }


def _print_wire(
    looked: Looked, wire: WireName, *, raw: bool, at: datetime | None
) -> None:
    from broker.canonical import loads
    from broker.model.sharing import Wire

    if len(looked.previews) != 1:
        terminal.wrong_usage(
            "--wire needs --recipient: each gets a document of its own"
        )
    (shown,) = looked.previews
    decision = shown.share.decision
    body = shown.wires.get(Wire(wire))
    if at is not None:
        terminal.note(f"as it would be on {words(at)}")
    then = f" --at {terminal.as_json(at)}" if at else ""
    if body is None:
        terminal.stop(
            ExitCode.NO,
            f"{decision.recipient} gets nothing of this incident "
            f"(`besa explain --recipient {decision.recipient}{then}` says why)",
        )
    if shown.share.state != "queued":
        terminal.note(f"this is {shown.share.state} and would not leave by itself")
    if raw:
        terminal.write(body)
    else:
        terminal.print_json(loads(body))
