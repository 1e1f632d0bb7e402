"""The stage of the demonstration: Kafka or a folder, MISPs, keys and credentials.

A temporary home -> running services, and the environment in which `besa` finds them.

Invariants: everything listens on 127.0.0.1. Unless it is told to keep, everything that
was started is ended and everything that was written removed, also after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from broker import keyring
from broker.credentials import write_credential
from broker.deliver import Credential
from broker.errors import BesaError, SettingsError
from broker.rulebook import Rulebook
from broker.sandbox.kafka import KafkaSandbox, KafkaSandboxError, available
from broker.settings import Settings

Tell = Callable[[str], None]

_TOPICS: Final = (
    "csirt.incidents",
    "besa.receipts",
    "besa.dead-letters",
    "besa.feedback",
)
_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


class DemoError(BesaError):
    """The demonstration could not be set up or did not come to its end."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in MISP of one recipient."""

    recipient: str
    url: str
    csirt_key: str = field(repr=False)
    reader_key: str = field(repr=False)
    pid: int = 0


@dataclass(slots=True)
class Stage:
    """Everything that the demonstration runs on."""

    home: Path
    source: str = "spool"
    why_spool: str = ""
    kafka: KafkaSandbox | None = None
    kafka_address: str = ""
    misps: dict[str, StandIn] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Return the environment in which `besa` works on this stage."""
        around = {
            name: value
            for name, value in os.environ.items()
            # The rulebook and the downloads are shared with the surroundings; where
            # anything is stored is not.
            if not name.startswith("BESA_")
            or name in ("BESA_POLICIES", "BESA_MAPPINGS", "BESA_CACHE")
        }
        here = {"BESA_HOME": str(self.home)}
        if self.kafka_address:
            here["BESA_KAFKA"] = self.kafka_address
        return {**around, **here}

    def settings(self) -> Settings:
        """Return the settings of this stage."""
        return Settings(home=self.home, kafka=self.kafka_address)


@contextmanager
def staged(book: Rulebook, *, spool: bool, keep: bool, tell: Tell) -> Iterator[Stage]:
    """Set the stage, and clear it afterwards.

    Args:
        book: the rulebook; each of its recipients gets a stand-in MISP.
        spool: use a folder even where Kafka is available.
        keep: leave everything running and in place when no error occurs.
        tell: told in a few words what is being done.

    Raises:
        DemoError: something does not start.
    """
    stage = Stage(Path(tempfile.mkdtemp(prefix="besa-demo-")))
    done = False
    try:
        tell("starting the stand-in MISPs")
        waiting = _start_misps(stage, book, keep=keep)
        _start_source(stage, spool=spool, keep=keep, tell=tell)
        tell("waiting for the stand-in MISPs")
        for recipient, ready_file in waiting.items():
            stage.misps[recipient] = _when_ready(stage, recipient, ready_file)
        tell("making keys and credentials")
        _make_secrets(stage, book)
        yield stage
        done = True
    finally:
        if not (keep and done):
            _clear(stage)


def _start_source(stage: Stage, *, spool: bool, keep: bool, tell: Tell) -> None:
    stage.why_spool = "asked for" if spool else available() or ""
    if stage.why_spool:
        return
    tell("starting Apache Kafka (the first time it is downloaded)")
    kafka = KafkaSandbox(stage.home / "kafka", die_with_parent=not keep)
    stage.kafka = kafka
    try:
        stage.kafka_address = kafka.start()
        kafka.create_topics(_TOPICS)
    except KafkaSandboxError as error:
        # A demonstration without Kafka is better than none; it says so.
        stage.why_spool = str(error).splitlines()[0]
        stage.kafka_address = ""
        return
    stage.source = "kafka"


def _start_misps(stage: Stage, book: Rulebook, *, keep: bool) -> dict[str, Path]:
    """Start one stand-in MISP per recipient; return the files that tell they are up."""
    ready_files: dict[str, Path] = {}
    for recipient in {
        route.recipient.recipient: route.recipient for route in book.routes
    }.values():
        name = recipient.recipient
        home = stage.home / "misp" / name
        home.mkdir(parents=True, mode=0o700)
        authority = recipient.authority.replace(":", " ")
        command = [
            *(sys.executable, "-m", "broker.sandbox.misp", "--home", str(home)),
            *("--org", f"{book.csirt.name}:{book.csirt.uuid}:sync:csirt"),
            *("--org", f"{authority}::publisher:reader"),
            *("--ready-file", str(home / "ready.json")),
        ]
        if not keep:
            command.append("--exit-with-parent")
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the demonstration, which then ends these in good order.
                start_new_session=True,
            )
        stage.processes.append(process)
        ready_files[name] = home / "ready.json"
    return ready_files


def _when_ready(stage: Stage, recipient: str, ready_file: Path) -> StandIn:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready_file.exists():
        ended = any(process.poll() is not None for process in stage.processes)
        if ended or time.monotonic() > deadline:
            log = (ready_file.parent / "log").read_text("utf-8", "replace")
            raise DemoError(f"the stand-in MISP of {recipient} did not start: {log}")
        time.sleep(0.05)
    told = json.loads(ready_file.read_bytes())
    keys: Mapping[str, str] = told["keys"]
    return StandIn(recipient, told["url"], keys["csirt"], keys["reader"], told["pid"])


def _make_secrets(stage: Stage, book: Rulebook) -> None:
    settings = stage.settings()
    keyring.create(settings.keys_folder, settings.public_keys_folder)
    for route in book.routes:
        recipient = route.recipient
        misp = stage.misps[recipient.recipient]
        try:
            write_credential(
                settings.credentials_folder,
                Credential(recipient.credential, misp.csirt_key, misp.url),
            )
        except FileExistsError:
            continue  # two agreements with one recipient
        except OSError as error:
            raise SettingsError(f"cannot write: {error.strerror}") from None


def _clear(stage: Stage) -> None:
    """End everything that was started and remove everything that was written."""
    for process in stage.processes:
        process.terminate()
    if stage.kafka is not None:
        stage.kafka.stop()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in stage.processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    shutil.rmtree(stage.home, ignore_errors=True)
