"""`besa run` keeps two processes alive, apart, and never leaves one behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker import keyring
from broker.credentials import write_credential
from broker.deliver import Credential
from broker.run import environment
from broker.settings import Settings, Zone
from broker.store import Status, open_store
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
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

    def __init__(
        self, home: Path, *arguments: str, policies: Path | None = None
    ) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("BESA_")}
        if policies is not None:
            env["BESA_POLICIES"] = str(policies)
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
        # For a moment after its start a child is listed without words of its own.
        while sum("--tells" in command(pid) for pid in self.children()) < number:
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


def command(pid: int) -> str:
    """Return with which words a process was started; none once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


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


def test_what_is_set_up_wrongly_is_said_once(tmp_path: Path) -> None:
    """Without keys neither zone can start: each says so once, and the run ends."""
    code, said = Run(tmp_path).end()

    assert 3 == code
    assert 1 == said.count("consume cannot start: ")
    assert 1 == said.count("dispatch cannot start: ")
    assert 2 == said.count("besa keys create")
    assert 1 == said.count("giving up: mend what stands above")
    assert "starting it again" not in said
    assert "Traceback" not in said


def test_what_stops_both_zones_is_said_once(home: Path) -> None:
    """One mistake that both zones stumble over is not told in full twice."""
    code, said = Run(home, policies=home / "nowhere").end()

    assert 3 == code
    assert 1 == said.count("nowhere is not a folder")
    assert 1 == said.count("cannot start for the same reason")


@linux_only
@pytest.mark.slow
def test_policies_that_are_spoilt_as_a_zone_dies_are_waited_for(
    home: Path, tmp_path: Path
) -> None:
    """Deliveries go on, the status says why nothing is decided, and all comes back."""
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    file = policies / "agreements/fiu.yaml"
    good = file.read_text("utf-8")
    run = Run(home, policies=policies)
    store = f"sqlite:///{home}/besa.sqlite"

    def status() -> Status:
        with open_store(store) as opened:
            return opened.status(datetime.now(UTC))

    try:
        run.wait_for_children()
        eventually((home / "besa.sqlite").exists)
        eventually(lambda: status().in_force)
        dispatch = next(pid for pid in run.children() if "dispatch" in command(pid))
        consume = next(pid for pid in run.children() if "consume" in command(pid))
        file.write_text(good.replace("effect: share", "effect: shore"), "utf-8")
        os.kill(consume, signal.SIGKILL)
        eventually(lambda: "nothing is read or decided" in status().rulebook_trouble)
        eventually(lambda: run.children() == {dispatch})
        spoilt = status().rulebook_trouble
        file.write_text(good, "utf-8")
        eventually(lambda: not status().rulebook_trouble, seconds=60)
        both = run.wait_for_children()
        file.write_text(good.replace("effect: share", "effect: shore"), "utf-8")
        os.kill(next(iter(both - {dispatch})), signal.SIGKILL)
        eventually(lambda: "nothing is read or decided" in status().rulebook_trouble)
        eventually(lambda: run.children() == {dispatch})
    finally:
        run.process.terminate()
        code, said = run.end()

    assert dispatch in both
    assert "agreements/fiu.yaml:34:" in spoilt
    assert 0 == code
    # Twice it was spoilt, and each time it is said once, whatever the tries.
    assert 2 == said.count("consume cannot start: policies/agreements/fiu.yaml:34:13")
    assert 2 == said.count("consume is tried again every 30 seconds")


@linux_only
@pytest.mark.slow
def test_a_zone_that_keeps_dying_ends_the_run(run: Run) -> None:
    """A zone that dies five times, and says nothing of why, ends the run: a fault."""
    children = run.wait_for_children()
    spared = next(pid for pid in children if "dispatch" in command(pid))
    deadline = time.monotonic() + 60
    while run.process.poll() is None and time.monotonic() < deadline:
        for pid in run.children() - {spared}:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    code, said = run.end()

    assert 3 == code
    assert 4 == said.count("consume ended (by SIGKILL); starting it again")
    assert "consume ended 5 times; giving up" in said
    assert "Traceback" not in said
