"""Policy and mapping files of a folder, or of a git revision without checking it out.

A folder, ``REVISION`` or ``REVISION:FOLDER`` -> files by name, as a rulebook is built
from them.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from broker.errors import SettingsError
from broker.settings import read_rulebook_files, read_settings

_LARGEST_FILE: Final = 5_000_000
_SECONDS: Final = 60


def files_of(name: str) -> dict[str, bytes]:
    """Return the rulebook files that a name stands for.

    A folder holds ``policies/`` and ``mappings/``, or is a folder of policies, which is
    read with the mappings in use. Anything else is a git revision of the repository
    that the working directory, or else the policies folder, lies in;
    ``REVISION:FOLDER`` says where in it ``policies/`` and ``mappings/`` lie.

    Raises:
        SettingsError: there is no such folder or revision, or git is not there.
    """
    folder = Path(name)
    if folder.is_dir():
        inside, beside = folder / "policies", folder / "mappings"
        mappings = beside if beside.is_dir() else read_settings().mappings_folder
        return read_rulebook_files(inside if inside.is_dir() else folder, mappings)
    revision, _, within = name.partition(":")
    return _of_revision(revision, within.strip("/"), name)


def _of_revision(revision: str, within: str, name: str) -> dict[str, bytes]:
    if not revision or revision.startswith("-"):
        raise SettingsError(f"{name}: neither a folder nor a git revision")
    root = _repository(name)
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found is None:
        raise SettingsError(
            f"{name}: there is no such folder, and no such revision in {root}"
        )
    commit = found.decode().strip()
    paths = [
        f"{within}/{each}" if within else each for each in ("policies", "mappings")
    ]
    there = [
        path
        for path in paths
        if _git(root, "cat-file", "-e", f"{commit}:{path}") is not None
    ]
    if paths[0] not in there:
        raise SettingsError(
            f"{name}: that revision has no folder {paths[0]}; "
            "write REVISION:FOLDER if it lies elsewhere"
        )
    archive = _git(root, "archive", "--format=tar", commit, "--", *there)
    if archive is None:
        raise SettingsError(f"{name}: git could not read that revision")
    files = _unpacked(archive, within)
    if paths[1] not in there:
        settings = read_settings()
        both = read_rulebook_files(settings.policies_folder, settings.mappings_folder)
        files |= {k: v for k, v in both.items() if k.startswith("mappings/")}
    return files


def _repository(name: str) -> str:
    """Return the root of the repository to look in."""
    for folder in (Path(), read_settings().policies_folder):
        found = _git(str(folder), "rev-parse", "--show-toplevel")
        if found is not None:
            return found.decode().rstrip("\n")
    raise SettingsError(
        f"{name}: there is no such folder, and this is no git repository"
    )


def _git(folder: str, *arguments: str) -> bytes | None:
    """Run git and return what it printed, or nothing when it refused."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a revision never starts with -
            ["git", "-C", folder, *arguments],  # noqa: S607 - the git in use
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except FileNotFoundError:
        raise SettingsError(
            "git is not installed, so only folders can be compared"
        ) from None
    except subprocess.TimeoutExpired:
        raise SettingsError("git did not answer within a minute") from None
    return done.stdout if done.returncode == 0 else None


def _unpacked(archive: bytes, within: str) -> dict[str, bytes]:
    """Return the YAML files of an archive, by their names within the folder."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            path = member.name.removeprefix(f"{within}/" if within else "")
            hidden = any(part.startswith(".") for part in path.split("/"))
            if not member.isfile() or hidden or not path.endswith((".yaml", ".yml")):
                continue
            if member.size > _LARGEST_FILE:
                raise SettingsError(f"{path} is larger than 5 MB: not a policy file")
            stream = tar.extractfile(member)
            if stream is not None:
                found[path] = stream.read()
    return found
