"""What the Kafka sandbox asks of the machine: a process, ports, an answer.

Ports and folders -> the broker's settings, its command line, and whether it lives.

Invariants: everything is on 127.0.0.1. No process is taken for ours by its number
alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from broker.sandbox.kafka_programs import KafkaSandboxError

LARGEST_MESSAGE: Final = 64 * 1024 * 1024
"""The most that the broker takes: 50 MB of garbage must reach Besa to be refused."""

_PR_SET_PDEATHSIG: Final = 1
_PORTS: Final = range(15000, 30000)
_SETTINGS: Final = f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{{controller}}
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes={LARGEST_MESSAGE}
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=2
"""

# A child stays in the process table until it is asked how it ended. Beside it stands
# what it was started with.
_CHILDREN: Final[dict[int, tuple[subprocess.Popen[bytes], list[str]]]] = {}


def settings(port: int, controller: int) -> str:
    """Write the settings of a broker that is its own controller (docs/kafka.md)."""
    return _SETTINGS.format(port=port, controller=controller)


def java_command(java: str, jars: Path, heap_mb: int) -> list[str]:
    """Begin a command line that runs one of Kafka's programs, quietly and small."""
    return [
        java,
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
        *("-cp", f"{jars}/*"),
    ]


def spawn(command: list[str], *, folder: Path, log: Path, tied: bool) -> int:
    """Start a program in ``folder``, all its words going to ``log``; give its number.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        log: where it writes; kept and added to.
        tied: on Linux, end it as soon as the thread that called this ends.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own fixed command
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the program that uses the broker; it stops the broker.
            start_new_session=True,
            preexec_fn=_tie_to_parent() if tied else None,
        )
    _CHILDREN[child.pid] = child, command
    return child.pid


def is_alive(pid: int, argument: str) -> bool:
    """Say whether process ``pid`` lives and was started with ``argument``.

    The argument is asked for because the system uses process numbers again.
    """
    if pid in _CHILDREN:
        child, started_with = _CHILDREN[pid]
        if child.poll() is None:
            # The system cannot be asked: for a moment after the start it says nothing,
            # or still our own words.
            return argument in started_with
        del _CHILDREN[pid]
    if Path("/proc/self").exists():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return os.fsencode(argument) in line.split(b"\0")
    told = subprocess.run(  # noqa: S603 - a fixed command
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        check=False,
        timeout=10,
    )
    return b" " + os.fsencode(argument) + b" " in told.stdout


def admin(address: str, *, seconds: int) -> KafkaAdminClient:
    """Open a client for administration that gives up after ``seconds``."""
    return KafkaAdminClient(
        bootstrap_servers=address,
        client_id="besa-sandbox",
        bootstrap_timeout_ms=seconds * 1000,
        request_timeout_ms=seconds * 1000,
        # Half a minute by default: far too long for a broker that is coming up.
        reconnect_backoff_max_ms=500,
    )


def answers(address: str, cluster: str) -> bool:
    """Say whether the broker at ``address`` is ready, and is the one of ``cluster``."""
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        with contextlib.closing(admin(address, seconds=3)) as client:
            described = client.describe_cluster()
    except (OSError, KafkaError):
        return False
    # Another Kafka may have the port; ours will then end, and say so in its log.
    return bool(described["brokers"]) and described["cluster_id"] == cluster


def is_free(port: int) -> bool:
    """Say whether a broker could listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def free_port(avoid: int = 0) -> int:
    """Find a port on which nobody listens, other than ``avoid``.

    It is below the range from which the system gives ports to outgoing connections:
    while the broker is down, a client that tries again and again could otherwise be
    given the very port that it calls, reach itself, and keep the broker from returning.

    Raises:
        KafkaSandboxError: there is none.
    """
    for _ in range(1000):
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        if port != avoid and is_free(port):
            return port
    raise KafkaSandboxError(f"127.0.0.1 has no free port in {_PORTS}")


def _tie_to_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the tie was made
            os._exit(1)

    return tie
