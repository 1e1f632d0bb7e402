"""The demonstration itself: publish, let Besa run, wait until all has arrived.

A `Stage` -> incidents published by `besa publish` and worked off by `besa run`, both as
the processes that an operator would start.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from broker.demo.stage import DemoError, Stage
from broker.errors import StoreError
from broker.run import die_with_parent
from broker.store import Status, open_store
from broker.store.connect import open_database
from broker.store.tables import Place, dead_letters, inbox, outbox

_LONGEST_SECONDS: Final = 300.0
_LOOK_EVERY: Final = 0.2
_STOP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: messages dealt with, editions made of them, editions arrived."""

    read: int
    queued: int
    delivered: int


Watch = Callable[[Step], None]

_NOTHING: Final = Step(0, 0, 0)


def publish(stage: Stage, files: Sequence[Path]) -> None:
    """Publish files with `besa publish`.

    Raises:
        DemoError: it did not succeed.
    """
    command = ["publish", "--unchecked", *map(str, files)]
    if stage.source == "spool":
        command += ["--spool", str(stage.settings().spool_folder)]
    ended = subprocess.run(  # noqa: S603 - our own program
        _besa(*command),
        env=stage.environment(),
        capture_output=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    if ended.returncode != 0:
        raise DemoError(f"besa publish failed: {_last_line(ended.stderr)}")


@contextlib.contextmanager
def running(stage: Stage, *, keep: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run `besa run` for a while; with ``keep`` it goes on when all went well."""
    with (stage.home / "run.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            _besa("run"),
            env=stage.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is for the demonstration, which then ends this in good order.
            start_new_session=True,
            preexec_fn=None if keep else die_with_parent(),
        )
    kept = False
    try:
        yield process
        kept = keep
    finally:
        if not kept:
            _end(process)


def wait_until_arrived(
    stage: Stage, process: subprocess.Popen[bytes], published: int, watch: Watch
) -> None:
    """Wait until every message was dealt with and every edition delivered.

    Raises:
        DemoError: `besa run` ended, or it takes far too long.
    """
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        step = _step(stage)
        watch(step)
        if step.read >= published and step.delivered == step.queued:
            return
        if process.poll() is not None:
            said = _last_line((stage.home / "run.log").read_bytes())
            raise DemoError(f"besa run ended: {said}")
        if time.monotonic() > deadline:
            raise DemoError(f"not all had arrived after {_LONGEST_SECONDS:.0f} seconds")
        time.sleep(_LOOK_EVERY)


def status_of(stage: Stage) -> Status | None:
    """Return the store at a glance, or nothing while there is no store yet."""
    if not _has_store(stage):
        return None
    try:
        with open_store(stage.settings().store_url) as store:
            return store.status(datetime.now(UTC), listed=1000)
    except StoreError:
        return None  # being laid out, or busy


def _step(stage: Stage) -> Step:
    if not _has_store(stage):
        return _NOTHING
    try:
        database = open_database(stage.settings().store_url)
    except StoreError:
        return _NOTHING  # being laid out
    try:
        # One transaction, so that a batch is seen with all that it became, or not.
        with database.read() as connection:
            read = sum(
                connection.scalar(select(func.count()).select_from(table)) or 0
                for table in (inbox, dead_letters)
            )
            states = connection.execute(
                select(outbox.c.state, func.count()).group_by(outbox.c.state)
            ).all()
    except StoreError:
        return _NOTHING
    finally:
        database.close()
    waiting = (Place.QUEUED, Place.LEASED)
    return Step(
        read,
        sum(number for _, number in states),
        sum(number for state, number in states if state not in waiting),
    )


def _has_store(stage: Stage) -> bool:
    return Path(stage.settings().store_url.removeprefix("sqlite:///")).exists()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    process.kill()
    process.wait()


def _besa(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "broker.cli", *arguments]


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
