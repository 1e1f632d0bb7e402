"""Who acts, of those in the file of reviewers: shown by their user or their key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from broker.cli import terminal
from broker.cli.terminal import ExitCode

if TYPE_CHECKING:
    from broker.model.reviewer import Reviewer, Reviewers
    from broker.settings import Settings


def reviewer(settings: Settings, reviewers: Reviewers, name: str | None) -> Reviewer:
    """Return who acts; ends the command when that is not known or not shown."""
    from broker.cli.person import person

    if not reviewers.reviewers:
        terminal.stop(
            ExitCode.FAULT,
            f"nobody may review yet: {settings.reviewers_file} lists nobody; write "
            "at least two people into it, such as "
            "`reviewers: [{name: arta, user: arta}, {name: besnik, user: besnik}]` "
            "(docs/delivery.md, Who a reviewer is)",
        )
    user = person()
    if name is None:
        mine = [one for one in reviewers.reviewers if user and one.user == user]
        if not mine:
            terminal.stop(ExitCode.NO, f"{user} is no reviewer; say who you are: --as")
        return mine[0]
    found = reviewers.named(name)
    if found is None:
        terminal.stop(ExitCode.NO, f"{name} is no reviewer")
    if not found.key and found.user != user:
        # With a key, the signature tells who it is.
        terminal.stop(
            ExitCode.NO, f"{name} is the user {found.user}, and you are {user}"
        )
    return found


def private_key(reviewer: Reviewer, file: Path | None) -> Any:
    """Return the reviewer's private key; ends the command if it is not theirs."""
    from broker.cli.reviewer_key import read_private_key
    from broker.model.reviewer import public_key

    if file is None:
        terminal.wrong_usage(f"{reviewer.name} signs approvals: give --key FILE")
    key = read_private_key(file)
    if key.public_key() != public_key(reviewer.key):
        terminal.stop(ExitCode.NO, f"this is not the key of {reviewer.name}")
    return key


def anybody(
    settings: Settings, reviewers: Reviewers, name: str | None, key: Path | None
) -> tuple[str, str]:
    """Return who acts, who need not be a reviewer, and their account.

    A reviewer is called by the name in the file, anybody else by the account.
    """
    from broker.cli.person import person

    user = person()
    if name is not None:
        found = reviewer(settings, reviewers, name)
        if found.user != user:
            private_key(found, key)  # whoever acts under a name has its key
        return found.name, user
    if not user:
        terminal.stop(ExitCode.NO, "nobody knows who you are; say it: --as")
    for one in reviewers.reviewers:
        if one.user == user:
            return one.name, user
    if reviewers.named(user) is not None:
        terminal.stop(ExitCode.NO, f"{user} is a reviewer's name; say it: --as")
    return user, user
