"""Ids of everything that is sent: the same input always gives the same id.

Two sorts. What Besa creates (report, identities, observed data) has an id derived from
the recipient's secret namespace, the incident and the thing's role: nobody without the
secret can compute or join them. Cyber-observable objects have the id that STIX 2.1
(2.9) prescribes, a UUIDv5 of the value that stands beside it, so that any consumer
merges them.

Invariant: no id is derived from a value that is withheld (redaction came before).
"""

from __future__ import annotations

from typing import Any, Final

from broker.canonical import dumps, uuid5

# STIX 2.1, section 2.9: the namespace of deterministic observable ids.
_STIX_NAMESPACE: Final = bytes.fromhex("00abedb4aa42466c9c01fed23315a9b7")

# STIX 2.1, section 6: which properties contribute to the id of each kind of observable.
_CONTRIBUTING: Final[dict[str, tuple[str, ...]]] = {
    "autonomous-system": ("number",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref", "extensions"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
    "directory": ("path",),
}
_HASH_ORDER: Final = ("MD5", "SHA-1", "SHA-256", "SHA-512")


class Ids:
    """The ids of one incident at one recipient."""

    __slots__ = ("_prefix",)

    def __init__(self, namespace: bytes, uid: str) -> None:
        self._prefix = namespace + uid.encode() + b"\n"

    def uuid(self, role: str) -> str:
        """Return the UUID of the thing that plays this role in the incident."""
        return uuid5(self._prefix, role.encode())

    def private_uuid(self, role: str) -> str:
        """Return a UUID for where STIX wants version 4: only the secret knows it."""
        made = self.uuid(role)
        return f"{made[:14]}4{made[15:]}"


def observable_id(kind: str, properties: dict[str, Any]) -> str:
    """Return the id of a cyber-observable object, as STIX 2.1 prescribes it.

    It is empty where none of the properties contributes to an id: then the id must be
    of version 4 (2.9), or all such objects would have the same.
    """
    named = {
        name: properties[name] for name in _CONTRIBUTING[kind] if name in properties
    }
    if not named:
        return ""
    hashes = named.get("hashes")
    if hashes:
        chosen = next((name for name in _HASH_ORDER if name in hashes), min(hashes))
        named["hashes"] = {chosen: hashes[chosen]}
    return f"{kind}--{uuid5(_STIX_NAMESPACE, dumps(named))}"
