"""The demonstration itself: publish, let Besa run, wait until all has arrived.

A `Stage` -> incidents published by `besa publish` and worked off by `besa run`, both as
the processes that an operator would start.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from broker.demo.stage import DemoError, Stage
from broker.errors import StoreError
from broker.store import Status, open_store

_LONGEST_SECONDS: Final = 300.0
_LOOK_EVERY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Step:
    """How far the demonstration is: editions that left the pipeline, and arrived."""

    queued: int
    delivered: int


Watch = Callable[[Step], None]


def publish(stage: Stage, files: Sequence[Path]) -> None:
    """Publish files with `besa publish`.

    Raises:
        DemoError: it did not succeed.
    """
    command = ["publish", *map(str, files)]
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


def run_until_idle(stage: Stage, watch: Watch) -> None:
    """Run `besa run --until-idle`, and report progress until it ends.

    Raises:
        DemoError: it ended with an error or takes far too long.
    """
    log = stage.home / "run.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program
            _besa("run", "--until-idle"),
            env=stage.environment(),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    try:
        _watch_until_end(stage, process, watch)
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise DemoError(f"besa run failed: {_last_line(log.read_bytes())}")


def keep_running(stage: Stage) -> int:
    """Leave `besa run` at work behind, and return its process id."""
    with (stage.home / "run.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            _besa("run"),
            env=stage.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process.pid


def status_of(stage: Stage) -> Status | None:
    """Return the store at a glance, or nothing while there is no store yet."""
    url = stage.settings().store_url
    if not Path(url.removeprefix("sqlite:///")).exists():
        return None
    try:
        with open_store(url) as store:
            return store.status(datetime.now(UTC), listed=1000)
    except StoreError:
        return None  # being laid out, or busy


def _watch_until_end(
    stage: Stage, process: subprocess.Popen[bytes], watch: Watch
) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise DemoError(f"not idle after {_LONGEST_SECONDS:.0f} seconds")
        watch(_step(stage))
        time.sleep(_LOOK_EVERY)
    watch(_step(stage))


def _step(stage: Stage) -> Step:
    found = status_of(stage)
    if found is None:
        return Step(0, 0)
    ended = sum(lane.delivered + lane.superseded + lane.failed for lane in found.lanes)
    waiting = sum(lane.queued + lane.leased for lane in found.lanes)
    return Step(waiting + ended, ended)


def _besa(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "broker.cli", *arguments]


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
