"""Requests to look up a pseudonym: filed, approved by two, shown, refused, denied.

Each of these -> rows of `reveals` and `reveal_approvals`, and in the same transaction a
link of the register. No link has a value in it, nor the words of the reason, which may.

Invariants: a request that two people approved is never approved again, and is shown
until the first of their approvals expires, and never after; one that was denied is
neither approved nor shown any more; every show is counted and on record before anybody
sees the value.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from broker.canonical import sha256_hex
from broker.errors import StoreError
from broker.store.connect import Database
from broker.store.held import PEOPLE
from broker.store.records import Approved
from broker.store.register import Links, millis, moment
from broker.store.reveal_tables import reveal_approvals, reveals

_ONE = select(reveals).where(reveals.c.id == bindparam("request"))
_CHANGE = update(reveals).where(reveals.c.id == bindparam("request_id"))
_APPROVALS = (
    select(reveal_approvals)
    .where(reveal_approvals.c.request.in_(bindparam("requests", expanding=True)))
    .order_by(reveal_approvals.c.at, reveal_approvals.c.reviewer)
)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked: whom one pseudonym stands for, for which case, by whom.

    ``requester`` is a reviewer's name or, for others, the account; ``user`` is always
    the account on this machine.
    """

    recipient: str
    pseudonym: str
    case_number: str
    legal_order: str
    reason: str
    requester: str
    user: str
    at: datetime
    salt: str = ""  # of the reason's digest; the store makes it

    @property
    def reason_sha256(self) -> str:
        """The digest by which the reason is on record, and approved."""
        return sha256_hex(f"{self.salt} {self.reason}".encode())


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal for good: by which reviewer, when, and why."""

    reviewer: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands. ``until`` is set once two people have approved it."""

    id: int
    asking: Asking
    until: datetime | None
    shown: int
    approvals: tuple[Approved, ...] = ()
    denial: Denial | None = None


def file(database: Database, asking: Asking) -> int:
    """File a request; return its number.

    Raises:
        StoreError: the store refused; nothing was filed.
    """
    with database.write() as connection:
        links = Links(connection, asking.at)
        row: dict[str, Any] = {
            "recipient": asking.recipient,
            "pseudonym": asking.pseudonym,
            "case_number": asking.case_number,
            "legal_order": asking.legal_order,
            "reason": asking.reason,
            "salt": secrets.token_hex(16),
            "requester": asking.requester,
            "user": asking.user,
            "at": millis(asking.at),
            "until": None,
            "shown": 0,
        }
        made = connection.execute(insert(reveals).returning(reveals.c.id), row)
        number: int = made.scalar_one()
        told = {"requester": asking.requester, "user": asking.user}
        digest = replace(asking, salt=row["salt"]).reason_sha256
        facts = _facts(number, row) | told | {"reason_sha256": digest}
        links.add("reveal request", facts)
        links.write()
    return number


def approve(database: Database, number: int, approved: Approved) -> datetime | None:
    """Add an approval; return until when the value may be shown, once two are there.

    An earlier one by the same person is replaced.

    Raises:
        StoreError: two people have approved already, somebody has denied it, or there
            is no such request.
    """
    with database.write() as connection:
        links = Links(connection, approved.at)
        row = _undenied(connection, number)
        if row["until"] is not None:
            raise StoreError(f"request {number} was approved by two people already")
        of = (
            reveal_approvals.c.request == number,
            reveal_approvals.c.reviewer == approved.reviewer,
        )
        connection.execute(delete(reveal_approvals).where(*of))
        new = {
            "request": number,
            "reviewer": approved.reviewer,
            "at": millis(approved.at),
            "until": millis(approved.until),
            "statement": approved.statement,
            "signature": approved.signature,
        }
        connection.execute(insert(reveal_approvals), new)
        until = _until(connection, number, millis(approved.at))
        if until is not None:
            connection.execute(_CHANGE.values(until=until), {"request_id": number})
        told = {
            "reviewer": approved.reviewer,
            "signed": bool(approved.signature),
            "until": approved.until.isoformat(),
            "statement": approved.statement,
        }
        links.add("reveal approval", _facts(number, row) | told)
        links.write()
    return None if until is None else moment(until)


def _until(connection: Connection, number: int, now: int) -> int | None:
    """Return when the first approval of enough of them expires; None if too few."""
    given = connection.execute(_APPROVALS, {"requests": [number]}).mappings().all()
    valid = [int(row["until"]) for row in given if row["until"] >= now]
    return min(valid) if len(valid) >= PEOPLE else None


def deny(database: Database, number: int, denial: Denial, user: str) -> None:
    """Refuse a request for good, whoever has approved it.

    The words of the reason stay with the request; the register has their digest.

    Raises:
        StoreError: it was denied before, or there is no such request.
    """
    with database.write() as connection:
        links = Links(connection, denial.at)
        row = _undenied(connection, number)
        said = {
            "denied_by": denial.reviewer,
            "denied_at": millis(denial.at),
            "denial": denial.reason,
        }
        connection.execute(_CHANGE.values(**said), {"request_id": number})
        digest = sha256_hex(f"{row['salt']} {denial.reason}".encode())
        told = {"reviewer": denial.reviewer, "user": user, "reason_sha256": digest}
        links.add("reveal denied", _facts(number, row) | told)
        links.write()


def shown(
    database: Database, number: int, to: str, user: str, by: Iterable[str], at: datetime
) -> int:
    """Put on record that a value is about to be shown; return how often it was.

    Raises:
        StoreError: it may not be shown, or not any more; nothing may be shown then.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _undenied(connection, number)
        if row["until"] is None or row["until"] < millis(at):
            raise StoreError(f"request {number} may not be shown now")
        times: int = row["shown"] + 1
        connection.execute(_CHANGE.values(shown=times), {"request_id": number})
        told = {"to": to, "user": user, "approved_by": list(by), "times": times}
        links.add("reveal shown", _facts(number, row) | told)
        links.write()
    return times


def refused(
    database: Database, number: int, to: str, user: str, why: str, at: datetime
) -> None:
    """Put on record that somebody wanted to see a value and may not.

    Raises:
        StoreError: the store refused, or there is no such request.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _locked(connection, number)
        told = {"to": to, "user": user, "why": why}
        links.add("reveal refused", _facts(number, row) | told)
        links.write()


def listed(database: Database) -> tuple[Request, ...]:
    """Return all requests, newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(reveals).order_by(reveals.c.id.desc())
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
        given = _approvals(connection, [row["id"] for row in rows])
    return tuple(_request(row, given.get(row["id"], ())) for row in rows)


def one(database: Database, number: int) -> Request | None:
    """Return one request; nothing if there is none of that number.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        row = connection.execute(_ONE, {"request": number}).mappings().first()
        given = _approvals(connection, [number]).get(number, ())
    return None if row is None else _request(row, given)


def _locked(connection: Connection, number: int) -> Mapping[Any, Any]:
    query = _ONE.with_for_update()
    row = connection.execute(query, {"request": number}).mappings().first()
    if row is None:
        raise StoreError(f"there is no request {number}")
    return row


def _undenied(connection: Connection, number: int) -> Mapping[Any, Any]:
    row = _locked(connection, number)
    if row["denied_by"] is not None:
        raise StoreError(f"request {number} was denied by {row['denied_by']}")
    return row


def _approvals(
    connection: Connection, numbers: list[int]
) -> dict[int, tuple[Approved, ...]]:
    found: dict[int, tuple[Approved, ...]] = {}
    if numbers:
        for row in connection.execute(_APPROVALS, {"requests": numbers}).mappings():
            approved = Approved(
                0,
                row["reviewer"],
                "",
                moment(row["at"]),
                moment(row["until"]),
                row["statement"],
                row["signature"],
            )
            of = row["request"]
            found[of] = (*found.get(of, ()), approved)
    return found


def _request(row: Mapping[Any, Any], given: tuple[Approved, ...]) -> Request:
    until = row["until"]
    asking = Asking(
        row["recipient"],
        row["pseudonym"],
        row["case_number"],
        row["legal_order"],
        row["reason"],
        row["requester"],
        row["user"],
        moment(row["at"]),
        row["salt"],
    )
    shown_at = moment(until) if until is not None else None
    denial = None
    if row["denied_by"] is not None:
        denial = Denial(row["denied_by"], moment(row["denied_at"]), row["denial"])
    return Request(row["id"], asking, shown_at, row["shown"], given, denial)


def _facts(number: int, row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what every link about a request tells: never the value."""
    return {
        "request": number,
        "recipient": row["recipient"],
        "pseudonym": row["pseudonym"],
        "case_number": row["case_number"],
        "legal_order": row["legal_order"],
    }
