"""Addresses of crypto currencies, by their check sums where they have one.

Bitcoin, Litecoin, Dogecoin, Tron: Base58Check (double SHA-256). Bitcoin and Litecoin
since: bech32 and bech32m (BIP 173, BIP 350). Ether: 40 hexadecimal digits after 0x.
Monero: 95 or 106 letters of base 58 that begin with 4 or 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector
from broker.redact.scrub.reading import Reading

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES58: Final = {letter: value for value, letter in enumerate(_BASE58)}
_CHECKED: Final = re.compile(r"(?<!\w)[13LMDT][1-9A-HJ-NP-Za-km-z]{24,34}(?!\w)")
_SEGWIT: Final = re.compile(r"(?<!\w)(bc|ltc|tb)1([02-9ac-hj-np-z]{38,90})(?!\w)")
_ETHER: Final = re.compile(r"(?<!\w)0[xX][0-9a-fA-F]{40}(?!\w)")
_MONERO: Final = re.compile(
    r"(?<!\w)[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?:[1-9A-HJ-NP-Za-km-z]{11})?(?!\w)"
)
_BECH32: Final = {c: v for v, c in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CONSTANTS: Final = (1, 0x2BC830A3)


class CryptoWallet(Detector):
    """A wallet: every payment to and from it is public."""

    name: ClassVar = "wallet"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every address whose check sum is right, or that has none."""
        for found in _CHECKED.finditer(reading.text):
            if _is_base58check(found[0]):
                yield found.span()
        for found in _SEGWIT.finditer(reading.lower):
            if _is_bech32(found[1], found[2]):
                yield found.span()
        for pattern in (_ETHER, _MONERO):
            for found in pattern.finditer(reading.text):
                yield found.span()


@lru_cache(maxsize=1024)
def _is_base58check(text: str) -> bool:
    number = 0
    for letter in text:
        number = number * 58 + _VALUES58[letter]
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return sha256(sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


@lru_cache(maxsize=1024)
def _is_bech32(prefix: str, data: str) -> bool:
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = 1
    for value in values + [_BECH32[letter] for letter in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check in _CONSTANTS
