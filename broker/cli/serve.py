"""`besa run`, `besa consume`, `besa dispatch`: the processes that share."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from broker.consume import Totals
    from broker.deliver import Credential
    from broker.dispatch import Dispatcher
    from broker.model.agreement import Recipient
    from broker.settings import Settings
    from broker.store import Store

_AGAIN_SECONDS: Final = 2.0

UntilIdle = Annotated[
    bool, typer.Option("--until-idle", help="End when there is nothing left to do.")
]
# With `besa run`: the pipe by which this process tells it that it is set up, or is not.
Tells = Annotated[int | None, typer.Option("--tells", hidden=True)]


def run(until_idle: UntilIdle = False) -> None:
    """Run consume and dispatch, and keep both alive.

    Each is a process of its own and gets only its own secrets. Stop with Ctrl-C or
    SIGTERM; what is in progress is finished first.
    """
    from broker.cli.restored import refuse_restored
    from broker.run import supervise
    from broker.settings import read_settings
    from broker.store import open_store

    settings = read_settings()
    _make_home(settings)
    # Here and once: both processes would refuse an older store again and again.
    with open_store(settings.store_url) as store:
        refuse_restored(settings, store.database)
    if why := supervise(settings, until_idle=until_idle, report=terminal.warn):
        terminal.stop(ExitCode.FAULT, why)


def consume(
    until_idle: UntilIdle = False,
    as_json: AsJson = False,
    read_again: Annotated[
        bool,
        typer.Option(
            "--read-again", help="After a restored store: begin where it ends."
        ),
    ] = False,
    tells: Tells = None,
) -> None:
    """Read incidents, decide, and store what may leave.

    Reads Kafka when BESA_KAFKA is set, else the folder that BESA_SPOOL names. Holds the
    private keys and cannot reach any recipient. Takes up changed policies while it
    runs, once they are right, and releases what two people approved.
    """
    from threading import Event

    from broker import keyring
    from broker.cli.consuming import consumer_of, set_back, source_of
    from broker.settings import read_settings

    with _telling(tells) as is_set_up:
        settings = read_settings()
        signing = keyring.read_signing_key(settings.keys_folder)
        _make_home(settings)
        terminal.log_to_stderr(settings.log_level)
        stop = Event()
        with terminal.on_stop(stop.set), _opened(settings, stop) as store:
            if read_again:
                come = terminal.counted(set_back(settings, store), "message")
                terminal.note(f"{come} will be read again")
            source = source_of(settings, store)
            try:
                consumer = consumer_of(settings, source, store, signing)
                is_set_up()
                totals = consumer.run(until_idle=until_idle, stop=stop)
            finally:
                source.close()
    if as_json:
        terminal.print_json({"messages": totals.messages, **totals.stored})
    else:
        terminal.stdout().print(_told(totals))


def _told(totals: Totals) -> str:
    said = ", ".join(_counted(n, name) for name, n in totals.stored.items() if n)
    read = terminal.counted(totals.messages, "message")
    return f"{read} read" + (f": {said}" if said else "")


def dispatch(
    until_idle: UntilIdle = False,
    as_json: AsJson = False,
    idle_when_closed: Annotated[
        int | None, typer.Option("--idle-when-closed", hidden=True)
    ] = None,
    tells: Tells = None,
) -> None:
    """Deliver what is sealed, and check that it arrived.

    Holds the recipients' credentials and the seal's public keys, and sees nothing but
    sealed bytes. A recipient that does not answer delays no other. From time to time
    asks each MISP what its unit said back, unless told to end when idle.
    """
    from threading import Event

    from broker import keyring
    from broker.cli.dispatching import Files, Turns, dispatcher_of
    from broker.cli.polling import Polling
    from broker.settings import read_settings, recipients_of

    with _telling(tells) as is_set_up:
        settings = read_settings()
        keys = keyring.read_public_keys(settings.public_keys_folder)
        _make_home(settings)
        terminal.log_to_stderr(settings.log_level)
        polling = Polling(settings)

        def ready(files: Files) -> Dispatcher:
            recipients, credentials = reachable(settings, recipients_of(files))
            if not until_idle and idle_when_closed is None:
                polling.renew(recipients, credentials)
            return dispatcher_of(settings, recipients, credentials, keys)

        turns, stop = Turns(settings, ready, idle_when_closed), Event()

        def end() -> None:
            stop.set()
            turns.stop()

        with terminal.on_stop(end):
            _opened(settings, stop).close()
            turns.begin(patient=not until_idle)
            is_set_up()
            totals = turns.run(until_idle=until_idle)
        polling.stop()
    if as_json:
        terminal.print_json(totals)
    else:
        said = "{delivered} delivered, {postponed} attempts postponed, {failed} failed"
        terminal.stdout().print(said.format_map(totals))


def _counted(number: int, name: str) -> str:
    """Return a count as it is said: ``2 duplicates``, ``1 dead letter``, ``3 held``."""
    words = name.replace("_", " ")
    return f"{number} {words.removesuffix('s') if number == 1 else words}"


@contextlib.contextmanager
def _telling(pipe: int | None) -> Iterator[Callable[[], None]]:
    """Give what tells `besa run` that this process is set up; tell what ends it, too.

    The run says it once, however often this process is started. Whoever started it by
    hand reads the error as that of any other command.
    """
    from broker.errors import BesaError
    from broker.run import READY

    def tell(data: bytes) -> None:
        if pipe is not None:
            with os.fdopen(pipe, "wb", closefd=False) as other:
                other.write(data)

    try:
        yield lambda: tell(READY)
    except BesaError as error:
        if pipe is None:
            raise
        tell((str(error) or type(error).__name__).encode("utf-8", "replace"))
        terminal.stop(terminal.exit_code_of(error))
    except OSError as error:
        if pipe is None or error.filename is None:
            raise
        tell(f"{error.filename}: {error.strerror or 'cannot be used'}".encode())
        terminal.stop(ExitCode.FAULT)


def _opened(settings: Settings, stop: Event) -> Store:
    """Open the store; a process of `besa run` waits for one that is away just now.

    Otherwise an outage that a process starts in would end the run. Started by hand, the
    command says at once what is wrong. Ends the command when told to stop.

    Raises:
        StoreError: it cannot be used, or (started by hand) is away.
    """
    from broker.errors import StoreUnavailable
    from broker.settings import Zone
    from broker.store import open_store

    told = ""
    while True:
        try:
            return open_store(settings.store_url)
        except StoreUnavailable as error:
            if settings.zone is Zone.BOTH:
                raise
            if str(error) != told:
                terminal.warn(f"{error}; trying again")
            told = str(error)
        if stop.wait(_AGAIN_SECONDS):
            terminal.stop(ExitCode.OK)


def reachable(
    settings: Settings, recipients: tuple[Recipient, ...]
) -> tuple[list[Recipient], dict[str, Credential]]:
    """Return the recipients that there is a credential for, with the credentials.

    Raises:
        SettingsError: there is none.
    """
    from broker.credentials import read_credential
    from broker.errors import SettingsError

    credentials: dict[str, Credential] = {}
    found: list[Recipient] = []
    problems: list[SettingsError] = []
    for recipient in recipients:
        name = recipient.credential
        if recipient.is_folder:
            found.append(recipient)
            continue
        try:
            credentials[name] = read_credential(settings.credentials_folder, name)
        except SettingsError as error:
            problems.append(error)
        else:
            found.append(recipient)
    if not found and problems:
        raise problems[0]
    # One recipient without a key must not keep the others waiting.
    for problem in problems:
        terminal.warn(f"left out: {problem}")
    return found, credentials


def _make_home(settings: Settings) -> None:
    # What lies here is for its owner only: redacted incidents, and who has them.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
