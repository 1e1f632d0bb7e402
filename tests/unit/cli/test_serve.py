"""What the processes of `besa run` do when they start and not all is as it should be.

The store may be away, or the files of recipients may be others than those in force.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker.settings import (
    Settings,
    Zone,
    read_recipient_files,
    recipients_digest,
)
from broker.store import open_store
from tests.waiting import eventually

Besa = Callable[..., Any]


def _away() -> str:
    """Return the URL of a store that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    return f"postgresql+psycopg://besa@127.0.0.1:{port}/besa"


def _credential(home: Path) -> None:
    (home / "credentials").mkdir(mode=0o700)
    credential = home / "credentials/kp-misp.yaml"
    credential.write_text("key: none\nurl: http://127.0.0.1:9\n")
    credential.chmod(0o600)


@contextmanager
def _process(
    command: str, home: Path, zone: Zone, store: str = ""
) -> Iterator[subprocess.Popen[str]]:
    settings = Settings(home=home)
    environment = {
        "BESA_HOME": str(settings.home),
        "BESA_STORE": store or _away(),
        "BESA_ZONE": zone.value,
        "PYTHONUNBUFFERED": "1",
    }
    with (home / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    try:
        with process:
            yield process
            process.kill()
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("command", "zone"), [("consume", Zone.CONSUME), ("dispatch", Zone.DISPATCH)]
)
def test_a_process_of_a_run_waits_for_the_store(
    besa: Besa, home: Path, command: str, zone: Zone
) -> None:
    """An outage that it starts in is said, waited for, and ends it in good order."""
    assert 0 == besa("keys", "create").code
    _credential(home)
    said = home / "err"

    with _process(command, home, zone) as process:
        eventually(lambda: "trying again" in said.read_text() or process.poll())
        process.terminate()
        code = process.wait(60)

    assert 0 == code
    assert "besa: warning: the store is not reachable: " in said.read_text()


def test_a_process_that_a_person_starts_says_at_once_what_is_wrong(
    besa: Besa, home: Path
) -> None:
    """Whoever looks at it need not wait to hear that the store is away."""
    assert 0 == besa("keys", "create").code

    with _process("consume", home, Zone.BOTH) as process:
        code = process.wait(60)

    assert 3 == code
    assert (home / "err").read_text().startswith("besa: the store is not reachable: ")


def _in_force(store: str, recipients: str) -> None:
    """Let a rulebook be in force whose files of recipients have this digest."""
    with open_store(store) as opened:
        opened.enforce("d" * 64, recipients, datetime.now(UTC))


def test_a_dispatcher_that_starts_waits_for_the_recipients_in_force(
    besa: Besa, home: Path
) -> None:
    """Files of recipients that were not taken up are not sent by, also after a death.

    Whoever is started again could otherwise send to an address that was refused.
    """
    assert 0 == besa("keys", "create").code
    _credential(home)
    store, said = f"sqlite:///{home}/other.sqlite", home / "err"
    _in_force(store, "e" * 64)

    with _process("dispatch", home, Zone.DISPATCH, store) as process:
        eventually(lambda: "nothing is delivered" in said.read_text())
        running = process.poll()
        right = recipients_digest(read_recipient_files(Settings().policies_folder))
        _in_force(store, right)
        eventually(lambda: "are in force now" in said.read_text() or process.poll())
        process.terminate()
        code = process.wait(60)

    assert running is None
    assert 0 == code
    assert 1 == said.read_text().count("not those of the rulebook in force")
    assert "are in force now" in said.read_text()


def test_a_dispatcher_that_is_told_to_stop_while_it_waits_ends(
    besa: Besa, home: Path
) -> None:
    """To wait for recipients is no reason to be killed."""
    assert 0 == besa("keys", "create").code
    _credential(home)
    store, said = f"sqlite:///{home}/other.sqlite", home / "err"
    _in_force(store, "e" * 64)

    with _process("dispatch", home, Zone.DISPATCH, store) as process:
        eventually(lambda: "nothing is delivered" in said.read_text())
        process.terminate()
        code, out = process.wait(60), process.stdout
        text = out.read() if out else ""

    assert 0 == code
    assert text.startswith("0 delivered")


def test_who_delivers_until_idle_hears_that_the_recipients_are_not_in_force(
    besa: Besa, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that shall end does not wait; it says what takes them up."""
    assert 0 == besa("keys", "create").code
    _credential(home)
    store = f"sqlite:///{home}/other.sqlite"
    _in_force(store, "e" * 64)
    monkeypatch.setenv("BESA_STORE", store)
    ended = besa("dispatch", "--until-idle")

    assert 3 == ended.code
    assert "not those of the rulebook in force" in ended.err
    assert "besa consume" in ended.err
