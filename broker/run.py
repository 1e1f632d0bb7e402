"""`besa run`: both trust zones on one machine, each in a process of its own.

Settings -> a consume process and a dispatch process, kept alive until told to stop or,
with ``until_idle``, until everything that was published has arrived.

Each process tells by a pipe that it is set up, or what ends it, so that a mistake of
set-up is said once and not at each of its starts. Such a mistake ends the run at its
beginning. Later, when something was taken away or spoilt beneath a process that had to
start again, it is waited for: the other process goes on meanwhile.

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

_BESA: Final = (sys.executable, "-m", "broker.cli")

_MOST_DEATHS: Final = 5
_STABLE_SECONDS: Final = 60.0
_LONGEST_PAUSE: Final = 30.0
_GRACE_SECONDS: Final = 20.0
_TICK: Final = 0.1
_LAST_WORDS_SECONDS: Final = 10.0  # for what the other process has to say as well
READY: Final = b"\x06"
"""What a process writes into its pipe once it is set up; other text is a problem."""
_KEEPS_DYING: Final = "a process keeps dying; its errors stand above"
_NOT_SET_UP: Final = (
    "giving up: mend what stands above, then start `besa run` once more"
)
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
    Zone.CONSUME: frozenset({"BESA_KEYS", "BESA_VAULT_KEYS", "BESA_KAFKA_ACCESS"}),
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
    pipe: int | None = None  # at whose other end the process tells of itself
    said: bytes = b""
    was_ready: bool = False  # in this life or in an earlier one
    refused: bool = False  # was never ready, and said why

    def start(self) -> None:
        self.started = time.monotonic()
        self.pipe, tells = os.pipe()
        os.set_blocking(self.pipe, False)
        self.said = b""
        telling = ("--tells", str(tells))
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [*_BESA, self.zone.value, *self.arguments, *telling],
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                pass_fds=(*self.pass_fds, tells),
                # A group of its own: Ctrl-C reaches this process, which then ends both
                # in good order.
                process_group=0,
                preexec_fn=die_with_parent(),
            )
        finally:
            os.close(tells)

    def ended(self) -> int | None:
        """Return its exit code, if it ended; what it said is heard in any case."""
        code = None if self.process is None else self.process.poll()
        self._listen()
        return code

    def problem(self) -> str:
        """Return what ended it, in lines; empty when it did not say."""
        return self.said.removeprefix(READY).decode("utf-8", "replace").strip()

    @property
    def is_ready(self) -> bool:
        return self.said.startswith(READY)

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

    def wait_long(self, now: float) -> None:
        """Let it be tried once in a while, for as long as it takes."""
        self.deaths = 0
        self.start_at = now + _LONGEST_PAUSE

    def close(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def _listen(self) -> None:
        while self.pipe is not None:
            try:
                part = os.read(self.pipe, 65_536)
            except BlockingIOError:
                break
            self.said += part
            if not part:
                self.close()
        self.was_ready = self.was_ready or self.is_ready


def supervise(settings: Settings, *, until_idle: bool, report: Report) -> str:
    """Run both zones; return why the run ended badly, or nothing when it ended well.

    Ends well when told to stop (SIGTERM, Ctrl-C) or when everything has arrived and
    ``until_idle`` is set; ends badly when a process keeps dying, or cannot even start
    as things are set up.

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
        deaths = _Deaths(report, patient=not until_idle)
        try:
            return _watch(consume, dispatch, stopping, deaths, passes)
        finally:
            _end((consume, dispatch))
            consume.close()
            dispatch.close()


def _watch(
    consume: _Zone,
    dispatch: _Zone,
    stopping: list[int],
    deaths: _Deaths,
    passes: Callable[[], None],
) -> str:
    """Keep both zones alive until the end of the run; say why if it is a bad one."""
    alive = [consume, dispatch]
    while alive and not stopping:
        for zone in tuple(alive):
            code = zone.ended()
            if zone.process is None:
                if time.monotonic() >= zone.start_at and not zone.refused:
                    zone.start()
            elif code == 0 and zone.may_end:
                alive.remove(zone)
                if zone is consume:
                    dispatch.may_end = True
                    passes()
            elif code is not None and (why := deaths.note(zone, code)):
                return why
        if deaths.are_final(alive):
            return _NOT_SET_UP
        if alive and not stopping:
            time.sleep(_TICK)
    return ""


class _Deaths:
    """Tells of each death, of its cause once, and when there is no going on.

    Args:
        report: told in one line about every death and restart.
        patient: whether what was spoilt beneath a running process is waited for.
    """

    def __init__(self, report: Report, *, patient: bool) -> None:
        self._report = report
        self._patient = patient
        self._told: dict[Zone, str] = {}
        self._until: float | None = None

    def note(self, zone: _Zone, code: int) -> str:
        """Note a death; return why the run must end, if it must."""
        now = time.monotonic()
        zone.note_death(now)
        problem = zone.problem()
        if zone.is_ready and zone.deaths == 1:
            self._told.pop(zone.zone, None)  # that was mended: it may be said once more
        is_new = bool(problem) and self._tell(zone, problem)
        if problem and not zone.is_ready and not zone.was_ready:
            zone.refused = True
            self._until = self._until or now + _LAST_WORDS_SECONDS
            return ""
        if problem and not zone.is_ready and self._patient:
            zone.wait_long(now)
            if is_new:
                seconds = f"{_LONGEST_PAUSE:.0f} seconds"
                self._report(f"{zone.zone} is tried again every {seconds} until then")
            return ""
        if zone.deaths >= _MOST_DEATHS:
            self._report(f"{zone.zone} ended {zone.deaths} times; giving up")
            return _KEEPS_DYING
        self._report(f"{zone.zone} ended ({_how(code)}); starting it again")
        return ""

    def are_final(self, zones: list[_Zone]) -> bool:
        """Say whether a zone can never start, and the others have said theirs, too."""
        if self._until is None:
            return False
        heard = all(zone.refused or zone.is_ready for zone in zones)
        return heard or time.monotonic() > self._until

    def _tell(self, zone: _Zone, problem: str) -> bool:
        """Say what ended a process, unless that was said of it before; whether so."""
        if self._told.get(zone.zone) == problem:
            return False
        known = problem in self._told.values()
        self._told[zone.zone] = problem
        how = "ended" if zone.is_ready else "cannot start"
        if known:
            self._report(f"{zone.zone} {how} for the same reason")
        else:
            for line in problem.splitlines():
                self._report(f"{zone.zone} {how}: {line}")
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
