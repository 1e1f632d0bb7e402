"""A real TAXII 2.1 server to test against: medallion, in an environment of its own.

Installed from the package index when it is used for the first time, and kept in
``~/.cache/besa``: its web framework must not get into ours.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from broker.sandbox.kafka_process import free_port
from broker.sandbox.kafka_programs import exclusive
from tests.services import absent

VERSION: Final = "3.0.0"
USER, PASSWORD = "besa", "tests only"
MEDIA: Final = "application/taxii+json;version=2.1"
OURS, NO_READ, NO_WRITE = (
    "91a7b528-80eb-42ed-a74d-c6fbd5a26116",
    "91a7b528-80eb-42ed-a74d-c6fbd5a26117",
    "91a7b528-80eb-42ed-a74d-c6fbd5a26118",
)


@dataclass(frozen=True)
class Taxii:
    """A running server."""

    port: int

    @property
    def root(self) -> str:
        """Its API root."""
        return f"http://127.0.0.1:{self.port}/csirt/"

    def objects(self, collection: str = OURS, **match: str) -> list[dict[str, Any]]:
        """Return what a collection holds, all versions, as a reader sees it."""
        params = {"match[version]": "all", "limit": "1000"} | {
            f"match[{name}]": value for name, value in match.items()
        }
        found: list[dict[str, Any]] = []
        while True:
            answer = requests.get(
                f"{self.root}collections/{collection}/objects/",
                params=params,
                headers={"Accept": MEDIA},
                auth=(USER, PASSWORD),
                timeout=20,
            )
            assert 200 == answer.status_code, answer.text
            page = answer.json()
            found += page.get("objects", [])
            if not page.get("more"):
                return found
            params["next"] = page["next"]


def installed() -> Path:
    """Return the Python of an environment that has medallion.

    Without one the test is skipped, and fails where ``CI=true``.
    """
    home = Path.home() / ".cache" / "besa" / f"medallion-{VERSION}"
    python = home / "bin" / "python"
    home.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(home.parent / f".{home.name}.lock"):
        # Pip brings what it needs before it brings medallion itself.
        if not (home / "bin" / "medallion").exists():
            try:
                _install(home, python)
            except (OSError, subprocess.SubprocessError) as error:
                absent(f"medallion cannot be installed: {type(error).__name__}")
    return python


def _install(home: Path, python: Path) -> None:
    venv.create(home, with_pip=True, clear=True)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", f"medallion=={VERSION}"],
        check=True,
        timeout=240,
        capture_output=True,
    )


def _collection(number: str, *, read: bool = True, write: bool = True) -> Any:
    return {
        "id": number,
        "title": "cases",
        "can_read": read,
        "can_write": write,
        "media_types": ["application/stix+json;version=2.1"],
        "manifest": [],
        "objects": [],
    }


@contextmanager
def running(folder: Path, *, most: int = 20_000) -> Iterator[Taxii]:
    """Run a server with empty collections until the block ends."""
    python = installed()
    information = {
        "title": "cases",
        "versions": [MEDIA],
        "max_content_length": most,
    }
    data = {
        "/discovery": {"title": "t", "api_roots": ["/csirt/"]},
        "csirt": {
            "information": information,
            "status": [],
            "collections": [
                _collection(OURS),
                _collection(NO_READ, read=False),
                _collection(NO_WRITE, write=False),
            ],
        },
    }
    (folder / "data.json").write_text(json.dumps(data))
    config = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(folder / "data.json"),
        },
        "users": {USER: PASSWORD},
        "taxii": {"max_page_size": 7},
    }
    (folder / "config.json").write_text(json.dumps(config))
    port = free_port()
    server = subprocess.Popen(
        [
            python,
            "-m",
            "medallion.scripts.run",
            "--port",
            str(port),
            str(folder / "config.json"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("w"),
    )
    try:
        _wait(port, server, folder / "log")
        yield Taxii(port)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.stderr.write(log.read_text())
    raise AssertionError("medallion did not start")
