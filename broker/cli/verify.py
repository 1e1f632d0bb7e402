"""`besa verify`: is this what the CSIRT sealed? For the receiver of files.

Needs the CSIRT's public key and nothing else: no settings, no store, no network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.deliver.file_drop import Checked


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A sealed file, or a folder of them.")
    ],
    key: Annotated[
        list[Path],
        typer.Option("--key", "-k", help="The CSIRT's public key; may be repeated."),
    ],
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="Demand that it is for this one.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check that the CSIRT sealed these files.

    Exit code 1 when one is not, or when there is none.
    """
    from dataclasses import replace

    from broker.deliver.file_drop import check
    from broker.errors import SealError
    from broker.seal import VerifyingKey

    keys = {}
    for file in key:
        try:
            one = VerifyingKey.from_pem(terminal.read_input(file))
        except SealError as error:
            terminal.wrong_usage(f"{file}: {error}")
        keys[one.id] = one
    if not path.exists():
        terminal.wrong_usage(f"{path}: there is no such file or folder")
    found = [
        replace(each, problem="it is sealed for another recipient")
        if recipient and not each.problem and each.recipient != recipient
        else each
        for each in check(path, keys)
    ]
    good = bool(found) and not any(each.problem for each in found)
    if as_json:
        files = terminal.as_json(found)
        terminal.print_json({"ok": good, "files": files})
    else:
        _print(found)
    if not good:
        terminal.stop(ExitCode.NO)


def _print(found: list[Checked]) -> None:
    from broker.cli.status_view import table

    out = terminal.stdout()
    if not found:
        out.print("There is no sealed file.")
        return
    rows = table("")
    for name in ("file", "for", "edition", ""):
        rows.add_column(name, overflow="fold")
    for each in found:
        good = not each.problem
        said = "takes the case back" if each.retracts else ""
        rows.add_row(
            "✓" if good else "✗",
            terminal.plain(each.file),
            terminal.plain(each.recipient),
            str(each.edition or ""),
            said if good else each.problem,
        )
    out.print(rows)
    wrong = sum(1 for each in found if each.problem)
    out.print(
        f"{wrong} of {len(found)} must not be trusted."
        if wrong
        else f"{len(found)} as sealed."
    )
