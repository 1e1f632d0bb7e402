"""`besa status` and `besa audit`: what waits, and whether the register is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from datetime import date

    from broker.rulebook import Lapse
    from broker.settings import Settings
    from broker.store import Status

_NO_STORE: Final = (
    "there is no store at {} yet; `besa consume` makes it, and BESA_HOME or BESA_STORE "
    "says where it lies"
)

audit = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check the register of everything that was disclosed.",
)


@audit.callback()
def _audit() -> None:
    """Check the register of everything that was disclosed."""


def status(as_json: AsJson = False) -> None:
    """Show what waits, what is held, what could not be read, what ends."""
    from datetime import UTC, datetime

    from broker.cli.lag import lag_of
    from broker.settings import read_settings
    from broker.store import Status, open_store

    settings = read_settings()
    now = datetime.now(UTC)
    if has_store(settings):
        with open_store(settings.store_url) as store:
            found = store.status(now)
    else:
        terminal.note(_NO_STORE.format(settings.store_url))
        found = Status((), 0, (), 0, (), 0, (), (), "", None, 0)
    lag, ending = lag_of(settings), _ending(settings, now.date())
    if as_json:
        terminal.print_json(_status_value(found, lag, ending))
        return
    from broker.cli.status_view import show

    show(found, lag, ending, now)


def _ending(settings: Settings, today: date) -> tuple[Lapse, ...]:
    """Return the agreements that end soon; none when the policies cannot be read.

    What is wrong with policies is `besa check`'s to say, and the alarm's.
    """
    from broker.errors import BesaError
    from broker.rulebook import build, lapses
    from broker.settings import read_rulebook_files

    try:
        files = read_rulebook_files(settings.policies_folder, settings.mappings_folder)
        return lapses(build(files), today)
    except BesaError:
        return ()


@audit.command()
def verify(as_json: AsJson = False) -> None:
    """Check that no entry of the register was altered, removed or added.

    Also checks that what was sent is what the register says. Needs the public keys
    only. Exit code 1 when something is wrong; the message names the first such entry.
    """
    from functools import partial

    from broker import keyring
    from broker.cli.progress import bar, is_watched
    from broker.errors import AuditError
    from broker.settings import read_settings
    from broker.store import open_store

    settings = read_settings()
    keys = keyring.read_public_keys(settings.public_keys_folder)
    must_have_store(settings)
    try:
        with (
            open_store(settings.store_url) as store,
            bar(shown=is_watched() and not as_json) as tell,
        ):
            found = store.check_register(keys, partial(tell, "checking"))
    except AuditError as error:
        if as_json:
            terminal.print_json({"ok": False, "problem": str(error)})
        terminal.stop(ExitCode.NO, f"the register is not whole: {error}")
    if as_json:
        terminal.print_json(
            {
                "ok": True,
                "entries": found.entries,
                "checkpoints": found.checkpoints,
                "unsigned": found.unsigned,
                "head": found.head,
            }
        )
        return
    out = terminal.stdout()
    entries = terminal.counted(found.entries, "entry", "entries")
    since = terminal.counted(found.unsigned, "entry", "entries")
    signed = terminal.counted(found.checkpoints, "signed checkpoint")
    out.print(f"The register is whole: {entries}, none altered.")
    out.print(f"  {signed}; {since} since the last one")
    out.print(f"  head {found.head}")


def must_have_store(settings: Settings) -> None:
    """Refuse to go on without a store.

    Raises:
        SettingsError: there is none; says what makes one.
    """
    from broker.errors import SettingsError

    if not has_store(settings):
        raise SettingsError(_NO_STORE.format(settings.store_url))


def has_store(settings: Settings) -> bool:
    """Say whether there is a store; a command that looks must not make one."""
    from pathlib import Path

    prefix = "sqlite:///"
    url = settings.store_url
    return not url.startswith(prefix) or Path(url.removeprefix(prefix)).exists()


def _status_value(
    found: Status, lag: dict[str, Any], ending: tuple[Lapse, ...]
) -> dict[str, Any]:
    value: dict[str, Any] = terminal.as_json(found)
    value["dead_letters"] = [
        {**letter, "at": at} for letter, at in value.pop("dead_letters")
    ]
    soon = [
        {
            "agreement": lapse.agreement,
            "recipient": lapse.recipient,
            "until": lapse.until.isoformat(),
            "days": lapse.days,
        }
        for lapse in ending
    ]
    return {**value, "lag": lag, "ending": soon}
