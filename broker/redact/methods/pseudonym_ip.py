"""A pseudonym for an IP address that keeps which addresses lie in one network.

Crypto-PAn (J. Xu, J. Fan, M. Ammar, S. Moon: Prefix-Preserving IP Address
Anonymization, ICNP 2002) with AES-128: two addresses that share their first n bits have
pseudonyms that share exactly their first n bits. The key follows from the recipient's
pseudonym key.

Who can make an incident hold addresses of their choice learns the pseudonyms of these,
and so the first bits of their neighbours': where that matters, use ``pseudonym`` on
names and ``withhold`` on addresses.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from ipaddress import ip_interface
from typing import Any, ClassVar, Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options
from broker.redact.methods.pseudonym import prefix

_BLOCK: Final = 16
_BITS: Final = 128


class PseudonymIp(Method):
    """The recipient can tell which addresses are one, or lie together."""

    name: ClassVar = "pseudonym_ip"
    accepts: ClassVar = frozenset({Shape.IP})
    returns: ClassVar = Shape.NAME

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str | None:
        """Return ``p-ip4-c0-a8-...``: written so that nothing takes it for an address.

        Of a network only its own bits are told, and its length.
        """
        try:
            interface = ip_interface(str(value).partition("%")[0])
        except ValueError:
            return None
        network = interface.network
        size = network.max_prefixlen
        raw = scrambled(_key(key.pseudonyms), int(network.network_address), size)
        host_bits = size - network.prefixlen
        digits = f"{raw >> host_bits << host_bits:0{size // 4}x}"
        step = 2 if size < _BITS else 4
        groups = "-".join(digits[i : i + step] for i in range(0, len(digits), step))
        tail = f"/{network.prefixlen}" if host_bits else ""
        return f"{prefix(key)}ip{network.version}-{groups}{tail}"

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """A pseudonym is a name of its own kind: no system may match it as a value."""
        return "pseudonym"


@lru_cache(maxsize=256)
def _key(pseudonyms: bytes) -> bytes:
    return hmac.digest(pseudonyms, b"besa/crypto-pan", "sha256")


def scrambled(key: bytes, address: int, bits: int) -> int:
    """Return the Crypto-PAn pseudonym of an address of 32 or 128 bits.

    ``key`` is 32 bytes: the AES key, and what the padding is made from.
    """
    cipher = Cipher(AES(key[:_BLOCK]), ECB()).encryptor()  # noqa: S305 - a PRF per block
    padding = int.from_bytes(cipher.update(key[_BLOCK:]), "big")
    whole = address << (_BITS - bits)
    # One block per bit: the bits before it, then the padding; all in one call.
    blocks = b"".join(
        (whole >> rest << rest | padding & ((1 << rest) - 1)).to_bytes(_BLOCK, "big")
        for rest in range(_BITS, _BITS - bits, -1)
    )
    mixed = cipher.update(blocks)
    mask = 0
    for place in range(0, len(mixed), _BLOCK):
        mask = mask << 1 | mixed[place] >> 7
    return address ^ mask
