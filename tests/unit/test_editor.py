"""Who edited an agreement last, asked of a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from broker.editor import last_editor


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Return a folder of policies with one agreement, not yet under git."""
    folder = tmp_path / "policies"
    (folder / "agreements").mkdir(parents=True)
    (folder / "agreements" / "kp.yaml").write_text("agreement: kp\n")
    return folder


def commit(folder: Path, email: str) -> None:
    """Commit everything as somebody."""
    git = ("git", "-C", str(folder), "-c", "user.name=n", "-c", f"user.email={email}")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "m"], check=True)


def test_the_author_of_the_last_change_is_named(policies: Path) -> None:
    """Later commits that do not touch the agreement do not change its editor."""
    commit(policies, "arta@csirt.example")
    (policies / "other.yaml").write_text("x: 1\n")
    commit(policies, "besnik@csirt.example")

    assert "arta@csirt.example" == last_editor(policies, "kp")


def test_what_is_not_committed_has_no_known_editor(policies: Path) -> None:
    """While the file differs from the last commit, nobody can say by whom."""
    commit(policies, "arta@csirt.example")
    (policies / "agreements" / "kp.yaml").write_text("agreement: kp\nmore: 1\n")

    assert "" == last_editor(policies, "kp")


def test_without_git_nobody_knows(policies: Path) -> None:
    """A folder outside git, and an agreement that is not there, have no editor."""
    assert "" == last_editor(policies, "kp")
    assert "" == last_editor(policies, "none")


def test_looking_runs_nothing_that_lies_in_the_repository(policies: Path) -> None:
    """A program that the repository's own settings name is not started."""
    commit(policies, "arta@csirt.example")
    trap = policies.parent / "trap"
    config = ("git", "-C", str(policies), "config", "core.fsmonitor")
    subprocess.run([*config, f"touch {trap} #"], check=True)
    last_editor(policies, "kp")

    assert not trap.exists()
