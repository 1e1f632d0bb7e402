"""`besa run` keeps two processes alive, apart, and never leaves one behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import keyring
from broker.credentials import write_credential
from broker.deliver import Credential
from broker.run import environment
from broker.settings import Settings, Zone

AROUND = {
    "PATH": "/bin",
    "LC_ALL": "C.UTF-8",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "BESA_KEYS": "/secret/keys",
    "BESA_CREDENTIALS": "/secret/credentials",
    "BESA_KAFKA": "127.0.0.1:9092",
}


def test_the_consume_zone_gets_no_credentials() -> None:
    """The deciding process inherits the folder of keys, not that of credentials."""
    env = environment(Zone.CONSUME, AROUND, Settings(home=Path("h")))

    assert "/secret/keys" == env["BESA_KEYS"]
    assert "BESA_CREDENTIALS" not in env
    assert "consume" == env["BESA_ZONE"]


def test_the_dispatch_zone_gets_no_keys() -> None:
    """The delivering process inherits the folder of credentials, not that of keys."""
    env = environment(Zone.DISPATCH, AROUND, Settings(home=Path("h")))

    assert "/secret/credentials" == env["BESA_CREDENTIALS"]
    assert "BESA_KEYS" not in env
    assert "dispatch" == env["BESA_ZONE"]


def test_neither_zone_inherits_what_it_does_not_need() -> None:
    """Variables that Besa does not know stay outside; those it needs get through."""
    for zone in (Zone.CONSUME, Zone.DISPATCH):
        env = environment(zone, AROUND, Settings(home=Path("h")))

        assert "AWS_SECRET_ACCESS_KEY" not in env
        assert ("/bin", "C.UTF-8") == (env["PATH"], env["LC_ALL"])
        assert str(Path("h").absolute()) == env["BESA_HOME"]


def test_a_restarted_process_keeps_its_name_in_the_group() -> None:
    """The name within the Kafka group depends on the home, and can be set."""
    one = environment(Zone.CONSUME, {}, Settings(home=Path("h")))
    same = environment(Zone.CONSUME, {}, Settings(home=Path("h")))
    other = environment(Zone.CONSUME, {}, Settings(home=Path("i")))
    given = environment(Zone.CONSUME, {"BESA_MEMBER": "me"}, Settings(home=Path("h")))

    assert one["BESA_MEMBER"] == same["BESA_MEMBER"] != other["BESA_MEMBER"]
    assert "me" == given["BESA_MEMBER"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with keys, and a credential for a recipient that is away."""
    keyring.create(tmp_path / "keys", tmp_path / "public-keys")
    away = Credential("kp-misp", "no key", "http://127.0.0.1:9")
    write_credential(tmp_path / "credentials", away)
    return tmp_path


class Run:
    """`besa run` as an operator starts it."""

    def __init__(self, home: Path, *arguments: str) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("BESA_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", "run", *arguments],
            env={**env, "BESA_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def children(self) -> set[int]:
        """Return the process ids of the zones that are alive."""
        pid = self.process.pid
        try:
            found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return set()
        return {int(child) for child in found.split()}

    def wait_for_children(self, number: int = 2) -> set[int]:
        """Wait until so many zones are alive, and return their process ids."""
        deadline = time.monotonic() + 60
        while len(self.children()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self.children()

    def end(self, seconds: float = 90) -> tuple[int, str]:
        """Wait for its end; return exit code and what it said."""
        _, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, said


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    """Return a running `besa run`, killed at the end if it still is."""
    started = Run(home)
    yield started
    started.process.kill()
    started.process.communicate(timeout=30)


def is_alive(pid: int) -> bool:
    """Say whether a process exists and is not only waiting to be buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux_only
def test_sigterm_ends_both_zones(run: Run) -> None:
    """SIGTERM ends the run with 0, and nothing stays behind."""
    children = run.wait_for_children()
    run.process.terminate()

    assert 0 == run.end()[0]
    assert not any(map(is_alive, children))


@linux_only
def test_no_zone_outlives_a_killed_run(run: Run) -> None:
    """When the supervisor is killed with SIGKILL, both zones die with it."""
    children = run.wait_for_children()
    run.process.kill()
    run.process.wait(30)
    deadline = time.monotonic() + 10
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not any(map(is_alive, children))


@linux_only
def test_a_killed_zone_is_started_again(run: Run) -> None:
    """A zone that dies is replaced; the other one is left alone."""
    before = run.wait_for_children()
    os.kill(min(before), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while run.children() in (before, before - {min(before)}):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert max(before) in run.children()


def test_with_nothing_to_do_a_run_until_idle_ends(home: Path) -> None:
    """`besa run --until-idle` ends by itself, with 0, when there is no work."""
    assert 0 == Run(home, "--until-idle").end()[0]


@pytest.mark.slow
def test_a_zone_that_keeps_dying_ends_the_run(tmp_path: Path) -> None:
    """Without keys consume dies at once, each time; after five deaths it is a fault."""
    code, said = Run(tmp_path).end()

    assert 3 == code
    assert "giving up" in said
    assert "besa keys create" in said
    assert "Traceback" not in said
