"""The programs that the Kafka sandbox runs: Java, Maven and Kafka itself.

What the machine has -> the commands to run, or a sentence that says what to install.

Invariants: Kafka is downloaded once per version of ``deploy/kafka/pom.xml``, however
many processes ask at the same time, and stands in the cache complete or not at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from broker.errors import BesaError

JAVA_AT_LEAST: Final = 17
"""The oldest Java that runs a Kafka 4 broker."""

_DOWNLOAD_SECONDS: Final = 900
_OUTPUT_LINES: Final = 8


class KafkaSandboxError(BesaError):
    """The sandbox's Kafka cannot do what was asked; the message says what to do."""


def java() -> str:
    """Return the path of a Java that can run Kafka: of ``JAVA_HOME``, else on the path.

    Raises:
        KafkaSandboxError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    needed = f"Kafka needs Java {JAVA_AT_LEAST} or newer (on Debian: openjdk-17-jre)"
    if found is None:
        where = f"JAVA_HOME ({home}) holds no Java" if home else "there is no Java here"
        raise KafkaSandboxError(f"{needed}; {where}")
    told = subprocess.run(  # noqa: S603 - the machine's own Java
        [found, "-version"], capture_output=True, check=False, timeout=30
    )
    version = re.search(rb'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if version is None or int(version[1]) < JAVA_AT_LEAST:
        has = version[1].decode() if version else "of no known version"
        raise KafkaSandboxError(f"{needed}; {found} is {has}")
    return found


def maven() -> str:
    """Return the path of Maven, which fetches Kafka the first time.

    Raises:
        KafkaSandboxError: there is none.
    """
    found = shutil.which("mvn")
    if found is None:
        raise KafkaSandboxError(
            "Kafka is fetched by Maven the first time, and there is no mvn here "
            "(on Debian: maven)"
        )
    return found


def jars() -> Path:
    """Return the folder in the cache where Kafka stands once it has been fetched.

    The cache is ``$BESA_CACHE``, or ``~/.cache/besa``.
    """
    pom = _pom().read_bytes()
    version = re.search(rb"<kafka\.version>([\d.]+)</kafka\.version>", pom)
    name = version[1].decode() if version else "unknown"
    default = Path("~/.cache/besa").expanduser()
    cache = Path(os.environ.get("BESA_CACHE") or default).absolute()
    # The digest keeps apart two lists of programs for one version of Kafka.
    return cache / f"kafka-{name}-{hashlib.sha256(pom).hexdigest()[:8]}"


def download() -> Path:
    """Return the folder where Kafka stands, after fetching it if it is not there yet.

    Raises:
        KafkaSandboxError: Maven is missing, or could not fetch it.
    """
    folder = jars()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.parent / f".{folder.name}.lock"):
        if folder.is_dir():
            return folder
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            fresh = Path(scratch, "jars")
            fetch = [maven(), "-B", "-q", "-ntp", "-f", str(_pom()), "package"]
            run(
                [*fetch, f"-Dkafka.jars={fresh}"],
                "Maven could not fetch Kafka (is Maven Central within reach?)",
                folder=Path(scratch),
                seconds=_DOWNLOAD_SECONDS,
            )
            # INVARIANT: the folder appears whole, so that its presence proves it.
            fresh.rename(folder)
    return folder


def run(command: Sequence[str], failure: str, *, folder: Path, seconds: int) -> None:
    """Run a program to its end, and explain it if that end is not a good one.

    Raises:
        KafkaSandboxError: ``failure`` and the program's last words.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own fixed commands
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        message = f"{failure}: no result after {seconds} seconds"
        raise KafkaSandboxError(message) from None
    if done.returncode != 0:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        raise KafkaSandboxError("\n".join([f"{failure}:", *lines[-_OUTPUT_LINES:]]))


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Let one process at a time past this point; the lock ends with the process."""
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pom() -> Path:
    package = Path(__file__).resolve().parent.parent
    installed = package / "_data" / "kafka" / "pom.xml"
    checkout = package.parent / "deploy" / "kafka" / "pom.xml"
    for pom in (installed, checkout):
        if pom.is_file():
            return pom
    raise KafkaSandboxError(f"Besa is installed incompletely: {installed} is missing")
