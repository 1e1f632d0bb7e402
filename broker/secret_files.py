"""Files with secrets in them: readable by their owner only, and read with care.

A path -> its bytes, or the names and texts that it says in YAML or JSON.

Invariants: what is secret is written with mode 0600 and refused with any wider. No
secret stands in an error.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any

from broker import strict_yaml
from broker.errors import RulebookError, SettingsError


def read_secret(path: Path, advice: str) -> bytes:
    """Read a file that only its owner may read.

    Raises:
        SettingsError: it is missing (with what to do then), or readable by others.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SettingsError(
                f"{path} can be read by others (mode {mode:04o}); chmod 600 {path}"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing; {advice}") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None


def read_said(
    path: Path, known: Collection[str], advice: str, switches: Collection[str] = ()
) -> dict[str, Any]:
    """Read names and texts from a YAML or JSON file that only its owner may read.

    Args:
        path: the file; ``.json`` is read as JSON, all others as strict YAML.
        known: the names that it may have.
        advice: what to do when it is missing.
        switches: those of the names that are true or false, and no text.

    Raises:
        SettingsError: it is missing, readable by others, or says something else.
    """
    content = _parsed(path, read_secret(path, advice))
    if not isinstance(content, dict):
        raise SettingsError(f"{path} is not a list of names and texts, `name: text`")
    if unknown := sorted(str(name) for name in set(content) - set(known)):
        there_are = ", ".join(sorted(known))
        raise SettingsError(f"{path} has {unknown[0]}; known are only {there_are}")
    for name, value in content.items():
        if not isinstance(value, bool if name in switches else str):
            is_one = "true or false" if name in switches else "a text"
            raise SettingsError(f"{path}: {name} is not {is_one}")
    return content


def refuse_missing(path: Path, said: dict[str, Any], name: str) -> None:
    """Refuse a file that names another file which is not there.

    Raises:
        SettingsError: it is not there.
    """
    if name in said and not Path(said[name]).exists():
        raise SettingsError(f"{path}: {name}: there is no file {said[name]}")


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet, and be sure that the disk has it.

    Raises:
        FileExistsError: it is there already.
    """
    # Created with its mode, not changed to it: there is no moment when others can read.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _parsed(path: Path, data: bytes) -> Any:
    if path.suffix == ".json":
        try:
            return json.loads(data)
        except ValueError:
            raise SettingsError(f"{path} is not JSON") from None
    try:
        return strict_yaml.parse(path.name, data).value
    except RulebookError as error:
        # Only the places: a parser's message may quote the text, which is secret.
        lines = ", ".join(str(problem.line) for problem in error.problems)
        raise SettingsError(f"{path}:{lines} is not strict YAML") from None
