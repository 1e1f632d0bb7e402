"""Who edited an agreement last, as git knows it.

A folder of policies + an agreement -> the address of the last commit's author, or
nothing when nobody can know: no git, no commit, or changes that are not committed.

What git says is what the author typed into their own settings: it keeps honest people
apart, and is as strong as the rules of the repository (signed commits, protected
branches).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

_SECONDS: Final = 10
# Nothing that lies in the repository may run, and looking must not write.
_GIT: Final = (
    "git",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
)


def last_editor(policies: Path, agreement: str) -> str:
    """Return who committed an agreement's last change; empty if nobody can know."""
    folder, file = policies.resolve(), f"agreements/{agreement}.yaml"
    if not (folder / file).is_file():
        return ""
    changed = _git(folder, "status", "--porcelain", "--ignored", "--", file)
    if changed is None or changed.strip():
        return ""
    return (_git(folder, "log", "-1", "--format=%ae", "--", file) or "").strip()


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git answers; nothing when it cannot or will not."""
    try:
        told = subprocess.run(  # noqa: S603 - fixed arguments, and a name we checked
            [*_GIT, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return told.stdout if told.returncode == 0 else None
