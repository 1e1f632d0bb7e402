"""The stand-in MISP as a process: it announces itself, stops, dies on demand."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from broker.sandbox.misp import CSIRT, POLICE, RoleName
from broker.sandbox.misp.__main__ import DIED, _accounts
from tests.unit.sandbox.misp.conftest import event

WAIT = 20
COMMAND = (sys.executable, "-m", "broker.sandbox.misp")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts the server as a process; all are gone in the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, "--home", str(tmp_path / "misp"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=WAIT)


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what the process says about itself when it is ready."""
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def version(told: dict[str, Any], account: str = "sync") -> int:
    """Ask the server for its version; return the status."""
    return requests.get(
        f"{told['url']}/servers/getVersion",
        headers={"Authorization": told["keys"][account]},
        timeout=10,
    ).status_code


def test_process_announces_address_and_keys(start: Start, tmp_path: Path) -> None:
    """Its first line and its ready file say where it is, and hold the keys."""
    ready_file = tmp_path / "ready.json"

    told = ready(start("--ready-file", str(ready_file)))

    assert told == json.loads(ready_file.read_text())
    assert 0o600 == stat.S_IMODE(ready_file.stat().st_mode)
    assert {"admin", "sync", "police"} == set(told["keys"])
    assert 200 == version(told)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_stops_cleanly(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """A stop signal ends it with exit code 0, nothing to say and no ready file."""
    ready_file = tmp_path / "ready.json"
    process = start("--ready-file", str(ready_file))
    ready(process)

    process.send_signal(number)
    _, errors = process.communicate(timeout=WAIT)

    assert (0, "") == (process.returncode, errors)
    assert not ready_file.exists()


def test_old_ready_file_does_not_outlive_a_failed_start(
    start: Start, tmp_path: Path
) -> None:
    """A server that cannot start leaves no ready file that tells of an earlier one."""
    ready_file = tmp_path / "ready.json"
    ready_file.write_text("{}")

    process = start("--org", "A:not-a-uuid", "--ready-file", str(ready_file))

    assert 2 == process.wait(timeout=WAIT)
    assert not ready_file.exists()


def test_state_and_keys_survive_a_restart(start: Start) -> None:
    """The same home gives the same keys and the same events."""
    first = start()
    before = ready(first)
    sent = event("a.example")
    headers = {"Authorization": before["keys"]["sync"]}
    requests.post(f"{before['url']}/events/add", json=sent, headers=headers, timeout=10)
    first.kill()
    first.wait(timeout=WAIT)

    after = ready(start())

    found = requests.get(
        f"{after['url']}/events/view/{sent['uuid']}", headers=headers, timeout=10
    )
    assert before["keys"] == after["keys"]
    assert sent["uuid"] == found.json()["Event"]["uuid"]


def test_process_dies_in_the_middle_of_an_add(start: Start) -> None:
    """With the knob set it exits at once, and the part is there afterwards."""
    process = start("--faults", '{"die_after": 2}')
    told = ready(process)
    sent = event("a.example", "b.example", "c.example")
    headers = {"Authorization": told["keys"]["sync"]}

    with pytest.raises(requests.ConnectionError):
        requests.post(
            f"{told['url']}/events/add", json=sent, headers=headers, timeout=10
        )

    assert DIED == process.wait(timeout=WAIT)
    again = ready(start())
    found = requests.get(
        f"{again['url']}/events/view/{sent['uuid']}", headers=headers, timeout=10
    )
    assert ["a.example", "b.example"] == [
        one["value"] for one in found.json()["Event"]["Attribute"]
    ]


def test_process_leaves_with_its_parent(tmp_path: Path) -> None:
    """With ``--exit-with-parent`` it ends when the process that started it is gone."""
    ready_file = tmp_path / "ready.json"
    command = [*COMMAND, "--exit-with-parent", "--home", str(tmp_path / "child")]
    command += ["--ready-file", str(ready_file)]
    script = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        assert until(ready_file.exists)
        child = json.loads(ready_file.read_text())["pid"]
    finally:
        parent.kill()
        parent.wait(timeout=WAIT)

    assert until(lambda: is_gone(child))


def until(condition: Callable[[], bool]) -> bool:
    """Wait until a condition holds; say whether it ever did."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_gone(pid: int) -> bool:
    """Say whether a process has ended (one that waits for its parent has, too)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_home_is_used_by_one_process_only(start: Start) -> None:
    """A second process on the same home says so and exits with 2."""
    ready(start())

    second = start()
    _, errors = second.communicate(timeout=WAIT)

    assert 2 == second.returncode
    assert "already uses this home" in errors


def test_port_in_use_is_explained(start: Start, tmp_path: Path) -> None:
    """A port that somebody has is named in the error."""
    port = ready(start())["url"].rsplit(":", 1)[1]

    second = start("--home", str(tmp_path / "other"), "--port", port)
    _, errors = second.communicate(timeout=WAIT)

    assert 2 == second.returncode
    assert f"port {port}" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--org", "A:not-a-uuid"], "the uuid is not a uuid"),
        (["--org", "A::chief"], "the role must be one of"),
        (["--org", ":"], "needs a name"),
        (["--org", "A::::too-much"], "NAME"),
        (["--org", "A", "--org", "B::publisher:sync"], "the same name"),
        (["--faults", "{"], "not JSON"),
        (["--faults", '{"explode": 1}'], "unknown explode"),
    ],
)
def test_wrong_options_are_explained(
    start: Start, options: list[str], told: str
) -> None:
    """A wrong option gives one clear line and exit code 2, never a traceback."""
    process = start(*options)
    _, errors = process.communicate(timeout=WAIT)

    assert 2 == process.returncode
    assert told in errors
    assert "Traceback" not in errors


def test_organisations_get_their_usual_roles() -> None:
    """The first organisation synchronises, the others publish, all can be told."""
    made = _accounts(["KOS-CERT", "Police", "FIU", f"X:{CSIRT.uuid}:readonly:eyes"])

    assert [
        ("sync", RoleName.SYNC),
        ("police", RoleName.PUBLISHER),
        ("fiu", RoleName.PUBLISHER),
        ("eyes", RoleName.READONLY),
    ] == [(one.name, one.role) for one in made]
    assert CSIRT == made[0].organisation
    assert POLICE.uuid != made[1].organisation.uuid
