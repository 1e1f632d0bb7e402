"""Keep only the domain of an e-mail address or a URL."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options

# The last label begins with a letter: "0x7f.0.0.1" and "192.168.1" are addresses to
# every program that opens URLs, and name one machine.
_DOMAIN: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_-]{1,63})*\.[a-z][a-z0-9-]{0,62}"
)


class DomainOnly(Method):
    """The recipient learns at which domain, and not whose mailbox or which page."""

    name: ClassVar = "domain_only"
    accepts: ClassVar = frozenset({Shape.EMAIL, Shape.URL})
    returns: ClassVar = Shape.DOMAIN

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str | None:  # noqa: ARG002
        """Return the domain in lower case; when it is not a plain one, nothing."""
        domain = _host(str(value))
        return domain if domain and _DOMAIN.fullmatch(domain) else None

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """What is left is a domain."""
        return "domain"


def _host(value: str) -> str | None:
    if "://" not in value:
        local, at, domain = value.rpartition("@")
        return domain.lower() if at and local else None
    try:
        return urlsplit(value).hostname
    except ValueError:
        return None
