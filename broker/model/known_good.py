"""Lists of what is probably nobody's crime: public resolvers, private networks.

YAML -> `KnownGood` lists. Nothing is looked up here; see `broker.convert.known_good`.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

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

    model_config = ConfigDict(frozen=True, extra="forbid")

    list: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    source: str = ""
    networks: tuple[Network, ...] = ()
    names: tuple[HostName, ...] = ()
    hashes: tuple[Digest, ...] = ()
