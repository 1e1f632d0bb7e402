"""Pseudonym: the same value is always the same name, and only to this recipient.

HMAC-SHA-256 (RFC 2104) with the recipient's own key, so that no one without the key can
try values, and two recipients cannot compare what they hold.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar, Final, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options

_PREFIX: Final = re.compile(r"p([1-9][0-9]{0,5})?-")


def prefix(key: RecipientKey) -> str:
    """Return how every pseudonym of the key's epoch begins."""
    return "p-" if key.epoch == 1 else f"p{key.epoch}-"


def epoch_of(pseudonym: str) -> int | None:
    """Return in which epoch a pseudonym was made; None when it is no pseudonym."""
    found = _PREFIX.match(pseudonym)
    return int(found[1] or 1) if found else None


def stands_for(pseudonym: str, value: str, keys: Mapping[int, RecipientKey]) -> bool:
    """Say whether a pseudonym is that of a value, in the epoch that it names.

    ``keys`` are the recipient's keys by epoch. Where the epoch's secret is no longer
    kept, nobody can say, and the answer is no.
    """
    key = keys.get(epoch_of(pseudonym) or 0)
    if key is None:
        return False
    made = Pseudonym().apply(value, key)
    return hmac.compare_digest(made.encode(), pseudonym.encode())


# RFC 4648, 6, in small letters; two at a time, because these are half as many.
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(one + other for one in _ALPHABET for other in _ALPHABET)
_BLOCK: Final = 64  # bytes, of SHA-256


@lru_cache(maxsize=256)
def _states(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the two hashes of RFC 2104, 4, that the key alone has gone into."""
    padded = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return (
        sha256(bytes(byte ^ 0x36 for byte in padded)),
        sha256(bytes(byte ^ 0x5C for byte in padded)),
    )


def _letters(digest: bytes) -> str:
    """Return the first 80 bits of a digest as 16 letters and digits (base32)."""
    number = int.from_bytes(digest[:10], "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(70, -1, -10)])


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
    returns: ClassVar = Shape.NAME

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str:
        """Return ``p-`` and 16 letters: 80 bits of the value's HMAC.

        From the second epoch on, the epoch's number stands behind the ``p``.
        """
        # Case, blanks at the ends and the way an accent is typed do not make another
        # mailbox, name or account.
        apart = unicodedata.normalize("NFD", str(value).strip())
        plain = unicodedata.normalize("NFC", apart.casefold()).encode()
        inner, outer = _states(key.pseudonyms)
        within, around = inner.copy(), outer.copy()
        within.update(plain)
        around.update(within.digest())
        return prefix(key) + _letters(around.digest())

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """A pseudonym is a name of its own kind: no system may match it as a value."""
        return "pseudonym"
