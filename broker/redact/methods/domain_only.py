"""Keep only the domain of an e-mail address or a URL."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options

_DOMAIN: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9-]{1,63})+"
)


class DomainOnly(Method):
    """The recipient learns at which domain, and not whose mailbox or which page."""

    name: ClassVar = "domain_only"
    accepts: ClassVar = frozenset({Shape.EMAIL, Shape.URL})

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str | None:  # noqa: ARG002
        """Return the domain in lower case; when it is not a plain one, nothing."""
        domain = _host(str(value))
        if domain is None or not _DOMAIN.fullmatch(domain) or _is_address(domain):
            return None
        return domain

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


def _is_address(domain: str) -> bool:
    try:
        ip_address(domain)
    except ValueError:
        return False
    return True
