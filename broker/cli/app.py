"""All commands together, in the order in which `besa --help` lists them."""

from __future__ import annotations

from copy import copy
from typing import Annotated

import typer

from broker import __version__
from broker.cli import (
    convert,
    database,
    dead_letters,
    demonstrate,
    feedback,
    held,
    keys,
    look,
    mappings,
    outbox,
    oversight,
    policy,
    publish,
    recall,
    reconcile,
    reveal,
    rules,
    sandbox,
    serve,
    simulate,
    terminal,
    verify,
)
from broker.cli.listing import Listing

LOOK, SHARE, RULES, OVERSIGHT, TRY = (
    "Look before you share",
    "Share",
    "Policies",
    "Oversight",
    "Try it out",
)


# Typer's own Rich help costs a quarter of a second on every call; plain text does not.
app = typer.Typer(
    cls=Listing,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 yes or done, 1 the answer is no, 2 wrong usage, 3 a fault. "
    "Settings are environment variables; see the README.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"besa {__version__}")
        raise typer.Exit


@app.callback()
def besa(
    version: Annotated[  # noqa: ARG001 - Typer acts on it
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Share a CSIRT's incidents with law enforcement, exactly as far as agreed."""
    if debug:
        terminal.show_tracebacks()


app.command(rich_help_panel=LOOK)(look.preview)
app.command(rich_help_panel=LOOK)(look.explain)
app.command(rich_help_panel=LOOK)(convert.convert)
app.command(rich_help_panel=SHARE)(publish.publish)
app.command(rich_help_panel=SHARE)(serve.run)
app.command(rich_help_panel=SHARE)(serve.consume)
app.command(rich_help_panel=SHARE)(serve.dispatch)
app.add_typer(recall.app, name="recall", rich_help_panel=SHARE)
app.command(rich_help_panel=SHARE)(verify.verify)
app.command(rich_help_panel=RULES)(rules.check)
app.command(rich_help_panel=RULES)(simulate.simulate)
app.command(rich_help_panel=RULES)(rules.schema)
app.add_typer(policy.app, name="policy", rich_help_panel=RULES)
app.add_typer(mappings.app, name="mappings", rich_help_panel=RULES)
app.command(rich_help_panel=OVERSIGHT)(oversight.status)
app.add_typer(held.app, name="held", rich_help_panel=OVERSIGHT)
app.add_typer(outbox.app, name="outbox", rich_help_panel=OVERSIGHT)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=OVERSIGHT)
app.add_typer(feedback.app, name="feedback", rich_help_panel=OVERSIGHT)
app.command(rich_help_panel=OVERSIGHT)(reconcile.reconcile)
app.add_typer(reveal.app, name="reveal", rich_help_panel=OVERSIGHT)
app.add_typer(oversight.audit, name="audit", rich_help_panel=OVERSIGHT)
app.add_typer(database.app, name="db", rich_help_panel=OVERSIGHT)
app.add_typer(keys.app, name="keys", rich_help_panel=OVERSIGHT)
app.command(rich_help_panel=TRY)(demonstrate.demo)
app.add_typer(sandbox.app, name="sandbox", rich_help_panel=TRY)


def app_for(first: str) -> typer.Typer:
    """Return `besa` with only the command, or group of commands, that a word names.

    All of it where the word names none. Typer makes every command ready before it looks
    which one is meant, and that takes longer than `besa --version`.
    """
    commands = [
        each
        for each in app.registered_commands
        if each.callback and first == (each.name or each.callback.__name__)
    ]
    groups = [each for each in app.registered_groups if first == each.name]
    if not commands and not groups:
        return app
    chosen = copy(app)
    chosen.registered_commands, chosen.registered_groups = commands, groups
    return chosen
