"""What the Kafka sandbox does before and around Kafka itself: no Java is run here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from broker.sandbox import kafka, kafka_process, kafka_programs
from broker.sandbox.kafka import KafkaSandbox, KafkaSandboxError

ROOT = Path(__file__).parents[3]


def program(folder: Path, name: str, script: str) -> Path:
    """Put an executable shell script into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}", "utf-8")
    path.chmod(0o755)
    return folder


def java(folder: Path, version: str) -> Path:
    """Put a Java of a given version into a folder: it can only say its version."""
    return program(folder, "java", f"""echo 'openjdk version "{version}"' >&2\n""")


MAVEN_THAT_WORKS = """
    for given in "$@"; do
        case $given in -Dkafka.jars=*) jars=${given#-Dkafka.jars=};; esac
    done
    echo once >> "$BESA_CACHE/calls"
    sleep 0.3
    mkdir -p "$jars" && touch "$jars/kafka.jar"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a machine with a shell, no Java, no Maven and an empty cache."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "sleep", "mkdir", "touch"):
        (tools / name).symlink_to(f"/bin/{name}")
    (tmp_path / "cache").mkdir()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("BESA_CACHE", str(tmp_path / "cache"))
    return tools


@pytest.mark.usefixtures("machine")
def test_missing_java_is_explained() -> None:
    """Without Java, the reason names what to install."""
    reason = kafka.available()

    assert reason is not None
    assert "Kafka needs Java 17 or newer" in reason
    assert "openjdk-17-jre" in reason


@pytest.mark.parametrize(
    ("version", "said"), [("11.0.2", "is 11"), ("1.8.0_392", "is 8")]
)
def test_old_java_is_explained(machine: Path, version: str, said: str) -> None:
    """A Java older than 17 is refused with its version, also in the old numbering."""
    java(machine, version)

    assert said in str(kafka.available())


def test_java_home_goes_before_the_path(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Java of JAVA_HOME is the one that is used."""
    java(machine, "11.0.2")
    java(tmp_path / "jdk" / "bin", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))

    assert str(tmp_path / "jdk" / "bin" / "java") == kafka_programs.java()


def test_missing_maven_is_explained_until_kafka_is_there(machine: Path) -> None:
    """Maven is asked for only as long as Kafka has not been downloaded."""
    java(machine, "17.0.15")

    before = str(kafka.available())
    kafka_programs.jars().mkdir(parents=True)

    assert "there is no mvn here" in before
    assert kafka.available() is None


def test_download_appears_whole(machine: Path) -> None:
    """A download ends with Kafka's folder in the cache, and nothing half done."""
    program(machine, "mvn", MAVEN_THAT_WORKS)

    folder = kafka_programs.download()

    assert ["kafka.jar"] == [path.name for path in folder.iterdir()]
    assert {folder.name, f".{folder.name}.lock", "calls"} == {
        path.name for path in folder.parent.iterdir()
    }


def test_failed_download_is_explained_and_leaves_nothing(machine: Path) -> None:
    """When Maven fails, its last words are shown and the cache stays empty."""
    program(machine, "mvn", "echo '[ERROR] no route to host'; exit 1")

    with pytest.raises(KafkaSandboxError, match="no route to host"):
        kafka_programs.download()

    folder = kafka_programs.jars()
    assert [f".{folder.name}.lock"] == [path.name for path in folder.parent.iterdir()]


def test_two_programs_download_once(machine: Path, tmp_path: Path) -> None:
    """Two programs that need Kafka at the same time fetch it once between them."""
    program(machine, "mvn", MAVEN_THAT_WORKS)
    code = "from broker.sandbox.kafka_programs import download; download()"
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(2)]

    assert [0, 0] == [one.wait(timeout=60) for one in both]
    assert "once\n" == (tmp_path / "cache" / "calls").read_text("ascii")


def test_cache_names_the_version(machine: Path) -> None:
    """The folder in the cache says which Kafka is in it, a version 4."""
    assert machine.parent / "cache" == kafka_programs.jars().parent
    assert kafka_programs.jars().name.startswith("kafka-4.")


def test_only_this_machine_can_reach_the_broker() -> None:
    """Every address in the broker's settings is on 127.0.0.1."""
    lines = kafka_process.settings(16001, 16002).splitlines()
    listening = [line for line in lines if "://" in line]

    assert [
        "listeners=PLAINTEXT://127.0.0.1:16001,CONTROLLER://127.0.0.1:16002",
        "advertised.listeners=PLAINTEXT://127.0.0.1:16001",
    ] == listening


def test_free_port_is_out_of_the_way_of_clients() -> None:
    """A chosen port is never one that the system may give to an outgoing connection."""
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not limits.exists():
        pytest.skip("only Linux says which ports it gives to outgoing connections")
    lowest = int(limits.read_text("ascii").split()[0])
    if lowest < 30000:
        pytest.skip("this machine gives almost every port to outgoing connections")

    assert all(kafka_process.free_port() < lowest for _ in range(20))


def test_port_with_a_listener_is_not_free() -> None:
    """A port on which another program listens is not taken for free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        assert not kafka_process.is_free(port)
    assert kafka_process.is_free(port)


def test_process_is_known_by_number_and_argument(tmp_path: Path) -> None:
    """A process counts as ours only with the argument that it was started with."""
    log = tmp_path / "log"
    pid = kafka_process.spawn(["sleep", "60"], folder=tmp_path, log=log, tied=False)
    try:
        found = [kafka_process.is_alive(pid, word) for word in ("60", "6", "61")]
    finally:
        os.kill(pid, signal.SIGKILL)

    assert [True, False, False] == found


def test_process_of_another_is_known_by_number_and_argument() -> None:
    """Nor does a process that another one started, which the system is asked about."""
    program = [sys.executable, "-c", "import time; time.sleep(60)", "62"]
    with subprocess.Popen(program) as other:
        try:
            # For a moment the system still lists it with our own words.
            deadline = time.monotonic() + 10
            while not kafka_process.is_alive(other.pid, "62"):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            found = [kafka_process.is_alive(other.pid, word) for word in ("6", "63")]
        finally:
            other.kill()

    assert [False, False] == found


def test_dead_child_is_not_alive(tmp_path: Path) -> None:
    """A child that ended is not alive, although the system still lists it."""
    log = tmp_path / "log"
    pid = kafka_process.spawn(["sleep", "0"], folder=tmp_path, log=log, tied=False)

    assert wait_until_dead(pid, "0")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie two processes")
def test_tied_process_dies_with_its_parent(tmp_path: Path) -> None:
    """A tied process ends although its parent was killed and could not stop it."""
    code = f"""
        import pathlib, time
        from broker.sandbox.kafka_process import spawn
        here = pathlib.Path({str(tmp_path)!r})
        pid = spawn(["sleep", "61"], folder=here, log=here / "log", tied=True)
        print(pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, cwd=ROOT
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        alive_before = kafka_process.is_alive(pid, "61")
        parent.kill()

    assert alive_before
    assert wait_until_dead(pid, "61")


def test_empty_home_has_no_kafka(tmp_path: Path) -> None:
    """A home without a broker has no address, and stopping it does nothing."""
    home = tmp_path / "home"

    assert kafka.status(home) == kafka.SandboxStatus(home, False, None, None)
    assert not kafka.stop(home)
    with pytest.raises(KafkaSandboxError, match="has no Kafka yet"):
        KafkaSandbox(home).address  # noqa: B018 - reading it is what fails


def test_note_about_a_dead_broker_is_not_believed(tmp_path: Path) -> None:
    """When another program has the number of a dead broker, that is noticed."""
    note = {"pid": os.getpid(), "port": 16001}
    (tmp_path / "broker.json").write_text(json.dumps(note), "ascii")

    assert not kafka.status(tmp_path).running
    assert "127.0.0.1:16001" == KafkaSandbox(tmp_path).address


def test_status_command_says_no_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asking for a broker that does not run prints so and answers no."""
    code = kafka.main(["status", "--home", str(tmp_path), "--json"])

    told = {"home": str(tmp_path), "running": False, "address": None, "pid": None}
    assert (1, told) == (code, json.loads(capsys.readouterr().out))


@pytest.mark.usefixtures("machine")
def test_start_command_explains_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A start without Java ends with exit code 3 and one clear sentence."""
    code = kafka.main(["start", "--home", str(tmp_path / "home")])

    said = capsys.readouterr().err
    assert (3, 1) == (code, len(said.splitlines()))
    assert "Kafka needs Java 17" in said


def wait_until_dead(pid: int, argument: str) -> bool:
    """Wait up to ten seconds for a process to end, and say whether it did."""
    deadline = time.monotonic() + 10
    while kafka_process.is_alive(pid, argument):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
