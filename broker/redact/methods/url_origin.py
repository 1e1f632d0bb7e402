"""Keep only the origin of a URL: scheme, host and port.

RFC 6454, 4. What a link carries about a person stands in the user, the path, the query
and the fragment; all of them go.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options

_SCHEMES: Final = frozenset({"http", "https", "ftp", "ftps", "ws", "wss"})
_HOST: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_-]{1,63})*\.[a-z][a-z0-9-]{0,62}"
)
_STRANGE: Final = re.compile(r"[\s\\\x00-\x1f]")


class UrlOrigin(Method):
    """The recipient learns on which server, and not which page or whose."""

    name: ClassVar = "url_origin"
    accepts: ClassVar = frozenset({Shape.URL})

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str | None:  # noqa: ARG002
        """Return ``scheme://host:port``; what two programs may read apart, goes."""
        text = str(value).strip()
        # A backslash or a blank is where programs disagree on what the host is.
        if _STRANGE.search(text):
            return None
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        if parts.scheme not in _SCHEMES or not host:
            return None
        written = _host(host)
        if written is None:
            return None
        return f"{parts.scheme}://{written}{'' if port is None else f':{port}'}"


def _host(host: str) -> str | None:
    if _HOST.fullmatch(host):
        return host
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return f"[{address}]" if address.version == 6 else str(address)
