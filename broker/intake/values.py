"""The normal form of an observable's value: as MISP and STIX write it.

A value + the row of its kind -> the same value in normal form, or nothing when it is
not a value of that kind. MISP stores the normal form, so what is read back compares
equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Any, Final

from broker.model.incident import Shape
from broker.model.mapping import ObservableKind

_REFANG: Final = (("[.]", "."), ("(.)", "."), ("[:]", ":"), ("[at]", "@"), ("[@]", "@"))
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)[^\s/:@.\x00-\x20]{1,63}(\.[^\s/:@.\x00-\x20]{1,63})+"
)
_EMAIL: Final = re.compile(r"[^\s@\x00-\x20]{1,64}@[^\s@\x00-\x20]{1,253}")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
# The most frequent value of all, without the cost of an address object.
_IPV4: Final = re.compile(
    r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
)
_HEX: Final = re.compile(r"[0-9a-f]+")
_HASH_LENGTH: Final = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128,
    "sha512-224": 56, "sha512-256": 64, "sha3-224": 56, "sha3-256": 64, "sha3-384": 96,
    "sha3-512": 128, "imphash": 32, "pehash": 40, "authentihash": 64, "tlsh": 70,
    "x509-md5": 32, "x509-sha1": 40, "x509-sha256": 64, "hassh": 32, "hassh-server": 32,
    "git-commit": 40, "ja3-fingerprint": 32, "jarm": 62,
}  # fmt: skip
# A range that makes more networks than these is none that anybody meant.
_MOST_NETWORKS: Final = 16
_DIALLED: Final = re.compile(r"\+?[0-9]{3,}")
# One blank-free line: what every other value is, as far as its shape can tell.
_PLAIN: Final = re.compile(r"[^\x00-\x1f]+")


def normal(value: str, row: ObservableKind) -> str | None:
    """Return a value in the normal form of its kind, or None when it is not of it."""
    value = value.strip()
    if row.stix.number:
        digits = value.upper().removeprefix("AS")
        plain = len(digits) < 11 and digits.isascii() and digits.isdigit()
        if not plain or int(digits) > _LARGEST:
            return None
        return str(int(digits))
    check = _CHECKS.get(row.shape)
    if check is not None:
        return check(_refanged(value), row.kind)
    written = _WRITTEN.get(row.kind)
    if written is not None:
        value = written(value)
    form = _FORMS.get(row.kind)
    if form is not None and not form.fullmatch(value):
        return None
    if row.shape is Shape.TEXT:
        return value or None
    return value if _PLAIN.fullmatch(value) else None


# Of an autonomous system (RFC 6793, 3).
_LARGEST: Final = 2**32 - 1
# Kinds that are written in one case have few words or none: base64 of a withheld value
# could be neither found nor read any more, and would still be one.
_FORMS: Final = {
    "cve": re.compile(r"CVE-\d{4}-\d{4,19}", re.ASCII),
    "weakness": re.compile(r"CWE-\d{1,7}", re.ASCII),
    # RFC 9110, 9.3; RFC 5789; RFC 4918, 9; RFC 3253, 3.6; RFC 5323, 2.
    "http-method": re.compile(
        "GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|PROPPATCH|MKCOL"
        "|COPY|MOVE|LOCK|UNLOCK|REPORT|SEARCH"
    ),
    "vhash": re.compile(r"[0-9a-z]{4,128}", re.ASCII),
}


def _account(value: str) -> str:
    # ISO 13616: printed in groups of four, sent without blanks.
    return re.sub(r"[^0-9A-Z]", "", value.upper())


def _card(value: str) -> str:
    return re.sub(r"[^0-9]", "", value)


def _mac(value: str) -> str:
    digits = re.sub(r"[.:\- ]", "", value.lower())
    if len(digits) != 12 or not _HEX.fullmatch(digits):
        return ""
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


# One spelling each, so that the same account is one observable with one pseudonym.
_WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "cve": str.upper,
    "weakness": str.upper,
    "http-method": str.upper,
    "pseudonym": str.lower,
    "iban": _account,
    "bic": _account,
    "payment-card": _card,
    "card-bin": _card,
    "mac": _mac,
}


def _refanged(value: str) -> str:
    if "[" not in value and "(" not in value and value[1:3].lower() != "xx":
        return value
    for mark, plain in _REFANG:
        value = value.replace(mark, plain)
    return re.sub(r"^hxxp(s?)", r"http\1", value, flags=re.IGNORECASE)


def _address(value: str, kind: str) -> str | None:
    if kind == "ipv4" and _IPV4.fullmatch(value):
        return value
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return None
    if (kind == "ipv4" and network.version != 4) or (
        kind == "ipv6" and network.version != 6
    ):
        return None
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def _matching(pattern: re.Pattern[str], value: str, kind: str) -> str | None:  # noqa: ARG001
    return value if pattern.fullmatch(value) else None


def _domain(value: str, kind: str) -> str | None:
    domain = value.rstrip(".").lower()
    # An address is no name: as a domain it would pass rules that are about names.
    return None if _IPV4.fullmatch(domain) else _matching(_DOMAIN, domain, kind)


def _email(value: str, kind: str) -> str | None:
    return _matching(_EMAIL, value.lower(), kind)


def _hash(value: str, kind: str) -> str | None:
    value = value.lower()
    if kind in _SPELLED:
        value = _SPELLED[kind](value)
    length = _HASH_LENGTH.get(kind, len(value))
    return value if len(value) == length and _HEX.fullmatch(value) else None


def _without_colons(value: str) -> str:
    return value.replace(":", "")


def _without_version(value: str) -> str:
    # TLSH since 4.0 writes T1 before its 70 digits; STIX 2.1 (10.6) knows 70.
    return value.removeprefix("t1")


_SPELLED: Final[dict[str, Callable[[str], str]]] = {
    "tlsh": _without_version,
    **dict.fromkeys(("x509-md5", "x509-sha1", "x509-sha256"), _without_colons),
}


def _phone(value: str, kind: str) -> str | None:  # noqa: ARG001
    # As MISP stores it: only what is dialled, and + for the international 00. A (0) is
    # the one that callers from abroad leave out.
    digits = re.sub(r"[^0-9+]", "", value.replace("(0)", ""))
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    return digits if _DIALLED.fullmatch(digits) else None


_CHECKS: Final[dict[Shape, Callable[[str, str], str | None]]] = {
    Shape.IP: _address,
    Shape.DOMAIN: _domain,
    Shape.EMAIL: _email,
    Shape.URL: partial(_matching, _URL),
    Shape.HASH: _hash,
    Shape.PHONE: _phone,
}


def networks(value: str) -> Iterator[str]:
    """Yield an address or network; a range as the networks that make it up."""
    first, dash, last = value.partition("-")
    if not dash:
        yield value
        return
    try:
        ends: Any = (ip_address(first.strip()), ip_address(last.strip()))
        found = list(summarize_address_range(*ends))
    except (ValueError, TypeError):
        found = []
    if 0 < len(found) <= _MOST_NETWORKS:
        yield from map(str, found)
    else:
        yield value  # is no address, so it is noted
