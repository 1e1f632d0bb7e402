"""Whether a value is one that MISP accepts for its attribute type.

(attribute type, value after :func:`values.normalise`) -> None, or what is wrong.

Invariants: pure; a message never holds the value. The two sentences about IP addresses
and ports are the server's own, because clients meet them; the others only say as much.
Source: behaviour of MISP 2.5.1 (what it drops without telling the sender).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from typing import Final

import orjson

from broker.sandbox.misp.describe import words

BAD_ADDRESS: Final = "IP address has an invalid format."
BAD_PORT: Final = "Port numbers have to be integers between 1 and 65535."

_HEX_DIGITS: Final = {
    "md5": 32,
    "sha1": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "sha512/224": 56,
    "sha512/256": 64,
    "sha3-224": 56,
    "sha3-256": 64,
    "sha3-384": 96,
    "sha3-512": 128,
    "authentihash": 64,
    "imphash": 32,
    "pehash": 40,
    "git-commit-id": 40,
    "x509-fingerprint-md5": 32,
    "x509-fingerprint-sha1": 40,
    "x509-fingerprint-sha256": 64,
    "ja3-fingerprint-md5": 32,
    "jarm-fingerprint": 62,
    "hassh-md5": 32,
    "hasshserver-md5": 32,
    "dom-hash": 32,
}
_NAMED: Final = tuple(_HEX_DIGITS)[:15]
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_DIGITS: Final = re.compile(r"[0-9]+")
_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
_SSDEEP: Final = r"[0-9]+:[0-9a-zA-Z/+]*:[0-9a-zA-Z/+]*"
_DOMAIN: Final = re.compile(r"[A-Za-z0-9._-]+\.[A-Za-z0-9-]{2,}")
_URL: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/?#@]*@)?"
    r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::[0-9]{1,5})?(?:[/?#][!-~]*)?"
)
_SERVICE_NAME: Final = 256
_LAST_AS: Final = 4_294_967_295
_CODE_HASH: Final = r"[0-9a-f]{40,}"
_METHODS: Final = re.compile(
    "OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|"
    "LOCK|REPORT|CHECKOUT|CHECKIN|UPDATE|LABEL|MERGE|ACL|PATCH|SEARCH|MKACTIVITY"
)

Check = Callable[[str], str | None]


def problem(kind: str, value: str) -> str | None:
    """Say what is wrong with a value, or None when MISP would store it."""
    check = _CHECKS.get(kind, _one_line)
    return check(value)


def is_address(text: str) -> bool:
    """Whether a text is one IPv4 or IPv6 address, without zone or network length."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _whole(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None


def _anything(_value: str) -> str | None:
    return None


def _one_line(value: str) -> str | None:
    return "the value must stay on one line" if "\n" in value else None


def _address(value: str) -> str | None:
    host, slash, length = value.partition("/")
    if slash and not _whole(length):
        return "the network length is not a number"
    if not is_address(host):
        return BAD_ADDRESS
    longest = 128 if ":" in host else 32
    return "the network length is too big" if slash and int(length) > longest else None


def _port(value: str) -> str | None:
    return None if _whole(value) and 1 <= int(value) <= 65_535 else BAD_PORT


def _domain(value: str) -> str | None:
    return None if _DOMAIN.fullmatch(value) else "not a domain or host name"


def _parts(first: Check, second: Check) -> Check:
    def check(value: str) -> str | None:
        one, _, other = value.partition("|")
        return first(one) or second(other)

    return check


def _single_address(value: str) -> str | None:
    return None if is_address(value) else BAD_ADDRESS


def _matching(pattern: str, message: str, flags: int = 0) -> Check:
    compiled = re.compile(pattern, flags)
    return lambda value: None if compiled.fullmatch(value) else message


def _hash(digits: int) -> Check:
    return _matching(rf"[0-9a-fA-F]{{{digits}}}", f"not {digits} hexadecimal digits")


def _named_hash(digits: int) -> Check:
    return _matching(
        rf".+\|[0-9a-f]{{{digits}}}", f"not a file name, a bar and {digits} hex digits"
    )


def _number(value: str) -> str | None:
    return None if _NUMBER.fullmatch(value) else "not a number"


def _count(value: str) -> str | None:
    return None if _whole(value) else "not a whole number of 0 or more"


def _never(_value: str) -> str | None:
    # Read in MISP 2.5.1: it asks for a number type, but every value arrives as text.
    return "this server refuses every value of this type"


def _autonomous_system(value: str) -> str | None:
    if _whole(value) and int(value) <= _LAST_AS:
        return None
    return "not the number of an autonomous system"


def _datetime(value: str) -> str | None:
    written = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4}", value)
    return None if written else "not a date and time in ISO 8601"


def _service(value: str) -> str | None:
    wrong = len(value.encode()) > _SERVICE_NAME or "/" in value or "\\" in value
    return "not the name of a service" if wrong else None


def _json(value: str) -> str | None:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return "not JSON"
    return None


def _http_method(value: str) -> str | None:
    return None if _METHODS.search(value) else "not an HTTP method"


def _tlsh(value: str) -> str | None:
    digits = value.removeprefix("t")
    good = len(digits) > 35 and _HEX.fullmatch(digits)
    return None if good else "not a TLSH hash"


def _ssh_fingerprint(value: str) -> str | None:
    if value.startswith("SHA256:"):
        try:
            raw = base64.b64decode(
                value[7:] + "=" * (-len(value[7:]) % 4), validate=True
            )
        except binascii.Error:
            raw = b""
        return None if len(raw) == 32 else "not an SSH fingerprint"
    return _hash(32)(value.removeprefix("MD5:").replace(":", ""))


_FREE: Final = words(
    "mutex process-state snort bro zeek community-id anonymised pattern-in-file "
    "pattern-in-traffic pattern-in-memory filename-pattern pgp-public-key "
    "pgp-private-key yara stix2-pattern sigma gene kusto-query mime-type "
    "identity-card-number cookie attachment malware-sample comment text other cpe "
    "email-attachment email-body email-header first-name middle-name last-name "
    "full-name"
)
_MAIL: Final = words(
    "email email-src email-dst eppn target-email whois-registrant-email dns-soa-email "
    "jabber-id"
)
_NUMBERS: Final = words(
    "bin cc-number bank-account-nr aba-rtn prtn phone-number whois-registrant-phone "
    "float"
)

_CHECKS: Final[dict[str, Check]] = {
    **dict.fromkeys(_FREE, _anything),
    **{kind: _hash(digits) for kind, digits in _HEX_DIGITS.items()},
    **{f"filename|{kind}": _named_hash(_HEX_DIGITS[kind]) for kind in _NAMED},
    **dict.fromkeys(_MAIL, _matching(r".\S*@.*\..*", "not an e-mail address")),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(("ip-src", "ip-dst"), _address),
    **dict.fromkeys(("ip-src|port", "ip-dst|port"), _parts(_single_address, _port)),
    **dict.fromkeys(("domain", "hostname"), _domain),
    **dict.fromkeys(("size-in-bytes", "counter"), _count),
    **dict.fromkeys(
        ("iban", "bic", "btc", "dash", "xmr"),
        _matching(r"[a-zA-Z0-9]+", "not letters and digits only"),
    ),
    **dict.fromkeys(("windows-service-name", "windows-service-displayname"), _service),
    "domain|ip": _parts(_domain, _single_address),
    "hostname|port": _parts(_domain, _port),
    "port": _port,
    "mac-address": _matching(r"(?:[a-fA-F0-9]{2}:?){6}", "not a MAC address"),
    "mac-eui-64": _matching(r"(?:[a-fA-F0-9]{2}:?){8}", "not an EUI-64"),
    # MISP 2.5.1 means to take 56 characters as well, and has a slip in the pattern.
    "onion-address": _matching(r"[a-z2-7]{16}\.onion", "not an onion"),
    "vulnerability": _matching(r"CVE-[0-9]{4}-[0-9]{4,}", "not a CVE number"),
    "weakness": _matching(r"CWE-[0-9]+", "not a CWE number"),
    "link": _matching(_URL.pattern, "not a URL with a scheme"),
    "hex": _matching(_HEX.pattern, "not hexadecimal"),
    "AS": _autonomous_system,
    "datetime": _datetime,
    "integer": _never,
    "boolean": _matching(r"[01]", "not a yes or no"),
    "cortex": _json,
    "http-method": _http_method,
    "ssdeep": _matching(_SSDEEP, "not an ssdeep hash"),
    "filename|ssdeep": _matching(rf"[^\n|]+\|{_SSDEEP}", "not a file name and ssdeep"),
    "impfuzzy": _matching(r"[0-9]+:[^:]*:[^:]*", "not an impfuzzy hash"),
    "tlsh": _tlsh,
    "filename|tlsh": _parts(_one_line, _tlsh),
    "telfhash": _matching(r".{70}|.{72}", "not a telfhash"),
    "cdhash": _matching(_CODE_HASH, "not a code hash"),
    "vhash": _matching(r".+", "empty"),
    "filename|vhash": _matching(r".+\|.+", "not a file name and a vhash"),
    "ssh-fingerprint": _ssh_fingerprint,
}
