"""All commands together, in the order in which `besa --help` lists them."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Annotated, Final, NamedTuple

import typer

from broker import __version__
from broker.cli import terminal
from broker.cli.listing import Listing

LOOK, SHARE, RULES, OVERSIGHT, TRY = (
    "Look before you share",
    "Share",
    "Policies",
    "Oversight",
    "Try it out",
)


class _Command(NamedTuple):
    """A command, or a group of them: its name, its heading, and where it is."""

    name: str
    heading: str
    module: str  # within `broker.cli`
    attribute: str

    def add_to(self, app: typer.Typer) -> None:
        """Make it one of a program's commands."""
        made = getattr(import_module(f"broker.cli.{self.module}"), self.attribute)
        if isinstance(made, typer.Typer):
            app.add_typer(made, name=self.name, rich_help_panel=self.heading)
        else:
            app.command(self.name, rich_help_panel=self.heading)(made)


_COMMANDS: Final = (
    _Command("preview", LOOK, "look", "preview"),
    _Command("explain", LOOK, "look", "explain"),
    _Command("convert", LOOK, "convert", "convert"),
    _Command("publish", SHARE, "publish", "publish"),
    _Command("run", SHARE, "serve", "run"),
    _Command("consume", SHARE, "serve", "consume"),
    _Command("dispatch", SHARE, "serve", "dispatch"),
    _Command("recall", SHARE, "recall", "app"),
    _Command("verify", SHARE, "verify", "verify"),
    _Command("check", RULES, "rules", "check"),
    _Command("simulate", RULES, "simulate", "simulate"),
    _Command("schema", RULES, "rules", "schema"),
    _Command("policy", RULES, "policy", "app"),
    _Command("mappings", RULES, "mappings", "app"),
    _Command("status", OVERSIGHT, "oversight", "status"),
    _Command("held", OVERSIGHT, "held", "app"),
    _Command("outbox", OVERSIGHT, "outbox", "app"),
    _Command("dead-letters", OVERSIGHT, "dead_letters", "app"),
    _Command("feedback", OVERSIGHT, "feedback", "app"),
    _Command("reconcile", OVERSIGHT, "reconcile", "reconcile"),
    _Command("reveal", OVERSIGHT, "reveal", "app"),
    _Command("audit", OVERSIGHT, "oversight", "audit"),
    _Command("db", OVERSIGHT, "database", "app"),
    _Command("keys", OVERSIGHT, "keys", "app"),
    _Command("demo", TRY, "demonstrate", "demo"),
    _Command("sandbox", TRY, "sandbox", "app"),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"besa {__version__}")
        raise typer.Exit


def besa(
    context: typer.Context,
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
    # A check makes much, throws little away and ends: looking for what could be thrown
    # away is a tenth of its time.
    if not gc.isenabled() and context.invoked_subcommand != "check":
        gc.freeze()  # of what is imported nothing is thrown away
        gc.enable()


def app_for(first: str) -> typer.Typer:
    """Return `besa` with only the command, or group of commands, that a word names.

    All of it where the word names none. To import every command, and to let Typer make
    it ready, takes longer than `besa --version`.
    """
    # Typer's own Rich help costs a quarter of a second on every call; plain text does
    # not.
    app = typer.Typer(
        cls=Listing,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 yes or done, 1 the answer is no, 2 wrong usage, 3 a "
        "fault. Settings are environment variables; see docs/commands.md.",
    )
    app.callback()(besa)
    for each in [each for each in _COMMANDS if each.name == first] or _COMMANDS:
        each.add_to(app)
    return app
