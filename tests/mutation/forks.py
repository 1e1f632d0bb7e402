"""Do something in a process of its own that begins where this one stands.

Work -> what it sends, and how it ended. A fork costs a hundredth of a fresh start, as
all that is imported is there already.
"""

from __future__ import annotations

import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from typing import Any, Final, NamedTuple

Send = Callable[[Any], None]
# What work may take by the clock, however little of the processor it gets.
_LONGEST: Final = 900
_MEMORY: Final = 4 << 30


class TooLongError(Exception):
    """What was forked used up its time."""


class BrokenError(Exception):
    """What was forked ended with an error; says where."""


class _Broken(NamedTuple):
    trace: str


def forked(work: Callable[[Send], None]) -> Iterator[Any]:
    """Run work in a forked process, and yield what it sends.

    Raises:
        BrokenError: it ended with an error.
        TooLongError: it was ended because of `allow`, or sent nothing for long.
    """
    here, there = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            work(there.send)
        except BaseException:
            there.send(_Broken(traceback.format_exc()))
        finally:
            os._exit(0)
    there.close()
    try:
        while here.poll(_LONGEST):
            said = here.recv()
            if isinstance(said, _Broken):
                raise BrokenError(said.trace)
            yield said
    except EOFError:
        _, status = os.waitpid(child, 0)
        child = 0
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            raise TooLongError from None
    else:
        raise TooLongError
    finally:
        here.close()
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def allow(seconds: float) -> None:
    """Let this process use so much more of the processor's time, and not all memory."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    until = int(spent.ru_utime + spent.ru_stime + seconds) + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, most))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))
