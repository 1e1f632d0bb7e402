"""A value for every field of an incident, so that a witness can have any of them.

A field path or a kind of observable -> a value that intake takes. Invented names,
documentation addresses and domains that end in ``.example`` only.
"""

from __future__ import annotations

from typing import Any, Final

from broker.model.incident import Declared, Shape, declarations
from broker.model.mapping import ObservableKind

_BY_SHAPE: Final[dict[Shape, Any]] = {
    Shape.TEXT: "Something that was written down",
    Shape.NAME: "Ana Shembulli",
    Shape.CODE: "en",
    Shape.NUMBER: 1,
    Shape.FLAG: True,
    Shape.EMAIL: "ana@mail.example",
    Shape.PHONE: "+38344000900",
    Shape.IP: "192.0.2.17",
    Shape.DOMAIN: "verify.example",
    Shape.URL: "https://verify.example/in",
    Shape.HASH: "464bbcd871980a9bb529a35a1d752c2165c9546faf4ee4faf50f430518735fe8",
    Shape.ACCOUNT: "1234567890",
}
_BY_FIELD: Final[dict[str, Any]] = {
    "confidence": 50,
    "financial_loss.amount": "100.00",
    "financial_loss.currency": "EUR",
    "handling_caveats[]": "Not to be used before the source has agreed",
    "relations[].uid": "WITNESS-2",
    "relations[].kind": "related-to",
    "reporter.kind": "organisation",
    "reporter.organisation": "Shembulli Bank",
    "origin.format": "rtir",
    "victims[].country": "XK",
    "suspects[].country": "XK",
    "suspects[].name": "Filan Fisteku",
    "suspects[].accounts[]": "XK099999000000000222",
    "financial_loss.accounts[]": "XK099999000000000333",
    "victims[].personal_number": "1170000017",
    "suspects[].personal_number": "1170000025",
    "evidence[].size": 1024,
    "evidence[].media_type": "text/plain",
    "victims[].kind": "person",
    "suspects[].kind": "person",
}
_BY_KIND: Final[dict[str, str]] = {
    "ipv6": "2001:db8::17",
    "onion": "besatestbesatestbesatestbesatestbesatestbesatestbesatest.onion",
    "asn": "64496",
    "mac": "00:00:5e:00:53:01",
    "port": "8443",
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha224": "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
    "sha384": "38b060a751ac9638" * 6,
    "sha512": "cf83e1357eefb8bd" * 8,
    "cve": "CVE-2026-0001",
    "iban": "XK099999000000000111",
    "payment-card": "4111111111111111",
    "imei": "490154203237518",
    "jarm": "29d29d00029d29d21c42d43d00041d" + "0" * 32,
    "ja3-fingerprint": "e7d705a3286e19ea42f587b344ee6865",
    **dict.fromkeys(("imphash", "x509-md5", "hassh", "hassh-server"), "5eba" * 8),
    **dict.fromkeys(("pehash", "x509-sha1", "git-commit"), "5eba" * 10),
    **dict.fromkeys(("sha512-224", "sha3-224"), "5eba" * 14),
    "sha3-384": "5eba" * 24,
    "sha3-512": "5eba" * 32,
    "tlsh": "5eba5" * 14,
    "vhash": "5eba" * 4,
    "http-method": "POST",
    "weakness": "CWE-79",
}
# What a part cannot be without.
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "evidence[]": ("evidence[].name", "evidence[].sha256"),
    "affected_systems[]": ("affected_systems[].name",),
    "relations[]": ("relations[].uid",),
    "financial_loss": ("financial_loss.amount",),
    "origin": ("origin.format", "origin.sha256"),
}
_DECLARED: Final[dict[str, Declared]] = declarations()


def of_field(path: str) -> Any:
    """Return a value for a field that is neither a time nor an observable's value."""
    if path in _BY_FIELD:
        return _BY_FIELD[path]
    return _BY_SHAPE[_DECLARED[path].shape]


def is_time(path: str) -> bool:
    """Say whether a field is a point in time."""
    return _DECLARED[path].shape is Shape.TIME


def of_kind(kind: ObservableKind) -> str:
    """Return a value of a kind of observable."""
    if kind.kind in _BY_KIND:
        return _BY_KIND[kind.kind]
    if kind.stix.number:
        return "64496"
    if kind.shape is Shape.TEXT:
        return f"something of the kind {kind.kind}"
    return str(_BY_SHAPE.get(kind.shape, f"some {kind.kind}"))
