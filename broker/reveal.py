"""Who may look up a pseudonym: the statement that people approve, and who counts.

A request + reviewers, as the settings list them -> the exact text that an approval is
about, why somebody may not approve, and whose approvals count now. Nothing here reads a
file or a clock, and nothing here sees a value.

The same four eyes as for what is held (`broker.review`), with one more rule: who asked
may not approve.

Whoever may approve may also deny, alone and for good.

Invariants: an approval names everything that was asked, so that no request can be
changed under it; it counts until it expires, and no longer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from broker.canonical import dumps
from broker.model.reviewer import Reviewer, Reviewers
from broker.review import weighed
from broker.store import PEOPLE, Approved, Request

_PURPOSE: Final = "besa reveal approval 1"


def statement(
    request: Request, reviewer: str, at: datetime, until: datetime, *, vouches: bool
) -> str:
    """Return the exact text that a person approves, as canonical JSON.

    ``vouches``: the reviewer says that it was not they who asked.
    """
    asking = request.asking
    return dumps(
        {
            "purpose": _PURPOSE,
            "request": request.id,
            "recipient": asking.recipient,
            "pseudonym": asking.pseudonym,
            "case_number": asking.case_number,
            "legal_order": asking.legal_order,
            "reason_sha256": asking.reason_sha256,
            "requester": asking.requester,
            "user": asking.user,
            "asked_at": _millis(asking.at),
            "reviewer": reviewer,
            "at": _millis(at),
            "until": _millis(until),
            "vouches": vouches,
        }
    ).decode()


def involved(reviewer: Reviewer, request: Request) -> str:
    """Say why a person may neither approve nor deny; empty when they may."""
    asking = request.asking
    if any(who and reviewer.is_called(who) for who in (asking.requester, asking.user)):
        return f"{reviewer.name} asked for this"
    return ""


def unknown(reviewer: Reviewer, request: Request, reviewers: Reviewers) -> str:
    """Return what cannot be known of a reviewer, and so must be vouched for."""
    if reviewer.user or reviewers.named(request.asking.requester) is not None:
        return ""
    return f"nobody knows which user {reviewer.name} is, to tell who asked"


def objection(
    approved: Approved, request: Request, reviewers: Reviewers, now: datetime
) -> str:
    """Say why an approval does not count; empty when it does."""
    given = approved.reviewer, approved.at, approved.until
    silent, vouching = (statement(request, *given, vouches=v) for v in (False, True))

    def against(one: Reviewer) -> tuple[str, str]:
        return involved(one, request), unknown(one, request, reviewers)

    return weighed(approved, (silent, vouching), against, reviewers, now)


def counting(
    request: Request, reviewers: Reviewers, now: datetime
) -> tuple[tuple[str, ...], str]:
    """Return whose approvals count, and why the value may not be shown, if so."""
    names: list[str] = []
    why = ""
    for one in request.approvals:
        wrong = objection(one, request, reviewers, now)
        why = why or wrong
        if not wrong and one.reviewer not in names:
            names.append(one.reviewer)
    if request.denial is not None:
        # Not in which words: what is said here goes into the register.
        return tuple(names), f"{request.denial.reviewer} denied it"
    if len(names) >= PEOPLE:
        if request.until is not None and now > request.until:
            return tuple(names), "what two people approved has expired"
        return tuple(names), ""
    lacking = f"{len(names)} of {PEOPLE} people approve it"
    return tuple(names), f"{lacking}: {why}" if why else lacking


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)
