"""Whether a value is on a list of what is probably nobody's crime.

`KnownGood` lists, once -> `Listed`; a value as its recipient sees it -> a list's title.

Invariant: only the value that the recipient sees is looked up, so that the answer tells
nothing that the value does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from broker.model.incident import Shape
from broker.model.known_good import KnownGood


class Listed:
    """All lists together, ready to look values up."""

    __slots__ = ("_exact", "_networks", "_prefixes", "of")

    def __init__(self, lists: Iterable[KnownGood]) -> None:
        self._exact: dict[str, str] = {}  # names and hashes; the first list wins
        self._networks: dict[IPv4Network | IPv6Network, str] = {}
        for each in lists:
            for text in (*each.names, *each.hashes):
                self._exact.setdefault(text, each.title)
            for network in each.networks:
                self._networks.setdefault(ip_network(network), each.title)
        # A few dozen lengths, so that ten thousand networks cost no more than ten.
        self._prefixes = {
            version: sorted(
                {n.prefixlen for n in self._networks if n.version == version}
            )
            for version in (4, 6)
        }
        self.of = lru_cache(maxsize=4096)(self._of)

    def _of(self, shape: Shape, value: str) -> str:
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
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            return ""
        for length in self._prefixes[network.version]:
            if length > network.prefixlen:
                break
            title = self._networks.get(network.supernet(new_prefix=length))
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
