"""IP addresses, also as networks, backwards in DNS and in names of machines.

IPv4 in four decimal parts; IPv6 as RFC 4291, 2.2 writes it. Four numbers that are
called a version or a section are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv6Address
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|0?\d?\d)"
_V4: Final = re.compile(
    rf"(?<![\w.])(?<!\d-){_OCTET}(?:\.{_OCTET}){{3}}(?:/\d\d?|:\d{{1,5}})?"
    r"(?:\.in-addr\.arpa)?(?!\.?\d)(?![A-Za-z_])",
    re.IGNORECASE,
)
_SPACED: Final = re.compile(rf"(?<![\w.]){_OCTET}(?: ?\. ?{_OCTET}){{3}}(?![\w.])")
_SAID: Final = re.compile(r"\b(?:ip|adres\w*|address|host|server\w*)\b[^\d\n]{0,12}$")
# As providers name the machines of their customers.
_HYPHENS: Final = re.compile(
    rf"(?<!\d)(?<!\d-){_OCTET}(?:-{_OCTET}){{3}}(?=\.[a-z])(?:\.[a-z0-9-]{{1,63}}){{1,6}}"
)
_V6: Final = re.compile(
    r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:[0-9.]{7,15})?"
    r"(?:%[\w-]{1,16})?(?:/\d{1,3})?(?![\w:])"
)
_V6_REVERSED: Final = re.compile(r"(?<![\w.])(?:[0-9a-f]\.){32}ip6\.arpa\b")
# One number where a host stands: what every browser takes for an IPv4 address.
_NUMBER: Final = re.compile(r"(?<=://)(?:\d{8,10}|0x[0-9a-f]{8})(?![\w.])")
# Every machine's own, and nobody's.
_NOBODYS: Final = re.compile(
    r"0\.0\.0\.0|127(?:\.\d{1,3}){3}|255\.255\.255\.\d{1,3}|::1?"
)
_VERSION: Final = re.compile(
    r"\b(?:v|ver|version\w*|verzij\w*|release|build|section\w*|seksion\w*|nen\w*|clan\w*"
    r"|article|pika|tacka|oid|firmware|driver|chrome/|firefox/|update)[ .:/]{0,3}$"
)


class IpAddress(Detector):
    """An address: its provider knows who had it at a given time."""

    name: ClassVar = "IP address"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every address of both versions."""
        for found in _V4.finditer(reading.text):
            if not _NOBODYS.match(found[0]) and not before(
                reading, found.start(), _VERSION, reach=16
            ):
                yield found.span()
        lower = reading.lower
        for pattern in (_HYPHENS, _V6_REVERSED, _NUMBER):
            for found in pattern.finditer(lower):
                yield found.span()
        for found in _SPACED.finditer(lower):
            if " " in found[0] and before(reading, found.start(), _SAID, reach=24):
                yield found.span()
        for found in _V6.finditer(lower):
            if _is_v6(found[0]):
                yield found.span()


@lru_cache(maxsize=1024)
def _is_v6(written: str) -> bool:
    address = re.split("[%/]", written)[0]
    if _NOBODYS.fullmatch(address):
        return False
    # Words of the letters a to f around two colons are a name in a program.
    if not any(map(str.isdigit, address)):
        return False
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True
