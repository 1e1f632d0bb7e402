"""How MISP changes a value before it checks and stores it.

(attribute type, value as sent) -> value as stored.

Invariants: pure, and never fails: a value that makes no sense comes back as it came
and is refused by :mod:`broker.sandbox.misp.checks`. Source: behaviour of MISP 2.5.1.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Final

from broker.sandbox.misp import moments
from broker.sandbox.misp.describe import words

_BLANKS: Final = " \t\n\r\0\x0b"
_BEYOND_BMP: Final = re.compile(r"[\U00010000-\U0010ffff]")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9._-]+\.[A-Za-z0-9-]{2,}")

_WEB: Final = frozenset({"link", "url"})
_MAIL: Final = frozenset({"email", "email-src", "email-dst"})
_NET: Final = frozenset({"ip-dst", "ip-src", "domain|ip", "domain", "hostname"})
_REFANG: Final = (
    (re.compile(r"^(?:hxxp|hxtp|htxp|meow|h\[tt\]p)", re.I), "http", _WEB),
    (re.compile(r"\[\.\]|\[dot\]|\(dot\)"), ".", _WEB | _MAIL | _NET),
    (re.compile(r"\[hxxp://\]"), "http://", _WEB),
    (re.compile(r"\[@\]|\[at\]"), "@", _MAIL),
    (re.compile(r"\[:\]"), ":", _WEB),
)
_HASHES: Final = words(
    "md5 sha1 sha224 sha256 sha384 sha512 sha512/224 sha512/256 sha3-224 sha3-256 "
    "sha3-384 sha3-512 authentihash vhash imphash pehash tlsh"
)
_LOWERED: Final = words(
    "ja3-fingerprint-md5 jarm-fingerprint hassh-md5 hasshserver-md5 hostname telfhash "
    "anonymised cdhash email email-src email-dst target-email whois-registrant-email "
    "dom-hash onion-address"
)


def lower(text: str) -> str:
    """Lower-case ASCII letters only, as the server's language does."""
    return text.encode().lower().decode() if not text.isascii() else text.lower()


def upper(text: str) -> str:
    """Upper-case ASCII letters only."""
    return text.encode().upper().decode() if not text.isascii() else text.upper()


def normalise(kind: str, value: str) -> str:
    """Give the value that MISP would store for an attribute of this type.

    Blanks are trimmed, defanged writing is undone, characters outside the basic plane
    become ``?``, and each type has its own notation: compare by uuid, never by value.
    """
    value = value.strip(_BLANKS)
    for pattern, plain, where in _REFANG:
        if kind in where:
            value = pattern.sub(plain, value)
    if not value.isascii():
        value = _BEYOND_BMP.sub("?", value)
    rule = _RULES.get(kind)
    return rule(value) if rule else value


def address(value: str) -> str:
    """An IP address or network as MISP writes it: IPv6 compressed, /32 and /128 cut."""
    if value.find("/") > 0:
        host, length = value.split("/", 1)
        host = _compressed(host)
        whole = (length == "32" and "." in value) or (length == "128" and ":" in value)
        return host if whole else f"{host}/{length}"
    return _compressed(value)


def _compressed(host: str) -> str:
    if ":" not in host:
        return host
    try:
        return socket.inet_ntop(
            socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host)
        )
    except (OSError, ValueError):
        return host


def _domain(value: str) -> str:
    value = lower(value).strip(".")
    if _DOMAIN.fullmatch(value):
        return value
    try:
        return value.encode("idna").decode("ascii")
    except UnicodeError:
        return value


def _domain_and_address(value: str) -> str:
    name, bar, rest = lower(value).partition("|")
    return f"{_domain(name)}|{address(rest.split('|')[0])}" if bar else name


def _hash_after_bar(value: str) -> str:
    name, bar, digest = value.partition("|")
    return name + bar + lower(digest) if bar else value


def _address_and_port(value: str) -> str:
    if value.count(":") >= 2:
        host, port = _split_ipv6(value)
    elif ":" in value:
        host, port = value.split(":")
    elif "|" in value:
        host, port, *_ = value.split("|")
    else:
        return value
    return f"{address(host)}|{port}"


def _split_ipv6(value: str) -> tuple[str, str]:
    """Part an IPv6 address from its port in the notations MISP knows."""
    bracketed = re.fullmatch(r"\[([^\]]*)\]:(.*)", value)
    if bracketed:
        return bracketed[1], bracketed[2]
    for mark in ("|", ".", " port ", "p", "#"):
        if mark in value:
            host, port, *_ = value.split(mark)
            return host, port
    host, _, port = value.rpartition(":")
    return host, port


def _mac(value: str) -> str:
    digits = re.sub(r"[.:\- ]", "", lower(value))
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _phone(value: str) -> str:
    value = f"+{value[2:]}" if value.startswith("00") else value
    return re.sub(r"[^+0-9]+", "", value.replace("(0)", ""))


def _autonomous_system(value: str) -> str:
    value = value[2:] if upper(value[:2]) == "AS" else value
    high, dot, low = value.partition(".")
    if dot and high.isascii() and high.isdigit() and low.isascii() and low.isdigit():
        return str(int(high) * 65_536 + int(low))
    return value


def _datetime(value: str) -> str:
    # "now" is not needed: words such as "yesterday" are left for the check to refuse.
    moment: datetime | None = moments.read(value, 0) if value[:1].isdigit() else None
    return moments.written(moment) if moment else value


def _boolean(value: str) -> str:
    value = lower(value).strip(_BLANKS)
    return "0" if value in ("false", "0", "") else "1"


def _cutter(unwanted: str) -> Callable[[str], str]:
    pattern = re.compile(unwanted)
    return lambda value: pattern.sub("", value)


def _account(value: str) -> str:
    return re.sub(r"[^0-9A-Z]+", "", upper(value))


def _advisory(value: str) -> str:
    return upper(value.replace("\N{EN DASH}", "-"))


def _fingerprint(value: str) -> str:
    return lower(value.replace(":", ""))


def _host_and_port(value: str) -> str:
    return lower(value).replace(":", "|")


_RULES: Final[dict[str, Callable[[str], str]]] = {
    **dict.fromkeys([*_HASHES, *_LOWERED], lower),
    **{f"filename|{digest}": _hash_after_bar for digest in _HASHES},
    **dict.fromkeys(("ip-src", "ip-dst"), address),
    **dict.fromkeys(("ip-src|port", "ip-dst|port"), _address_and_port),
    **dict.fromkeys(("mac-address", "mac-eui-64"), _mac),
    **dict.fromkeys(("vulnerability", "weakness"), _advisory),
    **dict.fromkeys(("cc-number", "bin"), _cutter(r"[^0-9]+")),
    **dict.fromkeys(("iban", "bic"), _account),
    **dict.fromkeys(("prtn", "whois-registrant-phone", "phone-number"), _phone),
    **{f"x509-fingerprint-{how}": _fingerprint for how in ("md5", "sha1", "sha256")},
    **dict.fromkeys(("http-method", "hex"), upper),
    "domain": _domain,
    "domain|ip": _domain_and_address,
    "hostname|port": _host_and_port,
    "AS": _autonomous_system,
    "datetime": _datetime,
    "boolean": _boolean,
}
