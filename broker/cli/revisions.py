"""Policy and mapping files of a folder, or of a git revision without checking it out.

A folder, ``REVISION`` or ``REVISION:FOLDER`` -> files by name, as a rulebook is built
from them.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from broker.errors import SettingsError
from broker.settings import read_rulebook_files, read_settings

_SECONDS: Final = 60


def files_of(name: str) -> dict[str, bytes]:
    """Return the rulebook files that a name stands for.

    A folder holds ``policies/`` and ``mappings/``, or is a folder of policies, which is
    read with the mappings in use. Anything else is a git revision of the repository
    that the policies in use lie in, if the settings name them, or else the working
    directory; ``REVISION:FOLDER`` says where in it ``policies/`` and ``mappings/`` lie.

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
    root, usual = _repository(name)
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found is None:
        raise SettingsError(
            f"{name}: there is no such folder, and no such revision in {root}"
        )
    commit = found.decode().strip()
    within = within or usual
    policies, mappings = (
        f"{within}/{each}" if within else each for each in ("policies", "mappings")
    )
    if _git(root, "cat-file", "-e", f"{commit}:{policies}") is None:
        raise SettingsError(
            f"{name}: that revision has no folder {policies}; "
            "write REVISION:FOLDER if it lies elsewhere"
        )
    there = [policies]
    if _git(root, "cat-file", "-e", f"{commit}:{mappings}") is not None:
        there.append(mappings)
    archive = _git(root, "archive", "--format=tar", commit, "--", *there)
    if archive is None:
        raise SettingsError(f"{name}: git could not read that revision")
    # By way of a folder, so that a revision is read by the same rules as a folder.
    with TemporaryDirectory(prefix="besa-") as folder:
        _unpack(archive, Path(folder))
        beside = Path(folder, mappings)
        return read_rulebook_files(
            Path(folder, policies),
            beside if beside.is_dir() else read_settings().mappings_folder,
        )


def _repository(name: str) -> tuple[str, str]:
    """Return the root of the repository to look in, and the rulebook's folder in it.

    Where the settings say which policies are in use, theirs; else the one that the
    working directory lies in, and its uppermost folder.
    """
    policies = read_settings().policies
    found = _git(str(policies or Path()), "rev-parse", "--show-toplevel")
    if found is None:
        raise SettingsError(
            f"{name}: there is no such folder, and {policies or 'this'} is in no git "
            "repository"
        )
    root = found.decode().rstrip("\n")
    if policies is None:
        return root, ""
    inside = policies.resolve().parent.relative_to(Path(root).resolve()).as_posix()
    return root, "" if inside == "." else inside


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


def _unpack(archive: bytes, folder: Path) -> None:
    """Write the plain files of an archive into a folder; links are left out."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is None or ".." in Path(member.name).parts:
                continue
            path = folder / member.name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stream.read())
