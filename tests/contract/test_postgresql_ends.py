"""The PostgreSQL of the tests ends with them, so that no run leaves one behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import postgresql
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
RUN = """
import sys, time
from tests import postgresql
print(postgresql.url(), flush=True)
{then}
"""


def _listens(port: int | None) -> bool:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") for line in lines)


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder that the server, which runs as somebody else, can get to."""
    with tempfile.TemporaryDirectory(prefix="besa-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(postgresql.programs() is None, reason=postgresql.MISSING)
@pytest.mark.parametrize(
    ("then", "kill"), [("", None), ("time.sleep(600)", signal.SIGKILL)]
)
def test_it_ends_however_the_tests_end(
    then: str, kill: signal.Signals | None, home: Path
) -> None:
    """Whether the tests' process ends in good order or is killed: nothing is left."""
    environment = {**os.environ, "TMPDIR": str(home), "BESA_TEST_POSTGRES_URL": ""}
    with subprocess.Popen(
        [sys.executable, "-c", RUN.format(then=then)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        port = make_url(run.stdout.readline().strip()).port
        if kill is not None:
            assert _listens(port)
            run.send_signal(kill)
        run.wait(120)

    assert eventually(lambda: not _listens(port))
    assert eventually(lambda: not list(home.glob("besa-postgresql-*")))
