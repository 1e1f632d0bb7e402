"""Looking up whom a pseudonym stands for: what is locked away, and what is a pseudonym.

`Deposit` goes from the consume zone into the store, and comes back out of it.

Invariant: it holds no value that can be read without the keys of the vault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as made
from datetime import timedelta
from typing import Final

_PSEUDONYM: Final = re.compile(
    r"p([1-9][0-9]{0,5})?-"
    r"([a-z2-7]{16}"
    r"|ip4-[0-9a-f]{2}(-[0-9a-f]{2}){3}(/[0-9]{1,2})?"
    r"|ip6-[0-9a-f]{4}(-[0-9a-f]{4}){7}(/[0-9]{1,3})?)"
)


@dataclass(frozen=True, slots=True)
class Deposit:
    """One value in the vault, encrypted, and where it is found.

    ``index`` is a keyed digest of the pseudonym, ``number`` says which of the vault's
    keys locked it, ``field`` where it was seen first, ``kept_for`` how long it is kept
    from now on.
    """

    recipient: str
    epoch: int
    index: str
    number: int
    field: str
    agreement: str
    kept_for: timedelta
    box: bytes = made(repr=False)


def epoch_asked(pseudonym: str) -> int | None:
    """Return the epoch of a pseudonym as a recipient received it; None if it is none.

    Stricter than `broker.redact.methods.pseudonym.epoch_of`, because a person types it:
    nothing but a whole pseudonym may end up in the register.
    """
    found = _PSEUDONYM.fullmatch(pseudonym)
    return int(found[1] or 1) if found else None
