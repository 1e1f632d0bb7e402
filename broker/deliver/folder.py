"""A folder that somebody else reads from: a feed's, or one that is carried over.

Bytes -> a file that is there as a whole or not at all, whenever the machine stops.

Invariants: the folder itself is never made: where a disk is not mounted, nothing is
written beside it. A file under its own name is whole and synced. Every turn of a
process of Besa leaves a mark of its own in the lock's file, by which it knows the
folder again: on another disk, or after somebody else's turn, another mark stands there.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from broker.errors import Unavailable

_MODE: Final = 0o640  # whoever serves or carries it is in the folder's group
_DRAFT: Final = ".besa-draft-"
_LOCK: Final = ".besa-lock"
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_MARK: Final = 16  # bytes; always as many, so that a full disk cannot refuse them
_UNDER_WAY: Final = bytes(_MARK)


class Turns:
    """A process's turns at a folder that others of Besa write to as well.

    Args:
        folder: must be there already when a turn begins.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: bytes | None = None

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Keep every other Besa out, and explain what the disk refuses.

        Yields whether nobody wrote there since this process's last turn, and that one
        ended well: then all that it left is there, but for what was carried away.

        Raises:
            Unavailable: the folder is not there, or the disk refuses.
        """
        try:
            handle = os.open(self._folder / _LOCK, _OPEN, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield from self._marked(handle)
            finally:
                os.close(handle)
        except FileNotFoundError:
            raise Unavailable("its folder is not there") from None
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise Unavailable(f"its folder refuses: {reason}") from None

    def _marked(self, handle: int) -> Iterator[bool]:
        """Leave a mark when the turn ends, and none while it is under way.

        So a turn that never ended, because its process died, is seen as well.
        """
        last, self._last = self._last, None
        alone = last is not None and os.pread(handle, _MARK, 0) == last
        if not alone:
            _sweep(self._folder)
        os.pwrite(handle, _UNDER_WAY, 0)
        yield alone
        mark = os.urandom(_MARK)
        os.pwrite(handle, mark, 0)
        self._last = mark


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a file so that it is there as a whole or not at all.

    Raises:
        OSError: the disk refused it; what was there before is still there.
    """
    handle, draft = tempfile.mkstemp(prefix=_DRAFT, dir=folder)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle has no path
            file.write(data)
            file.flush()
            os.fchmod(handle, _MODE)
            os.fsync(handle)
        Path(draft).replace(folder / name)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
    sync(folder)


def sync(folder: Path) -> None:
    """Make sure that what was moved into a folder is still there after a crash."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> bytes | None:
    """Return what is in a file, or nothing when there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _sweep(folder: Path) -> None:
    """Remove what a process that died has left half-written."""
    for draft in folder.glob(f"{_DRAFT}*"):
        draft.unlink(missing_ok=True)
