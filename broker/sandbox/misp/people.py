"""Who is who: the server's version, accounts, roles and organisations.

``servers/...``, ``users/...`` and ``organisations/...`` -> answers.

Invariant: no answer holds a key.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from broker.sandbox.misp import describe, moments
from broker.sandbox.misp.calls import Answer, Call, RefusalError, is_uuid, view
from broker.sandbox.misp.roles import role
from broker.sandbox.misp.store import Row, Store

VERSION: Final = "2.5.1"
_SHOWN_RIGHTS: Final = (
    "perm_sync",
    "perm_sighting",
    "perm_galaxy_editor",
    "perm_analyst_data",
)
_HIDDEN: Final = "*****"


def server_uuid(store: Store) -> str:
    """The server's own uuid, made once."""
    row = store.one("SELECT value FROM server WHERE name = 'uuid'")
    if row:
        return str(row["value"])
    made = str(uuid.uuid4())
    store.run("INSERT INTO server VALUES ('uuid', ?)", made)
    return made


def version(call: Call) -> Answer:
    """``servers/getVersion``: which MISP this is, and what the caller may do."""
    return view(
        {
            "version": VERSION,
            "pymisp_recommended_version": VERSION,
            **{right: call.caller.role.may(right) for right in _SHOWN_RIGHTS},
            "uuid": server_uuid(call.store),
            "request_encoding": ["gzip"],
            "filter_sightings": True,
        }
    )


def pymisp_version(_call: Call) -> Answer:
    """``servers/getPyMISPVersion``: the client version that fits."""
    return view({"version": VERSION})


def attribute_types(_call: Call) -> Answer:
    """``attributes/describeTypes``: the types and categories that the server knows."""
    return view({"result": describe.described()})


def show_user(call: Call) -> Answer:
    """``users/view/me``: the caller; the site administrator may ask for others."""
    wanted = call.caller.id if call.first in ("", "me") else call.first
    user = call.store.one(
        "SELECT * FROM users WHERE id = ? OR email = ?", wanted, wanted
    )
    if user is None or (user["id"] != call.caller.id and not call.caller.site_admin):
        raise RefusalError(404, "Invalid user or not authorised.")
    organisation = call.store.one(
        "SELECT * FROM organisations WHERE id = ?", user["org_id"]
    )
    return view(
        {
            "User": _user(call, user),
            "Role": role(user["role"]).shown(moments.stamp(user["created"])),
            "UserSetting": [],
            "Organisation": _organisation(organisation) if organisation else {},
        }
    )


def _user(call: Call, user: Row) -> dict[str, Any]:
    made = str(user["created"])
    no = dict.fromkeys(
        (
            "autoalert",
            "termsaccepted",
            "change_pw",
            "contactalert",
            "disabled",
            "force_logout",
            "external_auth_required",
            "notification_daily",
            "notification_weekly",
            "notification_monthly",
        ),
        False,
    )
    return {
        **no,
        "id": str(user["id"]),
        "password": _HIDDEN,
        "org_id": str(user["org_id"]),
        "email": user["email"],
        "invited_by": "1",
        "gpgkey": "",
        "certif_public": "",
        "nids_sid": str(user["nids_sid"]),
        "newsread": "0",
        "role_id": str(role(user["role"]).id),
        "expiration": None,
        "current_login": "0",
        "last_login": "0",
        "date_created": made,
        "date_modified": made,
        "sub": None,
        "external_auth_key": "",
        "last_api_access": str(call.store.now()),
        "totp": _HIDDEN,
        "hotp_counter": None,
        "last_pw_change": made,
        "totp_is_set": "0",
    }


def _organisation(row: Row) -> dict[str, Any]:
    made = moments.stamp(row["created"])
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "date_created": made,
        "date_modified": made,
        "description": None,
        "type": "",
        "nationality": "",
        "sector": "",
        "created_by": "1",
        "uuid": row["uuid"],
        "contacts": None,
        "local": bool(row["local"]),
        "restricted_to_domain": None,
        "landingpage": None,
    }


def organisations(call: Call) -> Answer:
    """``organisations/index``: the organisations with accounts here, or all of them."""
    everyone = {**call.named, **call.given()}.get("scope") == "all"
    rows = call.store.all(
        "SELECT * FROM organisations WHERE local OR ? ORDER BY id", int(everyone)
    )
    return view([{"Organisation": _organisation(row)} for row in rows])


def show_organisation(call: Call) -> Answer:
    """``organisations/view/<organisation>``: one organisation."""
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT * FROM organisations WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    if row is None:
        raise RefusalError(404, "Invalid organisation")
    return view({"Organisation": _organisation(row)})
