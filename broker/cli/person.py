"""Who sits at the terminal, as far as the operating system knows.

Invariant: the answer is what the kernel says, never an environment variable, which
anybody may set.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

_LOGIN: Final = Path("/proc/self/loginuid")
_NOBODY: Final = 2**32 - 1  # no login: a service, a container


def person() -> str:
    """Return the user who logged in, also behind `sudo`; else whose process this is.

    Linux remembers the login of a session through every change of user (loginuid).
    """
    try:
        number = int(_LOGIN.read_text("ascii"))
    except (OSError, ValueError):
        number = _NOBODY
    if number == _NOBODY:
        number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return ""
