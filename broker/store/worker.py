"""Who holds a lease, named so that others can tell later whether it still lives.

A process -> ``host/process/birth/token``, and back: whether that process is dead.

Invariant: a worker counts as gone only when that is certain; of another machine, or
another container, only its lease can tell.
"""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path


def name_worker() -> str:
    """Name this process anew: each name is one worker."""
    pid = os.getpid()
    return f"{_here()}/{pid}/{birth(pid)}/{secrets.token_hex(4)}"


def is_gone(worker: str) -> bool:
    """Say whether the process that made a worker's name is certainly dead."""
    host, _, rest = worker.partition("/")
    pid, _, rest = rest.partition("/")
    born, _, _ = rest.partition("/")
    if host != _here() or not pid.isdigit():
        return False
    return birth(int(pid)) != born


@cache
def _here() -> str:
    """Name the place in which process numbers mean something.

    Two containers may have one host name, and each has a process 1 of its own.
    """
    host = socket.gethostname()[:64].replace("/", "-")
    try:
        return f"{host}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return host


def birth(pid: int) -> str:
    """Return when a process started, which a later one with its number did not.

    Empty when there is none, or it is dead and only not yet buried.
    """
    if not Path("/proc/self/stat").exists():
        return _alive_without_proc(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    # After the name in brackets, which may hold anything: state, and 19 further on.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _alive_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
