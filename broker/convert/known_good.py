"""Whether a value is on a list of what is probably nobody's crime.

`KnownGood` lists, once -> `Listed`; a value as its recipient sees it -> a list's title.

Invariant: only the value that the recipient sees is looked up, so that the answer tells
nothing that the value does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from broker.model.incident import Shape
from broker.model.known_good import KnownGood

# The most frequent values of all, told without the cost of an address or URL object:
# an IPv4 address, and a URL whose host is a name.
_OCTET: Final = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4: Final = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}", re.ASCII)
_AT_A_NAME: Final = re.compile(r"[a-z]+://[A-Za-z0-9.-]*[A-Za-z](?=[/?#]|\Z)")
_BITS: Final = {4: 32, 6: 128}


class Listed:
    """All lists together, ready to look values up."""

    __slots__ = ("_exact", "_networks")

    def __init__(self, lists: Iterable[KnownGood]) -> None:
        self._exact: dict[str, str] = {}  # names and hashes; the first list wins
        # By version, then by length: a few dozen lengths, so that ten thousand networks
        # cost no more than ten. A network is the number that its first bits make.
        self._networks: dict[int, dict[int, dict[int, str]]] = {4: {}, 6: {}}
        for each in lists:
            for text in (*each.names, *each.hashes):
                self._exact.setdefault(text, each.title)
            for written in each.networks:
                network = ip_network(written)
                length = network.prefixlen
                first = int(network.network_address) >> _BITS[network.version] - length
                of_length = self._networks[network.version].setdefault(length, {})
                of_length.setdefault(first, each.title)
        for version, by_length in self._networks.items():
            self._networks[version] = dict(sorted(by_length.items()))

    def of(self, shape: Shape, value: str) -> str:
        """Return the title of a list that a value is on; empty when it is on none."""
        match shape:
            case Shape.IP:
                return self._network(value)
            case Shape.DOMAIN:
                return self._name(value)
            case Shape.URL:
                return self._host(value)
            case Shape.HASH:
                return self._exact.get(value, "")
        return ""

    def _network(self, value: str) -> str:
        plain = _IPV4.fullmatch(value)
        if plain:
            one, two, three, four = map(int, plain.groups())
            return self._among(4, one << 24 | two << 16 | three << 8 | four, 32)
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            return ""
        first = int(network.network_address)
        return self._among(network.version, first, network.prefixlen)

    def _among(self, version: int, first: int, prefixlen: int) -> str:
        """Return the title of the widest listed network that holds one; or nothing."""
        bits = _BITS[version]
        for length, networks in self._networks[version].items():
            if length > prefixlen:
                break
            title = networks.get(first >> bits - length)
            if title is not None:
                return title
        return ""

    def _name(self, value: str) -> str:
        name = value.lower().rstrip(".")
        title = self._exact.get(name)
        while title is None and name:
            title = self._exact.get(f".{name}")
            name = name.partition(".")[2]
        return title or ""

    def _host(self, value: str) -> str:
        if _AT_A_NAME.match(value):
            return ""
        try:
            host = urlsplit(value).hostname or ""
        except ValueError:
            return ""
        # A page on a well-known site can be a crime all the same: only the sites that
        # are listed with all that is beneath them, and addresses, say otherwise.
        return self._network(host) if host[-1:].isdigit() or ":" in host else ""


@lru_cache(maxsize=8)
def listed_in(lists: tuple[KnownGood, ...]) -> Listed:
    """Return lists ready to look values up; the same lists are prepared once."""
    return Listed(lists)
