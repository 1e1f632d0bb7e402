"""A durable folder of messages, for a CSIRT without Kafka.

::

    spool/
      new/    one file per message; names sort in the order of publishing
      dead/   messages that were no incidents, each with NAME.why.json beside it
      held/   what was processed, and is needed again while a share of it is held
      done/   what was processed, if it is kept
      tmp/    files that are still being written
      lock, consumer.lock

A publisher writes into ``tmp``, syncs, and moves the file into ``new`` under a number,
with its own name if that is known: ``NUMBER.by-NAME.native.json``. It is a claim.

Invariants: a file in ``new`` is whole, whenever the machine stops. Numbers only grow,
also when the clock goes back and with several publishers. A file leaves ``new`` only
after `SpoolSource.commit` or `SpoolSource.forward_dead_letter`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final, TextIO

from broker.model.intake import (
    CONTENT_TYPES,
    LARGEST_MESSAGE,
    MISP_EVENT,
    NATIVE,
    DeadLetter,
    Message,
    Position,
    Refusal,
    too_large,
)
from broker.source.protocol import Gone, Receipts, SourceError

_SUFFIXES: Final[dict[str | None, str]] = {
    **{kind: f"{name}.in" for name, kind in CONTENT_TYPES.items()},
    NATIVE: "native.json",
    MISP_EVENT: "misp-event.json",
    None: "bin",
}
_CONTENT_TYPES: Final = {suffix: kind for kind, suffix in _SUFFIXES.items()}
_ENDINGS: Final = "|".join(map(re.escape, _CONTENT_TYPES))
_NAME: Final = re.compile(
    rf"([0-9]{{20}})\.(?:by-([A-Za-z0-9_-]{{1,64}})\.)?({_ENDINGS})"
)
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_FOLDERS: Final = ("new", "dead", "held", "done", "tmp")
# One batch is held in memory: a few large messages are as good as many small ones.
_MOST_BYTES: Final = 2 * LARGEST_MESSAGE
_LOOK_AGAIN: Final = 0.05
_LONGEST_NAME: Final = 240
_ABANDONED_AFTER: Final = 3600.0
_FORGET_SECONDS: Final = 3600.0
_STRAY_ADVICE: Final = "use 'besa publish --spool'; a copy may be read half-written"
_counter: Final = count()


class Spool:
    """The folder itself: laying it out, and publishing into it.

    Raises:
        SourceError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.new, self.dead, self.held, self.done, self.tmp = inside = tuple(
            self.folder / name for name in _FOLDERS
        )
        try:
            for place in (self.folder, *inside):
                # What lies here are raw incidents: only their owner may read them.
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(self.folder, error) from None

    def position(self, number: int) -> Position:
        """Return the position of the message with a number."""
        return Position("spool", self.folder.name, 0, number)

    def publish(
        self, body: bytes, content_type: str | None = None, publisher: str = ""
    ) -> Position:
        """Add a message durably; when this returns, it survives a loss of power.

        Raises:
            SourceError: of an unknown content type, or the disk refused it.
        """
        if content_type not in _SUFFIXES:
            known = ", ".join(kind for kind in _SUFFIXES if kind)
            raise SourceError(f"a spool takes the content types {known}, or none")
        # The process id and the counter keep publishers apart, the random part two
        # machines that share the folder.
        by = _NOT_IN_NAMES.sub("-", publisher)[:64]
        suffix = (f"by-{by}." if by else "") + _SUFFIXES[content_type]
        unique = f"{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}"
        draft = self.tmp / unique
        try:
            with draft.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            with self._locked() as lock:
                noted = lock.read(32).strip()
                number = max(time.time_ns(), int(noted) + 1 if noted.isdigit() else 0)
                draft.rename(self.new / f"{number:020d}.{suffix}")
                # Not synced: after a loss of power the clock is ahead of it again.
                lock.seek(0)
                lock.write(f"{number:020d}")
            sync_folder(self.new)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _failed(self.folder, error) from None
        return self.position(number)

    @contextmanager
    def _locked(self) -> Iterator[TextIO]:
        """Keep other publishers out, and give the file with the last number."""
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        with open(handle, "r+", encoding="ascii") as lock:  # noqa: PTH123
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock


class SpoolSource:
    """Reads a spool, as its only reader.

    Args:
        folder: the spool; made if it is missing.
        keep: how long processed messages lie in ``done``, from when they were
            published; with none they are deleted at once.
        wanted: tells which messages are needed again; these stay, in ``held``, until
            they are not wanted any more.

    Raises:
        SourceError: the folder cannot be used, or another process reads it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: timedelta = timedelta(0),
        wanted: Callable[[], Collection[Position]] = frozenset,
    ) -> None:
        self._spool = Spool(folder)
        self._keep = keep
        self._wanted = wanted
        self._waiting: deque[str] = deque()
        self._names: dict[Position, str] = {}
        self._lock = (self._spool.folder / "consumer.lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise SourceError(
                f"another process reads the spool {self._spool.folder}; stop it first"
            ) from None
        self._forget_at = 0.0
        self._sweep()

    def poll(self, most: int, timeout: float) -> list[Message]:
        """Return the oldest messages that are not committed."""
        self._forget()
        deadline = time.monotonic() + timeout
        while not self._waiting and not self._look():
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            time.sleep(min(left, _LOOK_AGAIN))
        found: list[Message] = []
        size = 0
        while self._waiting and len(found) < most and size < _MOST_BYTES:
            message = self._load(self._waiting.popleft())
            if message is not None:
                found.append(message)
                size += len(message.body)
        return found

    def commit(self, messages: Sequence[Message]) -> None:
        """Take messages out of ``new``."""
        wanted, new = self._wanted(), str(self._spool.new)
        for message in messages:
            name = self._names.pop(message.position, None)
            if name is None:
                continue
            # By text: joining paths took as long as the system needs to remove one.
            path, to = f"{new}/{name}", ""
            if message.position in wanted:
                to = f"{self._spool.held}/{name}"
            elif self._keep:
                to = f"{self._spool.done}/{name}"
            try:
                if to:
                    os.rename(path, to)  # noqa: PTH104
                else:
                    os.unlink(path)  # noqa: PTH108
            except FileNotFoundError:
                pass
            except OSError as error:
                raise _failed(Path(path), error) from None
        self._let_go(wanted)

    def _let_go(self, wanted: Collection[Position]) -> None:
        """Remove from ``held`` what nobody needs any more."""
        for path in self._spool.held.iterdir():
            number = _NAME.fullmatch(path.name)
            if number and self._spool.position(int(number[1])) not in wanted:
                with _explained(path), suppress(FileNotFoundError):
                    if self._keep:
                        path.rename(self._spool.done / path.name)
                    else:
                        path.unlink()

    def lag(self) -> int | None:
        """Return how many files lie in ``new``."""
        with _explained(self._spool.new), os.scandir(self._spool.new) as entries:
            return sum(1 for _ in entries)

    def forward_dead_letter(self, message: Message, letter: DeadLetter) -> None:
        """Move a message to ``dead``, with what is wrong in NAME.why.json beside it."""
        name = self._names.get(message.position)
        if name is None:
            return
        why = {
            "position": str(letter.position),
            "path": letter.path,
            "problem": letter.problem,
            "advice": letter.advice,
            "sha256": letter.sha256,
            "size": letter.size,
        }
        dead = self._spool.dead
        with _explained(dead):
            draft = self._spool.tmp / f"{os.getpid()}-{next(_counter)}.why"
            draft.write_text(json.dumps(why, indent=2) + "\n", "utf-8")
            # A stray file can have a name that leaves no room for a suffix.
            kept = name if len(os.fsencode(name)) <= _LONGEST_NAME else draft.stem
            draft.rename(dead / f"{kept}.why.json")
            with suppress(FileNotFoundError):
                (self._spool.new / name).rename(dead / kept)

    def publish_receipts(self, receipts: Receipts) -> None:
        """Do nothing: with a spool nobody listens; `besa status` shows receipts."""

    def gaps(self) -> list[str]:
        """Return nothing: a spool drops no messages."""
        return []

    def trouble(self) -> str:
        """Return nothing: a folder is there, or `poll` raises."""
        return ""

    def close(self) -> None:
        """Let another process read the spool."""
        self._lock.close()

    def _look(self) -> bool:
        with _explained(self._spool.new), os.scandir(self._spool.new) as entries:
            self._waiting.extend(sorted(entry.name for entry in entries))
        return bool(self._waiting)

    def _load(self, name: str) -> Message | None:
        path = self._spool.new / name
        numbered = _NAME.fullmatch(name)
        number = int(numbered[1]) if numbered else _number_of_stray(name)
        position = self._spool.position(number)
        try:
            message = _read(path, position, numbered)
        except FileNotFoundError:
            return None
        except OSError:
            refusal = Refusal("it cannot be read", "look at its owner and rights")
            message = Message(b"", None, None, position, refusal)
        self._names[position] = name
        return message

    def _forget(self) -> None:
        """Delete from ``done`` what was kept for long enough; at most once an hour."""
        if time.monotonic() < self._forget_at:
            return
        self._forget_at = time.monotonic() + _FORGET_SECONDS
        # A message's number is when it was published.
        before = time.time_ns() - self._keep // timedelta(microseconds=1) * 1000
        with _explained(self._spool.done):
            for path in self._spool.done.iterdir():
                number = _NAME.fullmatch(path.name)
                if number and int(number[1]) < before:
                    path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what publishers that died have left in ``tmp``."""
        before = time.time() - _ABANDONED_AFTER
        for path in self._spool.tmp.iterdir():
            with suppress(OSError):
                if path.lstat().st_mtime < before:
                    path.unlink()


def sync_folder(folder: Path) -> None:
    """Make sure that what was moved into a folder is still there after a crash."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_again(folder: Path, position: Position) -> Message:
    """Read one message of a spool once more.

    Raises:
        Gone: it is not there any more.
        SourceError: it cannot be read.
    """
    spool = Spool(folder)
    for place in (spool.held, spool.new, spool.done):
        for path in place.glob(f"{position.offset:020d}.*"):
            numbered = _NAME.fullmatch(path.name)
            if numbered and spool.position(position.offset) == position:
                with suppress(FileNotFoundError), _explained(path):
                    return _read(path, position, numbered)
    raise Gone(f"the spool does not have {position} any more")


def _read(path: Path, position: Position, name: re.Match[str] | None) -> Message:
    suffix, publisher = (name[3], name[2] or "") if name else ("", "")
    # Without waiting: somebody may have put a pipe here.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        refusal = Refusal("it is not a file", _STRAY_ADVICE)
        return Message(b"", None, None, position, refusal)
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle has no path
        # As much as there is, and one byte more: room is made for all that is asked.
        there = min(found.st_size, LARGEST_MESSAGE)
        body = file.read(there + 1)
        if len(body) > there:  # it has grown
            body += file.read(LARGEST_MESSAGE + 1 - len(body))
        if len(body) <= LARGEST_MESSAGE and suffix:
            kind = _CONTENT_TYPES[suffix]
            return Message(body, None, kind, position, None, publisher)
        size, digest = len(body), sha256(body)
        del body
        while part := file.read(1 << 20):
            size += len(part)
            digest.update(part)
    if suffix:
        refusal = too_large(size, digest.hexdigest())
    else:
        stray = "it was not published by Besa"
        refusal = Refusal(stray, _STRAY_ADVICE, size, digest.hexdigest())
    return Message(b"", None, None, position, refusal)


def _number_of_stray(name: str) -> int:
    # Below zero, where no published message is, and the same on every reading.
    digest = sha256(os.fsencode(name)).digest()
    return -1 - int.from_bytes(digest[:7], "big")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failed(path, error) from None


def _failed(path: Path, error: OSError) -> SourceError:
    return SourceError(f"the spool {path} refuses: {error.strerror or 'unknown error'}")
