"""What the processes of `besa run` do when the store is away as they start."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.settings import Settings, Zone
from tests.waiting import eventually

Besa = Callable[..., Any]


def _away() -> str:
    """Return the URL of a store that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    return f"postgresql+psycopg://besa@127.0.0.1:{port}/besa"


@contextmanager
def _process(command: str, home: Path, zone: Zone) -> Iterator[subprocess.Popen[str]]:
    settings = Settings(home=home)
    environment = {
        "BESA_HOME": str(settings.home),
        "BESA_STORE": _away(),
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
    (home / "credentials").mkdir(mode=0o700)
    credential = home / "credentials/kp-misp.yaml"
    credential.write_text("key: none\nurl: http://127.0.0.1:9\n")
    credential.chmod(0o600)
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
