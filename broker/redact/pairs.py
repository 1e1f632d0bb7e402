"""Which value each pseudonym of a redacted incident stands for.

`Redacted` + the fields that it was made from + the recipient's key -> `Pair`s. Nothing
here is part of redaction: it reads what the ledger says was done, and does it again,
for those who keep what a pseudonym can be looked up by (`broker.vault`).

Invariant: only what the ledger says became a pseudonym is in a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from broker.keys import RecipientKey
from broker.model.sharing import Redacted
from broker.redact.methods.method import Method
from broker.redact.methods.pseudonym import Pseudonym
from broker.redact.methods.pseudonym_ip import PseudonymIp

_METHODS: Final[Mapping[str, Method]] = {
    method.name: method for method in (Pseudonym(), PseudonymIp())
}


class Pair(NamedTuple):
    """A pseudonym, the value that it stands for, and the field where it was."""

    field: str
    pseudonym: str
    value: str


def pairs(
    redacted: Redacted, fields: Mapping[str, Any], key: RecipientKey
) -> Iterator[Pair]:
    """Yield each pseudonym of a redacted incident with its value.

    ``fields`` and ``key`` are those that it was redacted with.
    """
    for index, marks in redacted.marks:
        for path, outcome, _ in marks:
            method = _METHODS.get(outcome)
            if method is None:
                continue
            for value in _values(fields, path, index):
                pseudonym = method.apply(value, key)
                if pseudonym is not None:
                    yield Pair(path, pseudonym, str(value))


def _values(fields: Mapping[str, Any], path: str, index: int) -> list[Any]:
    """Return what stands at a path; ``index`` is that of the list it goes through."""
    found: Any = fields
    for step in path.split("."):
        many = step.endswith("[]")
        found = found[step.removesuffix("[]")]
        if many and index >= 0 and isinstance(found[0], dict):
            found = found[index]
    return found if isinstance(found, list) else [found]
