"""Work in a second process ends as if it had been done here, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import NoReturn

import pytest

from broker.cli.beside import beside

_LARGE = 300_000  # more than a pipe holds


def test_the_result_is_handed_over_whole() -> None:
    """A result larger than the pipe between the two arrives."""
    with beside(lambda: [*range(_LARGE)]) as result:
        assert [*range(_LARGE)] == result()


def test_the_work_is_done_by_another_process() -> None:
    """Where there are two processors, a copy of the process does it."""
    code = (
        "import os\nfrom broker.cli.beside import beside\n"
        "with beside(os.getpid) as result:\n    print(os.getpid() == result())"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout

    assert f"{(os.cpu_count() or 1) < 2}\n" == said


def test_an_error_of_the_work_is_met_here() -> None:
    """What goes wrong in the copy goes wrong here as well, with its own words."""

    def fails() -> NoReturn:
        raise ValueError("so it is")

    with beside(fails) as result, pytest.raises(ValueError, match="so it is"):
        result()


def test_a_copy_that_is_killed_loses_nothing() -> None:
    """When the copy ends without a word, the work is done here."""
    here = os.getpid()

    def ends() -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with beside(ends) as result:
        assert here == result()


def test_what_cannot_be_handed_over_is_made_here() -> None:
    """A result that no other process can be given is made where it is wanted."""
    with beside(lambda: threading.Lock()) as result:
        assert result().acquire(blocking=False)


def test_beside_other_threads_nothing_is_copied() -> None:
    """A copy could wait for ever for what another thread held."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with beside(os.getpid) as result:
            assert os.getpid() == result()
    finally:
        stop.set()
        thread.join()


def test_no_copy_is_left_when_nobody_asks() -> None:
    """Whoever does not want the result any more leaves no process behind."""
    code = (
        "import contextlib, os, threading\n"
        "from broker.cli.beside import beside\n"
        "with contextlib.suppress(KeyError), beside(threading.Event().wait):\n"
        "    raise KeyError\n"
        "with contextlib.suppress(ChildProcessError):\n"
        "    os.waitpid(-1, os.WNOHANG)\n"
        "    print('one is left')\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60
    ).stdout

    assert b"" == said
