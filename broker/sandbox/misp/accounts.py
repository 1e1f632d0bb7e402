"""Organisations and accounts of the stand-in MISP, and their keys.

Account list -> rows in the store, a key for each, and a file that only its owner reads.

Invariants: a key is made once, with :mod:`secrets`, and survives every restart. There
is always a site administrator, whose organisation and account are number 1. Numbers
follow the order of the list, so the same list gives the same numbers.
"""

from __future__ import annotations

import os
import re
import secrets
import string
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import orjson

from broker.sandbox.misp.roles import Role, RoleName, role
from broker.sandbox.misp.store import Row, SandboxError, Store

KEY_LENGTH: Final = 40
KEYS_FILE: Final = "keys.json"
_LETTERS: Final = string.ascii_letters + string.digits
_NAMESPACE: Final = uuid.UUID("5b0a1f0e-3c1d-4f0a-9a52-6f1f3f2a7c11")


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that has accounts on the server."""

    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Account:
    """One account: the short name of its key, its organisation and its role."""

    name: str
    organisation: Organisation
    role: RoleName
    email: str = ""

    @property
    def address(self) -> str:
        """The e-mail address that the server shows for the account."""
        host = re.sub(r"[^a-z0-9]+", "-", self.organisation.name.lower()).strip("-")
        return self.email or f"{self.name}@{host or 'organisation'}.test"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an account, with its organisation and role."""

    id: int
    email: str
    org_id: int
    org_uuid: str
    org_name: str
    role: Role

    @classmethod
    def of(cls, row: Row) -> Self:
        """The caller that a row of accounts and organisations describes."""
        return cls(
            id=row["id"],
            email=row["email"],
            org_id=row["org_id"],
            org_uuid=row["org_uuid"],
            org_name=row["org_name"],
            role=role(row["role"]),
        )

    @property
    def site_admin(self) -> bool:
        """Whether the caller administers the server and therefore sees everything."""
        return self.role.may("perm_site_admin")


def named_organisation(name: str, organisation_uuid: str = "") -> Organisation:
    """An organisation; without a uuid it gets one that follows from its name.

    Raises:
        SandboxError: the name is empty or the uuid is not one.
    """
    if not name.strip():
        raise SandboxError("an organisation needs a name")
    try:
        given = uuid.UUID(organisation_uuid) if organisation_uuid else None
    except ValueError:
        raise SandboxError(f"organisation {name}: the uuid is not a uuid") from None
    return Organisation(name, str(given or uuid.uuid5(_NAMESPACE, name)))


SITE_ADMIN: Final = Account(
    "admin",
    Organisation("SANDBOX", str(uuid.uuid5(_NAMESPACE, "SANDBOX"))),
    RoleName.ADMIN,
    "admin@sandbox.test",
)
CSIRT: Final = named_organisation("KOS-CERT")
POLICE: Final = named_organisation("Kosovo Police")


def default_accounts(
    csirt: Organisation = CSIRT, police: Organisation = POLICE
) -> tuple[Account, ...]:
    """The usual recipient: the CSIRT pushes as ``sync``, the police work as ``police``.

    Args:
        csirt: the organisation that shares incidents.
        police: the agency whose MISP this is.
    """
    return (
        Account("sync", csirt, RoleName.SYNC),
        Account("police", police, RoleName.PUBLISHER),
    )


def open_accounts(store: Store, accounts: Sequence[Account]) -> dict[str, str]:
    """Make what is missing of organisations and accounts; answers the keys by name.

    Raises:
        SandboxError: two accounts have the same name.
    """
    wanted = (SITE_ADMIN, *accounts)
    if len({account.name for account in wanted}) < len(wanted):
        raise SandboxError("two accounts of the stand-in MISP have the same name")
    with store.working():
        for account in wanted:
            _open_account(store, account)
        rows = store.all("SELECT name, authkey FROM users ORDER BY id")
    return {row["name"]: row["authkey"] for row in rows}


def _open_account(store: Store, account: Account) -> None:
    organisation = account.organisation
    known = store.one("SELECT id FROM organisations WHERE uuid = ?", organisation.uuid)
    org_id = known["id"] if known else _add_organisation(store, organisation, local=1)
    user = store.one("SELECT id FROM users WHERE name = ?", account.name)
    fields = {"email": account.address, "org_id": org_id, "role": account.role.value}
    if user:
        store.update("users", user["id"], fields)
        return
    made = {
        "name": account.name,
        **fields,
        "authkey": "".join(secrets.choice(_LETTERS) for _ in range(KEY_LENGTH)),
        "nids_sid": 1_000_000 + secrets.randbelow(9_000_000),
        "created": store.now(),
    }
    store.insert("users", made)


def _add_organisation(store: Store, organisation: Organisation, *, local: int) -> int:
    return store.insert(
        "organisations",
        {
            "uuid": organisation.uuid,
            "name": organisation.name,
            "local": local,
            "created": store.now(),
        },
    )


def foreign_organisation(store: Store, name: str, organisation_uuid: str) -> int:
    """The number of an organisation that a synchronising client names, made if new."""
    known = store.one(
        "SELECT id FROM organisations WHERE uuid = ? OR (? = '' AND name = ?)",
        organisation_uuid,
        organisation_uuid,
        name,
    )
    if known:
        return int(known["id"])
    new = Organisation(
        name or organisation_uuid, organisation_uuid or str(uuid.uuid4())
    )
    return _add_organisation(store, new, local=0)


def caller_of(store: Store, key: str) -> Caller | None:
    """Who a key belongs to, or None."""
    row = store.one(
        "SELECT users.*, o.uuid AS org_uuid, o.name AS org_name FROM users"
        " JOIN organisations o ON o.id = users.org_id WHERE authkey = ?",
        key,
    )
    return Caller.of(row) if row else None


def write_private(path: Path, content: object) -> None:
    """Write JSON that only the owner may read, complete or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
    draft.replace(path)
