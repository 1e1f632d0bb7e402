"""Made-up incidents for measuring: like real ones, and no two alike.

A seed -> bytes of native incidents. Every name, address, time and text is new, so that
nothing that remembers values (a cache) can shine.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterator
from typing import Any, Final

# The guard holds what could be a payment card; chance makes one of some hashes.
_LONG_NUMBER: Final = re.compile(r"\d{13}")


class Inventor:
    """Invents values that were never seen before."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._count = 0

    def letters(self, length: int) -> str:
        """Return that many small letters."""
        return "".join(self.chance.choices(string.ascii_lowercase, k=length))

    def digits(self, length: int) -> str:
        """Return that many digits."""
        return "".join(self.chance.choices(string.digits, k=length))

    def name(self) -> str:
        """Return a first and a last name."""
        chance = self.chance
        return (
            f"{self.letters(chance.randrange(4, 8)).title()} "
            f"{self.letters(chance.randrange(6, 11)).title()}"
        )

    def words(self, count: int) -> str:
        """Return a text of that many words."""
        chance = self.chance
        return " ".join(self.letters(chance.randrange(2, 10)) for _ in range(count))

    def domain(self) -> str:
        """Return a domain name."""
        return f"{self.letters(self.chance.randrange(8, 16))}.example"

    def ipv4(self) -> str:
        """Return an address."""
        return ".".join(str(self.chance.randrange(1, 255)) for _ in range(4))

    def time(self, month: int = 5) -> str:
        """Return a moment in a month of 2026."""
        chance = self.chance
        return (
            f"2026-{month:02}-{chance.randrange(1, 29):02}"
            f"T{chance.randrange(24):02}:{chance.randrange(60):02}"
            f":{chance.randrange(60):02}Z"
        )

    def iban(self) -> str:
        """Return an account; its digits never happen to be a payment card's number."""
        while True:
            digits = self.digits(18)
            if not _luhn(digits):
                return f"XK{digits}"

    def sha256(self) -> str:
        """Return a hash; its digits never happen to be a payment card's number."""
        while True:
            made = f"{self.chance.getrandbits(256):064x}"
            if not _LONG_NUMBER.search(made):
                return made

    def uid(self) -> str:
        """Return the next case number."""
        self._count += 1
        return f"KOS-CERT-2026-{self._count:06}-{self.letters(3)}"


def _luhn(digits: str) -> bool:
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def phishing(new: Inventor, observables: int = 10) -> dict[str, Any]:
    """Return a serious phishing case that all three agreements share.

    It has ten observables, two victims, a reporter, evidence and a loss.
    """
    chance = new.chance
    return {
        "uid": new.uid(),
        "revision": 1,
        "revised_at": new.time(5),
        "title": f"Phishing against customers of {new.letters(9).title()}",
        "description": f"{new.words(40)}.",
        "language": "en",
        "classification": "fraud/phishing",
        "confidence": chance.randrange(50, 100),
        "severity": "high",
        "tlp": "amber",
        "pap": "amber",
        "times": {
            "occurred_from": new.time(2),
            "detected": new.time(3),
            "reported": new.time(4),
        },
        "reporter": {
            "name": new.name(),
            "organisation": f"Bank {new.letters(8).title()}",
            "contacts": {
                "email": f"{new.letters(9)}@{new.domain()}",
                "phone": f"+383 44 {new.digits(3)} {new.digits(3)}",
            },
        },
        "victims": [_person(new), _bank(new)],
        "observables": [_observable(new, place) for place in range(observables)],
        "evidence": [
            {
                "name": f"{new.letters(10)}.warc",
                "sha256": new.sha256(),
                "size": chance.randrange(10_000, 900_000),
                "media_type": "application/warc",
                "collected_at": new.time(4),
                "collected_by": new.name(),
                "kept_at": f"evidence store, shelf {new.letters(6)}",
            }
        ],
        "financial_loss": {
            "amount": f"{chance.randrange(1_000, 90_000)}.{new.digits(2)}",
            "currency": "EUR",
            "accounts": [new.iban()],
        },
    }


def _person(new: Inventor) -> dict[str, Any]:
    return {
        "kind": "person",
        "name": new.name(),
        "country": "XK",
        "consent": "unknown",
        "personal_number": new.digits(10),
        "contacts": {
            "email": f"{new.letters(8)}.{new.letters(8)}@{new.domain()}",
            "phone": f"+383 45 {new.digits(3)} {new.digits(3)}",
        },
    }


def _bank(new: Inventor) -> dict[str, Any]:
    return {
        "kind": "organisation",
        "name": f"Banka {new.letters(10).title()}",
        "sector": "banking",
        "country": "XK",
        "consent": "given",
        "contacts": {"email": f"{new.letters(8)}@{new.domain()}"},
    }


def _observable(new: Inventor, place: int) -> dict[str, Any]:
    """Return one of ten sorts of observables, in turn."""
    kind, value, role, to_ids = (
        ("url", f"https://{new.domain()}/login?id={new.digits(6)}", "attacker", True),
        ("domain", new.domain(), "attacker", True),
        ("ipv4", new.ipv4(), "attacker", True),
        ("ipv4", new.ipv4(), "infrastructure", True),
        ("ipv4", new.ipv4(), "victim", False),
        ("sha256", new.sha256(), "attacker", True),
        ("email", f"{new.letters(9)}@{new.domain()}", "attacker", False),
        ("iban", new.iban(), "attacker", False),
        ("domain", new.domain(), "infrastructure", True),
        ("phone", f"+383 49 {new.digits(3)} {new.digits(3)}", "attacker", False),
    )[place % 10]
    made = {
        "kind": kind,
        "value": value,
        "role": role,
        "to_ids": to_ids,
        "first_seen": new.time(3),
    }
    if place % 3 == 0:
        made["last_seen"] = new.time(4)
        made["comment"] = new.words(3)
    return made


def stream(seed: int, observables: int = 10) -> Iterator[bytes]:
    """Yield novel incidents without end."""
    new = Inventor(seed)
    while True:
        yield json.dumps(phishing(new, observables), ensure_ascii=False).encode()
