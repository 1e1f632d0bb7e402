"""A real Apache Kafka on this machine, for demonstrations, training and tests.

A home folder -> one KRaft broker on 127.0.0.1, its data and its log in that folder.

Invariants: the broker listens on 127.0.0.1 only. A home keeps its topics, its offsets
and its port over every restart. A home never has two brokers. Nothing here reads or
logs a message. Why each setting is as it is stands in ``docs/kafka.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kafka.errors import KafkaError, TopicAlreadyExistsError

from broker.sandbox import kafka_process as process
from broker.sandbox import kafka_programs as programs
from broker.sandbox.kafka_process import LARGEST_MESSAGE
from broker.sandbox.kafka_programs import KafkaSandboxError

__all__ = [
    "LARGEST_MESSAGE",
    "KafkaSandbox",
    "KafkaSandboxError",
    "SandboxStatus",
    "available",
    "start_detached",
    "status",
    "stop",
]

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 15
_PORT_ATTEMPTS: Final = 5
_LOG_LINES: Final = 12


class _PortTakenError(Exception):
    """Another program took the port first."""


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """Whether the Kafka of one home folder runs, and where it listens."""

    home: Path
    running: bool
    address: str | None
    pid: int | None


def available() -> str | None:
    """Say why no Kafka can be started here, or nothing when one can.

    Maven counts only while Kafka has not been downloaded yet.
    """
    try:
        programs.java()
        if not programs.jars().is_dir():
            programs.maven()
    except KafkaSandboxError as error:
        return str(error)
    return None


def start_detached(
    home: Path, port: int | None = None, topics: Iterable[str] = ()
) -> str:
    """Start a Kafka that outlives this program, or find it running; give its address.

    The topics are made unless they are there.

    Raises:
        KafkaSandboxError: it cannot be started, or runs on another port already.
    """
    sandbox = KafkaSandbox(home, port=port, die_with_parent=False)
    address = sandbox.start()
    sandbox.create_topics(topics)
    return address


def stop(home: Path) -> bool:
    """Stop the Kafka of ``home``, whoever started it; say whether one was running.

    Raises:
        KafkaSandboxError: it does not end.
    """
    sandbox = KafkaSandbox(home)
    running = sandbox.status().running
    sandbox.stop()
    return running


def status(home: Path) -> SandboxStatus:
    """Say whether the Kafka of ``home`` runs, and where it listens."""
    return KafkaSandbox(home).status()


class KafkaSandbox:
    """One Kafka broker that lives in one folder, for demonstrations and tests.

    As a context manager it stops what it started, and leaves running what it found.

    Args:
        home: its folder; made if it is missing, open to its owner only.
        port: where to listen; by default the port of last time, else a free one.
        die_with_parent: on Linux, the broker ends as soon as the *thread* that started
            it ends, however it ends; so start it from the main thread.
        heap_mb: memory for the broker's objects.
        extra: more lines of the broker's settings; they count before Besa's own.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        die_with_parent: bool = True,
        heap_mb: int = 384,
        extra: str = "",
    ) -> None:
        self.home = home.absolute()
        self.log = self.home / "logs" / "kafka.log"
        self._port = port
        self._die_with_parent = die_with_parent
        self._heap_mb = heap_mb
        self._extra = extra
        self._started = False

    @property
    def address(self) -> str:
        """Where clients connect, as ``host:port``, also while the broker is down.

        Raises:
            KafkaSandboxError: this home never had a broker.
        """
        port = self._noted().get("port")
        if port is None:
            raise KafkaSandboxError(f"{self.home} has no Kafka yet; start one first")
        return f"127.0.0.1:{port}"

    def status(self) -> SandboxStatus:
        """Say whether this home's broker runs, and where it listens."""
        pid = self._pid()
        address = None if pid is None else self.address
        return SandboxStatus(self.home, pid is not None, address, pid)

    def start(self) -> str:
        """Start the broker, or find it running, and give its address once it answers.

        Raises:
            KafkaSandboxError: Java or Maven is missing, the download failed, the port
                is taken, or the broker ended or kept silent (with its last log lines).
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        with programs.exclusive(self.home / "lock"):
            if self._pid() is not None:
                self._refuse_other_port()
                self._wait_until_ready(self._log_size())
                return self.address
            java, jars = programs.java(), programs.download()
            self._format(java, jars)
            return self._start_on_some_port(java, jars)

    def stop(self) -> None:
        """End the broker in good order, by force after fifteen seconds.

        Raises:
            KafkaSandboxError: it does not end.
        """
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker at once, as a crash would; what it had written stays.

        Raises:
            KafkaSandboxError: it does not end.
        """
        self._end(signal.SIGKILL)

    def create_topics(self, names: Iterable[str], partitions: int = 1) -> None:
        """Make sure that the topics exist; those that do are left as they are.

        Raises:
            KafkaSandboxError: the broker does not answer, or refuses a name.
        """
        wanted = {"num_partitions": partitions, "replication_factor": 1}
        try:
            with contextlib.closing(process.admin(self.address, seconds=15)) as admin:
                for name in names:
                    with contextlib.suppress(TopicAlreadyExistsError):
                        admin.create_topics({name: wanted}, wait_for_metadata=True)
        except KafkaError as error:
            message = f"Kafka at {self.address} did not make the topics: {error}"
            raise KafkaSandboxError(message) from None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._started:
            self.stop()

    def _start_on_some_port(self, java: str, jars: Path) -> str:
        fixed = self._port or self._noted().get("port")
        for _ in range(_PORT_ATTEMPTS):
            port = fixed or process.free_port()
            log_from = self._log_size()
            self._spawn(java, jars, port)
            try:
                self._wait_until_ready(log_from)
            except _PortTakenError:
                if fixed and not process.is_free(fixed):
                    break
                continue
            except BaseException:
                self.kill()
                raise
            return self.address
        raise KafkaSandboxError(
            f"Kafka cannot listen on {f'port {fixed}' if fixed else 'any port'} of "
            "127.0.0.1: another program does. Stop it, or choose another port."
        )

    def _spawn(self, java: str, jars: Path, port: int) -> None:
        self._configure(port, controller=process.free_port(avoid=port))
        begin = process.java_command(java, jars, self._heap_mb)
        command = [*begin, self._marker(), "kafka.Kafka", "server.properties"]
        tied = self._die_with_parent
        pid = process.spawn(command, folder=self.home, log=self.log, tied=tied)
        self._started = True
        noted = self.home / "broker.json.new"
        noted.write_text(json.dumps({"pid": pid, "port": port}), "ascii")
        noted.replace(self.home / "broker.json")

    def _wait_until_ready(self, log_from: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        cluster = self._cluster_id()
        while time.monotonic() < deadline:
            if self._pid() is None:
                if b"Address already in use" in self.log.read_bytes()[log_from:]:
                    raise _PortTakenError
                raise self._failure("Kafka ended as it started", log_from)
            if process.answers(self.address, cluster):
                return
            time.sleep(0.05)
        message = f"Kafka did not answer within {_START_SECONDS} seconds"
        raise self._failure(message, log_from)

    def _end(self, wish: signal.Signals) -> None:
        pid = self._pid()
        for sent in (wish, signal.SIGKILL):
            if pid is None or self._gone_after(pid, sent):
                self._started = False
                return
        raise KafkaSandboxError(f"Kafka (process {pid}) does not end")

    def _gone_after(self, pid: int, sent: signal.Signals) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _format(self, java: str, jars: Path) -> None:
        if (self.home / "data" / "meta.properties").exists():
            return
        self._configure(9092, controller=9093)  # formatting does not look at the ports
        cluster = (
            f"besa{secrets.token_urlsafe(13)}"  # 22 letters, none of them first a dash
        )
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster]
        command = [
            *process.java_command(java, jars, 128),
            *tool,
            "-c",
            "server.properties",
        ]
        problem = "Kafka could not prepare its folder"
        programs.run(command, problem, folder=self.home, seconds=_START_SECONDS)

    def _configure(self, port: int, controller: int) -> None:
        settings = process.settings(port, controller) + self._extra
        (self.home / "server.properties").write_text(settings, "ascii")

    def _cluster_id(self) -> str:
        meta = self.home / "data" / "meta.properties"
        found = re.search(r"^cluster\.id=(\S+)$", meta.read_text("ascii"), re.MULTILINE)
        if found is None:
            raise KafkaSandboxError(f"{meta} is damaged; remove {self.home}")
        return found[1]

    def _noted(self) -> dict[str, int]:
        try:
            noted: dict[str, int] = json.loads((self.home / "broker.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return noted

    def _marker(self) -> str:
        return f"-Dbesa.home={self.home}"

    def _pid(self) -> int | None:
        pid = self._noted().get("pid")
        return pid if pid and process.is_alive(pid, self._marker()) else None

    def _refuse_other_port(self) -> None:
        running = self._noted()["port"]
        if self._port not in (None, running):
            raise KafkaSandboxError(
                f"the Kafka of {self.home} runs on port {running} already; stop it "
                f"first to have it on {self._port}"
            )

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _failure(self, message: str, log_from: int) -> KafkaSandboxError:
        lines = self.log.read_bytes()[log_from:].decode("utf-8", "replace").splitlines()
        # Of a Java stack trace only the lines that say what went wrong are of use.
        telling = [line for line in lines if not line.startswith("\t")][-_LOG_LINES:]
        heading = f"{message}. The end of {self.log}:"
        return KafkaSandboxError("\n".join([heading, *telling]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, stop or look at a sandbox from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m broker.sandbox.kafka")
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("--home", type=Path, required=True, help="the broker's folder")
    parser.add_argument("--port", type=int, help="where to listen (with start)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args(arguments)
    try:
        if given.action == "start":
            start_detached(given.home, given.port)
        if given.action == "stop":
            stop(given.home)
        now = status(given.home)
    except KafkaSandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    told = {"running": now.running, "address": now.address, "pid": now.pid}
    line = json.dumps({"home": str(now.home), **told}) if given.json else now.address
    sys.stdout.write(f"{line or 'not running'}\n")
    return 0 if now.running or given.action == "stop" else 1


if __name__ == "__main__":
    sys.exit(main())
