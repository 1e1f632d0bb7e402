"""Lists of what is probably nobody's crime: public resolvers, private networks.

YAML -> `KnownGood` lists; these, once -> `Listed`; a shape and a value -> whether it is
on a list, and on which.

Invariant: this is the one place that says what is listed. A clause asks it about the
value that the CSIRT wrote; a conversion only about the value that the recipient sees,
so that a flag tells nothing that the value does not.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from broker.model.incident import Shape

# The most frequent values of all, told without the cost of an address or URL object:
# an IPv4 address, and a URL whose host is a name.
_OCTET: Final = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4: Final = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}", re.ASCII)
_AT_A_NAME: Final = re.compile(r"[a-z]+://[A-Za-z0-9.-]*[A-Za-z](?=[/?#]|\Z)")
_BITS: Final = {4: 32, 6: 128}
_ADDRESS: Final = {4: IPv4Address, 6: IPv6Address}
LOOKED_UP: Final = frozenset({Shape.IP, Shape.DOMAIN, Shape.URL, Shape.HASH})
"""The shapes whose values can be on a list; no other value ever is."""

Network = Annotated[str, AfterValidator(lambda text: str(ip_network(text)))]
"""An IPv4 or IPv6 address or network, without bits beyond its prefix."""
HostName = Annotated[
    str, StringConstraints(pattern=r"^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*$", max_length=254)
]
"""A name in lower case; with a dot before it, all names beneath it as well."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32,128}$")]


class KnownGood(BaseModel):
    """One list: a finding on it is flagged and never matched automatically.

    Args:
        list: the name of the file.
        title: what an analyst reads beside a finding.
        source: where the list comes from, with its version or date.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    list: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    source: str = ""
    networks: tuple[Network, ...] = ()
    names: tuple[HostName, ...] = ()
    hashes: tuple[Digest, ...] = ()


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
        try:
            return self._title(shape, value)
        except ValueError:
            return ""

    def holds(self, shape: Shape, value: str) -> bool | None:
        """Say whether a value is on a list; None when it cannot be read as its shape.

        Whoever withholds by the answer takes None for both, so that no mistake shares.
        """
        try:
            return self._title(shape, value) != ""
        except ValueError:
            return None

    def edges(self, shape: Shape) -> Iterator[str]:
        """Yield values of a shape where the lists begin and end.

        Of any two values that the lists tell apart, these tell the same: every stretch
        of addresses, and every name, has one that begins it.
        """
        match shape:
            case Shape.IP:
                yield from self._addresses()
            case Shape.URL:
                for address in self._addresses():
                    host = f"[{address}]" if ":" in address else address
                    yield f"http://{host}/"
            case Shape.DOMAIN:
                for name in self._exact:
                    yield name.removeprefix(".")
                    yield f"besa-probe.{name.removeprefix('.')}"
            case Shape.HASH:
                yield from self._exact

    def _addresses(self) -> Iterator[str]:
        for version, by_length in self._networks.items():
            bits = _BITS[version]
            yield str(_ADDRESS[version](0))
            for length, networks in by_length.items():
                for first in networks:
                    for number in (first, first + 1):
                        start = number << bits - length
                        if start < 1 << bits:
                            yield str(_ADDRESS[version](start))

    def _title(self, shape: Shape, value: str) -> str:
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
        network = ip_network(value, strict=False)
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
        host = urlsplit(value).hostname or ""
        # A page on a well-known site can be a crime all the same: so names are not
        # looked up here, only addresses.
        last = host.rpartition(".")[2]
        return self._network(host) if last.isdigit() or ":" in host else ""


@lru_cache(maxsize=8)
def listed_in(lists: tuple[KnownGood, ...]) -> Listed:
    """Return lists ready to look values up; the same lists are prepared once."""
    return Listed(lists)


NO_LISTS: Final = Listed(())
"""No list at all: nothing is on one."""
