"""Pseudonym: the same value is always the same name, and only to this recipient.

HMAC-SHA-256 (RFC 2104) with the recipient's own key, so that no one without the key can
try values, and two recipients cannot compare what they hold.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from typing import Any, ClassVar, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options


class Pseudonym(Method):
    """The recipient can tell that two values are the same, and not what they are."""

    name: ClassVar = "pseudonym"
    accepts: ClassVar = frozenset(
        {
            Shape.NAME,
            Shape.TEXT,
            Shape.EMAIL,
            Shape.DOMAIN,
            Shape.ACCOUNT,
            Shape.PHONE,
        }
    )

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str:
        """Return ``p-`` and 16 letters: 80 bits of the value's HMAC."""
        # Case, blanks at the ends and the way an accent is typed do not make another
        # mailbox, name or account.
        apart = unicodedata.normalize("NFD", str(value).strip())
        plain = unicodedata.normalize("NFC", apart.casefold()).encode()
        digest = hmac.digest(key.pseudonyms, plain, "sha256")
        return "p-" + base64.b32encode(digest[:10]).decode().lower()

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """A pseudonym is a name of its own kind: no system may match it as a value."""
        return "pseudonym"
