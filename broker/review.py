"""Four eyes: who may approve a held share, and whether an approval counts.

Reviewers, as the settings list them + what was approved -> the reasons why it does not
count, or none. Nothing here reads a file or a clock.

What an approval proves depends on how its reviewer is known. With a key, the consume
zone checks a signature over the exact statement: nobody else can have made it, not even
who may write to the database. Without one, it proves that a process of that user of the
operating system wrote it, and so trusts whoever administers that machine.

Invariants: an approval names one draft by its digest, and expires; two entries of the
list are never one person with the same user or key; what is not known is said, and then
counts only if the reviewer vouches for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.canonical import dumps
from broker.model.reviewer import Reviewer, Reviewers, public_key
from broker.store import Approved, Held

_PURPOSE: Final = "besa approval 1"
# By so much may the clocks of two machines differ.
_SKEW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Behind:
    """Who stands behind a held share: they must not approve it. Empty: nobody knows."""

    publisher: str
    editor: str


def statement(
    held: Held, reviewer: str, at: datetime, until: datetime, *, vouches: bool
) -> str:
    """Return the exact text that a person approves, as canonical JSON.

    ``vouches``: the reviewer says that they neither published the incident nor were the
    last to edit the agreement.
    """
    return dumps(_said(held, reviewer, at, until, vouches=vouches)).decode()


def _said(
    held: Held, reviewer: str, at: datetime, until: datetime, *, vouches: bool
) -> dict[str, Any]:
    return {
        "purpose": _PURPOSE,
        "uid": held.uid,
        "revision": held.revision,
        "agreement": held.agreement,
        "recipient": held.recipient,
        "draft_sha256": held.sha256,
        "reviewer": reviewer,
        "at": int(at.timestamp() * 1000),
        "until": int(until.timestamp() * 1000),
        "vouches": vouches,
    }


def sign(text: str, key: Ed25519PrivateKey) -> str:
    """Sign a statement; return the signature in hex."""
    return key.sign(text.encode()).hex()


def unknown(reviewer: Reviewer, behind: Behind) -> list[str]:
    """Return what cannot be known of a reviewer, and so must be vouched for."""
    found = []
    if not behind.publisher:
        found.append("nobody knows who published the incident")
    elif not reviewer.user and not reviewer.is_called(behind.publisher):
        found.append(f"nobody knows which user {reviewer.name} is, to tell publishers")
    if not behind.editor:
        found.append("nobody knows who edited the agreement last")
    elif not reviewer.emails and not reviewer.is_called(behind.editor):
        found.append(f"nobody knows which emails {reviewer.name} has, to tell editors")
    return found


def involved(reviewer: Reviewer, behind: Behind) -> str:
    """Say why a person may not approve; empty when they may."""
    if behind.publisher and reviewer.is_called(behind.publisher):
        return f"{reviewer.name} published the incident"
    if behind.editor and reviewer.is_called(behind.editor):
        return f"{reviewer.name} was the last to edit the agreement"
    return ""


def objection(
    approved: Approved, held: Held, reviewers: Reviewers, behind: Behind, now: datetime
) -> str:
    """Say why an approval does not count; empty when it does."""
    reviewer = reviewers.named(approved.reviewer)
    if reviewer is not None and approved.sha256 != held.sha256:
        return f"{reviewer.name} approved another draft"
    given = approved.reviewer, approved.at, approved.until
    silent, vouching = (statement(held, *given, vouches=v) for v in (False, True))

    def against(one: Reviewer) -> tuple[str, str]:
        return involved(one, behind), next(iter(unknown(one, behind)), "")

    return weighed(approved, (silent, vouching), against, reviewers, now)


def weighed(
    approved: Approved,
    statements: tuple[str, str],
    against: Callable[[Reviewer], tuple[str, str]],
    reviewers: Reviewers,
    now: datetime,
) -> str:
    """Say why an approval of whatever sort does not count; empty when it does.

    It must be about one of ``statements``: without vouching for what cannot be known,
    or with it. ``against`` tells of a reviewer why they may not approve, and what
    cannot be known of them; empty where there is nothing.
    """
    reviewer = reviewers.named(approved.reviewer)
    if reviewer is None:
        return f"{approved.reviewer} is no reviewer"
    name = reviewer.name
    if now > approved.until or approved.until - approved.at > reviewers.lifetime:
        return f"the approval of {name} has expired"
    if approved.at > now + _SKEW:
        # Given while a clock was ahead, it would count for longer than it may.
        return f"the approval of {name} was given in the future: a clock was wrong"
    if approved.statement not in statements:
        return f"the statement of {name} is not about this"
    if reviewer.key and not holds(approved, reviewer.key):
        return f"the signature of {name} does not hold"
    involvement, missing = against(reviewer)
    if involvement:
        return involvement
    if missing and approved.statement == statements[0]:
        return f"{missing}, and {name} did not vouch for it"
    return ""


def holds(approved: Approved, key: str) -> bool:
    """Say whether an approval's signature is that of a reviewer's key."""
    try:
        public_key(key).verify(
            bytes.fromhex(approved.signature), approved.statement.encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True
