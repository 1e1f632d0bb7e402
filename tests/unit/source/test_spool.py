"""Facts about the spool folder."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from broker.model.intake import (
    LARGEST_MESSAGE,
    MISP_EVENT,
    NATIVE,
    DeadLetter,
    Message,
    Position,
)
from broker.source import Gone, SourceError
from broker.source.spool import Spool, SpoolSource, read_again


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give an empty spool."""
    return Spool(tmp_path / "spool")


@pytest.fixture
def source(spool: Spool) -> Iterator[SpoolSource]:
    """Give its reader."""
    source = SpoolSource(spool.folder)
    yield source
    source.close()


def bodies(messages: list[Message]) -> list[bytes]:
    """Return what messages say."""
    return [message.body for message in messages]


def letter(message: Message) -> DeadLetter:
    """Return a dead letter about a message."""
    return DeadLetter(message.position, "title", "is missing", "add it", "ab", 3)


def publish_many(folder: Path, name: str, count: int) -> None:
    """Publish numbered messages; run in processes of their own."""
    spool = Spool(folder)
    for number in range(count):
        spool.publish(f"{name} {number}".encode())


class TestPublishing:
    def test_round_trip(self, spool: Spool, source: SpoolSource) -> None:
        """A message comes back with its bytes, content type and position."""
        position = spool.publish(b"{}", MISP_EVENT)

        assert source.poll(10, 0) == [Message(b"{}", None, MISP_EVENT, position)]
        assert (position.source, position.topic, position.partition) == (
            "spool",
            "spool",
            0,
        )

    @pytest.mark.parametrize("content_type", [NATIVE, MISP_EVENT, None])
    def test_content_types(
        self, spool: Spool, source: SpoolSource, content_type: str | None
    ) -> None:
        """Each content type, and none, is kept."""
        spool.publish(b"x", content_type)

        assert source.poll(1, 0)[0].content_type == content_type

    def test_unknown_content_type(self, spool: Spool) -> None:
        """A content type that Besa does not read is refused at once."""
        with pytest.raises(SourceError, match="takes the content types"):
            spool.publish(b"x", "text/plain")

        assert list(spool.new.iterdir()) == []

    def test_numbers_grow_when_the_clock_goes_back(
        self, spool: Spool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A clock that is set back does not put a message before an older one."""
        first = spool.publish(b"1")
        monkeypatch.setattr(time, "time_ns", lambda: first.offset - 10**12)
        second = spool.publish(b"2")

        assert second.offset == first.offset + 1

    def test_two_publishers(self, spool: Spool, source: SpoolSource) -> None:
        """Two processes that publish at once lose nothing and keep their own order."""
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=publish_many, args=(spool.folder, name, 40))
            for name in ("a", "b")
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        said = [body.decode().split() for body in bodies(source.poll(100, 0))]

        assert [n for name, n in said if name == "a"] == [str(n) for n in range(40)]
        assert [n for name, n in said if name == "b"] == [str(n) for n in range(40)]

    def test_killed_publishers(self, spool: Spool, source: SpoolSource) -> None:
        """Whenever a publisher is killed, every file in `new` is whole."""
        program = (
            "import sys\nfrom pathlib import Path\n"
            "from broker.source.spool import Spool\n"
            "spool = Spool(Path(sys.argv[1]))\n"
            "while True: spool.publish(b'x' * 300_000)\n"
        )
        for wait in (0.30, 0.37, 0.45):
            process = subprocess.Popen([sys.executable, "-c", program, spool.folder])
            deadline = time.monotonic() + 20
            while not any(spool.new.iterdir()) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        found = source.poll(10_000, 0)

        assert found
        assert {len(body) for body in bodies(found)} == {300_000}

    def test_synced_before_it_is_seen(
        self, spool: Spool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A message is synced before it is in `new`, and then the folder is."""
        seen: list[int] = []
        monkeypatch.setattr(
            os, "fsync", lambda _: seen.append(len(list(spool.new.iterdir())))
        )
        spool.publish(b"x")

        assert seen == [0, 1]

    def test_one_number_at_a_time(self, spool: Spool) -> None:
        """While one publisher takes a number, another one waits."""
        spool.publish(b"1")
        with (spool.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            thread = threading.Thread(target=spool.publish, args=(b"2",))
            thread.start()
            thread.join(0.2)
            waited = len(list(spool.new.iterdir()))
        thread.join(10)

        assert (waited, len(list(spool.new.iterdir()))) == (1, 2)

    def test_rights(self, spool: Spool) -> None:
        """Only the owner can look into the folders."""
        assert {0o700} == {
            path.stat().st_mode & 0o777 for path in (spool.folder, spool.new)
        }

    def test_no_folder(self, tmp_path: Path) -> None:
        """A folder that cannot be made is an error that names it."""
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(SourceError, match="file/spool refuses"):
            Spool(tmp_path / "file" / "spool")

    def test_full_disk(self, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that is full is an error, and leaves no half of a message behind."""

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)

        with pytest.raises(SourceError, match="No space left on device"):
            spool.publish(b"x")
        assert [*spool.new.iterdir(), *spool.tmp.iterdir()] == []


class TestReading:
    def test_order(self, spool: Spool, source: SpoolSource) -> None:
        """Messages come in the order of publishing, over several polls."""
        for number in range(7):
            spool.publish(b"%d" % number)
        found: list[Message] = []
        for _ in range(3):
            polled = source.poll(3, 0)
            source.commit(polled)
            found += polled

        assert bodies(found) == [b"%d" % number for number in range(7)]
        assert source.poll(3, 0) == []

    def test_not_committed(self, spool: Spool, source: SpoolSource) -> None:
        """What was not committed comes again, to the next reader."""
        spool.publish(b"a")
        spool.publish(b"b")
        first, _ = source.poll(2, 0)
        source.commit([first])
        source.close()
        again = SpoolSource(spool.folder)

        assert bodies(again.poll(2, 0)) == [b"b"]
        again.close()

    def test_keeping(self, spool: Spool) -> None:
        """Processed messages are deleted, or kept in `done` if that is wished."""
        spool.publish(b"a")
        source = SpoolSource(spool.folder, keep=timedelta(days=1))
        (message,) = source.poll(1, 0)
        source.commit([message])
        source.close()

        assert [path.read_bytes() for path in spool.done.iterdir()] == [b"a"]
        assert b"a" == read_again(spool.folder, message.position).body
        assert source.lag() == 0

    def test_keeping_ends(self, spool: Spool) -> None:
        """What was kept is deleted when its time is over, and nothing else is."""
        now = time.time_ns()
        day = 86_400 * 10**9
        older, newer = (f"{now - n * day:020d}.native.json" for n in (3, 1))
        for name in (older, newer, "a-note.txt"):
            (spool.done / name).write_bytes(b"{}")
        spool.publish(b"a")

        source = SpoolSource(spool.folder, keep=timedelta(days=2))
        source.poll(1, 0)
        source.close()

        assert {newer, "a-note.txt"} == {path.name for path in spool.done.iterdir()}
        assert source.lag() == 1

    def test_waiting(self, spool: Spool, source: SpoolSource) -> None:
        """An empty spool is waited for, and no longer than asked."""
        started = time.monotonic()

        assert source.poll(1, 0.2) == []
        assert 0.15 <= time.monotonic() - started < 2
        assert source.lag() == 0
        spool.publish(b"a")
        assert source.lag() == 1

    @pytest.mark.usefixtures("source")
    def test_one_reader(self, spool: Spool) -> None:
        """A second reader of one spool is refused."""
        with pytest.raises(SourceError, match="another process reads the spool"):
            SpoolSource(spool.folder)

    def test_batches_are_bounded(self, spool: Spool, source: SpoolSource) -> None:
        """A batch of large messages ends before it fills the memory."""
        for _ in range(4):
            spool.publish(b"x" * LARGEST_MESSAGE)

        assert len(source.poll(50, 0)) == 2

    def test_abandoned_drafts(self, spool: Spool) -> None:
        """What a publisher left half-written is never read, and removed in the end."""
        (spool.tmp / "old").write_bytes(b"ha")
        (spool.tmp / "new").write_bytes(b"ha")
        os.utime(spool.tmp / "old", (0, 0))
        source = SpoolSource(spool.folder)

        assert source.poll(1, 0) == []
        assert ["new"] == [path.name for path in spool.tmp.iterdir()]
        source.close()


class TestRefusals:
    def test_too_large(self, spool: Spool, source: SpoolSource) -> None:
        """What is too large is not loaded, and described by size and digest."""
        body = b"\0" * (LARGEST_MESSAGE + 5)
        spool.publish(body, NATIVE)
        message = source.poll(1, 0)[0]

        assert message.body == b""
        assert message.refusal is not None
        assert message.refusal.problem == f"it has {len(body)} bytes"
        assert message.refusal.size == len(body)
        assert message.refusal.sha256 == sha256(body).hexdigest()

    def test_stray_files(self, spool: Spool, source: SpoolSource) -> None:
        """What nobody published through Besa is refused, whatever it is."""
        (spool.new / "incident.json").write_bytes(b"{}")
        (spool.new / "folder").mkdir()
        (spool.new / "link").symlink_to("/etc/hostname")
        os.mkfifo(spool.new / "pipe")
        found = {
            message.refusal.problem
            for message in source.poll(10, 0)
            if message.refusal and message.position.offset < 0
        }

        assert found == {
            "it was not published by Besa",
            "it is not a file",
            "it cannot be read",
        }

    def test_dead_letters(self, spool: Spool, source: SpoolSource) -> None:
        """A dead letter is moved to `dead`, with a file beside it that says why."""
        position = spool.publish(b"{}")
        message = source.poll(1, 0)[0]
        source.forward_dead_letter(message, letter(message))
        body, why = sorted(spool.dead.iterdir())

        assert source.lag() == 0
        assert body.read_bytes() == b"{}"
        assert why.name == f"{body.name}.why.json"
        assert json.loads(why.read_bytes()) == {
            "position": str(position),
            "path": "title",
            "problem": "is missing",
            "advice": "add it",
            "sha256": "ab",
            "size": 3,
        }

    @pytest.mark.parametrize("name", ["x" * 250, "ë\udcff", ".hidden"])
    def test_dead_strays(self, spool: Spool, source: SpoolSource, name: str) -> None:
        """A stray file is moved away under any name that a file can have."""
        (spool.new / name).write_bytes(b"x")
        message = source.poll(1, 0)[0]
        source.forward_dead_letter(message, letter(message))

        assert source.lag() == 0
        assert len(list(spool.dead.iterdir())) == 2

    def test_dead_letter_that_cannot_be_moved(
        self, spool: Spool, source: SpoolSource
    ) -> None:
        """A dead letter that cannot be moved stays in `new`, and comes again."""
        spool.publish(b"x")
        message = source.poll(1, 0)[0]
        spool.dead.rmdir()

        with pytest.raises(SourceError, match="refuses"):
            source.forward_dead_letter(message, letter(message))
        assert bodies(source.poll(1, 0)) == [b"x"]

    def test_unknown_message(self, spool: Spool, source: SpoolSource) -> None:
        """A message that this reader did not hand out is left alone."""
        spool.publish(b"x")
        foreign = Message(b"", None, None, Position("spool", "spool", 0, 1))
        source.commit([foreign])
        source.forward_dead_letter(foreign, letter(foreign))

        assert source.lag() == 1
        assert list(spool.dead.iterdir()) == []


def test_the_publisher_goes_along(spool: Spool) -> None:
    """Who published is read back with the message, whatever signs the name had."""
    spool.publish(b"{}", NATIVE, "u-arta")
    spool.publish(b"{}", NATIVE, "ar/ta\n..")
    spool.publish(b"{}", NATIVE)
    with closing(SpoolSource(spool.folder)) as source:
        names = [message.publisher for message in source.poll(9, 0)]

    assert ["u-arta", "ar-ta---", ""] == names


def test_what_is_wanted_stays_until_it_is_not(spool: Spool) -> None:
    """A message that is needed again can be read again, and no longer than that."""
    kept, gone = spool.publish(b"1", NATIVE, "u-arta"), spool.publish(b"2", NATIVE)
    wanted = {kept}
    with closing(SpoolSource(spool.folder, wanted=lambda: wanted)) as source:
        messages = source.poll(9, 0)
        source.commit(messages)
        again = read_again(spool.folder, kept)
        with pytest.raises(Gone):
            read_again(spool.folder, gone)
        wanted.clear()
        source.commit(())

    assert messages[0] == again
    with pytest.raises(Gone):
        read_again(spool.folder, kept)


def test_another_spool_does_not_have_it(spool: Spool, tmp_path: Path) -> None:
    """A position of one spool is never answered from a folder of another name."""
    place = spool.publish(b"1", NATIVE)
    other = tmp_path / "renamed"
    spool.folder.rename(other)

    with pytest.raises(Gone):
        read_again(other, place)
