"""`besa run`: both trust zones on one machine, each in a process of its own.

Settings -> a consume process and a dispatch process, kept alive until told to stop or,
with ``until_idle``, until everything that was published has arrived.

Invariants: neither process gets the other zone's secrets, not even by the environment.
When this process dies, however it dies, both die with it: two dispatchers of one
installation are then never left behind. A process that keeps dying ends the run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from broker.settings import Settings, Zone

Report = Callable[[str], None]

_MOST_DEATHS: Final = 5
_STABLE_SECONDS: Final = 60.0
_LONGEST_PAUSE: Final = 30.0
_GRACE_SECONDS: Final = 20.0
_TICK: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1

# What a process of ours may inherit; everything else could carry a secret by accident.
_INHERITED: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
        *("TERM", "COLUMNS", "NO_COLOR", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"),
        *("PYTHONUTF8", "PYTHONIOENCODING", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "no_proxy"),
    }
)
_SECRET_OF: Final[Mapping[Zone, frozenset[str]]] = {
    Zone.CONSUME: frozenset({"BESA_KEYS", "BESA_VAULT_KEYS"}),
    Zone.DISPATCH: frozenset({"BESA_CREDENTIALS"}),
}


def environment(
    zone: Zone, around: Mapping[str, str], settings: Settings
) -> dict[str, str]:
    """Return the environment of one zone's process: what it needs, and no more."""
    other = Zone.DISPATCH if zone is Zone.CONSUME else Zone.CONSUME
    kept = {
        name: value
        for name, value in around.items()
        if (name in _INHERITED or name.startswith(("LC_", "BESA_")))
        and name not in _SECRET_OF[other]
    }
    home = settings.home.absolute()
    # A lasting name: Kafka gives a process that was restarted its partitions back at
    # once, instead of waiting for the one that died.
    member = sha256(f"{socket.gethostname()}\0{home}".encode()).hexdigest()[:16]
    return {
        "BESA_MEMBER": f"besa-run-{member}",
        **kept,
        # Absolute, so that nothing depends on the folder a process was started in.
        "BESA_HOME": str(home),
        "BESA_ZONE": zone.value,
    }


@dataclass(slots=True)
class _Zone:
    """One zone's process over all its lives."""

    zone: Zone
    env: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    deaths: int = 0
    arguments: tuple[str, ...] = ()
    pass_fds: tuple[int, ...] = ()
    may_end: bool = False  # whether exit code 0 means that its work is done

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "broker.cli", self.zone.value, *self.arguments],
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            pass_fds=self.pass_fds,
            # A group of its own: Ctrl-C reaches this process, which then ends both in
            # good order.
            process_group=0,
            preexec_fn=die_with_parent(),
        )

    def ended(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def note_death(self, now: float) -> None:
        lived = now - self.started
        self.deaths = 1 if lived > _STABLE_SECONDS else self.deaths + 1
        self.process = None
        pause = min(_LONGEST_PAUSE, 0.5 * 2.0 ** (self.deaths - 1))
        self.start_at = now + pause


def supervise(settings: Settings, *, until_idle: bool, report: Report) -> bool:
    """Run both zones; return whether the run ended well.

    Ends well when told to stop (SIGTERM, Ctrl-C) or when everything has arrived and
    ``until_idle`` is set; ends badly when a process keeps dying.

    Args:
        settings: this installation.
        until_idle: end once everything that was published has been dealt with.
        report: told in one line about every death and restart.
    """
    consume = _Zone(Zone.CONSUME, environment(Zone.CONSUME, os.environ, settings))
    dispatch = _Zone(Zone.DISPATCH, environment(Zone.DISPATCH, os.environ, settings))
    with _told_to_stop() as stopping, _baton() as (waits, passes):
        if until_idle:
            consume.arguments, consume.may_end = ("--until-idle",), True
            dispatch.arguments = ("--idle-when-closed", str(waits))
            dispatch.pass_fds = (waits,)
        try:
            return _watch(consume, dispatch, stopping, report, passes)
        finally:
            _end((consume, dispatch))


def _watch(
    consume: _Zone,
    dispatch: _Zone,
    stopping: list[int],
    report: Report,
    passes: Callable[[], None],
) -> bool:
    """Keep both zones alive until the end of the run; say whether it is a good one."""
    alive = [consume, dispatch]
    while alive and not stopping:
        for zone in tuple(alive):
            code = zone.ended()
            if zone.process is None:
                if time.monotonic() >= zone.start_at:
                    zone.start()
            elif code == 0 and zone.may_end:
                alive.remove(zone)
                if zone is consume:
                    dispatch.may_end = True
                    passes()
            elif code is not None:
                zone.note_death(time.monotonic())
                if zone.deaths >= _MOST_DEATHS:
                    report(f"{zone.zone} ended {zone.deaths} times; giving up")
                    return False
                report(f"{zone.zone} ended ({_how(code)}); starting it again")
        if alive and not stopping:
            time.sleep(_TICK)
    return True


@contextmanager
def _baton() -> Iterator[tuple[int, Callable[[], None]]]:
    """Give the end of a pipe that dispatch waits at, and what ends its waiting.

    A dispatcher that runs until idle would end whenever the queue is empty for a
    moment. So it is told to only when consume has ended and nothing can be added; and
    by a pipe, which a process that starts late cannot miss.
    """
    reading, writing = os.pipe()
    open_ends = [writing]
    try:
        yield reading, lambda: os.close(open_ends.pop())
    finally:
        for end in (reading, *open_ends):
            os.close(end)


def _end(zones: tuple[_Zone, ...]) -> None:
    """Ask the processes to end in good order, and make them after a while."""
    for zone in zones:
        zone.stop()
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline:
        if all(zone.process is None or zone.ended() is not None for zone in zones):
            return
        time.sleep(_TICK / 5)
    for zone in zones:
        zone.kill()


def _how(code: int) -> str:
    if code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """Collect the signals that mean stop, instead of dying of them."""
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield received
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def die_with_parent() -> Callable[[], None] | None:
    """Return what a new process calls so that kill -9 of this one ends it as well.

    Nothing where the system is not Linux, which alone has a way.
    """
    if sys.platform != "linux":
        return None
    # Loaded here and not in the new process: between fork and exec only the simplest
    # things are safe.
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the tie was made
            os.kill(os.getpid(), signal.SIGKILL)

    return tie
