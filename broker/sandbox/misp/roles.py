"""The roles of a MISP server: who may do what.

Role name -> permissions, as the stock role table of MISP 2.5.1 gives them.

Invariants: a role's permissions never change while the server runs; permissions carry
the server's own names, because clients read them in ``users/view/me``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class RoleName(StrEnum):
    """The stock roles, from the one who may do everything to the one who may read."""

    ADMIN = "admin"
    ORG_ADMIN = "org-admin"
    USER = "user"
    PUBLISHER = "publisher"
    SYNC = "sync"
    READONLY = "readonly"


@dataclass(frozen=True, slots=True)
class Role:
    """One role with its number, its display name and what it permits."""

    id: int
    name: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the role has a permission, such as ``perm_publish``."""
        return permission in self.permissions

    def shown(self, created: str) -> dict[str, Any]:
        """The role as ``users/view/me`` answers it."""
        level, description = self._summary()
        return {
            "id": str(self.id),
            "name": self.name,
            "created": created,
            "modified": created,
            **{permission: self.may(permission) for permission in PERMISSIONS},
            "default_role": self.id == _ROLES[RoleName.USER].id,
            "memory_limit": None,
            "max_execution_time": None,
            "restricted_to_site_admin": False,
            "enforce_rate_limit": False,
            "rate_limit_count": "0",
            "permission": level,
            "permission_description": description,
        }

    def _summary(self) -> tuple[str, str]:
        for number, (permission, description) in enumerate(_SUMMARIES):
            if self.may(permission):
                return str(3 - number), description
        return "0", "read_only"


_SUMMARIES: Final = (
    ("perm_publish", "publish"),
    ("perm_modify_org", "manage_org_events"),
    ("perm_add", "manage_own_events"),
)

_READ: Final = frozenset({"perm_audit", "perm_auth"})
_WRITE: Final = _READ | {
    "perm_add",
    "perm_modify",
    "perm_modify_org",
    "perm_tagger",
    "perm_sighting",
    "perm_decaying",
    "perm_galaxy_editor",
    "perm_analyst_data",
}
_PUBLISH: Final = _WRITE | {
    "perm_publish",
    "perm_publish_zmq",
    "perm_publish_kafka",
    "perm_delegate",
}
_SYNC: Final = _PUBLISH | {"perm_sync", "perm_sharing_group", "perm_tag_editor"}
_ORG_ADMIN: Final = (_SYNC - {"perm_sync"}) | {"perm_admin", "perm_template"}
_ADMIN: Final = (_SYNC | _ORG_ADMIN) | {
    "perm_site_admin",
    "perm_regexp_access",
    "perm_object_template",
    "perm_warninglist",
    "perm_view_feed_correlations",
}

PERMISSIONS: Final = tuple(sorted(_ADMIN | {"perm_skip_otp"}))
"""Every permission that a role may have or lack."""

_ROLES: Final = {
    RoleName.ADMIN: Role(1, "admin", _ADMIN),
    RoleName.ORG_ADMIN: Role(2, "Org Admin", _ORG_ADMIN),
    RoleName.USER: Role(3, "User", _WRITE),
    RoleName.PUBLISHER: Role(4, "Publisher", _PUBLISH),
    RoleName.SYNC: Role(5, "Sync user", _SYNC),
    RoleName.READONLY: Role(6, "Read Only", _READ),
}


def role(name: str) -> Role:
    """The stock role of a name such as ``sync``."""
    return _ROLES[RoleName(name)]
