"""The ids of STIX observables, made again from the values beside them.

Objects of a bundle -> a breach for each whose id is of another value.

Source: STIX 2.1, section 2.9; deterministic ids are a UUIDv5 of the properties that
stand in the table below, in canonical JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from broker.canonical import dumps
from broker.model.sharing import Breach

_STIX_NAMESPACE: Final = bytes.fromhex("00abedb4aa42466c9c01fed23315a9b7")
# STIX 2.1, section 6: the properties of which an observable's id is made.
VALUES_OF: Final[dict[str, tuple[str, ...]]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref", "extensions"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": (
        *("start", "end", "src_ref", "dst_ref"),
        *("src_port", "dst_port", "protocols", "extensions"),
    ),
    "process": (),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
    "directory": ("path",),
}


def id_breaches(objects: list[dict[str, Any]]) -> Iterator[Breach]:
    """Recompute each observable's id from the value that stands beside it.

    An id made from another value would give that value away: the id is a public hash.
    """
    for made in objects:
        named = VALUES_OF.get(made["type"])
        if named is None:
            continue
        parts = {name: made[name] for name in named if name in made}
        if not parts and made["id"][-22] == "4":
            continue  # STIX 2.1, 2.9: made of nothing, so of no value
        if "hashes" in parts:
            order = [
                h
                for h in ("MD5", "SHA-1", "SHA-256", "SHA-512")
                if h in parts["hashes"]
            ]
            chosen = order[0] if order else min(parts["hashes"])
            parts["hashes"] = {chosen: parts["hashes"][chosen]}
        digest = bytearray(
            hashlib.sha1(
                _STIX_NAMESPACE + dumps(parts), usedforsecurity=False
            ).digest()[:16]
        )
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        h = digest.hex()
        if (
            made["id"]
            != f"{made['type']}--{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
        ):
            yield Breach("id-of-another-value", f"objects[{made['type']}].id")
