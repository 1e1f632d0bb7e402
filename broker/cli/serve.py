"""`besa run`, `besa consume`, `besa dispatch`: the processes that share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.deliver import Credential
    from broker.dispatch import Dispatcher
    from broker.model.agreement import Recipient
    from broker.settings import Settings
    from broker.source import Source

UntilIdle = Annotated[
    bool, typer.Option("--until-idle", help="End when there is nothing left to do.")
]


def run(until_idle: UntilIdle = False) -> None:
    """Run consume and dispatch, and keep both alive.

    Each is a process of its own and gets only its own secrets. Stop with Ctrl-C or
    SIGTERM; what is in progress is finished first.
    """
    from broker.run import supervise
    from broker.settings import read_settings

    settings = read_settings()
    _make_home(settings)
    if not supervise(settings, until_idle=until_idle, report=terminal.warn):
        terminal.stop(ExitCode.FAULT, "a process keeps dying; its errors stand above")


def consume(until_idle: UntilIdle = False, as_json: AsJson = False) -> None:
    """Read incidents, decide, and store what may leave.

    Reads Kafka when BESA_KAFKA is set, else the folder that BESA_SPOOL names. Holds the
    private keys and cannot reach any recipient.
    """
    from datetime import UTC, datetime
    from threading import Event

    from broker import keyring
    from broker.cli.offline import read_rulebook
    from broker.consume import Consumer
    from broker.settings import read_settings
    from broker.store import open_store

    settings = read_settings()
    book = read_rulebook()
    recipients = {route.recipient.recipient for route in book.routes}
    keys = keyring.read_keys(settings.keys_folder, recipients)
    _make_home(settings)
    terminal.log_to_stderr(settings.log_level)
    stop = Event()
    with open_store(settings.store_url) as store, terminal.on_stop(stop.set):
        source = _source(settings)
        try:
            consumer = Consumer(
                source, store, lambda: book, keys, lambda: datetime.now(UTC)
            )
            totals = consumer.run(until_idle=until_idle, stop=stop)
        finally:
            source.close()
    stored = {name: number for name, number in totals.stored.items() if number}
    if as_json:
        terminal.print_json({"messages": totals.messages, **totals.stored})
    else:
        said = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in stored.items())
        line = f"{totals.messages} messages read" + (f": {said}" if said else "")
        terminal.stdout().print(line)


def dispatch(
    until_idle: UntilIdle = False,
    as_json: AsJson = False,
    idle_when_closed: Annotated[
        int | None, typer.Option("--idle-when-closed", hidden=True)
    ] = None,
) -> None:
    """Deliver what is sealed, and check that it arrived.

    Holds the recipients' credentials and the seal's public keys, and sees nothing but
    sealed bytes. A recipient that does not answer delays no other.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from broker import keyring
    from broker.dispatch import Dispatcher
    from broker.settings import read_settings

    settings = read_settings()
    recipients, credentials = _reachable(settings)
    keys = keyring.read_public_keys(settings.public_keys_folder)
    _make_home(settings)
    terminal.log_to_stderr(settings.log_level)

    def ready() -> Dispatcher:
        return Dispatcher(
            settings.store_url,
            recipients,
            credentials,
            keys,
            clock=lambda: datetime.now(UTC),
        )

    if idle_when_closed is None:
        dispatcher = ready()
        with terminal.on_stop(dispatcher.stop):
            totals = asdict(dispatcher.run(until_idle=until_idle))
    else:
        totals = _dispatch_after(idle_when_closed, ready)
    if as_json:
        terminal.print_json(totals)
    else:
        terminal.stdout().print(
            f"{totals['delivered']} delivered, {totals['postponed']} attempts "
            f"postponed, {totals['failed']} failed"
        )


def _dispatch_after(pipe: int, ready: Callable[[], Dispatcher]) -> dict[str, int]:
    """Dispatch until a pipe is closed at its other end, and then until idle.

    This is how `besa run` says that consume has ended: see `broker.run`.
    """
    import os
    from dataclasses import asdict
    from threading import Thread

    at_work = [ready()]
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)
        at_work[-1].stop()

    def wait_for_the_end(first: Dispatcher) -> None:
        os.read(pipe, 1)
        first.stop()

    Thread(target=wait_for_the_end, args=(at_work[0],), daemon=True).start()
    with terminal.on_stop(stop):
        totals = asdict(at_work[0].run())
        at_work.append(ready())
        if not stopped:
            rest = asdict(at_work[-1].run(until_idle=True))
            totals = {name: number + rest[name] for name, number in totals.items()}
    return totals


def _reachable(
    settings: Settings,
) -> tuple[list[Recipient], dict[str, Credential]]:
    """Return the recipients that there is a credential for, with the credentials.

    Raises:
        SettingsError: there is none.
    """
    from broker import keyring
    from broker.errors import SettingsError
    from broker.settings import read_recipients

    credentials: dict[str, Credential] = {}
    found: list[Recipient] = []
    problems: list[SettingsError] = []
    for recipient in read_recipients(settings.policies_folder):
        name = recipient.credential
        try:
            credentials[name] = keyring.read_credential(
                settings.credentials_folder, name
            )
        except SettingsError as error:
            problems.append(error)
        else:
            found.append(recipient)
    if not found and problems:
        raise problems[0]
    # One recipient without a key must not keep the others waiting.
    for problem in problems:
        terminal.warn(f"nothing is delivered there: {problem}")
    return found, credentials


def _source(settings: Settings) -> Source:
    if settings.kafka:
        from broker.source.kafka import KafkaSource

        return KafkaSource(
            settings.kafka, settings.topic, settings.group, member=settings.member
        )
    from broker.source.spool import SpoolSource

    return SpoolSource(settings.spool_folder)


def _make_home(settings: Settings) -> None:
    # What lies here is for its owner only: redacted incidents, and who has them.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
