"""`besa outbox`: what is on its way to whom, what is stuck and why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from datetime import datetime

    from broker.errors import StoreError
    from broker.store.connect import Database
    from broker.store.operate import Waiting

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at what is on its way, and retry, hold or drop it.",
)


class StateName(StrEnum):
    """The states that a row can be asked for by."""

    QUEUED = "queued"
    LEASED = "leased"
    HELD = "held"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    FAILED = "failed"


Row = Annotated[
    int, typer.Argument(metavar="ROW", help="Its number in `besa outbox list`.")
]
Because = Annotated[
    str, typer.Option("--because", help="Why; it is written into the register.")
]
_MOST = 200


@app.callback()
def _outbox() -> None:
    """Look at what is on its way, and retry, hold or drop it."""


@app.command("list")
def list_(
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="Of this recipient only.")
    ] = "",
    state: Annotated[
        list[StateName] | None,
        typer.Option("--state", "-s", help="In this state; may be given repeatedly."),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", min=1, help="At most so many rows.")
    ] = _MOST,
    as_json: AsJson = False,
) -> None:
    """List what is not finished, oldest first.

    Not finished is what waits, is held, is being sent, or failed and can be retried.
    """
    from datetime import UTC, datetime

    from broker.store import operate

    with opened() as database:
        found = operate.listed(
            database, recipient=recipient, states=state or (), most=most
        )
    if as_json:
        terminal.print_json(terminal.as_json(found))
        return
    _print(found, datetime.now(UTC))
    if len(found) == most:
        terminal.note(f"only the first {most} are shown; --most shows more")


@app.command()
def show(
    row: Row,
    body: Annotated[
        bool, typer.Option("--body", help="Print the exact bytes that are sealed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one edition: where it stands, and what its last attempt ended with."""
    from broker.store import operate

    with opened() as database:
        found = operate.shown(database, row)
    if found is None:
        terminal.stop(ExitCode.NO, f"the outbox has no row {row}")
    waiting, sealed = found
    if body:
        terminal.write(sealed)
        return
    value: dict[str, Any] = terminal.as_json(waiting) | {"bytes": len(sealed)}
    if as_json:
        terminal.print_json(value)
        return
    out = terminal.stdout()
    for name, said in value.items():
        if said not in ("", None, False):
            label = name.replace("_", " ")
            out.print(f"{label:<16}{terminal.plain(str(said))}", soft_wrap=True)


@app.command()
def retry(
    rows: Annotated[
        list[int] | None, typer.Argument(metavar="[ROW]...", help="Which rows.")
    ] = None,
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="All that failed of this one.")
    ] = "",
    because: Because = "",
    as_json: AsJson = False,
) -> None:
    """Let editions that failed, are held or wait for a later attempt go out now.

    Nothing goes out that something newer has overtaken. Exit code 1 names a row that
    cannot go.
    """
    if bool(rows) == bool(recipient):
        terminal.wrong_usage("name rows, or a recipient with --recipient")
    from datetime import UTC, datetime

    from broker import errors
    from broker.store import operate

    done: list[Waiting] = []
    problems: list[StoreError] = []
    with opened() as database:
        failed = operate.listed(
            database, recipient=recipient, states=("failed",), most=1_000_000
        )
        numbers = rows or [each.id for each in failed if not each.overtaken]
        now = datetime.now(UTC)
        for number in numbers:
            try:
                done.append(operate.retry(database, number, _me(), because, now))
            except errors.StoreError as error:  # the others go out all the same
                problems.append(error)
    _tell(done, "goes out at the next turn of its lane", as_json=as_json)
    if problems:
        is_no = all(isinstance(each, operate.RowError) for each in problems)
        code = ExitCode.NO if is_no else ExitCode.FAULT
        terminal.stop(code, "; ".join(dict.fromkeys(map(str, problems))))
    if not done and not as_json:
        terminal.stdout().print(f"Nothing of {recipient} has failed.")


@app.command()
def hold(row: Row, because: Because, as_json: AsJson = False) -> None:
    """Keep one edition from going out until somebody retries or drops it.

    A newer edition of the same incident replaces it and is not held.
    """
    from datetime import UTC, datetime

    from broker.store import operate

    _demand(because)
    with opened() as database:
        now = datetime.now(UTC)
        try:
            done = operate.hold(database, row, _me(), because, now)
        except operate.RowError as error:
            terminal.stop(ExitCode.NO, str(error))
    _tell([done], "is held", as_json=as_json)


@app.command()
def drop(row: Row, because: Because, as_json: AsJson = False) -> None:
    """End one edition without sending it. This cannot be undone.

    An edition that takes something back cannot be dropped, nor one that corrects or
    leaves out a part of what the recipient may have: retry it, hold it, or recall the
    whole case. Exit code 1 says so.
    """
    from datetime import UTC, datetime

    from broker.store import operate

    _demand(because)
    with opened() as database:
        now = datetime.now(UTC)
        try:
            done = operate.drop(database, row, _me(), because, now)
        except operate.RowError as error:
            terminal.stop(ExitCode.NO, str(error))
    _tell([done], "will not be sent", as_json=as_json)


@contextmanager
def opened() -> Iterator[Database]:
    """Open the store that the settings name; never make one.

    Raises:
        SettingsError: there is none.
        StoreError: it cannot be opened.
    """
    from broker.cli.oversight import must_have_store
    from broker.settings import read_settings
    from broker.store.connect import open_database

    settings = read_settings()
    must_have_store(settings)
    database = open_database(settings.store_url)
    try:
        yield database
    finally:
        database.close()


def _demand(because: str) -> None:
    if not because.strip():
        terminal.wrong_usage("--because must say why")


def _me() -> str:
    from broker.cli.person import person

    return person() or "unknown"


def _tell(done: list[Waiting], what: str, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(terminal.as_json(done))
        return
    out = terminal.stdout()
    for each in done:
        uid = terminal.plain(each.uid)
        out.print(f"Row {each.id} ({uid} for {each.recipient}) {what}.")


def _print(found: tuple[Waiting, ...], now: datetime) -> None:
    from broker.cli.status_view import ago, table

    out = terminal.stdout()
    if not found:
        out.print("Nothing is on its way.")
        return
    rows = table("Row")
    for name in ("recipient", "incident", "edition", "state", "tries", "since"):
        rows.add_column(name)
    for each in found:
        rows.add_row(
            str(each.id),
            each.recipient,
            terminal.plain(each.uid),
            f"{each.edition}{' recall' if each.retracts else ''}",
            each.state,
            str(each.attempts),
            ago(each.enqueued_at, now),
        )
    out.print(rows)
    reasons = dict.fromkeys(
        f"{each.recipient}: {terminal.plain(each.last_reason)}"
        for each in found
        if each.last_reason
    )
    for reason in reasons:
        out.print(f"  {reason}")
