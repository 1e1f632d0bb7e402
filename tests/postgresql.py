"""A PostgreSQL for tests: the one that is named, or one that is started for them.

``BESA_TEST_POSTGRES_URL`` names one that may be emptied; tests that run side by side
make a database each beside it. Without it, the programs of an
installed PostgreSQL start one of their own in a new folder; it ends with the process of
the tests, however that ends: Ctrl-C lets parallel tests be killed.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.services import CI

NAMED = os.environ.get("BESA_TEST_POSTGRES_URL", "")
MISSING = "no PostgreSQL is installed, and BESA_TEST_POSTGRES_URL names none"


@cache
def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, if it is installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders = [*debian, *([Path(found).parent] if found else [])]
    return next((here for here in folders if (here / "postgres").exists()), None)


def is_there() -> bool:
    """Say whether tests can have a PostgreSQL, or must: then they fail without."""
    return CI or bool(NAMED) or programs() is not None


needs_postgresql = pytest.mark.skipif(not is_there(), reason=MISSING)


@cache
def url() -> str:
    """Return the URL of a PostgreSQL that may be emptied; start it where none is named.

    Raises:
        RuntimeError: there is none.
    """
    if NAMED:
        return _of_this_worker(NAMED)
    here = programs()
    if here is None:
        raise RuntimeError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="besa-postgresql-"))
    asked = _as_somebody(folder)
    data, port = folder / "data", _free_port()
    initdb = [
        f"{here}/initdb",
        "-D",
        f"{data}",
        "-U",
        "besa",
        "--auth=trust",
        "-E",
        "UTF8",
    ]
    _end_with_this_process(folder, here / "pg_ctl", asked)
    subprocess.run(initdb, check=True, capture_output=True, timeout=120, **asked)
    control = [f"{here}/pg_ctl", "-D", f"{data}", "-w", "-t", "60"]
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -F"
    start = [*control, "-l", f"{folder}/log", "-o", options, "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, timeout=90, **asked)
    return f"postgresql+psycopg://besa@127.0.0.1:{port}/postgres"


def _of_this_worker(named: str) -> str:
    """Return a database of our own, where others use the same server beside us."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return named
    shared = make_url(named)
    own = shared.set(database=f"{shared.database}_{worker}")
    engine = create_engine(shared, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{own.database}"'))
        connection.execute(text(f'CREATE DATABASE "{own.database}"'))
    engine.dispose()
    return own.render_as_string(hide_password=False)


# Waits until nobody holds the other end of its standard input, which only the tests'
# process does; a server that is being started just then is waited for.
_WATCH = """
import json, shutil, subprocess, sys, time
folder, control, who = sys.argv[1:]
sys.stdin.read()
stop = [control, "-D", folder + "/data", "-m", "immediate", "-t", "60", "stop"]
for _ in range(20):
    if not subprocess.run(stop, capture_output=True, **json.loads(who)).returncode:
        break
    time.sleep(0.1)
shutil.rmtree(folder, ignore_errors=True)
"""


def _end_with_this_process(folder: Path, control: Path, asked: dict[str, Any]) -> None:
    """Let a process wait for the end of this one, to stop the server and tidy up."""
    who = json.dumps({**asked, "cwd": "/"})
    watch = subprocess.Popen(
        [sys.executable, "-c", _WATCH, folder, control, who],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
        cwd="/",
    )

    def end() -> None:
        assert watch.stdin is not None
        watch.stdin.close()
        watch.wait(90)

    atexit.register(end)


def _as_somebody(folder: Path) -> dict[str, Any]:
    """Return whom to run the server as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    shutil.chown(folder, "nobody", "nogroup")
    return {"cwd": folder, "user": "nobody", "group": "nogroup", "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
