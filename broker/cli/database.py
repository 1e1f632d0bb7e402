"""`besa db`: the store's schema, and a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check, upgrade and copy the store.",
)


@app.callback()
def _db() -> None:
    """Check, upgrade and copy the store."""


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say whether this Besa can use the store, and whether the database is whole.

    Changes nothing. Exit code 1 when it needs an upgrade, or is damaged.
    """
    from broker.store.upgrade import look

    found = look(_url())
    if as_json:
        terminal.print_json({**terminal.as_json(found), "current": found.current})
    else:
        out = terminal.stdout()
        if found.schema is None:
            out.print("There is no store yet.")
        else:
            out.print(
                f"The store has schema {found.schema}; Besa needs {found.needed}."
            )
            entries = terminal.counted(found.entries, "entry", "entries")
            out.print(f"  {entries} in the register")
            out.print(f"  {found.damage or 'no damage found'}")
        if found.schema is not None and found.schema < found.needed:
            out.print("Stop Besa, run `besa db backup FILE`, then `besa db upgrade`.")
    if not found.current:
        raise typer.Exit(ExitCode.NO)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the store to the schema that this Besa needs, as a whole or not at all.

    Stop `besa run` and make a copy first. A new, empty store is laid out.
    """
    from broker.store.upgrade import upgrade as to_newest

    before, after = to_newest(_url())
    if as_json:
        terminal.print_json({"before": before, "after": after})
    elif before == after:
        terminal.stdout().print(f"The store has schema {after} already.")
    else:
        terminal.stdout().print(f"The store has schema {after} now.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file to make.")],
    as_json: AsJson = False,
) -> None:
    """Copy the store to a new file, also while Besa runs. For SQLite.

    The copy is checked before the command ends. It holds redacted incidents and the
    register: keep it as safe as the store itself.
    """
    from broker.store.upgrade import backup as copy

    size = copy(_url(), file)
    if as_json:
        terminal.print_json({"file": str(file), "bytes": size})
    else:
        terminal.stdout().print(f"{file}: {size} bytes, checked", soft_wrap=True)


def _url() -> str:
    from broker.settings import read_settings

    return read_settings().store_url
